//! The shape of rules and of the patterns in them.

use serde_json::{Value, json};

use crate::control_plane::api::shape::Shape;

/// The shape of a rule.
pub(crate) fn rule() -> Shape {
    let pattern = json!({"$ref": "#/components/schemas/Pattern"});
    let presence = json!({"enum": ["present", "absent", "must_exist", "must_not_exist"],
        "default": "present", "description": "Answered as present or absent."});
    let flags = json!({"type": "string", "description":
        "Flags for all patterns in here; answered with each."});
    let also = |what: &str| {
        json!({"writeOnly": true, "description":
        format!("Another spelling of {what}, answered as that.")})
    };
    let checks = |what: &str| {
        json!({"type": ["array", "null"], "maxItems": 100, "items": {
        "type": "object", "required": ["name"], "additionalProperties": false,
        "properties": {"name": pattern, "value": {"oneOf": [pattern, {"type": "null"}]},
            "presence": presence, "flags": flags, "regexFlags": also("flags")}},
        "description": what})
    };
    let properties = json!({
        "effect": {"enum": ["allow", "deny"], "description":
            "One deny that fits is enough; else one allow; else the scope's defaultRuleEffect."},
        "priority": {"type": "integer", "minimum": 0, "maximum": 1000, "default": 500,
            "description": "Orders evaluation and reports; never lets an allow win over a deny."},
        "methods": {"type": ["array", "null"], "items": {"type": "string"}, "minItems": 1},
        "path": {"type": ["object", "null"], "required": ["pattern"],
            "additionalProperties": false,
            "properties": {"pattern": pattern, "presence": presence, "flags": flags,
                "regexFlags": also("flags")}},
        "pathPattern": also("path.pattern"),
        "pathPresence": also("path.presence"),
        "headers": checks(
            "All must hold. A name that is a text is exact; as an object it is a pattern."),
        "headerChecks": also("headers"),
        "query": checks(
            "All must hold, of the decoded query. A name that is a text is exact; as an object it \
             is a pattern."),
        "queryChecks": also("query"),
        "body": body(&pattern, &presence, &flags, &also("flags")),
        "bodyChecks": also("body"),
        "regexFlags": also("the flags of every pattern in the rule"),
        "notes": {"type": ["string", "null"], "maxLength": 4096},
        "mode": {"enum": ["enforce", "shadow"], "default": "enforce", "description":
            "shadow: decides nothing; records show what would have been, as shadowAllow or \
             shadowDeny."},
        "unreadable": unreadable(),
    });
    let example = json!({"effect": "deny", "priority": 900, "methods": ["DELETE"],
        "path": {"pattern": "^/users/"}, "notes": "nobody deletes users"});
    (&["effect"], properties, example)
}

fn body(pattern: &Value, presence: &Value, flags: &Value, regex_flags: &Value) -> Value {
    json!({"type": ["array", "null"], "maxItems": 100, "items": {
        "type": "object", "required": ["path"], "additionalProperties": false,
        "properties": {"path": pattern, "value": {"oneOf": [pattern, {"type": "null"}]},
            "presence": presence, "flags": flags, "regexFlags": regex_flags}},
        "description": "All must hold, of a body in JSON. path is a pattern, found in the dotted \
            path of a member, such as a.b.0.c; value is found in a text, or in a number or other \
            scalar as it is written. A body that cannot be inspected is denied with the reason \
            body-not-inspectable: not JSON, over 1 MiB, or with a name twice in one object. \
            Bodies are read only where all else in a rule fits."})
}

fn unreadable() -> Value {
    json!({"type": "string", "readOnly": true, "description":
        "Only of a rule whose stored text is no rule any more: why it is none. Such a rule may lack \
         all else, and denies everything until it is written anew or deleted."})
}

/// The schema of the warnings in the answer to a write.
pub(crate) fn warnings() -> Value {
    json!({"type": "array", "readOnly": true, "minItems": 1,
        "items": {"$ref": "#/components/schemas/Warning"}, "description":
        "Only in the answer to a write, and only where there are any: what is legal, and hardly \
         meant."})
}

/// The schema of one warning.
pub(crate) fn warning() -> Value {
    json!({"type": "object", "required": ["rule", "kind", "detail"], "properties": {
        "rule": {"type": ["string", "null"], "description":
            "The id of the rule; null where it is about all rules together, or none."},
        "kind": {"type": "string", "description": "Such as unanchored, shadowed or open-to-all."},
        "detail": {"type": "string", "description": "What, why it matters, and what to do."},
        "pointer": {"type": "string", "description": "Where, as a JSON pointer (RFC 6901)."},
    }})
}

/// The schema of a pattern.
pub(crate) fn pattern() -> Value {
    json!({"description": "A regular expression, found anywhere in the text.", "oneOf": [
        {"type": "string", "maxLength": 4096},
        {"type": "object", "required": ["pattern"], "additionalProperties": false,
            "properties": {"pattern": {"type": "string", "maxLength": 4096},
                "flags": {"type": "string", "description": "Any of i m s x u g."},
                "regexFlags": {"type": "string", "writeOnly": true, "description":
                    "Another spelling of flags."}}},
    ]})
}
