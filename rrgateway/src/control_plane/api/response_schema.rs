//! The shapes of what filters and transforms, for the description of the API.

use serde_json::{Value, json};

use crate::control_plane::api::shape::Shape;

pub(crate) fn filter() -> Shape {
    let properties = json!({
        "operation": {"enum": ["retain", "destroy", "mask"], "description":
            "retain: only what the paths match is left. destroy: what they match is taken out. \
             mask: what they match is replaced."},
        "paths": {"type": "array", "items": {"type": "string"}, "minItems": 1, "description":
            "JSONPath (RFC 9535), such as $.items[*].id or $..name. Filter expressions, functions \
             and places counted from the end have the body read whole."},
        "with": {"type": ["string", "null"], "maxLength": 256, "description":
            "What a mask puts in the place of each match: *** unless told."},
        "methods": {"type": ["array", "null"], "items": {"type": "string"}, "minItems": 1,
            "description": "Of the requests that it is for; null: all. GET is HEAD too."},
        "path": {"type": ["string", "object", "null"], "description":
            "A pattern that is found in the canonical path, or {pattern, flags}. null: any path."},
        "mode": {"enum": ["enforce", "shadow"], "default": "enforce", "description":
            "shadow: what it would remove is recorded, and stays."},
        "on": {"enum": ["request", "response"], "default": "response"},
        "streaming": {"type": "boolean", "default": false, "description":
            "Whether it applies to each record of text/event-stream and application/x-ndjson. \
             Otherwise such a response is answered with 422."},
        "applyToErrors": {"type": "boolean", "default": false, "description":
            "Whether it applies to responses of every status, and not only to 2xx."},
    });
    let example = json!({"operation": "retain", "paths": ["$.id", "$.items[*].sku"]});
    (&["operation", "paths"], properties, example)
}

pub(crate) fn transform() -> Value {
    let headers = json!({"type": ["object", "null"], "additionalProperties": false, "description":
        "In this order: names that go, names that change, lines that take the place of what was \
         there, lines that are added. Values are templates, such as {claim.sub}.", "properties": {
        "remove": {"type": ["array", "null"], "items": {"type": "string"}},
        "rename": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
        "set": {"type": ["object", "null"], "additionalProperties": true},
        "append": {"type": ["object", "null"], "additionalProperties": true}}});
    let mut query = headers.clone();
    if let Some(properties) = query.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(
            "normalise".to_owned(),
            json!({"type": ["object", "null"], "description":
                "Before anything looks at the query: keepOnly, remove, dropEmpty, duplicates, sort."}),
        );
    }
    let body = json!({"type": ["array", "null"], "items": {"type": "object"}, "description":
        "Steps on JSON, one after the other: add, set, remove, rename, move, patch, wrap, unwrap; \
         fromForm, fromXml, toForm."});
    let part = |properties: Value| {
        json!({"type": ["object", "null"], "additionalProperties": false,
            "properties": properties})
    };
    json!({"type": ["object", "null"], "additionalProperties": false, "description":
        "What is changed in requests and responses: see /docs/transforming.", "properties": {
        "request": part(json!({"headers": headers, "query": query, "body": body,
            "path": {"type": ["object", "array", "null"], "description":
                "{pattern, to}, or several: applied to the canonical path before anything else \
                 looks at it."}})),
        "response": part(json!({"headers": headers, "body": body})),
    }})
}
