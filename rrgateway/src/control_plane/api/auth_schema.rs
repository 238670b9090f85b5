//! What `auth` of a credential may be, for the OpenAPI document.

use serde_json::{Map, Value, json};

use crate::control_plane::wire::answer;

/// The schema of `auth` in a credential.
pub(crate) fn auth() -> Value {
    let shown = [api_key(), bearer(), basic(), jwt()];
    let verified = [jwt_verify(), introspection(), mtls()];
    let fetched = [oauth2(), custom_token()];
    let signed = [aws(), hmac()];
    let rest = [custom(), one("none", "For upstreams that want nothing.", json!({}))];
    let all = shown.into_iter().chain(verified).chain(fetched).chain(signed).chain(rest);
    json!({"oneOf": all.collect::<Vec<_>>()})
}

/// The schema of `rebind` in a target or a proxy.
pub(crate) fn rebind() -> Value {
    json!({"type": ["object", "null"], "writeOnly": true, "required": ["credentialId", "auth"],
        "additionalProperties": false, "properties": {
            "credentialId": {"type": "string"},
            "auth": {"$ref": "#/components/schemas/Auth"}},
        "description": "Gives the secret of a target credential again, so that this write may send \
            it elsewhere. Its destinations become those in use after the write."})
}

/// The schema of a rotation.
pub(crate) fn rotation() -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": {
        "graceSeconds": {"type": "integer", "minimum": 0, "maximum": 2_592_000, "default": 0,
            "description": "How long the secret before is still good. Of credentials that callers \
                show, and shared secrets of `jwtVerify`."},
        "auth": {"type": "object", "description": "The new secret, as a member of auth; left out for \
            API keys of callers, which are generated then."}},
        "examples": [{"graceSeconds": 3600}]})
}

fn api_key() -> Value {
    one(
        "apiKey",
        "A key.",
        json!({
            "key": secret("Of a caller: at least 24 visible ASCII characters, or generated."),
            "in": {"enum": ["header", "query"], "default": "header", "description":
                "Only in credentials of kind target."},
            "name": {"type": "string", "default": "X-API-Key", "description":
                "The header, or the query parameter."},
            "prefix": prefix(),
        }),
    )
}

fn bearer() -> Value {
    one(
        "bearer",
        "A fixed token (RFC 6750).",
        json!({
            "token": secret("Of a caller: at least 24 visible ASCII characters."),
            "prefix": prefix(),
        }),
    )
}

fn basic() -> Value {
    one(
        "basicAuth",
        "A user name and a password (RFC 7617).",
        json!({
            "username": text("Required. No secret: it is answered."),
            "password": secret("Of a caller: 8 to 1024 bytes, of which an Argon2id hash is kept."),
        }),
    )
}

fn jwt() -> Value {
    one(
        "jwt",
        "A fixed JSON Web Token, compared and not verified.",
        json!({
            "token": secret("Three parts in base64url."),
            "prefix": prefix(),
        }),
    )
}

fn jwt_verify() -> Value {
    one(
        "jwtVerify",
        "Callers with tokens that an issuer has signed (RFC 7519). Only of kind proxy.",
        json!({
            "jwksUri": text("Where the issuer publishes its keys. One of jwksUri, jwks and \
                sharedSecret."),
            "jwks": {"type": "object", "description": "The keys themselves (RFC 7517)."},
            "sharedSecret": {"writeOnly": true, "oneOf": [
                {"type": "string", "minLength": 32},
                {"type": "object", "required": ["base64"], "properties": {"base64": {"type": "string"}}}],
                "description": "For HS256 and its like: a text of 32 bytes or more, or base64."},
            "issuer": text("Required: iss, exactly."),
            "audience": audience("Whom tokens must be for; once given, they must say."),
            "algorithms": {"type": "array", "minItems": 1, "items": {"enum": [
                "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
                "EdDSA", "Ed25519", "HS256", "HS384", "HS512"]}, "description": "Required."},
            "leewaySeconds": seconds(0, 600, Some(60), "By how much clocks may differ."),
            "requiredClaims": {"type": "object", "description":
                "Names of claims, each with a value or a list of which one; else 401."},
            "subjectPattern": maybe(text("A regular expression that sub must match; null: any.")),
            "maxLifetimeSeconds": maybe(seconds(1, CENTURY, None,
                "From iat to exp, at the most; null: any time.")),
            "jwksCooldownSeconds": seconds(1, 3_600, Some(30),
                "How long after one fetch an unknown key id may cause the next."),
            "jwksMaxStaleSeconds": seconds(0, CENTURY, Some(3_600),
                "For how long old keys serve while the server is down."),
            "allowPlaintext": plaintext(),
        }),
    )
}

fn introspection() -> Value {
    one(
        "introspection",
        "Callers with tokens that their issuer is asked about (RFC 7662). Only of \
        kind proxy.",
        json!({
            "introspectionUrl": text("Required."),
            "clientId": text("Required: as whom the issuer is asked."),
            "clientSecret": secret("Of that client."),
            "audience": audience("Whom tokens must be for."),
            "cacheSeconds": seconds(0, 3_600, Some(60), "How long an answer counts, at the most."),
            "allowPlaintext": plaintext(),
        }),
    )
}

fn mtls() -> Value {
    one(
        "mtls",
        "Callers with a client certificate that the listener has verified. Only of kind \
        proxy.",
        json!({
            "subjectPattern": text("Required: a regular expression that a name of the certificate must \
                match as a whole: its SPIFFE id, else its alternative names, else its subject."),
        }),
    )
}

