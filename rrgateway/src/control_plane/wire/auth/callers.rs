//! Secrets that callers show as they are.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::control_plane::wire::auth::form::{Auth, BEARER, DEFAULT_HEADER, Read};
use crate::control_plane::wire::auth::names::callers_header;
use crate::control_plane::wire::auth::parts::Place;
use crate::control_plane::wire::fields::{Fields, Node};
use crate::control_plane::wire::secret;
use crate::model::EgressPolicy;

pub(super) fn key(fields: &mut Fields<'_>, _: &EgressPolicy) -> Option<Read> {
    let key = fields.optional("key", secret::callers_secret);
    let name = fields.or("name", DEFAULT_HEADER.to_owned(), callers_header);
    let auth = Auth::ApiKey { place: Place::Header, name: name?, prefix: String::new() };
    Some((auth, key?))
}

pub(super) fn token(fields: &mut Fields<'_>, _: &EgressPolicy) -> Option<Read> {
    let token = fields.optional("token", secret::callers_secret);
    let prefix = fields.or("prefix", BEARER, |it| it.word(&[(BEARER, BEARER)]));
    Some((Auth::Bearer { prefix: prefix?.to_owned() }, token?))
}

pub(super) fn basic(fields: &mut Fields<'_>, _: &EgressPolicy) -> Option<Read> {
    // Guessable, hence hashed slowly; shorter ones are guessed anyway.
    let password = fields.optional("password", |it| it.secret(8..=1_024));
    let username = fields.required("username", username)?;
    if username.is_empty() {
        return fields.flaw("username", "a caller has a name");
    }
    Some((Auth::Basic { username }, password?))
}

pub(super) fn username(node: Node<'_>) -> Option<String> {
    node.parsed(0..=256, |text| match text.contains(':') {
        // The first colon ends the user name (RFC 7617 §2).
        true => Err("a user name has no colon"),
        false => Ok(text.to_string()),
    })
}

pub(super) fn jwt(fields: &mut Fields<'_>, _: &EgressPolicy) -> Option<Read> {
    let token = fields.optional("token", |it| signed(secret::callers_secret, it));
    let prefix = fields.or("prefix", BEARER, |it| it.word(&[(BEARER, BEARER)]));
    Some((Auth::Jwt { prefix: prefix?.to_owned() }, token?))
}

/// A secret that is a JWS in its compact form (RFC 7515 §7.1), whoever signed it.
pub(super) fn signed(
    read: fn(Node<'_>) -> Option<Zeroizing<String>>,
    node: Node<'_>,
) -> Option<Zeroizing<String>> {
    let at = node.place();
    let token = read(node)?;
    if is_jws(&token) {
        return Some(token);
    }
    at.flaw("expected a JSON Web Token: three parts in base64url, the first a JSON object with alg")
}

fn is_jws(token: &str) -> bool {
    let parts: Vec<_> = token.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else { return false };
    let decoded = |it: &str| URL_SAFE_NO_PAD.decode(it).ok().filter(|it| !it.is_empty());
    let header: Option<serde_json::Map<String, serde_json::Value>> =
        decoded(header).and_then(|it: Vec<u8>| serde_json::from_slice(&it).ok());
    header.is_some_and(|it| it.get("alg").is_some_and(serde_json::Value::is_string))
        && decoded(payload).is_some()
        && decoded(signature).is_some()
}
