//! What clients get: resources without their secrets, times as text.

use serde_json::{Map, Value, json};

use crate::control_plane::wire::auth::{Auth, Kind};
use crate::control_plane::wire::credential::Credential;
use crate::control_plane::wire::text::rfc3339;

/// A credential as it is answered, under `id`.
pub(crate) fn credential(id: &str, it: &Credential) -> Value {
    let secret = it.secret.as_ref();
    // The vault has an upstream's secret; of a caller's, there is only a digest.
    let secret_ref = match it.kind {
        Kind::Target => secret.map(|it| format!("vault:default/{id}/{}", it.version)),
        Kind::Proxy => None,
    };
    with(
        writable(it),
        [
            ("secretRef", secret_ref.into()),
            ("fingerprint", secret.map(|it| it.fingerprint.as_str()).into()),
            ("version", secret.map(|it| it.version).into()),
            ("lastRotatedAt", secret.map(|it| rfc3339(it.rotated_at_ms)).into()),
        ],
    )
}

/// What of a credential a client can write, but for the secret.
pub(crate) fn writable(it: &Credential) -> Value {
    json!({
        "name": it.name,
        "kind": it.kind,
        "auth": auth(it.kind, &it.auth),
        "defaultRuleEffect": it.default_rule_effect,
        "expiresAt": it.expires_at_ms.map(rfc3339),
        "active": it.active,
        "region": it.region,
    })
}

fn auth(kind: Kind, auth: &Auth) -> Value {
    match (kind, auth) {
        (_, Auth::None {}) => json!({"type": "none"}),
        (_, Auth::Bearer { prefix }) => json!({"type": "bearer", "prefix": prefix}),
        (_, Auth::Basic { username }) => json!({"type": "basicAuth", "username": username}),
        (_, Auth::Custom { headers }) => json!({"type": "custom", "headers": headers}),
        (Kind::Proxy, Auth::ApiKey { name, .. }) => json!({"type": "apiKey", "name": name}),
        (Kind::Target, Auth::ApiKey { place, name, prefix }) => {
            json!({"type": "apiKey", "in": place, "name": name, "prefix": prefix})
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
