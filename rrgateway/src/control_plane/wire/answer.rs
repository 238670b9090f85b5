//! What clients get: resources without their secrets, times as text.

use serde_json::{Map, Value, json};

use crate::control_plane::wire::auth::form::{Auth, Kept, Kind};
use crate::control_plane::wire::credential::Credential;
use crate::control_plane::wire::text::rfc3339;

/// A credential as it is answered, under `id`.
pub(crate) fn credential(id: &str, it: &Credential) -> Value {
    let secret = it.secret.as_ref();
    // The vault has what is sent or computed with; of what is recognised, there is only a digest.
    let secret_ref = match it.auth.kept(it.kind) {
        Kept::Sealed => secret.map(|it| format!("vault:default/{id}/{}", it.version)),
        Kept::Digest | Kept::Hash => None,
    };
    let previous = secret.and_then(|it| it.previous.as_ref());
    let said = with(
        writable(it),
        [
            ("auth", auth(it.kind, &it.auth)),
            ("secretRef", secret_ref.into()),
            ("fingerprint", secret.map(|it| it.fingerprint.as_str()).into()),
            ("version", secret.map(|it| it.version).into()),
            ("lastRotatedAt", secret.map(|it| rfc3339(it.rotated_at_ms)).into()),
        ],
    );
    match previous {
        None => said,
        Some(it) => {
            let previous = json!({"version": it.version, "validUntil": rfc3339(it.until_ms)});
            with(said, [("previous", previous)])
        }
    }
}

/// What of a credential a client can write, but for the secret and what belongs to it.
pub(crate) fn writable(it: &Credential) -> Value {
    let said = json!({
        "name": it.name,
        "kind": it.kind,
        "auth": without_secret(it.kind, &it.auth),
        "defaultRuleEffect": it.default_rule_effect,
        "expiresAt": it.expires_at_ms.map(rfc3339),
        "active": it.active,
        "region": it.region,
    });
    match it.kind {
        Kind::Proxy => with(said, [("scopes", it.scopes.clone().into())]),
        Kind::Target => with(said, [("destinations", it.destinations.clone().into())]),
    }
}

// The names of headers that hold secrets are told, and cannot be written without the secrets.
fn without_secret(kind: Kind, it: &Auth) -> Value {
    match it {
        Auth::Custom { .. } => json!({"type": "custom"}),
        Auth::CustomToken(token) => {
            let request = json!({"method": token.request.method, "url": token.request.url});
            with(auth(kind, it), [("request", request)])
        }
        _ => auth(kind, it),
    }
}

fn auth(kind: Kind, auth: &Auth) -> Value {
    match (kind, auth) {
        (Kind::Proxy, Auth::ApiKey { name, .. }) => json!({"type": "apiKey", "name": name}),
        (_, auth) => {
            // Only maps whose keys are no texts cannot be written, and there are none.
            let mut said = serde_json::to_value(auth).unwrap_or_default();
            // As it can be written: an empty list of whom tokens must be for would be for nobody.
            if let Some(audience) = said.get_mut("audience").filter(|it| **it == json!([])) {
                *audience = Value::Null;
            }
            said
        }
    }
}

/// `value` with more members; an object stays an object.
pub(crate) fn with(value: Value, more: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut members = match value {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    };
    members.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
    Value::Object(members)
}
