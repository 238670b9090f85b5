//! A meter: counts requests, or adds up a number that the upstream answers.

use std::collections::BTreeMap;

use http::HeaderName;
use rrcore::json::SingularPath;
use serde::{Deserialize, Serialize};

use crate::control_plane::wire::fields::{Fields, Node};
use crate::control_plane::wire::limits::MOST;
use crate::control_plane::wire::per::Per;
use crate::control_plane::wire::predicate::Predicate;

/// As it is stored and answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Meter {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: Type,
    /// Where the number is; only ever with [`Type::ResponseValue`], and then always.
    pub(crate) extraction: Option<Place>,
    /// What is taken before the number is known.
    pub(crate) estimate: Option<Estimate>,
    /// What a response without such a number counts as.
    pub(crate) on_missing: Option<u64>,
    pub(crate) per: Per,
    pub(crate) limits: Vec<WindowLimit>,
    pub(crate) algorithm: Algorithm,
    pub(crate) burst: Option<u64>,
    pub(crate) predicates: Vec<Predicate>,
    /// `None`: as the gateway is told.
    pub(crate) on_store_failure: Option<OnStoreFailure>,
    pub(crate) active: bool,
    pub(crate) mode: Mode,
    /// How often the limit of a window was taken away: given again, it counts anew. Not shown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) generations: BTreeMap<Window, u64>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Type {
    RequestCount,
    ResponseValue,
}

/// Where a number is found in a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "location", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Place {
    /// By a singular JSONPath (RFC 9535 §2.3.5.1).
    Body { path: String },
    /// In a header.
    Header { name: String },
}

/// What is taken before the number is known; made good when it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Estimate {
    Fixed(u64),
    /// As the request says.
    Told(Place),
}

/// So much in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WindowLimit {
    pub(crate) window: Window,
    pub(crate) max: u64,
}

/// Over which time is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Window {
    Minute,
    Hour,
    /// Of the calendar, in UTC.
    Day,
    /// Of the calendar, in UTC.
    Month,
}

/// How windows move that are not of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Algorithm {
    SlidingWindow,
    TokenBucket,
    FixedWindow,
}

/// What becomes of requests when the store of counts cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnStoreFailure {
    LeaseThenShare,
    Allow,
    Deny,
}

/// What comes of a limit that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Requests are refused.
    Enforce,
    /// Nothing: it is counted.
    Observe,
}

impl Meter {
    /// Reads what a client sent, and compiles its patterns to see whether they can be.
    pub(crate) fn read(node: Node<'_>) -> Option<Self> {
        let mut fields = node.object()?;
        let name = fields.required("name", |it| it.parsed(1..=MOST_NAME, |it| printable(&it)));
        let kind = fields.required("type", |it| it.word(&Type::WORDS));
        let adds_up = kind == Some(Type::ResponseValue);
        let extraction = match adds_up {
            true => fields.required("extraction", Place::read).map(Some),
            false => fields.optional("extraction", counts_requests),
        };
        let estimate = fields.optional("estimate", |it| match adds_up {
            true => Estimate::read(it),
            false => counts_requests(it),
        });
        let on_missing = fields.optional("onMissing", |it| match adds_up {
            true => it.integer(MOST),
            false => counts_requests(it),
        });
        let per = fields.or("per", Per::PROXY, Per::read);
        let limits = fields.or("limits", Vec::new(), WindowLimit::all);
        let algorithm =
            fields.or("algorithm", Algorithm::SlidingWindow, |it| it.word(&Algorithm::WORDS));
        let burst = burst(&mut fields, algorithm);
        let predicates =
            fields.or("predicates", Vec::new(), |it| it.list(MOST_PREDICATES, Predicate::read));
        let on_store_failure =
            fields.optional("onStoreFailure", |it| it.word(&OnStoreFailure::WORDS));
        let active = fields.or("active", true, Node::boolean);
        let mode = fields.or("mode", Mode::Enforce, |it| it.word(&Mode::WORDS));
        fields.close();
        Some(Self {
            name: name?,
            kind: kind?,
            extraction: extraction?,
            estimate: estimate?,
            on_missing: on_missing?.or_else(|| adds_up.then_some(0)),
            per: per?,
            limits: limits?,
            algorithm: algorithm?,
            burst: burst?,
            predicates: predicates?,
            on_store_failure: on_store_failure?,
            active: active?,
            mode: mode?,
            generations: BTreeMap::new(),
        })
    }

    /// Takes the place of `old`.
    pub(crate) fn succeed(&mut self, old: &Self) {
        self.generations.clone_from(&old.generations);
        for WindowLimit { window, .. } in &old.limits {
            if self.limits.iter().all(|it| it.window != *window) {
                *self.generations.entry(*window).or_default() += 1;
            }
        }
    }
}

