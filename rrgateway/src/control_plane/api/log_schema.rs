//! The shapes of what is only read: audit records, and who changed what.

use serde_json::{Value, json};

use crate::control_plane::config::activity::{Action, VAULT};
use crate::control_plane::config::resource::Kind;

/// The schema of an audit record.
pub(crate) fn record() -> Value {
    let (text, number) = (json!({"type": "string"}), json!({"type": "integer"}));
    let maybe_text = json!({"type": ["string", "null"]});
    let properties = json!({
        "id": text,
        "clientId": text,
        "proxyId": {"type": ["string", "null"], "description": "null: there is no such proxy."},
        "region": text,
        "node": text,
        "revision": {"type": "integer", "description": "The one that decided."},
        "receivedAt": time(),
        "durationMs": {"type": "number", "description":
            "From the first line of the request to the last byte of the response."},
        "upstreamMs": {"type": ["number", "null"], "description":
            "From sending to the upstream's headers."},
        "method": text,
        "path": {"type": "string", "description": "Canonical, without the prefix."},
        "queryKeys": {"type": "array", "items": text},
        "status": {"type": "integer", "description": STATUS},
        "code": {"type": "string", "description": CODE},
        "stage": {"type": ["string", "null"], "description": "The one that refused."},
        "requestBytes": number,
        "responseBytes": number,
        "credentialId": maybe_text,
        "subject": maybe_text,
        "auth": maybe(&json!({"type": maybe_text, "outcome": text})),
        "limits": items(&json!({"policy": text, "remaining": number})),
        "limitsDegraded": {"type": "boolean", "description":
            "Whether the store that limits share did not answer."},
        "meters": items(&json!({"id": text, "counted": number, "how": {"enum": ["value",
            "missing", "unusable", "unreadable", "cut", "noResponse"], "description":
            "value: a number that was found. Otherwise why onMissing counts, or nothing does."}})),
        "rules": items(&json!({"scope": text, "outcome":
            {"enum": ["allow", "deny", "shadowAllow", "shadowDeny"], "description":
            "shadowAllow, shadowDeny: what the scope would have said if its rules in shadow mode, \
             whose ids follow, were enforced."},
            "ruleIds": {"type": "array", "items": text}})),
        "validation": items(&json!({"message": text, "outcome": text,
            "pointers": {"type": "array", "items": text}})),
        "filters": items(&filtered()),
        "redactions": items(&json!({"entity": text, "count": number})),
        "upstream": maybe(&json!({"target": text, "status": {"type": ["integer", "null"]},
            "attempts": number})),
        "clientAddress": maybe_text,
        "userAgent": maybe_text,
        "error": maybe_text,
    });
    whole(&properties)
}

fn filtered() -> Value {
    let (text, number) = (json!({"type": "string"}), json!({"type": "integer"}));
    json!({"id": text, "scope": text, "removed": number,
        "mode": {"enum": ["enforce", "shadow"], "description":
            "shadow: it would have removed so many."},
        "paths": items(&json!({"path": text, "removed": number}))})
}

/// The schema of one write.
pub(crate) fn activity() -> Value {
    let text = json!({"type": "string"});
    let resource = |what: &str| json!({"type": ["object", "null"], "description": what});
    let kinds: Vec<_> = Kind::ALL.map(Kind::word).into_iter().chain([VAULT]).collect();
    let properties = json!({
        "id": text,
        "at": time(),
        "actor": object(&json!({"id": text, "name": text, "tokenId": text})),
        "address": {"type": ["string", "null"], "description": "The peer of the connection."},
        "action": {"enum": Action::ALL.map(Action::word)},
        "resource": {"type": "object", "required": ["type", "id"], "properties": {
            "type": {"enum": kinds},
            "id": text,
            "parent": {"type": "object", "description": "What a rule, filter or meter hangs on.",
                "properties": {"type": text, "id": text}}}},
        "before": resource("As it was answered before, without its secret."),
        "after": resource("As it was answered then, without its secret. Of the vault, keyId and \
            records: what its master key is called, and how many secrets are sealed under it."),
        "revision": {"type": "integer", "description": "The one that the write made. A change of \
            the master key makes none: the one that was current."},
        "requestId": text,
    });
    whole(&properties)
}

fn whole(properties: &Value) -> Value {
    let names: Vec<_> = properties.as_object().into_iter().flat_map(|it| it.keys()).collect();
    json!({"type": "object", "required": names, "properties": properties})
}

fn object(properties: &Value) -> Value {
    json!({"type": "object", "properties": properties})
}

const STATUS: &str = "What the caller got; 499 where it left before there was an answer.";
const CODE: &str = "proxy-access-granted, or the code of the refusal; client-closed-request where \
                    the caller left before there was an answer.";

fn maybe(properties: &Value) -> Value {
    json!({"type": ["object", "null"], "properties": properties})
}

fn items(properties: &Value) -> Value {
    json!({"type": "array", "items": object(properties)})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

#[cfg(test)]
mod tests {
    use crate::control_plane::wire::record::record;
    use crate::model::Record;

    #[test]
    fn a_record_has_the_members_that_its_schema_has() {
        let answered = serde_json::to_value(record(&Record::default())).unwrap();
        let schema = super::record();
        let described = schema["properties"].as_object().unwrap();
        assert!(described.keys().eq(answered.as_object().unwrap().keys()));
    }
}
