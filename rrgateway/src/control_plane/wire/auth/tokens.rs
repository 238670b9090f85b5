//! Callers whose tokens are verified, by us or by their issuer; and those with a certificate.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rrauth::{JwkSet, JwtAlgorithm, JwtPolicy};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::control_plane::wire::auth::form::{Auth, Read};
use crate::control_plane::wire::auth::names::{plaintext, url};
use crate::control_plane::wire::auth::parts::{Introspection, JwtVerify, Keys};
use crate::control_plane::wire::fields::{Fields, Flaw, Node};
use crate::control_plane::wire::secret;
use crate::model::EgressPolicy;

pub(super) fn jwt_verify(fields: &mut Fields<'_>, egress: &EgressPolicy) -> Option<Read> {
    let given = ["jwksUri", "jwks", "sharedSecret"].map(|it| fields.has(it));
    if given.iter().filter(|it| **it).count() > 1 {
        fields.flaw::<()>("jwksUri", "give one of jwksUri, jwks and sharedSecret");
    }
    let plaintext = plaintext(fields);
    let jwks_uri =
        fields.optional("jwksUri", |it| url(it, plaintext.unwrap_or(true), true, egress));
    let jwks = fields.optional("jwks", |it| it.json(key_set));
    let secret = fields.optional("sharedSecret", shared_secret);
    let issuer = fields.required("issuer", |it| it.text(1..=512));
    let audience = audience(fields);
    let algorithms = fields.required("algorithms", |it| it.list(MOST, algorithm));
    if algorithms.as_ref().is_some_and(Vec::is_empty) {
        fields.flaw::<()>("algorithms", "name at least one");
    }
    let leeway = fields.or("leewaySeconds", 60, |it| it.integer(0..=600));
    let claims = fields.or("requiredClaims", Map::new(), claims);
    let subject = fields.optional("subjectPattern", pattern);
    let lifetime = fields.optional("maxLifetimeSeconds", |it| it.integer(1..=MOST_SECONDS));
    let cooldown = fields.or("jwksCooldownSeconds", 30, |it| it.integer(1..=3_600));
    let stale = fields.or("jwksMaxStaleSeconds", 3_600, |it| it.integer(0..=MOST_SECONDS));
    let secret = secret?;
    let verify = JwtVerify {
        jwks_uri: jwks_uri?,
        jwks: jwks?,
        issuer: issuer?,
        audience: audience?,
        algorithms: algorithms?,
        leeway_seconds: leeway?,
        required_claims: claims?,
        subject_pattern: subject?,
        max_lifetime_seconds: lifetime?,
        jwks_cooldown_seconds: cooldown?,
        jwks_max_stale_seconds: stale?,
        allow_plaintext: plaintext?,
    };
    match unfit(&verify, secret.as_deref().map(String::as_str)) {
        Some(why) => fields.flaw("algorithms", why),
        None => Some((Auth::JwtVerify(verify), secret)),
    }
}

// Why its tokens cannot be verified with its keys, as the data plane would find when it is too late
// to say so.
fn unfit(it: &JwtVerify, secret: Option<&str>) -> Option<String> {
    let algorithms: Vec<JwtAlgorithm> =
        it.algorithms.iter().filter_map(|it| it.parse().ok()).collect();
    let mut symmetric = algorithms.iter().filter(|it| it.is_symmetric());
    let keys = match (it.keys(), secret) {
        (Keys::Fetched(_), _) => {
            let symmetric = symmetric.next()?;
            return Some(format!("{symmetric} is symmetric, and its keys are not published"));
        }
        (Keys::Inline(set), _) => JwkSet::parse_public(&serde_json::to_vec(set).ok()?).ok()?,
        (Keys::Shared, Some(text)) => {
            JwkSet::shared_secret(&Zeroizing::new(STANDARD.decode(text).ok()?)).ok()?
        }
        // The stored one stays, and only the vault knows how long it is.
        (Keys::Shared, None) if symmetric.next().is_some() => return None,
        (Keys::Shared, None) => return Some(NO_KEYS.to_owned()),
    };
    if let (Keys::Inline(_), Some(useless)) = (it.keys(), symmetric.clone().next()) {
        return Some(format!("{useless} is symmetric, and jwks has public keys"));
    }
    if let Some(useless) = symmetric.find(|it| !keys.fits(**it)) {
        return Some(format!("no key is long enough for {useless}, or symmetric at all"));
    }
    let fits = algorithms.iter().any(|it| keys.fits(*it));
    (!fits).then(|| NO_KEY.to_owned())
}

pub(super) fn introspection(fields: &mut Fields<'_>, egress: &EgressPolicy) -> Option<Read> {
    let secret = fields.optional("clientSecret", secret::client_secret);
    let plaintext = plaintext(fields);
    let introspection_url =
        fields.required("introspectionUrl", |it| url(it, plaintext.unwrap_or(true), true, egress));
    let client_id = fields.required("clientId", |it| it.text(1..=256));
    let audience = audience(fields);
    let cache = fields.or("cacheSeconds", 60, |it| it.integer(0..=3_600));
    let auth = Auth::Introspection(Introspection {
        introspection_url: introspection_url?,
        client_id: client_id?,
        audience: audience?,
        cache_seconds: cache?,
        allow_plaintext: plaintext?,
    });
    Some((auth, secret?))
}