impl Type {
    const WORDS: [(&'static str, Self); 2] =
        [("requestCount", Self::RequestCount), ("responseValue", Self::ResponseValue)];
}

impl Algorithm {
    const WORDS: [(&'static str, Self); 3] = [
        ("slidingWindow", Self::SlidingWindow),
        ("tokenBucket", Self::TokenBucket),
        ("fixedWindow", Self::FixedWindow),
    ];
}

impl OnStoreFailure {
    pub(crate) const WORDS: [(&'static str, Self); 3] =
        [("lease-then-share", Self::LeaseThenShare), ("allow", Self::Allow), ("deny", Self::Deny)];
}

impl Mode {
    const WORDS: [(&'static str, Self); 2] =
        [("enforce", Self::Enforce), ("observe", Self::Observe)];
}

impl Place {
    fn read(node: Node<'_>) -> Option<Self> {
        let mut fields = node.object()?;
        let is_body =
            fields.required("location", |it| it.word(&[("body", true), ("header", false)]));
        let place = match is_body {
            Some(true) => fields
                .required("path", |it| it.parsed(1..=MOST_PATH, |it| singular(&it)))
                .map(|path| Self::Body { path }),
            Some(false) => fields
                .required("name", |it| it.parsed(1..=MOST_PATH, |it| header(&it)))
                .map(|name| Self::Header { name }),
            // Either may be there: which is wrong, nobody can tell.
            None => return None,
        };
        fields.close();
        place
    }
}

impl Estimate {
    fn read(node: Node<'_>) -> Option<Self> {
        match node.is_object() {
            true => Place::read(node).map(Self::Told),
            false => node.integer(MOST).map(Self::Fixed),
        }
    }
}

impl WindowLimit {
    // One for each window: of two, one would be without effect.
    fn all(node: Node<'_>) -> Option<Vec<Self>> {
        let mut seen = Vec::new();
        node.list(Window::WORDS.len(), |it| {
            let place = it.place();
            let limit = Self::read(it)?;
            if seen.contains(&limit.window) {
                return place.flaw("there is a limit for this window already");
            }
            seen.push(limit.window);
            Some(limit)
        })
    }

    fn read(node: Node<'_>) -> Option<Self> {
        let mut fields = node.object()?;
        let window = fields.required("window", |it| it.word(&Window::WORDS));
        let max = fields.required("max", |it| it.integer(MOST));
        fields.close();
        Some(Self { window: window?, max: max? })
    }
}

impl Window {
    const WORDS: [(&'static str, Self); 4] = [
        ("minute", Self::Minute),
        ("hour", Self::Hour),
        ("day", Self::Day),
        ("month", Self::Month),
    ];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

fn burst(fields: &mut Fields<'_>, algorithm: Option<Algorithm>) -> Option<Option<u64>> {
    fields.optional("burst", |it| match algorithm {
        Some(Algorithm::TokenBucket) => it.integer(1..=*MOST.end()),
        Some(Algorithm::SlidingWindow | Algorithm::FixedWindow) => {
            it.flaw("only a tokenBucket has a burst")
        }
        None => None,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "it stands where readers do")]
fn counts_requests<T>(node: Node<'_>) -> Option<T> {
    node.flaw("this is for responseValue: what is counted here is requests")
}

// The limits are called by it in headers (RFC 9651 §3.3.3).
fn printable(text: &str) -> Result<String, &'static str> {
    match text.bytes().all(|it| matches!(it, b' '..=b'~')) {
        true => Ok(text.to_owned()),
        false => Err("the name stands in headers: use printable ASCII"),
    }
}

fn singular(text: &str) -> Result<String, String> {
    let path: Result<SingularPath, _> = text.parse();
    path.map(|_| text.to_owned()).map_err(|it| it.to_string())
}

fn header(text: &str) -> Result<String, &'static str> {
    let name = HeaderName::from_bytes(text.as_bytes());
    name.map(|it| it.as_str().to_owned()).map_err(|_| "not a header name")
}

const MOST_NAME: usize = 64;
const MOST_PATH: usize = 256;
const MOST_PREDICATES: usize = 50;

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::control_plane::wire::fields::Flaws;
    use crate::control_plane::wire::json::Json;

    #[test]
    fn what_is_left_out_has_its_default() {
        answers(
            r#"{"name":"m","type":"requestCount"}"#,
            r#"{"name":"m","type":"requestCount","extraction":null,"estimate":null,
            "onMissing":null,"per":"proxy","limits":[],"algorithm":"slidingWindow","burst":null,
            "predicates":[],"onStoreFailure":null,"active":true,"mode":"enforce"}"#,
        );
    }

    #[test]
    fn what_is_answered_is_what_was_written() {
        let written = r#"{"name":"tokens","type":"responseValue",
            "extraction":{"location":"body","path":"$.usage.total_tokens"},
            "estimate":{"location":"body","path":"$.max_tokens"},"onMissing":7,
            "per":["credential",{"header":"x-user"},{"claim":"org"},"route","client","address"],
            "limits":[{"window":"minute","max":1000},{"window":"month","max":0}],
            "algorithm":"tokenBucket","burst":10,
            "predicates":[{"effect":"exclude","methods":["GET"],"path":null,"headers":[],
                "query":[],"body":[{"path":"^stream$","value":"true","presence":"present"}]}],
            "onStoreFailure":"lease-then-share","active":false,"mode":"observe"}"#;
        answers(written, written);
        answers(
            r#"{"name":"m","type":"responseValue","extraction":{"location":"header",
            "name":"X-Tokens"},"estimate":5,"per":{"header":"X-User"}}"#,
            r#"{"name":"m","type":"responseValue","extraction":{"location":"header",
            "name":"x-tokens"},"estimate":5,"onMissing":0,"per":{"header":"x-user"},"limits":[],
            "algorithm":"slidingWindow","burst":null,"predicates":[],"onStoreFailure":null,
            "active":true,"mode":"enforce"}"#,
        );
    }

    #[test]
    fn flaws_are_told_with_their_place() {
        check("{}", &["/name: this is required", "/type: this is required"]);
        check(
            r#"{"name":"ä","type":"count"}"#,
            &[
                "/name: the name stands in headers: use printable ASCII",
                "/type: expected \"requestCount\" or \"responseValue\"",
            ],
        );
        of_requests(
            r#""extraction":{}"#,
            "/extraction: this is for responseValue: what is counted here is requests",
        );
        of_requests(
            r#""onMissing":0"#,
            "/onMissing: this is for responseValue: what is counted here is requests",
        );
        of_requests(
            r#""estimate":1"#,
            "/estimate: this is for responseValue: what is counted here is requests",
        );
    }

    #[test]
    fn flaws_of_what_is_counted_are_told_with_their_place() {
        of_requests(r#""burst":1"#, "/burst: only a tokenBucket has a burst");
        of_requests(
            r#""algorithm":"leaky""#,
            "/algorithm: expected \"slidingWindow\" or \"tokenBucket\" or \"fixedWindow\"",
        );
        of_requests(
            r#""limits":[{"window":"day","max":1},{"window":"day","max":2}]"#,
            "/limits/1: there is a limit for this window already",
        );
        of_requests(
            r#""limits":[{"window":"week","max":1}]"#,
            "/limits/0/window: expected \"minute\" or \"hour\" or \"day\" or \"month\"",
        );
        of_requests(r#""limits":[{"window":"day"}]"#, "/limits/0/max: this is required");
        of_requests(
            r#""per":"user""#,
            "/per: expected \"proxy\" or \"credential\" or \"address\" or \"client\" or \"route\"",
        );
        of_requests(r#""per":[]"#, "/per: name one at least, or leave this out: it is proxy then");
        of_requests(r#""per":["proxy","proxy"]"#, "/per: one of these is named twice");
        of_requests(r#""per":{"header":"a","claim":"b"}"#, "/per: expected either header or claim");
        of_requests(
            r#""per":[{"header":"Cookie"}]"#,
            "/per/0/header: this header proves who calls: count per credential, or per claim",
        );
        of_requests(
            r#""predicates":[{"effect":"allow"}]"#,
            "/predicates/0/effect: expected \"include\" or \"exclude\"",
        );
        of_requests(
            r#""predicates":[{"effect":"include","path":{"pattern":"("},"priority":1}]"#,
            "/predicates/0/path/pattern: ",
        );
        of_requests(
            r#""onStoreFailure":"open""#,
            "/onStoreFailure: expected \"lease-then-share\" or \"allow\" or \"deny\"",
        );
    }

    #[test]
    fn a_number_has_one_place() {
        of_values("", "/extraction: this is required");
        of_values(r#","extraction":{"location":"body"}"#, "/extraction/path: this is required");
        of_values(
            r#","extraction":{"location":"trailer"}"#,
            "/extraction/location: expected \"body\" or \"header\"",
        );
        of_values(r#","extraction":{"location":"body","path":"$.a[*]"}"#, "/extraction/path: ");
        of_values(
            r#","extraction":{"location":"header","path":"$.a"}"#,
            "/extraction/name: this is required",
        );
    }

    #[track_caller]
    fn of_requests(more: &str, expected: &str) {
        let said = read(&format!(r#"{{"name":"m","type":"requestCount",{more}}}"#)).unwrap_err();
        assert!(said.first().is_some_and(|it| it.starts_with(expected)), "{said:?}");
    }

    #[track_caller]
    fn of_values(more: &str, expected: &str) {
        let said = read(&format!(r#"{{"name":"m","type":"responseValue"{more}}}"#)).unwrap_err();
        assert!(said.first().is_some_and(|it| it.starts_with(expected)), "{said:?}");
    }

    #[track_caller]
    fn answers(sent: &str, expected: &str) {
        let meter = read(sent).unwrap();
        let stored = serde_json::to_string(&meter).unwrap();
        assert_eq!(serde_json::from_str::<Meter>(&stored).unwrap(), meter);
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&stored).unwrap(), expected);
    }

    #[track_caller]
    fn check(document: &str, expected: &[&str]) {
        assert_eq!(read(document).unwrap_err(), expected);
    }

    fn read(document: &str) -> Result<Meter, Vec<String>> {
        let json = Json::parse(document.as_bytes()).unwrap();
        Flaws::read(json, Meter::read)
            .map_err(|it| it.iter().map(|it| format!("{}: {}", it.pointer, it.detail)).collect())
    }
}
