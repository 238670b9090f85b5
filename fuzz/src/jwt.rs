//! Whatever is shown as a token, and whatever an issuer signs: believed only if a second, slow reading
//! finds nothing wrong with it.

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rrauth::{
    Credential, JwkSet, JwtAlgorithm, JwtPolicy, JwtVerifier, Kind, TokenVerifier, Verdict,
};
use rrcore::Now;
use serde_json::{Map, Value};

/// A line is a header, and what follows is a payload, both signed here; and all of it is a token too.
///
/// # Panics
/// When a token is believed that should not be or the other way round, or a reason is not one line.
pub fn check(data: &[u8]) {
    if let Ok(token) = std::str::from_utf8(data) {
        assert!(judge(token).is_err(), "forged: {token:?}");
        _ = JwtPolicy::peek_issuer(token);
    }
    let cut = data.iter().position(|it| *it == b'\n').unwrap_or(data.len());
    let (header, payload) = (&data[..cut], data.get(cut + 1..).unwrap_or_default());
    let [header64, payload64] = [header, payload].map(|it| URL_SAFE_NO_PAD.encode(it));
    let signed = format!("{header64}.{payload64}");
    let signature = crypto::sign(signed.as_bytes(), &ISSUER.key, Algorithm::HS256);
    let token = format!("{signed}.{}", signature.expect("a secret always signs"));
    let expected = is_header(header) && is_payload(payload);
    // Twice: as it is read, and as it is remembered.
    for _ in 0..2 {
        let judged = judge(&token);
        assert_eq!(judged.is_ok(), expected, "{judged:?}: {}", data.escape_ascii());
    }
    if expected {
        assert_eq!(JwtPolicy::peek_issuer(&token).as_deref(), Some("a"));
    }
}

fn judge(token: &str) -> Result<(), String> {
    let judged = ISSUER.policy.verify(token, &ISSUER.keys, NOW);
    let now = Now { monotonic: NOW, wall: NOW };
    match (&judged, ISSUER.verifier.verify(token, now)) {
        (Ok(_), Verdict::Ready(Ok(proof))) => assert!(proof.expires_at > Some(NOW)),
        (Err(error), Verdict::Ready(Err(_))) => assert!(!error.is_foreign()),
        (Err(error), Verdict::NotMine) => assert!(error.is_foreign()),
        (_, verdict) => panic!("{judged:?}, and yet {verdict:?}"),
    }
    judged.map(|_| ()).map_err(|error| {
        let said = error.to_string();
        assert!(said.len() < 300 && !said.chars().any(char::is_control), "{said:?}");
        said
    })
}

fn is_header(text: &[u8]) -> bool {
    let Some(members) = object(text) else { return false };
    let fits = |name: &str, value: &Value| match name {
        "crit" | "b64" | "jwk" | "jku" | "x5u" | "x5c" | "enc" | "zip" | "cty" | "x5t"
        | "x5t#S256" => false,
        "typ" => value.as_str().is_some_and(|it| {
            let lower = it.to_ascii_lowercase();
            ["jwt", "at+jwt", "application/jwt", "application/at+jwt"].contains(&&*lower)
        }),
        "kid" => value.as_str().is_some_and(|it| !it.is_empty() && it.len() <= 256),
        _ => true,
    };
    members.get("alg") == Some(&"HS256".into()) && members.iter().all(|(name, it)| fits(name, it))
}

fn is_payload(text: &[u8]) -> bool {
    let Some(members) = object(text) else { return false };
    let now = NOW.as_secs_f64();
    // What is no integer must be below 2^64 too.
    let is_time =
        |it: &Value| it.is_u64() || it.as_f64().is_some_and(|it| (0.0..TOO_LATE).contains(&it));
    let time = |name: &str| match members.get(name) {
        None => Some(None),
        Some(it) => is_time(it).then(|| it.as_f64()),
    };
    let (Some(Some(exp)), Some(nbf), Some(iat)) = (time("exp"), time("nbf"), time("iat")) else {
        return false;
    };
    let starts = nbf.unwrap_or(0.0).max(iat.unwrap_or(0.0));
    let aud = members.get("aud").is_some_and(|it| match it {
        Value::String(one) => one == "b",
        Value::Array(list) => list.iter().all(Value::is_string) && list.contains(&"b".into()),
        _ => false,
    });
    let sub = members.get("sub").is_none_or(|it| {
        let line = |it: &str| (1..=256).contains(&it.len()) && !it.chars().any(char::is_control);
        it.as_str().is_some_and(line)
    });
    let tenant = [Value::from("x"), 7.into(), true.into()];
    members.get("iss") == Some(&"a".into())
        && members.get("t").is_some_and(|it| tenant.contains(it))
        && (aud && sub && exp + 60.0 > now && starts - 60.0 <= now)
}

// An object as `serde_json` reads it, if nothing in it is written twice and nothing is too deep.
fn object(text: &[u8]) -> Option<Map<String, Value>> {
    let value: Value = serde_json::from_slice(text).ok()?;
    let (count, depth) = measure(&value);
    match value {
        Value::Object(members) if count == colons(text) && depth < 32 => Some(members),
        _ => None,
    }
}

// How many members there are, and how many lists and objects around the innermost value.
fn measure(value: &Value) -> (usize, usize) {
    let inner: Vec<_> = match value {
        Value::Array(list) => list.iter().map(measure).collect(),
        Value::Object(members) => members.values().map(measure).collect(),
        _ => return (0, 0),
    };
    let own = value.as_object().map_or(0, Map::len);
    (
        own + inner.iter().map(|it| it.0).sum::<usize>(),
        1 + inner.iter().map(|it| it.1).max().unwrap_or(0),
    )
}

// One for each member that is written; those in strings are none.
fn colons(json: &[u8]) -> usize {
    let (mut colons, mut quoted, mut escaped) = (0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b':' if !quoted => colons += 1,
            _ => {}
        }
    }
    colons
}

struct Issuer {
    key: EncodingKey,
    keys: JwkSet,
    policy: JwtPolicy,
    verifier: JwtVerifier<()>,
}

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| {
    let secret = b"0123456789abcdef0123456789abcdef";
    let keys = JwkSet::shared_secret(secret).expect("it is long enough");
    let policy = JwtPolicy::builder("a")
        .algorithms([JwtAlgorithm::Hs256])
        .audience(["b"])
        .required_claim("t", [Value::from("x"), 7.into(), true.into()])
        .build()
        .expect("it can be meant");
    let credential = Credential::new("c", "d", Kind::JwtVerify, ());
    let verifier = JwtVerifier::new(credential, policy.clone(), keys.clone());
    let verifier = verifier.expect("the keys fit").cached_tokens(64);
    Issuer { key: EncodingKey::from_secret(secret), keys, policy, verifier }
});

const TOO_LATE: f64 = 18_446_744_073_709_551_616.0;
const NOW: Duration = Duration::from_secs(1_800_000_000);
