//! What is wrong with `auth` is told by pointer, and without the secret.

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn what_is_wrong_with_auth_is_told_by_pointer() {
    let world = World::new().await;
    for (number, (base, change, pointers)) in WRONG.iter().enumerate() {
        let (kind, mut auth) = right(base);
        let change = change.replace("LONG", &"canary".repeat(2_000));
        let nested = format!("{}a{}", "(".repeat(60), ")".repeat(60));
        let change = change.replace("NESTED", &nested);
        merge(&mut auth, &serde_json::from_str(&change).unwrap());
        let document = json!({"name": number.to_string(), "kind": kind, "auth": auth});
        let answer = world.post("credentials", document).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{base} {change}");
        let errors = answer.json["errors"].as_array().unwrap();
        let said: Vec<_> = errors.iter().map(|it| it["pointer"].as_str().unwrap()).collect();
        assert_eq!(said.join(" "), *pointers, "{base} {change}");
        assert!(!answer.text.contains("canary") && !answer.text.contains("Y2FuYXJ5"), "{change}");
    }
}

// What the changes are made to cannot be what is wrong.
#[tokio::test]
async fn what_is_right_is_taken() {
    let world = World::new().await;
    for (number, base) in BASES.iter().enumerate() {
        let (kind, auth) = right(base.0);
        let document = json!({"name": number.to_string(), "kind": kind, "auth": auth});
        let answer = world.post("credentials", document).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{auth}: {}", answer.text);
    }
}

#[tokio::test]
async fn what_callers_show_is_not_what_upstreams_are_shown() {
    let world = World::new().await;
    let only = |kind: &'static str| {
        let both = ["apiKey", "bearer", "basicAuth", "jwt"];
        let types = BASES.iter().filter(move |it| it.1 == kind).map(|it| right(it.0).1);
        types.filter(move |it| !both.contains(&it["type"].as_str().unwrap()))
    };
    for (kind, other) in [("proxy", "target"), ("target", "proxy")] {
        let mut count = 0;
        for auth in only(other) {
            let document = json!({"name": "c", "kind": kind, "auth": auth});
            world.refuses("credentials", document, &["/auth/type"]).await;
            count += 1;
        }
        assert!(count > 2, "{kind}");
    }
}

#[tokio::test]
async fn the_key_of_a_caller_is_in_no_header_that_requests_have_anyway() {
    let world = World::new().await;
    for name in ["Cookie", "User-Agent", "content-type", "If-None-Match", "X-Forwarded-For"] {
        let auth = json!({"type": "apiKey", "name": name});
        let document = json!({"name": "c", "kind": "proxy", "auth": auth});
        let answer = world.post("credentials", document).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert_eq!(answer.json["errors"][0]["pointer"], "/auth/name", "{name}");
        assert!(answer.text.contains("ordinary requests have this header"), "{}", answer.text);
    }
    for (name, kind) in [("Cookie", "target"), ("X-Cookie", "proxy"), ("Authorization", "proxy")] {
        let auth = json!({"type": "apiKey", "name": name, "key": format!("{name:k>24}")});
        let document = json!({"name": format!("{kind} {name}"), "kind": kind, "auth": auth});
        let answer = world.post("credentials", document).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{name}: {}", answer.text);
    }
}

/// Who shows what is called `base`, and what of it is right.
fn right(base: &str) -> (&'static str, Value) {
    let (_, kind, auth) = BASES.iter().find(|it| it.0 == base).unwrap();
    (kind, serde_json::from_str(auth).unwrap())
}

// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(members) = patch else { return target.clone_from(patch) };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in members {
        match value {
            Value::Null => drop(target.as_object_mut().unwrap().remove(name)),
            value => merge(&mut target[name], value),
        }
    }
}

