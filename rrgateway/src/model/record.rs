//! The audit record: one per request that reached `route`, refused ones too.

use std::net::IpAddr;
use std::sync::Arc;

/// What happened to one request. Names, numbers and outcomes: never a body, a secret, or a
/// header or query value beyond the user agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// `req_…`.
    pub id: String,
    /// The tenant; `default` for proxies that do not exist.
    pub client_id: Arc<str>,
    /// The proxy, if there was one.
    pub proxy_id: Option<Arc<str>>,
    /// The revision that decided.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub received_at_ms: i64,
    /// From the first line of the request to the last byte of the response, in milliseconds.
    pub duration_ms: f64,
    /// From sending to the upstream's headers, in milliseconds.
    pub upstream_ms: Option<f64>,
    /// As sent.
    pub method: String,
    /// Canonical, without the prefix.
    pub path: String,
    /// The names of the query parameters.
    pub query_keys: Vec<String>,
    /// What the caller got.
    pub status: u16,
    /// `proxy-access-granted`, or the code of the refusal.
    pub code: &'static str,
    /// The stage that refused; `None` when none did.
    pub stage: Option<&'static str>,
    /// Bytes of the request's body that were read.
    pub request_bytes: u64,
    /// Bytes of the response's body that were written.
    pub response_bytes: u64,
    /// The credential that was shown, if it was good.
    pub credential_id: Option<Arc<str>>,
    /// Its subject.
    pub subject: Option<Arc<str>>,
    /// How authentication went.
    pub auth: Option<AuthNote>,
    /// What is left of each limit.
    pub limits: Vec<LimitNote>,
    /// Whether the store that limits share did not answer.
    pub limits_degraded: bool,
    /// What each meter of values added up.
    pub meters: Vec<MeterNote>,
    /// What each scope of rules decided.
    pub rules: Vec<RuleNote>,
    /// What was found wrong with the shape of request or response.
    pub validation: Vec<ValidationNote>,
    /// What each filter removed.
    pub filters: Vec<FilterNote>,
    /// What the upstream answered, if it was called.
    pub upstream: Option<UpstreamNote>,
    /// As far as it can be believed.
    pub client_address: Option<IpAddr>,
    /// As sent, shortened.
    pub user_agent: Option<String>,
    /// Why, for the operator.
    pub error: Option<String>,
}

/// How authentication went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthNote {
    /// The kind of credential.
    pub kind: &'static str,
    /// `ok`, `missing`, `invalid`, `expired`, `unavailable`.
    pub outcome: &'static str,
}

/// What is left of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitNote {
    /// Its name.
    pub policy: Arc<str>,
    /// Requests that still fit.
    pub remaining: u64,
}

/// What a meter of values added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterNote {
    /// Its id.
    pub id: Arc<str>,
    /// How much.
    pub counted: u64,
    /// `value` of a number that was found; otherwise why `onMissing` counts: `missing`, `unusable`,
    /// `unreadable`, `cut`; `noResponse` where nothing does.
    pub how: &'static str,
}

/// What a scope of rules decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleNote {
    /// Its name.
    pub scope: &'static str,
    /// `allow`, `deny`; `shadowAllow`, `shadowDeny` where it only would have been so.
    pub outcome: &'static str,
    /// The rules that matched.
    pub rule_ids: Vec<Arc<str>>,
}

/// What was found wrong with the shape of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationNote {
    /// `request` or `response`.
    pub message: &'static str,
    /// `invalid`, `mediaType`, or `unchecked` where it could not be looked into.
    pub outcome: &'static str,
    /// Where, as JSON pointers of names that the schema knows.
    pub pointers: Vec<Arc<str>>,
}

/// What a filter removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterNote {
    /// The filter.
    pub id: Arc<str>,
    /// What it hangs on.
    pub scope: &'static str,
    /// How many values.
    pub removed: u64,
    /// Those of its paths that found something, and how many values.
    pub paths: Vec<(Arc<str>, u64)>,
    /// Whether it only reports.
    pub shadow: bool,
}

/// What the upstream answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamNote {
    /// The target.
    pub target: Arc<str>,
    /// Its status, if it gave one.
    pub status: Option<u16>,
    /// How many times it was called.
    pub attempts: u32,
}
