//! What would become of a request, as it is answered.

use rrcore::{Refusal, Scope};
use rrfilter::Operation;
use rrrules::{Effect, Mode, RuleOutcome, RuleTrace, Verdict};
use serde_json::{Map, Value, json};

use crate::control_plane::wire::answer;
use crate::model::{
    Changes, Explained, Explanation, FilterApplies, Finding, LimitLeft, Outcome, Presentation,
    ScopeSays,
};

/// `it` as it is answered.
pub(crate) fn shown(it: &Explanation) -> Value {
    let refusal = it.refusal();
    json!({
        "allowed": refusal.is_none(),
        "status": refusal.map(|it| it.status().as_u16()),
        "code": refusal.map_or(GRANTED, |it| it.code().as_str()),
        "stage": refusal.map(|it| it.stage().as_str()),
        "revision": it.revision,
        "stages": it.stages.iter().map(stage).collect::<Vec<_>>(),
    })
}

fn stage(it: &Explained) -> Value {
    let said = json!({"stage": it.stage.as_str(), "outcome": word(&it.outcome)});
    let why = match &it.outcome {
        Outcome::Refused(refusal) => refused(refusal),
        Outcome::Skipped(why) => json!({"reason": why}),
        Outcome::Passed | Outcome::NotSent | Outcome::Applies => json!({}),
    };
    merged(merged(said, why), finding(it))
}

const fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Refused(_) => "refused",
        Outcome::Skipped(_) => "skipped",
        Outcome::NotSent => "notSent",
        Outcome::Applies => "applies",
    }
}

fn refused(refusal: &Refusal) -> Value {
    let mut said: Map<String, Value> =
        refusal.members().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    said.insert("status".to_owned(), refusal.status().as_u16().into());
    said.insert("code".to_owned(), refusal.code().as_str().into());
    for (name, text) in [("detail", refusal.get_detail()), ("reason", refusal.reason())] {
        if let Some(text) = text {
            said.insert(name.to_owned(), text.into());
        }
    }
    Value::Object(said)
}

fn finding(it: &Explained) -> Value {
    match &it.finding {
        Finding::Nothing => json!({}),
        Finding::Path(path) => json!({"path": path}),
        Finding::Caller { credential, open } => json!({"credentialId": credential, "open": open}),
        Finding::Limits(limits) => json!({"limits": limits.iter().map(limit).collect::<Vec<_>>()}),
        Finding::Rules(scopes) => json!({"scopes": scopes.iter().map(scope).collect::<Vec<_>>()}),
        Finding::Credential(present) => credential(present, &it.outcome),
        Finding::Target(id) => json!({"targetId": id}),
        Finding::Changes(changes) => self::changes(changes),
        Finding::Filters { filters, shielded } => {
            let filters: Vec<_> = filters.iter().map(filter).collect();
            json!({"filters": filters, "echoShield": shielded})
        }
    }
}

fn limit(it: &LimitLeft) -> Value {
    let LimitLeft { policy, max, window_seconds, remaining, reset_seconds } = it;
    json!({"policy": policy, "max": max, "windowSeconds": window_seconds,
        "remaining": remaining, "resetSeconds": reset_seconds})
}

fn scope(it: &ScopeSays) -> Value {
    let scope = it.scope;
    let Some(said) = &it.said else {
        return json!({"scope": scope.as_str(), "outcome": "unknown", "rule": null,
            "default": false, "shadow": null, "rules": []});
    };
    let Verdict { effect: outcome, deciding, not_inspectable, shadow, .. } = &said.verdict;
    let by_rule = deciding.as_ref().map(|it| {
        json!({"id": it.id, "scope": scope.as_str(), "effect": effect(*outcome),
            "priority": it.priority})
    });
    let is_default = by_rule.is_none();
    let decided = by_rule.unwrap_or_else(|| by_default(scope, *outcome));
    let shadow = shadow
        .as_ref()
        .map(|it| json!({"outcome": effect(it.effect), "ruleIds": it.matched.as_slice()}));
    let reason = not_inspectable.map(|it| ("reason", it.into()));
    let said = json!({
        "scope": scope.as_str(),
        "outcome": effect(*outcome),
        "rule": decided,
        "default": is_default,
        "shadow": shadow,
        "rules": said.rules.iter().map(rule).collect::<Vec<_>>(),
    });
    answer::with(said, reason)
}

