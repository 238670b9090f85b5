//! A credential: what a caller shows the gateway, or what the gateway shows the upstream.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::control_plane::wire::auth::form::{Auth, Kind};
use crate::control_plane::wire::auth::names::words;
use crate::control_plane::wire::fields::Node;
use crate::control_plane::wire::secret::SecretState;
use crate::control_plane::wire::text::{self, Effect, Region};
use crate::model::{BaseUrl, EgressPolicy};

/// As it is stored. The answer is made by [`answer`](crate::control_plane::wire::answer).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Credential {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) auth: Auth,
    pub(crate) default_rule_effect: Effect,
    /// Milliseconds since the Unix epoch.
    pub(crate) expires_at_ms: Option<i64>,
    pub(crate) active: bool,
    pub(crate) region: Region,
    /// What it grants.
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    /// Where its secret may go, as scheme, host and port; of kind target. Empty until a proxy first
    /// joins it with a target.
    #[serde(default)]
    pub(crate) destinations: Vec<String>,
    /// `None` until the store has taken the secret in, and where there is none.
    pub(crate) secret: Option<SecretState>,
}

/// A credential as a client sent it, with the secret that goes elsewhere.
pub(crate) struct CredentialDraft {
    /// Its `secret` is `None`.
    pub(crate) credential: Credential,
    /// A new secret; without one, the stored one stays, or an API key is generated.
    pub(crate) secret: Option<Zeroizing<String>>,
    /// Whether it says where the secret may go.
    pub(crate) is_bound: bool,
}

impl CredentialDraft {
    /// Reads what a client sent. `egress` judges addresses.
    pub(crate) fn read(node: Node<'_>, egress: &EgressPolicy) -> Option<Self> {
        let mut fields = node.object()?;
        let name = text::name(&mut fields);
        let kinds = [("proxy", Kind::Proxy), ("target", Kind::Target)];
        let kind = fields.required("kind", |it| it.word(&kinds));
        // What `auth` may hold depends on the kind.
        let auth = fields.required("auth", |it| kind.and_then(|kind| Auth::read(it, kind, egress)));
        let default_rule_effect = text::default_rule_effect(&mut fields);
        let expires_at_ms = fields.optional("expiresAt", text::time);
        let active = fields.or("active", true, Node::boolean);
        let region = text::region(&mut fields);
        let is_callers = matches!(kind, None | Some(Kind::Proxy));
        let is_upstreams = matches!(kind, None | Some(Kind::Target));
        let scopes = match is_callers {
            true => fields.or("scopes", Vec::new(), words),
            false => Some(Vec::new()),
        };
        let is_bound = is_upstreams && fields.has("destinations");
        let destinations = match is_upstreams {
            true => fields.or("destinations", Vec::new(), destinations),
            false => Some(Vec::new()),
        };
        fields.close();
        let (auth, secret) = auth?;
        let credential = Credential {
            name: name?,
            kind: kind?,
            auth,
            default_rule_effect: default_rule_effect?,
            expires_at_ms: expires_at_ms?,
            active: active?,
            region: region?,
            scopes: scopes?,
            destinations: destinations?,
            secret: None,
        };
        Some(Self { credential, secret, is_bound })
    }
}

fn destinations(node: Node<'_>) -> Option<Vec<String>> {
    let mut all = node.list(MOST_DESTINATIONS, |it| {
        it.parsed(1..=512, |text| match BaseUrl::given(&text) {
            Err(why) => Err(why.to_string()),
            Ok(url) if !url.path().is_empty() => {
                Err("expected scheme, host and port, without a path".to_owned())
            }
            Ok(url) => Ok(url.origin()),
        })
    })?;
    all.sort();
    all.dedup();
    Some(all)
}

const MOST_DESTINATIONS: usize = 100;

