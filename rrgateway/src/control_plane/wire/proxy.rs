//! A proxy: who may call, what is called, and as whom.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::control_plane::wire::auth::names::words;
use crate::control_plane::wire::auth::tokens::claims;
use crate::control_plane::wire::fields::Node;
use crate::control_plane::wire::limits::Limits;
use crate::control_plane::wire::rebind::Rebind;
use crate::control_plane::wire::route::Route;
use crate::control_plane::wire::text::{self, Effect, Region};
use crate::control_plane::wire::transform::Transform;
use crate::control_plane::wire::validation::Validation;
use crate::model::EgressPolicy;

/// As it is stored and, with its base URLs, answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Proxy {
    pub(crate) name: String,
    /// Another name for it in `/api/{name}/…`.
    #[serde(default)]
    pub(crate) alias: Option<String>,
    pub(crate) active: bool,
    pub(crate) region: Region,
    /// In the order given, each once.
    pub(crate) proxy_credential_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authentication: Option<NoAuthentication>,
    pub(crate) target_id: String,
    pub(crate) target_credential_id: Option<String>,
    pub(crate) default_rule_effect: Effect,
    pub(crate) limits: Limits,
    #[serde(default)]
    pub(crate) routes: Vec<Route>,
    #[serde(default)]
    pub(crate) validation: Option<Validation>,
    /// What callers must have been granted.
    #[serde(default)]
    pub(crate) required_scopes: Vec<String>,
    /// What their tokens must say: name and value, or a list of which one.
    #[serde(default)]
    pub(crate) required_claims: Map<String, Value>,
    /// Whether callers may show a credential in the query.
    #[serde(default)]
    pub(crate) allow_query_credential: bool,
    /// Whether the target credential is masked where the upstream sends it back.
    #[serde(default = "yes")]
    pub(crate) echo_shield: bool,
    /// Whether callers may speak WebSocket with the upstream.
    #[serde(default)]
    pub(crate) allow_upgrade: bool,
    #[serde(default)]
    pub(crate) transform: Option<Transform>,
}

/// A proxy as a client sent it.
#[derive(Debug)]
pub(crate) struct ProxyDraft {
    pub(crate) proxy: Proxy,
    /// Whether it gives limits.
    pub(crate) is_limited: bool,
    pub(crate) rebind: Option<Rebind>,
}

/// Anybody may call: only ever because somebody wrote so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NoAuthentication {
    None,
}

impl Proxy {
    /// Reads what a client sent. `egress` judges addresses.
    pub(crate) fn read(node: Node<'_>, egress: &EgressPolicy) -> Option<ProxyDraft> {
        let mut fields = node.object()?;
        let is_limited = fields.has("limits");
        let name = text::name(&mut fields);
        let alias = fields.optional("alias", |it| it.parsed(1..=64, |text| alias(&text)));
        let active = fields.or("active", true, Node::boolean);
        let region = text::region(&mut fields);
        let callers = fields.or("proxyCredentialIds", Vec::new(), ids);
        let open =
            fields.optional("authentication", |it| it.word(&[("none", NoAuthentication::None)]));
        if open.flatten().is_some() && callers.as_ref().is_some_and(|it| !it.is_empty()) {
            fields.flaw::<()>("authentication", "a proxy with credentials cannot be open to all");
        }
        let target = fields.required("targetId", id);
        let credential = fields.optional("targetCredentialId", id);
        let default_rule_effect = text::default_rule_effect(&mut fields);
        let limits = fields.or("limits", Limits::NONE, Limits::read);
        let routes = fields.or("routes", Vec::new(), |it| it.list(MOST_ROUTES, Route::read));
        let validation = fields.optional("validation", Validation::read);
        let required_scopes = fields.or("requiredScopes", Vec::new(), words);
        let required_claims = fields.or("requiredClaims", Map::new(), claims);
        let query = fields.or("allowQueryCredential", false, Node::boolean);
        let echo_shield = fields.or("echoShield", true, Node::boolean);
        let allow_upgrade = fields.or("allowUpgrade", false, Node::boolean);
        let transform = fields.optional("transform", Transform::read);
        let rebind = fields.optional("rebind", |it| Rebind::read(it, egress));
        fields.close();
        let proxy = Self {
            name: name?,
            alias: alias?,
            active: active?,
            region: region?,
            proxy_credential_ids: callers?,
            authentication: open?,
            target_id: target?,
            target_credential_id: credential?,
            default_rule_effect: default_rule_effect?,
            limits: limits?,
            routes: routes?,
            validation: validation?,
            required_scopes: required_scopes?,
            required_claims: required_claims?,
            allow_query_credential: query?,
            echo_shield: echo_shield?,
            allow_upgrade: allow_upgrade?,
            transform: transform?,
        };
        Some(ProxyDraft { proxy, is_limited, rebind: rebind? })
    }
}

