//! The shape of meters.

use serde_json::{Value, json};

use crate::control_plane::api::rule_schema;
use crate::control_plane::api::shape::Shape;
use crate::control_plane::wire::answer;
use crate::control_plane::wire::limits::MOST;

/// The shape of a meter.
pub(crate) fn meter() -> Shape {
    let number = |what: &str| {
        json!({"type": ["integer", "null"], "minimum": 0, "maximum": MOST.end(),
            "description": what})
    };
    let windows = json!({"enum": ["minute", "hour", "day", "month"], "description":
        "day and month are of the calendar, in UTC, whatever the algorithm."});
    let properties = json!({
        "name": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[ -~]+$",
            "description": "Unique among the meters of the proxy. Limits are called \
                <name>.<window> in headers, refusals and records."},
        "type": {"enum": ["requestCount", "responseValue"], "description":
            "requestCount: each request is one. responseValue: a number that the upstream answers."},
        "extraction": place("Where the number is, and only of responseValue. In a body of JSON, or \
            in an event stream, where the last one counts; compressed or not. Or in a header."),
        "estimate": {"oneOf": [{"type": "integer", "minimum": 0},
            place("Where in the request; null: nothing is taken.")], "description": "What is taken when a request is let in, and made \
            good when the number is known: a number, or where the request says it. Only of \
            responseValue."},
        "onMissing": number("What a response without the number counts as: 0 unless told. Only of \
            responseValue."),
        "per": {"description": "Who counts together: proxy (the default), credential, address, \
            client, route, {\"header\": name}, {\"claim\": name}, or a list of these. client: all \
            proxies that have a meter of this name.", "oneOf": [part(),
            {"type": "array", "items": part(), "minItems": 1, "maxItems": 8}]},
        "limits": {"type": ["array", "null"], "maxItems": 4, "items": {"type": "object",
            "required": ["window", "max"], "additionalProperties": false, "properties": {
            "window": windows, "max": {"type": "integer", "minimum": 0, "maximum": MOST.end()}}},
            "description": "One for each window. Without any, it only counts."},
        "algorithm": {"enum": ["slidingWindow", "tokenBucket", "fixedWindow"],
            "default": "slidingWindow", "description": "How minutes and hours move."},
        "burst": {"type": ["integer", "null"], "minimum": 1, "maximum": MOST.end(), "description":
            "What a tokenBucket holds: its max unless told."},
        "predicates": {"type": ["array", "null"], "maxItems": 50, "items": predicate(),
            "description": "Which requests it is about: all that no exclude fits, and, where there \
            are includes, one of them does. What cannot be inspected is metered."},
        "onStoreFailure": {"enum": ["lease-then-share", "allow", "deny", null], "description":
            "What becomes of requests when a shared store of counts cannot be reached; null: as \
             the gateway is told."},
        "active": {"type": "boolean", "default": true},
        "mode": {"enum": ["enforce", "observe"], "default": "enforce", "description":
            "observe: it counts, and refuses nothing."},
        "usage": usage(),
    });
    let example = json!({"name": "tokens", "type": "responseValue",
        "extraction": {"location": "body", "path": "$.usage.total_tokens"},
        "per": "credential", "limits": [{"window": "day", "max": 1_000_000}],
        "estimate": {"location": "body", "path": "$.max_tokens"}, "onMissing": 1000});
    (&["name", "type"], properties, example)
}

/// The shape of what was spent of a proxy.
pub(crate) fn of_proxy() -> Value {
    let meter = json!({"type": "object", "properties": {
        "id": {"type": "string"}, "name": {"type": "string"}, "usage": usage()}});
    json!({"type": "object", "required": ["proxyId", "limits", "meters"], "properties": {
        "proxyId": {"type": "string"},
        "limits": usage(),
        "meters": {"type": "array", "items": meter, "description":
            "Those that are switched on have a usage."},
    }})
}

fn usage() -> Value {
    let text = json!({"type": "string"});
    let number = json!({"type": "integer"});
    json!({"type": "array", "readOnly": true, "description":
        "What was spent, of the keys that spent most; where the meter has no limits, by day and \
         month.", "items": {"type": "object",
        "required": ["window", "key", "spent", "max", "resetsAt", "source"], "properties": {
            "window": text, "key": {"type": "string", "description":
                "Whose it is: the parts of per, joined by commas."},
            "spent": number, "max": {"type": ["integer", "null"]},
            "resetsAt": {"type": ["string", "null"], "format": "date-time", "description":
                "When what is spent begins to count no more; null: nothing is spent."},
            "source": {"enum": ["local", "store"], "description": "store: what all gateways that \
                share a store have spent. local: what this one has; also where they share one, and \
                it does not answer."}}}})
}

fn part() -> Value {
    let named = |name: &str| {
        json!({"type": "object", "required": [name], "additionalProperties": false,
            "properties": {name: {"type": "string"}}})
    };
    json!({"oneOf": [{"enum": ["proxy", "credential", "address", "client", "route"]},
        named("header"), named("claim")]})
}

fn place(what: &str) -> Value {
    json!({"type": ["object", "null"], "required": ["location"], "additionalProperties": false,
        "properties": {
            "location": {"enum": ["body", "header"]},
            "path": {"type": "string", "description":
                "A singular JSONPath (RFC 9535), such as $.usage.total_tokens. With body."},
            "name": {"type": "string", "description": "Of the header. With header."}},
        "description": what})
}

// The criteria of a rule.
fn predicate() -> Value {
    let (_, properties, _) = rule_schema::rule();
    let properties = match properties {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            serde_json::Map::new()
        }
    };
    let criteria = properties.into_iter().filter(|(name, _)| !OF_RULES.contains(&name.as_str()));
    let effect = ("effect", json!({"enum": ["include", "exclude"]}));
    json!({"type": "object", "required": ["effect"], "additionalProperties": false,
        "properties": answer::with(Value::Object(criteria.collect()), [effect])})
}

const OF_RULES: [&str; 5] = ["effect", "priority", "notes", "mode", "unreadable"];