fn oauth2() -> Value {
    one(
        "oauth2",
        "Tokens that are fetched (RFC 6749). Only of kind target.",
        json!({
            "flow": {"enum": ["client_credentials", "authorization_code"], "description":
                "Required. authorization_code: with a refresh token that somebody has consented to."},
            "tokenUrl": text("Required."),
            "authorizeUrl": maybe(text("Where consent is given.")),
            "clientId": text("Required."),
            "clientSecret": secret("Of that client."),
            "refreshToken": secret("For authorization_code."),
            "clientAuth": {"enum": ["basic", "post"], "default": "basic"},
            "scopes": texts("What the token should grant."),
            "audience": maybe(text("Whom it is for.")),
            "allowPlaintext": plaintext(),
        }),
    )
}

fn custom_token() -> Value {
    one(
        "customToken",
        "Tokens that are fetched in a vendor's own way. Only of kind target.",
        json!({
            "request": {"type": "object", "required": ["url"], "additionalProperties": false,
                "properties": {
                    "method": {"enum": ["GET", "POST", "PUT"], "default": "POST"},
                    "url": {"type": "string"},
                    "headers": secret_headers("Of the request."),
                    "body": {"type": ["string", "null"], "writeOnly": true, "maxLength": 8192},
                    "hasBody": {"type": "boolean", "readOnly": true}},
                "description": "Required. Headers and body are the secret: answers show the names of \
                    the headers, and whether there is a body."},
            "tokenPath": text("Required: where in the answer the token is, as a JSONPath to one value."),
            "ttlSeconds": maybe(seconds(1, YEAR, None,
                "How long a token can be used. This or expiresPath.")),
            "expiresPath": maybe(text("Where in the answer that is.")),
            "present": {"type": "object", "additionalProperties": false, "properties": {
                "in": {"enum": ["header", "query"], "default": "header"},
                "name": {"type": "string", "default": "Authorization"},
                "prefix": {"type": "string", "default": "Bearer "}}},
            "allowPlaintext": plaintext(),
        }),
    )
}

fn aws() -> Value {
    one(
        "awsSigV4",
        "Requests signed as AWS wants it (Signature Version 4). Only of kind target.",
        json!({
            "accessKeyId": text("Required. No secret: it is answered."),
            "secretAccessKey": secret("Of that key."),
            "sessionToken": secret("Of temporary credentials."),
            "service": text("Required, such as s3."),
            "awsRegion": text("Required, such as eu-central-1."),
        }),
    )
}

fn hmac() -> Value {
    one(
        "hmac",
        "Requests signed with HMAC-SHA-256 (RFC 9421). Only of kind target.",
        json!({
            "keyId": text("Required. No secret: it is answered."),
            "key": {"writeOnly": true, "oneOf": [
                {"type": "string", "minLength": 16},
                {"type": "object", "required": ["base64"], "properties": {"base64": {"type": "string"}}}]},
            "components": texts("What is signed: by default @method and @target-uri."),
        }),
    )
}

fn custom() -> Value {
    one(
        "custom",
        "Several headers. Only of kind target.",
        json!({
            "headers": secret_headers("Given, it takes the place of all before."),
        }),
    )
}

fn one(kind: &str, what: &str, properties: Value) -> Value {
    let kind = Map::from_iter([("const".to_owned(), kind.into())]);
    json!({
        "type": "object",
        "description": what,
        "required": ["type"],
        "additionalProperties": false,
        "properties": answer::with(properties, [("type", Value::Object(kind))]),
    })
}

fn secret(what: &str) -> Value {
    let what = format!("{what} Left out on PUT, the one before stays.");
    json!({"type": "string", "writeOnly": true, "description": what})
}

// What is written, and what is answered of it.
fn secret_headers(what: &str) -> Value {
    let what =
        format!("{what} Written as an object; values are secret, and answers list the names.");
    json!({"description": what, "oneOf": [
        {"type": "object", "writeOnly": true, "maxProperties": MOST_HEADERS,
            "additionalProperties": {"type": "string"}},
        {"type": "array", "readOnly": true, "items": {"type": "string"}}]})
}

// What is answered as null where it is not given.
fn maybe(schema: Value) -> Value {
    let kind = schema.get("type").cloned().unwrap_or_default();
    answer::with(schema, [("type", json!([kind, "null"]))])
}

fn text(what: &str) -> Value {
    json!({"type": "string", "description": what})
}

fn texts(what: &str) -> Value {
    json!({"type": ["array", "string"], "items": {"type": "string"}, "description": what})
}

// Left out, or somebody.
fn audience(what: &str) -> Value {
    json!({"type": ["array", "string", "null"], "items": {"type": "string"}, "minItems": 1,
        "description": what})
}

fn seconds(least: u64, most: u64, default: Option<u64>, what: &str) -> Value {
    let range = json!({"type": "integer", "minimum": least, "maximum": most, "description": what});
    answer::with(range, default.map(|it| ("default", it.into())))
}

fn prefix() -> Value {
    json!({"type": "string", "maxLength": 64, "description":
        "What stands before the secret in a header."})
}

fn plaintext() -> Value {
    json!({"type": "boolean", "default": false, "description":
        "Whether the URL may be plain http: the secret is then read by whoever is on the way."})
}

const MOST_HEADERS: usize = 20;
const YEAR: u64 = 366 * 24 * 3_600;
const CENTURY: u64 = 100 * YEAR;
