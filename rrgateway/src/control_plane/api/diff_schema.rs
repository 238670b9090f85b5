//! The shapes of rules that are proposed, and of what they would make of requests.

use serde_json::{Value, json};

/// The schema of rules that are proposed, and of the requests to try them on.
pub(crate) fn proposal() -> Value {
    let properties = json!({
        "on": {"type": "object", "required": ["type", "id"], "additionalProperties": false,
            "properties": {"type": {"enum": ["proxy", "target", "credential"]},
                "id": {"type": "string"}},
            "description": "What the rules would hang on."},
        "rules": {"type": "array", "maxItems": 1000,
            "items": {"$ref": "#/components/schemas/Rule"}, "description":
            "All rules that would hang on it, the oldest first, in the place of those that do now. \
             Each may have an id; one without is called by its place, such as /rules/3."},
        "defaultRuleEffect": {"enum": ["allow", "deny", null], "description":
            "As it is now, where it is left out."},
        "requests": {"type": ["array", "null"], "maxItems": 1000, "items": request(),
            "description": "Without them, those of the newest audit records are tried: of the \
            proxy; of the proxies that use the target or the target credential now; of those who \
            called with the proxy credential. Also of requests that another stage refused."},
        "limit": {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 1000,
            "description": "How many audit records are read. Not beside requests."},
    });
    json!({
        "type": "object",
        "required": ["on", "rules"],
        "additionalProperties": false,
        "properties": properties,
        "examples": [{"on": {"type": "proxy", "id": "crm"},
            "rules": [{"effect": "deny", "methods": ["DELETE"], "path": {"pattern": "^/users/"}}]}],
    })
}

fn request() -> Value {
    json!({
        "type": "object",
        "required": ["method", "path"],
        "additionalProperties": false,
        "properties": {
            "method": {"type": "string"},
            "path": {"type": "string", "description":
                "What rules judge: what follows /api/{proxy}, without a query."},
            "query": {"type": ["string", "null"], "description": "Without the ?."},
            "headers": {"type": ["object", "null"], "description":
                "All of them, each a text or a list of texts."},
            "body": {"description":
                "A text is taken as it is; what is not a text stands for that JSON."},
        },
        "description": "Of what is left out nothing is known; null says that there is none.",
    })
}

/// The schema of what becomes of requests under other rules.
pub(crate) fn comparison() -> Value {
    let count = json!({"type": "integer"});
    let effect = json!({"enum": ["allow", "deny"]});
    let by = json!({"type": "object", "required": ["rule"], "description":
        "What denies now; or the rule that allows now where a default denied; or what denied \
         before and does so no longer: {rule, priority}, or {rule: null, default: true}, or \
         {rule: null, malformedQuery: true} where the query has no single reading, and rules look \
         at it."});
    let needs = json!({"type": "array", "items": {"type": "string"}, "description":
        "What would have to be known, such as header x-admin, value of query parameter debug, or \
         body."});
    let properties = json!({
        "compared": {"type": "integer", "description": "Requests."},
        "skipped": {"type": "integer", "description":
            "Audit records of requests that were refused before they had a path to judge."},
        "counts": {"type": "object", "required": COUNTS, "properties": {
            "same": count, "newlyAllowed": count, "newlyDenied": count, "undecidable": count},
            "description": "Together, those that were compared. Each is judged by this scope \
            alone: newlyAllowed may still be denied by another scope, or by another stage."},
        "flips": requests(
            "The first 100 that are newly allowed or newly denied.",
            &json!({"from": effect, "to": effect, "by": by})),
        "undecidable": requests(
            "The first 100 of which too little is known: records have no headers, no body, and of \
             the query only the names.",
            &json!({"needs": needs})),
        "warnings": {"type": "array", "items": {"$ref": "#/components/schemas/Warning"},
            "description": "What is legal in the rules that are proposed, and hardly meant."},
    });
    let required: Vec<_> = properties.as_object().into_iter().flatten().map(|it| it.0).collect();
    json!({"type": "object", "required": required, "properties": properties})
}

fn requests(what: &str, more: &Value) -> Value {
    let mut properties = json!({
        "requestId": {"type": "string", "description": "Of the audit record."},
        "index": {"type": "integer", "description": "Among the requests given, from 0."},
        "method": {"type": "string"},
        "path": {"type": "string"},
    });
    if let (Some(all), Some(more)) = (properties.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    json!({"type": "array", "maxItems": 100, "description": what,
        "items": {"type": "object", "required": ["method", "path"], "properties": properties}})
}

const COUNTS: [&str; 4] = ["same", "newlyAllowed", "newlyDenied", "undecidable"];
