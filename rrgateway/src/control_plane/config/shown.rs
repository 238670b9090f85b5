//! How credentials are shown: by callers to the gateway, and by the gateway to the upstream.

use std::collections::HashSet;
use std::sync::Arc;

use http::HeaderName;
use rrauth::Index;

use crate::control_plane::config::resource::{Key, Kind};
use crate::control_plane::config::snapshot::Config;
use crate::control_plane::config::unservable::Unservable;
use crate::control_plane::wire::auth::{Auth, Kind as Side, Place};
use crate::control_plane::wire::credential::Credential;
use crate::control_plane::wire::proxy::{NoAuthentication, Proxy};
use crate::model::{Authentication, Consumer, Presentation, SecretName};

/// The tenant.
pub(crate) const CLIENT: &str = "default";

/// The name under which the vault has the secret of target credential `key`.
pub(crate) fn secret_name(key: &Key, credential: &Credential) -> Option<SecretName> {
    let secret = match credential.kind {
        Side::Target => credential.secret.as_ref()?,
        Side::Proxy => return None,
    };
    Some(SecretName {
        client: CLIENT.into(),
        credential: Arc::clone(&key.id),
        version: secret.version,
    })
}

/// How `auth` of credential `key` is shown to the upstream.
pub(crate) fn presentation(key: &Key, auth: &Auth) -> Result<Presentation, Unservable> {
    Ok(match auth {
        Auth::None {} => Presentation::None,
        Auth::Bearer { prefix } => {
            Presentation::Header { name: http::header::AUTHORIZATION, prefix: prefix.clone() }
        }
        Auth::Basic { username } => Presentation::Basic { username: username.clone() },
        Auth::Custom { headers } => {
            let names: Result<Vec<_>, _> = headers.iter().map(|it| it.parse()).collect();
            let wrong = |_| Unservable::new(key, "/auth/headers", "not a header name");
            Presentation::Headers { names: names.map_err(wrong)? }
        }
        Auth::ApiKey { place: Place::Query, name, .. } => {
            Presentation::Query { name: name.clone() }
        }
        Auth::ApiKey { place: Place::Header, name, prefix } => {
            let name = name.parse();
            let name = name.map_err(|_| Unservable::new(key, "/auth/name", "not a header name"))?;
            Presentation::Header { name, prefix: prefix.clone() }
        }
    })
}

/// Who may call, out of all callers in `index`.
pub(crate) fn authentication(
    config: &Config,
    spec: &Proxy,
    index: &Arc<Index<Arc<Consumer>>>,
) -> Authentication {
    match spec.authentication {
        Some(NoAuthentication::None) => Authentication::None,
        None => Authentication::Credentials {
            // Where nobody may call, no credential is a good one.
            index: match spec.proxy_credential_ids.is_empty() {
                true => Arc::new(Index::builder().build()),
                false => Arc::clone(index),
            },
            headers: key_headers(config, spec),
            bound: spec.proxy_credential_ids.iter().map(|it| Arc::from(&**it)).collect(),
        },
    }
}

fn key_headers(config: &Config, spec: &Proxy) -> Vec<HeaderName> {
    let mut seen = HashSet::new();
    let bound = spec
        .proxy_credential_ids
        .iter()
        .filter_map(|id| config.get(&Key::top(Kind::Credential, &**id))?.spec.as_credential());
    let names = bound.filter_map(|it| match &it.auth {
        Auth::ApiKey { name, .. } => name.parse::<HeaderName>().ok(),
        Auth::Bearer { .. } | Auth::Basic { .. } | Auth::Custom { .. } | Auth::None {} => None,
    });
    let headers: Vec<_> = names.filter(|it| seen.insert(it.clone())).collect();
    // A key in the usual place is a key, also where none is bound: it goes no further.
    if headers.is_empty() { vec![HeaderName::from_static("x-api-key")] } else { headers }
}

/// How callers show `credential`; `None` when it is not for callers.
pub(crate) fn shown_as(credential: &Credential) -> Option<rrauth::Kind> {
    match (credential.kind, &credential.auth) {
        (Side::Proxy, Auth::ApiKey { .. }) => Some(rrauth::Kind::ApiKey),
        (Side::Proxy, Auth::Bearer { .. }) => Some(rrauth::Kind::Bearer),
        (Side::Proxy, Auth::Basic { .. } | Auth::Custom { .. } | Auth::None {})
        | (Side::Target, _) => None,
    }
}