pub(super) fn mtls(fields: &mut Fields<'_>, _: &EgressPolicy) -> Option<Read> {
    let subject_pattern = fields.required("subjectPattern", |it| {
        it.parsed(1..=1_024, |text| {
            // Whose it is does not matter: it is the pattern that may be wrong.
            let anybody = rrauth::Credential::new("", "", rrauth::Kind::Mtls, ());
            rrauth::CertificateRule::new(&text, anybody).map(|_| text.to_string())
        })
    })?;
    Some((Auth::Mtls { subject_pattern }, None))
}

/// Names of claims, each with a value or a list of which one is asked for.
pub(crate) fn claims(node: Node<'_>) -> Option<Map<String, Value>> {
    if node.is_empty_object() {
        return Some(Map::new());
    }
    let claims = node.table(MOST, |name, node| {
        let value = node.json(|it| match it {
            Value::Array(list) if list.is_empty() => {
                Err(Flaw::new("", "expected at least one value"))
            }
            Value::Array(list) if list.len() <= MOST && list.iter().all(is_scalar) => Ok(()),
            other if is_scalar(other) => Ok(()),
            _ => Err(Flaw::new(
                "",
                "expected a text, a number of 64 bits, true, false, or a list of them",
            )),
        })?;
        Some((name.to_owned(), value))
    })?;
    Some(claims.into_iter().collect())
}

fn is_scalar(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= 1_024,
        // Beyond 64 bits, nobody could tell it from its neighbours.
        Value::Number(it) => it.is_u64() || it.is_i64() || it.as_f64().is_some_and(is_exact),
        Value::Bool(_) => true,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

fn is_exact(number: f64) -> bool {
    number.fract() != 0.0 || number.abs() <= 9_007_199_254_740_992.0
}

// Whom tokens must be for; none where that is left out, and then only.
fn audience(fields: &mut Fields<'_>) -> Option<Vec<String>> {
    let is_given = fields.has("audience");
    let audience = fields.or("audience", Vec::new(), texts)?;
    if is_given && audience.is_empty() {
        return fields.flaw("audience", "name at least one, or leave it out: any will do then");
    }
    Some(audience)
}

// One text, or a list of them.
fn texts(node: Node<'_>) -> Option<Vec<String>> {
    if node.is_text() {
        return Some(vec![node.text(1..=512)?]);
    }
    node.list(MOST, |it| it.text(1..=512))
}

fn algorithm(node: Node<'_>) -> Option<String> {
    let words = ALGORITHMS.map(|it| (it, it));
    node.word(&words).map(str::to_owned)
}

fn pattern(node: Node<'_>) -> Option<String> {
    node.parsed(1..=1_024, |text| {
        // Of a policy that is right but for the pattern, perhaps.
        let policy = JwtPolicy::builder("any").algorithms([JwtAlgorithm::Es256]);
        match policy.subject_pattern(text.as_str()).build() {
            Err(why) if why.field() == "subject_pattern" => {
                Err(format!("this is not a pattern that can be used: {why}"))
            }
            Ok(_) | Err(_) => Ok(text.to_string()),
        }
    })
}

fn key_set(value: &Value) -> Result<(), Flaw> {
    // It is shown to everybody who may read, as any key set is to anybody.
    let mut keys = value.get("keys").and_then(Value::as_array).into_iter().flatten();
    let is_secret = |key: &Value| SECRET_MEMBERS.iter().any(|it| key.get(it).is_some());
    if let Some(index) = keys.position(is_secret) {
        let why = "this is a secret, and only public keys stand here: what is symmetric goes into \
                   sharedSecret";
        return Err(Flaw::new(format!("/keys/{index}"), why));
    }
    let text = serde_json::to_vec(value).unwrap_or_default();
    let keys = JwkSet::parse_public(&text).map_err(|it| Flaw::new("", it.to_string()))?;
    if keys.len() == 0 {
        return Err(Flaw::new("/keys", "there is no key in here that tokens can be verified with"));
    }
    Ok(())
}

// As base64: any bytes may be a key.
fn shared_secret(node: Node<'_>) -> Option<Zeroizing<String>> {
    if node.is_text() {
        let text = node.secret(32..=1_024)?;
        return Some(Zeroizing::new(STANDARD.encode(text.as_bytes())));
    }
    secret::bytes(node, 32)
}

// RFC 7518 §6.2.2, §6.3.2 and §6.4, and `priv` of newer kinds; whatever a key says that it is.
const SECRET_MEMBERS: [&str; 9] = ["k", "d", "p", "q", "dp", "dq", "qi", "oth", "priv"];
const NO_KEYS: &str = "these need jwksUri or jwks; a sharedSecret is for HS256 and its like";
const NO_KEY: &str = "no key is for one of these";
const MOST: usize = 32;
// A hundred years.
const MOST_SECONDS: u64 = 100 * 366 * 24 * 3_600;
const ALGORITHMS: [&str; 14] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    "Ed25519", "HS256", "HS384", "HS512",
];
