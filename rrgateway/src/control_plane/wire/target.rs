//! A target: what is called, and how long that may take.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::control_plane::wire::fields::Node;
use crate::control_plane::wire::path_options::PathOptions;
use crate::control_plane::wire::rebind::Rebind;
use crate::control_plane::wire::text::{self, Effect};
use crate::model::{BaseUrl, EgressPolicy, EgressRefused};

/// As it is stored and, without more, answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) base_url: String,
    pub(crate) timeout_ms: u64,
    pub(crate) connect_timeout_ms: u64,
    pub(crate) idle_timeout_ms: u64,
    pub(crate) default_rule_effect: Effect,
    pub(crate) allow_plaintext: bool,
    #[serde(default = "PathOptions::strict")]
    pub(crate) path_options: PathOptions,
}

impl Target {
    /// Reads what a client sent. `egress` judges addresses; names are judged once resolved.
    pub(crate) fn read(node: Node<'_>, egress: &EgressPolicy) -> Option<(Self, Option<Rebind>)> {
        let mut fields = node.object()?;
        let name = text::name(&mut fields);
        let plaintext = fields.or("allowPlaintext", false, Node::boolean);
        let base_url = fields.required("baseUrl", |it| {
            it.parsed(1..=2_048, |text| base_url(&text, plaintext.unwrap_or(true), egress))
        });
        let timeout = fields.or("timeoutMs", 30_000, |it| it.integer(TIMEOUTS));
        let connect = fields.or("connectTimeoutMs", 5_000, |it| it.integer(TIMEOUTS));
        let idle = fields.or("idleTimeoutMs", 30_000, |it| it.integer(TIMEOUTS));
        let default_rule_effect = text::default_rule_effect(&mut fields);
        let path_options = fields.or("pathOptions", PathOptions::strict(), PathOptions::read);
        let rebind = fields.optional("rebind", |it| Rebind::read(it, egress));
        fields.close();
        let target = Self {
            name: name?,
            base_url: base_url?,
            timeout_ms: timeout?,
            connect_timeout_ms: connect?,
            idle_timeout_ms: idle?,
            default_rule_effect: default_rule_effect?,
            allow_plaintext: plaintext?,
            path_options: path_options?,
        };
        Some((target, rebind?))
    }
}

fn base_url(text: &str, plaintext: bool, egress: &EgressPolicy) -> Result<String, String> {
    callable(text, plaintext, egress).map(|it| it.to_string())
}

/// What may be called at the base URL `text`. A name is judged once it has been resolved.
pub(crate) fn callable(
    text: &str,
    plaintext: bool,
    egress: &EgressPolicy,
) -> Result<BaseUrl, String> {
    let url = BaseUrl::given(text).map_err(|it| it.to_string())?;
    if !url.is_tls() && !plaintext {
        return Err("plain http needs \"allowPlaintext\": true".to_owned());
    }
    let literal = url.ip_literal().or_else(|| is_localhost(&url).then_some(LOOPBACK));
    match literal.map_or(Ok(()), |it| egress.judge(it, url.port())) {
        Ok(()) => Ok(url),
        Err(EgressRefused::NotListed) => {
            Err("the gateway may not call this address: egress.allow does not list it".into())
        }
        Err(EgressRefused::Own) => Err("the gateway itself listens at this address".into()),
    }
}

// RFC 6761: these names are loopback wherever they are resolved.
fn is_localhost(url: &BaseUrl) -> bool {
    let host = url.authority().host().trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const TIMEOUTS: std::ops::RangeInclusive<u64> = 1..=3_600_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::wire::fields::Flaws;
    use crate::control_plane::wire::json::Json;

    #[test]
    fn a_target_has_defaults() {
        let target = read(r#"{"name":"a","baseUrl":"https://api.example.com/v1/"}"#).unwrap();
        assert_eq!(target.base_url, "https://api.example.com/v1");
        let times = (target.timeout_ms, target.connect_timeout_ms, target.idle_timeout_ms);
        assert_eq!(times, (30_000, 5_000, 30_000));
        assert_eq!((target.default_rule_effect, target.allow_plaintext), (Effect::Allow, false));
        assert_eq!(target.path_options, PathOptions::strict());
    }

    #[test]
    fn what_is_kept_of_a_path_is_said_in_words() {
        let with = |options: &str| {
            let url = "https://api.example.com";
            read(&format!(r#"{{"name":"a","baseUrl":"{url}","pathOptions":{options}}}"#))
        };
        let options = with(r#"{"encodedSlash":"keep"}"#).unwrap().path_options;
        let kept = rrrules::PathOptions::strict().encoded_slash(rrrules::EncodedSlash::Keep);
        assert_eq!(options.compiled(), kept);
        for (options, expected) in [
            (
                r#"{"encodedSlash":"merge"}"#,
                "/pathOptions/encodedSlash: expected \"reject\" or \"keep\"",
            ),
            (
                r#"{"duplicateSlashes":"reject"}"#,
                "/pathOptions/duplicateSlashes: expected \"merge\" or \"keep\"",
            ),
            (
                r#"{"encodedDot":"keep"}"#,
                "/pathOptions/encodedDot: there is no such field here (there are: encodedSlash, \
                 duplicateSlashes, encodedPercent)",
            ),
        ] {
            assert_eq!(with(options).unwrap_err(), expected);
        }
    }

    #[test]
    fn what_must_not_be_called_is_refused_at_the_url() {
        let refused = "/baseUrl: the gateway may not call this address: egress.allow does not \
                       list it";
        check("https://10.0.0.1", refused);
        check("https://[::1]:8443/x", refused);
        check("https://[::ffff:10.0.0.1]/", refused);
        check("https://169.254.169.254", refused);
        check("https://localhost", refused);
        check("https://a.LOCALHOST.", refused);
        check("http://api.example.com", "/baseUrl: plain http needs \"allowPlaintext\": true");
        check("https://a.example?x=1", "/baseUrl: a base URL has no query");
        check("gopher://a.example", "/baseUrl: the scheme must be https or http");
    }

    #[test]
    fn what_the_policy_lists_may_be_called() {
        let policy = EgressPolicy::allowing(["127.0.0.0/8".parse().unwrap()]);
        assert!(base_url("http://localhost:9000", true, &policy).is_ok());
        assert!(base_url("http://127.0.0.1:9000", true, &policy).is_ok());
        assert!(base_url("http://10.0.0.1:9000", true, &policy).is_err());
    }

    #[track_caller]
    fn check(url: &str, expected: &str) {
        assert_eq!(read(&format!(r#"{{"name":"a","baseUrl":"{url}"}}"#)).unwrap_err(), expected);
    }

    #[test]
    fn a_port_is_digits_and_not_one_of_other_protocols() {
        for url in ["https://a.example:22", "https://a.example:+443", "https://[fe80::1%25lo]"] {
            let said = read(&format!(r#"{{"name":"a","baseUrl":"{url}"}}"#)).unwrap_err();
            assert!(said.starts_with("/baseUrl: "), "{said}");
        }
    }

    fn read(document: &str) -> Result<Target, String> {
        let json = Json::parse(document.as_bytes()).unwrap();
        Flaws::read(json, |it| Target::read(it, &EgressPolicy::default()))
            .map(|it| it.0)
            .map_err(|it| it.iter().map(|it| format!("{}: {}", it.pointer, it.detail)).collect())
    }
}
