//! An audit record as it is kept and answered.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::control_plane::wire::text::rfc3339;
use crate::model::{AuthNote, FilterNote, LimitNote, MeterNote, Record, RuleNote, ValidationNote};

/// All members, also those that are empty, so that readers meet one shape. Every request has one:
/// it is written as it stands, and no tree is made of it before.
pub(crate) fn record(it: &Record) -> impl Serialize {
    Written {
        id: &it.id,
        client_id: &it.client_id,
        proxy_id: it.proxy_id.as_deref(),
        region: "local",
        node: "local",
        revision: it.revision,
        received_at: rfc3339(it.received_at_ms),
        duration_ms: it.duration_ms,
        upstream_ms: it.upstream_ms,
        method: &it.method,
        path: &it.path,
        query_keys: &it.query_keys,
        status: it.status,
        code: it.code,
        stage: it.stage,
        request_bytes: it.request_bytes,
        response_bytes: it.response_bytes,
        credential_id: it.credential_id.as_deref(),
        subject: it.subject.as_deref(),
        auth: it.auth.as_ref().map(Auth::of),
        limits: Each(&it.limits, Limit::of),
        limits_degraded: it.limits_degraded,
        meters: Each(&it.meters, Meter::of),
        rules: Each(&it.rules, Rules::of),
        validation: Each(&it.validation, Validation::of),
        filters: Each(&it.filters, Filter::of),
        redactions: [],
        upstream: it.upstream.as_ref().map(|it| Upstream {
            target: &it.target,
            status: it.status,
            attempts: it.attempts,
        }),
        client_address: it.client_address,
        user_agent: it.user_agent.as_deref(),
        error: it.error.as_deref(),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    id: &'a str,
    client_id: &'a str,
    proxy_id: Option<&'a str>,
    region: &'static str,
    node: &'static str,
    revision: u64,
    received_at: String,
    duration_ms: f64,
    upstream_ms: Option<f64>,
    method: &'a str,
    path: &'a str,
    query_keys: &'a [String],
    status: u16,
    code: &'static str,
    stage: Option<&'static str>,
    request_bytes: u64,
    response_bytes: u64,
    credential_id: Option<&'a str>,
    subject: Option<&'a str>,
    auth: Option<Auth>,
    limits: Each<'a, LimitNote, Limit<'a>>,
    limits_degraded: bool,
    meters: Each<'a, MeterNote, Meter<'a>>,
    rules: Each<'a, RuleNote, Rules<'a>>,
    validation: Each<'a, ValidationNote, Validation<'a>>,
    filters: Each<'a, FilterNote, Filter<'a>>,
    redactions: [(); 0],
    upstream: Option<Upstream<'a>>,
    client_address: Option<IpAddr>,
    user_agent: Option<&'a str>,
    error: Option<&'a str>,
}

/// A list, each item of which is written as what is made of it.
struct Each<'a, T, W>(&'a [T], fn(&'a T) -> W);

impl<T, W: Serialize> Serialize for Each<'_, T, W> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

#[derive(Serialize)]
struct Auth {
    // Where no credential was recognised, it has none.
    r#type: Option<&'static str>,
    outcome: &'static str,
}

impl Auth {
    fn of(it: &AuthNote) -> Self {
        Self { r#type: Some(it.kind).filter(|it| !it.is_empty()), outcome: it.outcome }
    }
}

#[derive(Serialize)]
struct Limit<'a> {
    policy: &'a str,
    remaining: u64,
}

impl<'a> Limit<'a> {
    fn of(it: &'a LimitNote) -> Self {
        Self { policy: &it.policy, remaining: it.remaining }
    }
}

#[derive(Serialize)]
struct Meter<'a> {
    id: &'a str,
    counted: u64,
    how: &'static str,
}

impl<'a> Meter<'a> {
    fn of(it: &'a MeterNote) -> Self {
        Self { id: &it.id, counted: it.counted, how: it.how }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rules<'a> {
    scope: &'static str,
    outcome: &'static str,
    rule_ids: Names<'a>,
}

impl<'a> Rules<'a> {
    fn of(it: &'a RuleNote) -> Self {
        Self { scope: it.scope, outcome: it.outcome, rule_ids: Each(&it.rule_ids, AsRef::as_ref) }
    }
}

#[derive(Serialize)]
struct Validation<'a> {
    message: &'static str,
    outcome: &'static str,
    pointers: Names<'a>,
}

impl<'a> Validation<'a> {
    fn of(it: &'a ValidationNote) -> Self {
        let pointers = Each(&it.pointers, AsRef::as_ref);
        Self { message: it.message, outcome: it.outcome, pointers }
    }
}

#[derive(Serialize)]
struct Filter<'a> {
    id: &'a str,
    scope: &'static str,
    removed: u64,
    mode: &'static str,
    paths: Each<'a, Removed, Path<'a>>,
}

#[derive(Serialize)]
struct Path<'a> {
    path: &'a str,
    removed: u64,
}

impl<'a> Filter<'a> {
    fn of(it: &'a FilterNote) -> Self {
        let mode = if it.shadow { "shadow" } else { "enforce" };
        let path = |(path, removed): &'a Removed| Path { path, removed: *removed };
        let paths = Each(&it.paths, path);
        Self { id: &it.id, scope: it.scope, removed: it.removed, mode, paths }
    }
}

#[derive(Serialize)]
struct Upstream<'a> {
    target: &'a str,
    status: Option<u16>,
    attempts: u32,
}

type Names<'a> = Each<'a, Arc<str>, &'a str>;
type Removed = (Arc<str>, u64);
