//! How credentials are shown: by callers to the gateway, and by the gateway to the upstream.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Method};
use rrauth::Requirements;

use crate::control_plane::config::common::Common;
use crate::control_plane::config::resource::{Key, Kind};
use crate::control_plane::config::snapshot::Config;
use crate::control_plane::config::unservable::Unservable;
use crate::control_plane::wire::auth::form::{Auth, Kept, Kind as Side};
use crate::control_plane::wire::auth::parts::{ClientAuth, CustomToken, Flow, Place, Shown};
use crate::control_plane::wire::credential::Credential;
use crate::control_plane::wire::proxy::{NoAuthentication, Proxy};
use crate::model::{Authentication, Callers, Lifetime, Presentation, SecretName};

/// The tenant.
pub(crate) const CLIENT: &str = "default";

/// The name under which the vault has the secret of credential `key`.
pub(crate) fn secret_name(key: &Key, credential: &Credential) -> Option<SecretName> {
    let secret = match credential.auth.kept(credential.kind) {
        Kept::Sealed => credential.secret.as_ref()?,
        Kept::Digest | Kept::Hash => return None,
    };
    Some(SecretName {
        client: CLIENT.into(),
        credential: Arc::clone(&key.id),
        version: secret.version,
    })
}

/// The name under which the vault has the secret before, while that is still good.
pub(crate) fn previous_name(key: &Key, credential: &Credential) -> Option<SecretName> {
    let now = secret_name(key, credential)?;
    let previous = credential.secret.as_ref()?.previous.as_ref()?;
    Some(SecretName { version: previous.version, ..now })
}

/// How `auth` of credential `key` is shown to the upstream.
pub(crate) fn presentation(key: &Key, auth: &Auth) -> Result<Presentation, Unservable> {
    Ok(match auth {
        Auth::None {} => Presentation::None,
        Auth::Bearer { prefix } | Auth::Jwt { prefix } => {
            Presentation::Header { name: http::header::AUTHORIZATION, prefix: prefix.clone() }
        }
        Auth::Basic { username } => Presentation::Basic { username: username.clone() },
        Auth::Custom { headers } => {
            let names: Result<Vec<_>, _> = headers.iter().map(|it| it.parse()).collect();
            let wrong = |_| Unservable::new(key, "/auth/headers", "not a header name");
            Presentation::Headers { names: names.map_err(wrong)? }
        }
        Auth::ApiKey { place, name, prefix } => placed(key, "/auth/name", *place, name, prefix)?,
        Auth::OAuth2(it) => Presentation::OAuth2 {
            token_url: it.token_url.clone(),
            client_id: it.client_id.clone(),
            in_body: it.client_auth == ClientAuth::Post,
            scopes: it.scopes.clone(),
            audience: it.audience.clone(),
            refreshes: it.flow == Flow::AuthorizationCode,
            allow_plaintext: it.allow_plaintext,
        },
        Auth::CustomToken(it) => custom_token(key, it)?,
        Auth::AwsSigV4(it) => Presentation::AwsSigV4 {
            access_key_id: it.access_key_id.clone(),
            service: it.service.clone(),
            region: it.aws_region.clone(),
        },
        Auth::Hmac(it) => Presentation::HttpSignature {
            key_id: it.key_id.clone(),
            components: it.components.clone(),
        },
        Auth::JwtVerify(_) | Auth::Introspection(_) | Auth::Mtls { .. } => {
            return Err(Unservable::new(key, "/auth/type", "this is for callers"));
        }
    })
}

fn placed(
    key: &Key,
    pointer: &str,
    place: Place,
    name: &str,
    prefix: &str,
) -> Result<Presentation, Unservable> {
    Ok(match place {
        Place::Query => Presentation::Query { name: name.to_owned() },
        Place::Header => {
            let name = name.parse();
            let name = name.map_err(|_| Unservable::new(key, pointer, "not a header name"))?;
            Presentation::Header { name, prefix: prefix.to_owned() }
        }
    })
}