const BASES: [(&str, &str, &str); 15] = [
    ("key", "proxy", r#"{"type": "apiKey", "key": "canary-canary-canary-canary"}"#),
    ("token", "proxy", r#"{"type": "bearer", "token": "canary.canary-canary-canary"}"#),
    ("basic", "proxy", r#"{"type": "basicAuth", "username": "a", "password": "canary-canary"}"#),
    ("jwt", "proxy", r#"{"type": "jwt", "token": "eyJhbGciOiJFUzI1NiJ9.e30.canary-canary-xx"}"#),
    (
        "verify",
        "proxy",
        r#"{"type": "jwtVerify", "issuer": "i", "algorithms": ["ES256"],
            "jwksUri": "https://i.example/k"}"#,
    ),
    (
        "inline",
        "proxy",
        r#"{"type": "jwtVerify", "issuer": "i", "algorithms": ["EdDSA"], "jwks": {"keys": [
            {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}}"#,
    ),
    (
        "shared",
        "proxy",
        r#"{"type": "jwtVerify", "issuer": "i", "algorithms": ["HS256"],
            "sharedSecret": "canary-canary-canary-canary-canary"}"#,
    ),
    (
        "asked",
        "proxy",
        r#"{"type": "introspection", "introspectionUrl": "https://a.example/i", "clientId": "c",
            "clientSecret": "canary"}"#,
    ),
    ("mtls", "proxy", r#"{"type": "mtls", "subjectPattern": "^a"}"#),
    (
        "oauth2",
        "target",
        r#"{"type": "oauth2", "flow": "client_credentials", "clientId": "c",
            "tokenUrl": "https://a.example/t", "clientSecret": "canary"}"#,
    ),
    (
        "custom",
        "target",
        r#"{"type": "customToken", "tokenPath": "$.t", "ttlSeconds": 60,
            "request": {"url": "https://a.example/t", "body": "canary"}}"#,
    ),
    (
        "aws",
        "target",
        r#"{"type": "awsSigV4", "accessKeyId": "A", "service": "s3", "awsRegion": "r",
            "secretAccessKey": "canary"}"#,
    ),
    ("hmac", "target", r#"{"type": "hmac", "keyId": "k", "key": "canary-canary-canary"}"#),
    ("none", "target", r#"{"type": "none"}"#),
    ("query", "target", r#"{"type": "apiKey", "key": "canary", "in": "query", "name": "k"}"#),
];

/// What is changed in which of the right ones, and where the error is.
const WRONG: [(&str, &str, &str); 118] = [
    ("key", r#"{"type": null}"#, "/auth/type"),
    ("key", r#"{"type": "apikey"}"#, "/auth/type"),
    ("key", r#"{"in": "query"}"#, "/auth/in"),
    ("key", r#""canary""#, "/auth"),
    ("token", r#"{"token": null}"#, "/auth/token"),
    ("token", r#"{"prefix": "t "}"#, "/auth/prefix"),
    ("jwt", r#"{"token": null}"#, "/auth/token"),
    ("jwt", r#"{"token": "canary-canary.canary-canary.canary-canary"}"#, "/auth/token"),
    ("jwt", r#"{"token": "canary-canary-canary-canary"}"#, "/auth/token"),
    ("basic", r#"{"password": null}"#, "/auth/password"),
    ("basic", r#"{"password": "canary"}"#, "/auth/password"),
    ("basic", r#"{"username": "a:b"}"#, "/auth/username"),
    ("verify", r#"{"jwksUri": null}"#, "/auth/algorithms"),
    ("shared", r#"{"sharedSecret": null}"#, "/auth/sharedSecret"),
    ("shared", r#"{"algorithms": ["HS512"]}"#, "/auth/algorithms"),
    ("verify", r#"{"algorithms": ["ES256", "HS256"]}"#, "/auth/algorithms"),
    ("shared", r#"{"sharedSecret": "canary"}"#, "/auth/sharedSecret"),
    ("shared", r#"{"sharedSecret": {"base64": "Y2FuYXJ5"}}"#, "/auth/sharedSecret/base64"),
    ("shared", r#"{"sharedSecret": {"base64": "%%"}}"#, "/auth/sharedSecret/base64"),
    ("shared", r#"{"jwksUri": "https://i.example/k"}"#, "/auth/jwksUri /auth/algorithms"),
    ("verify", r#"{"jwks": {"keys": []}}"#, "/auth/jwksUri /auth/jwks"),
    ("verify", r#"{"jwksUri": "http://i.example/k"}"#, "/auth/jwksUri"),
    ("verify", r#"{"jwksUri": "https://169.254.169.254/k"}"#, "/auth/jwksUri"),
    ("verify", r#"{"jwksUri": "file:///k"}"#, "/auth/jwksUri"),
    ("verify", r#"{"algorithms": []}"#, "/auth/algorithms"),
    ("verify", r#"{"algorithms": null}"#, "/auth/algorithms"),
    ("verify", r#"{"algorithms": "ES256"}"#, "/auth/algorithms"),
    ("verify", r#"{"algorithms": ["none"]}"#, "/auth/algorithms/0"),
    ("verify", r#"{"algorithms": ["ES256", "None"]}"#, "/auth/algorithms/1"),
    ("verify", r#"{"algorithms": ["ES256K"]}"#, "/auth/algorithms/0"),
    ("verify", r#"{"issuer": null}"#, "/auth/issuer"),
    ("verify", r#"{"leewaySeconds": 601}"#, "/auth/leewaySeconds"),
    ("verify", r#"{"subjectPattern": "("}"#, "/auth/subjectPattern"),
    ("verify", r#"{"subjectPattern": "NESTED"}"#, "/auth/subjectPattern"),
    ("verify", r#"{"requiredClaims": {"a": {}}}"#, "/auth/requiredClaims/a"),
    ("verify", r#"{"requiredClaims": {"a": []}}"#, "/auth/requiredClaims/a"),
    ("verify", r#"{"requiredClaims": {"a": 18446744073709551616}}"#, "/auth/requiredClaims/a"),
    ("verify", r#"{"requiredClaims": {"a": [1, 1e17]}}"#, "/auth/requiredClaims/a"),
    ("verify", r#"{"audience": []}"#, "/auth/audience"),
    ("verify", r#"{"jwksCooldownSeconds": 0}"#, "/auth/jwksCooldownSeconds"),
    (
        "inline",
        r#"{"jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "d": "canary"}]}}"#,
        "/auth/jwks/keys/0",
    ),
    (
        "inline",
        r#"{"jwks": {"keys": [{"kty": "oct", "k": "Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LWNhbmFyeQ"}]}}"#,
        "/auth/jwks/keys/0",
    ),
    (
        "inline",
        r#"{"jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}, {"kty": "oct", "k": "canary"}]}}"#,
        "/auth/jwks/keys/1",
    ),
    (
        "inline",
        r#"{"jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}, {"kty": "new", "priv": "canary"}]}}"#,
        "/auth/jwks/keys/1",
    ),
    ("inline", r#"{"jwks": {"keys": []}}"#, "/auth/jwks"),
    ("inline", r#"{"jwks": "canary"}"#, "/auth/jwks"),
    ("asked", r#"{"introspectionUrl": "http://a.example/i"}"#, "/auth/introspectionUrl"),
    ("asked", r#"{"introspectionUrl": "https://10.0.0.1/i"}"#, "/auth/introspectionUrl"),
    ("asked", r#"{"introspectionUrl": "https://a.example/i#f"}"#, "/auth/introspectionUrl"),
    ("asked", r#"{"introspectionUrl": "https://u:canary@a.example/i"}"#, "/auth/introspectionUrl"),
    ("asked", r#"{"clientSecret": null}"#, "/auth/clientSecret"),
    ("asked", r#"{"clientId": null}"#, "/auth/clientId"),
    ("mtls", r#"{"subjectPattern": null}"#, "/auth/subjectPattern"),
    ("mtls", r#"{"subjectPattern": "["}"#, "/auth/subjectPattern"),
    ("mtls", r#"{"secret": "canary"}"#, "/auth/secret"),
    ("oauth2", r#"{"flow": "implicit"}"#, "/auth/flow"),
    ("oauth2", r#"{"flow": null}"#, "/auth/flow"),
    ("oauth2", r#"{"clientSecret": null}"#, "/auth/clientSecret"),
    ("oauth2", r#"{"refreshToken": "canary"}"#, "/auth/refreshToken"),
    ("oauth2", r#"{"flow": "authorization_code"}"#, "/auth/refreshToken"),
    ("oauth2", r#"{"clientId": "é ü"}"#, "/auth/clientId"),
    ("oauth2", r#"{"tokenUrl": "https://a.example/t?a=1#f"}"#, "/auth/tokenUrl"),
    ("oauth2", r#"{"tokenUrl": "http://a.example/t"}"#, "/auth/tokenUrl"),
    ("oauth2", r#"{"tokenUrl": "ftp://a.example/t"}"#, "/auth/tokenUrl"),
    ("oauth2", r#"{"tokenUrl": "https://127.0.0.1/t"}"#, "/auth/tokenUrl"),
    ("oauth2", r#"{"tokenUrl": "https://[::1]/t"}"#, "/auth/tokenUrl"),
    ("oauth2", r#"{"tokenUrl": "https://localhost./t"}"#, "/auth/tokenUrl"),
    ("oauth2", r#"{"tokenUrl": "https://0x7f.1/t"}"#, "/auth/tokenUrl"),
    ("oauth2", r#"{"tokenUrl": "https://[::ffff:7f00:1]/t"}"#, "/auth/tokenUrl"),
    ("oauth2", r#"{"tokenUrl": "https://u:canary@a.example/t"}"#, "/auth/tokenUrl"),
    ("oauth2", r#"{"authorizeUrl": "http://a.example/a"}"#, "/auth/authorizeUrl"),
    ("oauth2", r#"{"clientAuth": "tls"}"#, "/auth/clientAuth"),
    ("oauth2", r#"{"scopes": ["a b"]}"#, "/auth/scopes/0"),
    ("oauth2", r#"{"scopes": ["a", "a"]}"#, "/auth/scopes/1"),
    ("oauth2", r#"{"clientSecret": "canary\u0000"}"#, "/auth/clientSecret"),
    ("oauth2", r#"{"pkce": true}"#, "/auth/pkce"),
    ("custom", r#"{"tokenPath": "t["}"#, "/auth/tokenPath"),
    ("custom", r#"{"tokenPath": "$.a[*]"}"#, "/auth/tokenPath"),
    ("custom", r#"{"tokenPath": "$"}"#, "/auth/tokenPath"),
    ("custom", r#"{"tokenPath": "$[0].t"}"#, "/auth/tokenPath"),
    ("custom", r#"{"expiresPath": "$[0]", "ttlSeconds": null}"#, "/auth/expiresPath"),
    ("custom", r#"{"expiresPath": "$.e"}"#, "/auth/ttlSeconds"),
    ("custom", r#"{"ttlSeconds": null}"#, "/auth/ttlSeconds"),
    ("custom", r#"{"ttlSeconds": 0}"#, "/auth/ttlSeconds"),
    ("custom", r#"{"request": null}"#, "/auth/request"),
    ("custom", r#"{"request": {"method": "DELETE"}}"#, "/auth/request/method"),
    ("custom", r#"{"request": {"url": "http://a.example/t"}}"#, "/auth/request/url"),
    ("custom", r#"{"request": {"url": "https://100.64.0.1/t"}}"#, "/auth/request/url"),
    ("custom", r#"{"request": {"url": "https://a.example/t?a=1#f"}}"#, "/auth/request/url"),
    ("custom", r#"{"request": {"headers": {"host": "canary"}}}"#, "/auth/request/headers/host"),
    ("custom", r#"{"request": {"headers": {"a": "canary\n"}}}"#, "/auth/request/headers/a"),
    ("custom", r#"{"request": {"body": "LONG"}}"#, "/auth/request/body"),
    ("custom", r#"{"request": {"auth": "canary"}}"#, "/auth/request/auth"),
    ("custom", r#"{"present": {"in": "cookie"}}"#, "/auth/present/in"),
    ("custom", r#"{"present": {"in": "query"}}"#, "/auth/present/name"),
    (
        "custom",
        r#"{"present": {"in": "query", "name": "t", "prefix": "t "}}"#,
        "/auth/present/prefix",
    ),
    ("custom", r#"{"present": {"name": "connection"}}"#, "/auth/present/name"),
    ("aws", r#"{"secretAccessKey": null}"#, "/auth/secretAccessKey"),
    ("aws", r#"{"secretAccessKey": null, "sessionToken": "canary"}"#, "/auth/secretAccessKey"),
    ("aws", r#"{"accessKeyId": "a/b"}"#, "/auth/accessKeyId"),
    ("aws", r#"{"accessKeyId": "AK=ID"}"#, "/auth/accessKeyId"),
    ("aws", r#"{"secretAccessKey": "canary canary"}"#, "/auth/secretAccessKey"),
    ("aws", r#"{"sessionToken": "canary canary"}"#, "/auth/sessionToken"),
    ("aws", r#"{"awsRegion": "a:b", "service": "a;b"}"#, "/auth/service /auth/awsRegion"),
    ("aws", r#"{"awsRegion": "a=b"}"#, "/auth/awsRegion"),
    ("aws", r#"{"awsRegion": "*"}"#, "/auth/awsRegion"),
    ("aws", r#"{"service": "s3*"}"#, "/auth/service"),
    ("aws", r#"{"service": ""}"#, "/auth/service"),
    ("aws", r#"{"awsRegion": null}"#, "/auth/awsRegion"),
    ("hmac", r#"{"key": "canary"}"#, "/auth/key"),
    ("hmac", r#"{"key": null}"#, "/auth/key"),
    ("hmac", r#"{"keyId": "\""}"#, "/auth/keyId"),
    ("hmac", r#"{"components": ["@unknown"]}"#, "/auth/components"),
    ("hmac", r#"{"components": ["@method", "@method"]}"#, "/auth/components"),
    ("none", r#"{"token": "canary"}"#, "/auth/token"),
    ("query", r#"{"name": null}"#, "/auth/name"),
    ("query", r#"{"prefix": "k "}"#, "/auth/prefix"),
    ("query", r#"{"in": "header", "name": "rr-key"}"#, "/auth/name"),
];
