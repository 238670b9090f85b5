//! The shapes of a described request, and of what would become of it.

use serde_json::{Value, json};

use crate::control_plane::wire::answer;

/// The schema of a described request.
pub(crate) fn question() -> Value {
    let properties = json!({
        "proxyId": {"type": "string", "description": "The id or the alias of a proxy."},
        "method": {"type": "string"},
        "path": {"type": "string", "description":
            "What would follow /api/{proxy}, as it would be sent; perhaps with a query."},
        "query": {"type": ["string", "object", "null"], "description":
            "The query as it would be sent, or its parameters: each a text or a list of texts."},
        "headers": {"type": "object", "description":
            "Each a text, or a list of texts for a header that is sent several times. What every \
             client sends (Host, Content-Length) is added."},
        "body": {"description":
            "A text is sent as it is; any other JSON is sent as JSON, as application/json unless \
             the headers say otherwise."},
        "credentialId": {"type": ["string", "null"], "description":
            "The proxy credential that the request is taken to show. Without one, what its headers \
             show counts."},
    });
    json!({
        "type": "object",
        "required": ["proxyId", "method", "path"],
        "additionalProperties": false,
        "properties": properties,
        "examples": [{"proxyId": "crm", "method": "DELETE", "path": "/customers/7",
            "credentialId": "agent"}],
    })
}

/// The schema of what would become of it.
pub(crate) fn explanation() -> Value {
    let properties = json!({
        "allowed": {"type": "boolean", "description": "Whether it would go upstream."},
        "status": {"type": ["integer", "null"], "description":
            "Of the refusal; null where the upstream would answer."},
        "code": {"type": "string", "description":
            "proxy-access-granted, or the code of the first refusal."},
        "stage": {"type": ["string", "null"], "description": "The one that would refuse."},
        "revision": {"type": ["integer", "null"], "description":
            "The one that decided; null where none is served yet."},
        "stages": {"type": "array", "items": stage(), "description":
            "In the order in which they are asked. Those behind the one that refuses are asked \
             too, as far as they can tell."},
    });
    whole(&properties)
}

fn stage() -> Value {
    let text = json!({"type": "string"});
    let items = |shape: Value| json!({"type": "array", "items": whole(&shape)});
    let number = json!({"type": "integer"});
    let rule = json!({"type": "object", "description":
        "What decided: {id, scope, effect, priority}, or {id: null, scope, effect, default: true}."});
    json!({"type": "object", "required": ["stage", "outcome"], "properties": {
        "stage": text,
        "outcome": {"enum": ["passed", "refused", "skipped", "notSent", "applies"], "description":
            "skipped: it cannot tell, for the reason given. applies: it changes the request, or the response."},
        "status": number,
        "code": text,
        "detail": text,
        "reason": {"type": "string", "description": "For the operator; callers never see it."},
        "path": {"type": "string", "description": "route: the canonical path that rules judge."},
        "credentialId": {"type": ["string", "null"]},
        "open": {"type": "boolean", "description": "authenticate: anybody may call."},
        "limits": items(json!({"policy": text, "max": number, "windowSeconds": number,
            "remaining": number, "resetSeconds": number})),
        "rule": rule,
        "scopes": items(json!({
            "scope": text,
            "outcome": {"enum": ["allow", "deny", "unknown"]},
            "rule": answer::with(rule, [("type", json!(["object", "null"]))]),
            "default": {"type": "boolean", "description": "Whether no rule fits."},
            "shadow": {"type": ["object", "null"], "description":
                "What it would say if the rules in shadow mode were enforced: {outcome, ruleIds}."},
            "rules": items(json!({
                "id": text, "effect": text, "priority": number,
                "mode": {"enum": ["enforce", "shadow"]},
                "outcome": {"enum": ["fits", "fails", "notInspectable"]},
                "criterion": {"type": ["string", "null"], "description":
                    "The first criterion that is not met, as a pointer into the rule."},
            })),
        })),
        "credential": {"enum": ["available", "unavailable", "none"]},
        "present": {"type": ["object", "null"], "description":
            "How the target credential is shown. Never the secret."},
        "targetId": text,
        "transforms": {"type": "boolean", "description":
            "transform: whether the proxy's transformation changes anything."},
        "buffered": {"type": "array", "items": {"enum": ["request", "response"]}, "description":
            "transform: the bodies that are read whole."},
        "filters": items(json!({"id": text, "scope": text, "operation": text,
            "mode": {"enum": ["enforce", "shadow"]},
            "buffered": {"type": "boolean", "description": "Whether the body is read whole."}})),
        "echoShield": {"type": "boolean", "description":
            "filter: whether the target credential is masked in the response."},
    }})
}

fn whole(properties: &Value) -> Value {
    let required: Vec<_> = properties.as_object().into_iter().flatten().map(|it| it.0).collect();
    json!({"type": "object", "required": required, "properties": properties})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::wire::explanation;
    use crate::model::{Explained, Explanation, Finding, Outcome, ScopeSays};
    use rrcore::{Scope, Stage};

    #[test]
    fn no_rule_is_named_where_nobody_knows_the_caller_and_the_schema_says_so() {
        let unknown = ScopeSays { scope: Scope::ProxyCredential, said: None };
        let rules = Finding::Rules(vec![unknown]);
        let stage = Explained { stage: Stage::Rules, outcome: Outcome::Passed, finding: rules };
        let said = explanation::shown(&Explanation { revision: None, stages: vec![stage] });
        assert_eq!(said["stages"][0]["scopes"][0]["rule"], Value::Null);
        let stage = &explanation()["properties"]["stages"]["items"]["properties"];
        let rule = &stage["scopes"]["items"]["properties"]["rule"]["type"];
        assert_eq!(*rule, json!(["object", "null"]));
    }
}