// Zeroizing would print what it wraps.
impl fmt::Debug for CredentialDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CredentialDraft").field(&self.credential).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::wire::auth::parts::Place;
    use crate::control_plane::wire::fields::Flaws;
    use crate::control_plane::wire::json::Json;

    const CANARY: &str = "canary-canary-canary-canary";

    #[test]
    fn what_is_shown_how_follows_from_kind_and_type() {
        let key = |place, name: &str, prefix: &str| Auth::ApiKey {
            place,
            name: name.into(),
            prefix: prefix.into(),
        };
        accepts("proxy", r#"{"type":"apiKey"}"#, &key(Place::Header, "X-API-Key", ""));
        accepts("proxy", r#"{"type":"apiKey","name":"x-k"}"#, &key(Place::Header, "x-k", ""));
        accepts("target", r#"{"type":"apiKey","key":"s"}"#, &key(Place::Header, "X-API-Key", ""));
        accepts(
            "target",
            r#"{"type":"apiKey","key":"s","in":"query","name":"appid"}"#,
            &key(Place::Query, "appid", ""),
        );
        let bearer = |prefix: &str| Auth::Bearer { prefix: prefix.into() };
        accepts("target", r#"{"type":"bearer","token":"s"}"#, &bearer("Bearer "));
        accepts("target", r#"{"type":"bearer","token":"s","prefix":"token "}"#, &bearer("token "));
        accepts("target", r#"{"type":"none"}"#, &Auth::None {});
    }

    #[test]
    fn what_is_wrong_is_told_without_the_secret() {
        refuses(
            "proxy",
            r#"{"type":"none"}"#,
            "/auth/type: expected \"apiKey\" or \"bearer\" or \"basicAuth\" or \"jwt\" or \
             \"jwtVerify\" or \"introspection\" or \"mtls\"",
        );
        refuses(
            "proxy",
            r#"{"type":"apiKey","key":"canary"}"#,
            "/auth/key: expected 24 to 8192 bytes of text",
        );
        refuses(
            "proxy",
            r#"{"type":"apiKey","key":"canary canary canary canary"}"#,
            "/auth/key: expected visible ASCII without comma and quote; a key that starts with \
             rr_live_ must be whole",
        );
        for bad in ["canary\\r\\nX: y", "canary\\u0000"] {
            refuses(
                "target",
                &format!(r#"{{"type":"apiKey","key":"{bad}"}}"#),
                "/auth/key: control characters are not allowed here",
            );
        }
        refuses(
            "target",
            r#"{"type":"bearer","token":"canary-é"}"#,
            "/auth/token: expected visible ASCII characters, without spaces at its ends",
        );
        refuses(
            "target",
            &format!(r#"{{"type":"bearer","token":"{}"}}"#, "canary".repeat(2_000)),
            "/auth/token: expected 1 to 8192 bytes of text",
        );
        refuses(
            "target",
            r#"{"type":"apiKey","key":["canary"],"name":"Content-Length"}"#,
            "/auth/key: expected a text/auth/name: the gateway itself sets this header",
        );
        refuses(
            "target",
            r#"{"type":"none","token":"canary"}"#,
            "/auth/token: there is no such field here (there are: type)",
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let auth = format!(r#"{{"type":"apiKey","key":"{CANARY}"}}"#);
        let draft = read("proxy", &auth).unwrap();
        assert!(!format!("{draft:?}").contains("canary"));
        assert_eq!(draft.secret.unwrap().as_str(), CANARY);
    }

    #[track_caller]
    fn accepts(kind: &str, auth: &str, expected: &Auth) {
        assert_eq!(&read(kind, auth).unwrap().credential.auth, expected);
    }

    #[track_caller]
    fn refuses(kind: &str, auth: &str, expected: &str) {
        let said = read(kind, auth).map(drop).unwrap_err();
        assert_eq!(said, expected);
        assert!(!said.contains("canary"));
    }

    fn read(kind: &str, auth: &str) -> Result<CredentialDraft, String> {
        let document = format!(r#"{{"name":"c","kind":"{kind}","auth":{auth}}}"#);
        let egress = EgressPolicy::default();
        let read = |it: Node<'_>| CredentialDraft::read(it, &egress);
        Flaws::read(Json::parse(document.as_bytes()).unwrap(), read)
            .map_err(|it| it.iter().map(|it| format!("{}: {}", it.pointer, it.detail)).collect())
    }
}