fn custom_token(key: &Key, it: &CustomToken) -> Result<Presentation, Unservable> {
    let method = it.request.method.parse::<Method>();
    let wrong = |pointer: &str| Unservable::new(key, pointer, "this cannot be read");
    let lifetime = match (it.ttl_seconds, &it.expires_path) {
        (Some(seconds), _) => Lifetime::Fixed(Duration::from_secs(seconds)),
        (None, Some(path)) => Lifetime::Told(path.clone()),
        (None, None) => return Err(wrong("/auth/ttlSeconds")),
    };
    let Shown { place, name, prefix } = &it.present;
    Ok(Presentation::CustomToken {
        method: method.map_err(|_| wrong("/auth/request/method"))?,
        url: it.request.url.clone(),
        headers: it.request.headers.clone(),
        token_path: it.token_path.clone(),
        lifetime,
        shown: Box::new(placed(key, "/auth/present/name", *place, name, prefix)?),
        allow_plaintext: it.allow_plaintext,
    })
}

/// Who may call, out of all callers of the client.
pub(crate) fn authentication(config: &Config, spec: &Proxy, common: &Common) -> Authentication {
    if let Some(NoAuthentication::None) = spec.authentication {
        return Authentication::None { headers: key_headers(&common.callers) };
    }
    let bound = || {
        let ids = spec.proxy_credential_ids.iter();
        ids.filter_map(|id| config.get(&Key::top(Kind::Credential, &**id))?.spec.as_credential())
    };
    let has_passwords = bound().any(|it| matches!(it.auth, Auth::Basic { .. }));
    let failures = if has_passwords { &common.failures_with_passwords } else { &common.failures };
    Authentication::Credentials {
        // Where nobody may call, no credential is a good one.
        callers: match spec.proxy_credential_ids.is_empty() {
            true => Arc::new(Callers::nobody()),
            false => Arc::clone(&common.callers),
        },
        headers: key_headers(&common.callers),
        bound: spec.proxy_credential_ids.iter().map(|it| Arc::from(&**it)).collect(),
        allow_query: spec.allow_query_credential,
        requirements: requirements(spec),
        failures: failures.clone(),
    }
}

fn requirements(spec: &Proxy) -> Requirements {
    let mut requirements = Requirements::none();
    for scope in &spec.required_scopes {
        requirements = requirements.scope(scope.as_str());
    }
    for (name, value) in &spec.required_claims {
        let values = match value {
            serde_json::Value::Array(values) => values.clone(),
            value => vec![value.clone()],
        };
        requirements = requirements.claim(name.as_str(), values);
    }
    requirements
}

// Those of all callers: a good key that is not bound here is told so, and none of them goes upstream.
pub(crate) fn key_headers(callers: &Callers) -> Vec<HeaderName> {
    match callers.headers.is_empty() {
        // A key in the usual place is a key, also where nobody has one: it goes no further.
        true => vec![HeaderName::from_static("x-api-key")],
        false => callers.headers.clone(),
    }
}

/// How callers show `credential`; `None` when it is not for callers.
pub(crate) const fn shown_as(credential: &Credential) -> Option<rrauth::Kind> {
    match (credential.kind, &credential.auth) {
        (Side::Proxy, Auth::ApiKey { .. }) => Some(rrauth::Kind::ApiKey),
        (Side::Proxy, Auth::Bearer { .. }) => Some(rrauth::Kind::Bearer),
        (Side::Proxy, Auth::Basic { .. }) => Some(rrauth::Kind::Basic),
        (Side::Proxy, Auth::Jwt { .. }) => Some(rrauth::Kind::Jwt),
        (Side::Proxy, Auth::JwtVerify(_)) => Some(rrauth::Kind::JwtVerify),
        (Side::Proxy, Auth::Introspection(_)) => Some(rrauth::Kind::Introspection),
        (Side::Proxy, Auth::Mtls { .. }) => Some(rrauth::Kind::Mtls),
        (
            Side::Proxy,
            Auth::OAuth2(_)
            | Auth::CustomToken(_)
            | Auth::AwsSigV4(_)
            | Auth::Hmac(_)
            | Auth::Custom { .. }
            | Auth::None {},
        )
        | (Side::Target, _) => None,
    }
}
