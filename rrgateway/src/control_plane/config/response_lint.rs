//! What is legal in what guards responses, and hardly what was meant.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::control_plane::config::meter_lint::Doubt;
use crate::control_plane::config::outcome::Outcome;
use crate::control_plane::config::secret::Incoming;
use crate::control_plane::wire::auth::form::{Auth, Kind};
use crate::control_plane::wire::filter::Filter;
use crate::control_plane::wire::proxy::Proxy;

/// All that may be wrong with `filter`.
pub(crate) fn of_filter(filter: &Filter) -> Option<Doubt> {
    filter.apply_to_errors.then_some(ERRORS)
}

/// All that may be wrong with what `proxy` says of responses.
pub(crate) fn of_proxy(proxy: &Proxy) -> impl Iterator<Item = Doubt> {
    let is_bare = !proxy.echo_shield && proxy.target_credential_id.is_some();
    let is_passed_by =
        proxy.allow_upgrade && (proxy.validation.is_some() || proxy.transform.is_some());
    let found = [is_bare.then_some(BARE), is_passed_by.then_some(PASSED_BY)];
    found.into_iter().flatten()
}

/// What may be wrong with the secret that came with a write: that it is too short to be looked for
/// in what comes back.
pub(crate) fn of_secret(outcome: &Outcome) -> Option<Doubt> {
    let (_, Incoming::Sealed(secret)) = outcome.incoming.as_ref()? else { return None };
    let credential = outcome.written.as_ref()?.spec.as_credential()?;
    let is_short = |it: &str| rrfilter::too_short(it.as_bytes());
    let is_short = credential.kind == Kind::Target
        && match &credential.auth {
            Auth::ApiKey { .. } | Auth::Bearer { .. } | Auth::Basic { .. } | Auth::Jwt { .. } => {
                is_short(secret)
            }
            Auth::Custom { .. } => {
                let values: Option<BTreeMap<String, Zeroizing<String>>> =
                    serde_json::from_str(secret).ok();
                values.is_some_and(|it| it.values().any(|it| is_short(it)))
            }
            // What goes upstream is made or fetched, and long; or nothing does.
            Auth::OAuth2(_)
            | Auth::CustomToken(_)
            | Auth::AwsSigV4(_)
            | Auth::Hmac(_)
            | Auth::JwtVerify(_)
            | Auth::Introspection(_)
            | Auth::Mtls { .. }
            | Auth::None {} => false,
        };
    is_short
        .then(|| Doubt { pointer: credential.auth.secret_pointer().unwrap_or("/auth"), ..SHORT })
}

const ERRORS: Doubt = Doubt {
    kind: "applies-to-errors",
    pointer: "/applyToErrors",
    detail: "A response of any status must be JSON then, or it is answered with 422: callers see \
             neither the status nor the text of an upstream's error that is not.",
};
const BARE: Doubt = Doubt {
    kind: "echo-shield-off",
    pointer: "/echoShield",
    detail: "Where the upstream sends the target credential back, in an error or a header, callers \
             see it. Leave the shield on, unless it costs you what you cannot do without.",
};
const PASSED_BY: Doubt = Doubt {
    kind: "upgrade-passes-by",
    pointer: "/allowUpgrade",
    detail: "The messages of a WebSocket are neither validated nor transformed. If this proxy is \
             not for WebSockets, leave it off.",
};
const SHORT: Doubt = Doubt {
    kind: "secret-not-shielded",
    pointer: "/auth",
    detail: "A secret of less than 8 bytes is not masked where the upstream sends it back: other \
             text may well be the same. Use a longer one.",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::wire::fields::Flaws;
    use crate::control_plane::wire::json::Json;
    use crate::model::EgressPolicy;

    #[test]
    fn a_filter_of_errors_is_doubted() {
        let filter = |more: &str| {
            let text = format!(r#"{{"operation":"retain","paths":["$.a"]{more}}}"#);
            Flaws::read(Json::parse(text.as_bytes()).unwrap(), Filter::read).unwrap()
        };
        assert_eq!(of_filter(&filter("")), None);
        assert_eq!(of_filter(&filter(r#","applyToErrors":true"#)), Some(ERRORS));
    }

    #[test]
    fn a_proxy_is_doubted_that_shields_nothing_or_lets_frames_pass_by() {
        let proxy = |more: &str| {
            let text = format!(r#"{{"name":"p","targetId":"t"{more}}}"#);
            let json = Json::parse(text.as_bytes()).unwrap();
            Flaws::read(json, |it| Proxy::read(it, &EgressPolicy::default())).unwrap().proxy
        };
        let doubts = |more: &str| of_proxy(&proxy(more)).collect::<Vec<_>>();
        assert_eq!(doubts(r#","targetCredentialId":"c""#), []);
        assert_eq!(doubts(r#","echoShield":false"#), []);
        assert_eq!(doubts(r#","targetCredentialId":"c","echoShield":false"#), [BARE]);
        assert_eq!(doubts(r#","allowUpgrade":true"#), []);
        let changed = r#","allowUpgrade":true,"transform":{"request":{"query":{"remove":["a"]}}}"#;
        assert_eq!(doubts(changed), [PASSED_BY]);
    }
}