const fn yes() -> bool {
    true
}

fn ids(node: Node<'_>) -> Option<Vec<String>> {
    let mut seen = std::collections::HashSet::new();
    node.list(100, |it| {
        it.parsed(1..=64, |id| {
            let is_new = seen.insert(id.to_string());
            is_new.then(|| id.to_string()).ok_or("this is named twice")
        })
    })
}

fn alias(text: &str) -> Result<String, &'static str> {
    let is_plain =
        text.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
    match is_plain && !text.starts_with("prx") {
        true => Ok(text.to_owned()),
        false => Err("an alias is 1 to 64 of a-z, 0-9 and -, and does not start with prx"),
    }
}

fn id(node: Node<'_>) -> Option<String> {
    node.text(1..=64)
}

const MOST_ROUTES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::wire::fields::Flaws;
    use crate::control_plane::wire::json::Json;

    #[test]
    fn a_proxy_that_names_no_caller_admits_nobody() {
        let (proxy, is_limited) = read(r#"{"name":"p","targetId":"t"}"#).unwrap();
        assert!(proxy.proxy_credential_ids.is_empty() && proxy.authentication.is_none());
        assert_eq!((proxy.limits, is_limited), (Limits::NONE, false));
        let given = read(r#"{"name":"p","targetId":"t","limits":{}}"#).unwrap();
        assert!(given.1, "no limit, in so many words");
    }

    #[test]
    fn flaws_are_told_with_their_place() {
        check(r#"{"name":"p"}"#, "/targetId: this is required");
        check(
            r#"{"name":"p","targetId":"t","authentication":"none","proxyCredentialIds":["c"]}"#,
            "/authentication: a proxy with credentials cannot be open to all",
        );
        check(
            r#"{"name":"p","targetId":"t","authentication":"nobody"}"#,
            "/authentication: expected \"none\"",
        );
        check(
            r#"{"name":"p","targetId":"t","proxyCredentialIds":["c","d","c"]}"#,
            "/proxyCredentialIds/2: this is named twice",
        );
        check(
            r#"{"name":"p","targetId":"t","limits":{"requestsPerHour":1}}"#,
            "/limits/requestsPerHour: there is no such field here (there are: requestsPerMinute, \
             requestsPerDay, concurrency, countRefused, legacyHeaders)",
        );
        check(
            r#"{"name":"p","targetId":"t","limits":{"requestsPerDay":-1}}"#,
            "/limits/requestsPerDay: expected a whole number from 0 to 999999999999999",
        );
        for alias in ["prxa", "A", "a_b", "a/b", "ä"] {
            check(
                &format!(r#"{{"name":"p","targetId":"t","alias":"{alias}"}}"#),
                "/alias: an alias is 1 to 64 of a-z, 0-9 and -, and does not start with prx",
            );
        }
        check(
            r#"{"name":"p","targetId":"t","routes":[{"path":"/"},{"host":"a"}]}"#,
            "/routes/1/path: this is required",
        );
        check(
            r#"{"name":"p","targetId":"t","transform":{"request":{"path":{"pattern":"(","to":"/"}}}}"#,
            "/transform/request/path/pattern: at 0: unclosed group",
        );
        check(r#"{"name":"p","targetId":"t","region":"mars"}"#, "/region: expected \"local\"");
    }

    #[track_caller]
    fn check(document: &str, expected: &str) {
        assert_eq!(read(document).unwrap_err(), expected);
    }

    fn read(document: &str) -> Result<(Proxy, bool), String> {
        let (json, egress) = (Json::parse(document.as_bytes()).unwrap(), EgressPolicy::default());
        Flaws::read(json, |it| Proxy::read(it, &egress))
            .map(|it| (it.proxy, it.is_limited))
            .map_err(|it| it.iter().map(|it| format!("{}: {}", it.pointer, it.detail)).collect())
    }
}