// As a refusal names it.
fn by_default(scope: Scope, outcome: Effect) -> Value {
    json!({"id": null, "scope": scope.as_str(), "effect": effect(outcome), "default": true})
}

fn rule(it: &RuleTrace) -> Value {
    let (outcome, criterion) = match it.outcome {
        RuleOutcome::Fits => ("fits", None),
        RuleOutcome::Fails(criterion) => ("fails", Some(criterion.to_string())),
        RuleOutcome::NotInspectable => ("notInspectable", None),
    };
    let mode = match it.mode {
        Mode::Enforce => "enforce",
        Mode::Shadow => "shadow",
    };
    json!({"id": it.id, "effect": effect(it.effect), "priority": it.priority, "mode": mode,
        "outcome": outcome, "criterion": criterion})
}

const fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    }
}

fn credential(present: &Presentation, outcome: &Outcome) -> Value {
    let word = match (present, outcome) {
        (_, Outcome::Refused(_)) => "unavailable",
        (Presentation::None, _) => "none",
        (_, Outcome::Passed | Outcome::Skipped(_) | Outcome::NotSent | Outcome::Applies) => {
            "available"
        }
    };
    json!({"credential": word, "present": presented(present)})
}

fn presented(present: &Presentation) -> Value {
    match present {
        Presentation::None => Value::Null,
        Presentation::Header { name, prefix } => {
            json!({"in": "header", "name": name.as_str(), "prefix": prefix})
        }
        Presentation::Query { name } => json!({"in": "query", "name": name}),
        Presentation::Basic { username } => {
            json!({"in": "header", "name": "authorization", "prefix": "Basic ",
                "username": username})
        }
        Presentation::Headers { names } => {
            let names: Vec<_> = names.iter().map(http::HeaderName::as_str).collect();
            json!({"in": "header", "names": names})
        }
        Presentation::OAuth2 { .. } => {
            json!({"in": "header", "name": "authorization", "prefix": "Bearer "})
        }
        Presentation::CustomToken { shown, .. } => presented(shown),
        Presentation::AwsSigV4 { access_key_id, service, region } => {
            json!({"in": "signature", "accessKeyId": access_key_id, "service": service,
                "awsRegion": region})
        }
        Presentation::HttpSignature { key_id, components } => {
            json!({"in": "signature", "keyId": key_id, "components": components})
        }
    }
}

fn changes(it: &Changes) -> Value {
    let Changes { transforms, buffers_request, buffers_response, filters } = it;
    let buffered = [("request", *buffers_request), ("response", *buffers_response)];
    let buffered: Vec<_> = buffered.iter().filter(|it| it.1).map(|it| it.0).collect();
    let filters: Vec<_> = filters.iter().map(filter).collect();
    json!({"transforms": transforms, "buffered": buffered, "filters": filters})
}

fn filter(it: &FilterApplies) -> Value {
    let operation = match it.operation {
        Operation::Retain => "retain",
        Operation::Destroy => "destroy",
        Operation::Mask => "mask",
    };
    let mode = if it.shadow { "shadow" } else { "enforce" };
    json!({"id": it.id, "scope": it.scope.as_str(), "operation": operation, "mode": mode,
        "buffered": it.buffered})
}

fn merged(mut said: Value, more: Value) -> Value {
    if let (Some(said), Value::Object(more)) = (said.as_object_mut(), more) {
        said.extend(more);
    }
    said
}

/// As in records.
const GRANTED: &str = "proxy-access-granted";
