//! An audit record as it is kept and answered.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::control_plane::wire::text::rfc3339;
use crate::model::{AuthNote, FilterNote, LimitNote, MeterNote, Record, RuleNote, ValidationNote};

/// All members, also those that are empty, so that readers meet one shape.
pub(crate) fn record(it: &Record) -> Value {
    json!({
        "id": it.id,
        "clientId": it.client_id,
        "proxyId": it.proxy_id,
        "region": "local",
        "node": "local",
        "revision": it.revision,
        "receivedAt": rfc3339(it.received_at_ms),
        "durationMs": it.duration_ms,
        "upstreamMs": it.upstream_ms,
        "method": it.method,
        "path": it.path,
        "queryKeys": it.query_keys,
        "status": it.status,
        "code": it.code,
        "stage": it.stage,
        "requestBytes": it.request_bytes,
        "responseBytes": it.response_bytes,
        "credentialId": it.credential_id,
        "subject": it.subject,
        "auth": it.auth.as_ref().map(auth),
        "limits": it.limits.iter().map(limit).collect::<Vec<_>>(),
        "limitsDegraded": it.limits_degraded,
        "meters": it.meters.iter().map(meter).collect::<Vec<_>>(),
        "rules": it.rules.iter().map(rule).collect::<Vec<_>>(),
        "validation": it.validation.iter().map(validation).collect::<Vec<_>>(),
        "filters": it.filters.iter().map(filter).collect::<Vec<_>>(),
        "redactions": [],
        "upstream": it.upstream.as_ref().map(|it| {
            json!({"target": it.target, "status": it.status, "attempts": it.attempts})
        }),
        "clientAddress": it.client_address,
        "userAgent": it.user_agent,
        "error": it.error,
    })
}

// Where no credential was recognised, it has no type.
fn auth(it: &AuthNote) -> Value {
    let kind = Some(it.kind).filter(|it| !it.is_empty());
    json!({"type": kind, "outcome": it.outcome})
}

fn limit(it: &LimitNote) -> Value {
    json!({"policy": it.policy, "remaining": it.remaining})
}

fn meter(it: &MeterNote) -> Value {
    json!({"id": it.id, "counted": it.counted, "how": it.how})
}

fn rule(it: &RuleNote) -> Value {
    json!({"scope": it.scope, "outcome": it.outcome, "ruleIds": it.rule_ids})
}

fn validation(it: &ValidationNote) -> Value {
    json!({"message": it.message, "outcome": it.outcome, "pointers": it.pointers})
}

fn filter(it: &FilterNote) -> Value {
    let mode = if it.shadow { "shadow" } else { "enforce" };
    let path = |(path, removed): &(Arc<str>, u64)| json!({"path": path, "removed": removed});
    let paths: Vec<_> = it.paths.iter().map(path).collect();
    json!({"id": it.id, "scope": it.scope, "removed": it.removed, "mode": mode, "paths": paths})
}
