//! The shapes of resources, for the OpenAPI document and the docs.

use serde_json::{Value, json};

use crate::control_plane::api::rule_schema;
use crate::control_plane::api::shape::Shape;
use crate::control_plane::config::resource::Kind;
use crate::control_plane::wire::answer;
use crate::control_plane::wire::configuration::LONGEST_RETENTION;

/// The name of the schema of `kind`.
pub(crate) const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Credential => "Credential",
        Kind::Target => "Target",
        Kind::Proxy => "Proxy",
        Kind::Rule => "Rule",
        Kind::Filter => "Filter",
        Kind::Configuration => "Configuration",
    }
}

/// The schema of `kind`: what clients send, and read-only what they get besides.
pub(crate) fn schema(kind: Kind) -> Value {
    let (required, properties, example) = match kind {
        Kind::Credential => credential(),
        Kind::Target => target(),
        Kind::Proxy => proxy(),
        Kind::Rule => rule_schema::rule(),
        Kind::Filter => filter(),
        Kind::Configuration => configuration(),
    };
    let time = json!({"type": "string", "format": "date-time", "readOnly": true});
    let properties = answer::with(
        properties,
        [
            ("id", json!({"type": "string", "readOnly": true})),
            ("createdAt", time.clone()),
            ("updatedAt", time),
        ],
    );
    json!({
        "type": "object",
        "required": required,
        "additionalProperties": false,
        "properties": properties,
        "examples": [example],
    })
}

fn credential() -> Shape {
    let read_only = |kind: Value| answer::with(kind, [("readOnly", true.into())]);
    let properties = json!({
        "name": text("Unique among the credentials of the client."),
        "kind": {"enum": ["proxy", "target"], "description":
            "proxy: what a caller shows the gateway. target: what the gateway shows the upstream. \
             Stays as it is."},
        "auth": {"$ref": "#/components/schemas/Auth"},
        "defaultRuleEffect": effect(),
        "expiresAt": {"type": ["string", "null"], "format": "date-time"},
        "active": {"type": "boolean", "default": true},
        "region": region(),
        "secretRef": read_only(json!({"type": ["string", "null"], "description":
            "Where an upstream's secret is kept. There is no way to read it back."})),
        "fingerprint": read_only(json!({"type": ["string", "null"], "description":
            "8 hex digits that change with the secret."})),
        "version": read_only(json!({"type": ["integer", "null"]})),
        "lastRotatedAt": read_only(json!({"type": ["string", "null"], "format": "date-time"})),
        "secret": read_only(json!({"type": "string", "description":
            "A generated key. Shown once, in the answer to the write that made it."})),
    });
    let example = json!({"name": "stripe", "kind": "target",
        "auth": {"type": "bearer", "token": "sk_test_example"}});
    (&["name", "kind", "auth"], properties, example)
}

/// The schema of `auth` in a credential.
pub(crate) fn auth() -> Value {
    let secret = |what: &str| json!({"type": "string", "writeOnly": true, "description": what});
    let prefix = json!({"type": "string", "maxLength": 64, "description":
        "What stands before the secret in a header."});
    let name = json!({"type": "string", "default": "X-API-Key", "description":
        "The header, or the query parameter."});
    let one = |kind: &str, properties: Value| {
        json!({
            "type": "object",
            "required": ["type"],
            "additionalProperties": false,
            "properties": answer::with(properties, [("type", json!({"const": kind}))]),
        })
    };
    json!({"oneOf": [
        one("apiKey", json!({
            "key": secret("Of a caller: at least 24 visible ASCII characters, or generated. \
                           Left out on PUT, the one before stays."),
            "in": {"enum": ["header", "query"], "default": "header", "description":
                "Only in credentials of kind target."},
            "name": name,
            "prefix": prefix,
        })),
        one("bearer", json!({
            "token": secret("Of a caller: at least 24 visible ASCII characters. \
                             Left out on PUT, the one before stays."),
            "prefix": prefix,
        })),
        one("basicAuth", json!({
            "username": {"type": "string", "maxLength": 256, "description":
                "Required. No secret: it is answered."},
            "password": secret("Only in credentials of kind target, as the user name. \
                                Left out on PUT, the one before stays."),
        })),
        one("custom", json!({
            "headers": {"type": "object", "maxProperties": 20, "additionalProperties":
                {"type": "string", "writeOnly": true}, "description":
                "Only in credentials of kind target: headers and their values, all secret; answers \
                 list the names. Given, it takes the place of all before; left out on PUT, those \
                 before stay."},
        })),
        one("none", json!({})),
    ]})
}

fn target() -> Shape {
    let properties = json!({
        "name": text("Unique among the targets of the client."),
        "baseUrl": {"type": "string", "description":
            "https://host/path, without query and fragment. Private addresses only where the \
             gateway's egress.allow lists them."},
        "timeoutMs": timeout(30_000, "Until the response's headers are there."),
        "connectTimeoutMs": timeout(5_000, "Until a connection stands."),
        "idleTimeoutMs": timeout(30_000, "Between two pieces of the response's body."),
        "defaultRuleEffect": effect(),
        "allowPlaintext": {"type": "boolean", "default": false, "description":
            "Allows http instead of https."},
        "pathOptions": {"type": ["object", "null"], "additionalProperties": false, "properties": {
            "encodedSlash": kept("reject", "%2F: kept for names with a slash in them."),
            "duplicateSlashes": kept("merge", "//: kept for names that are empty."),
            "encodedPercent": kept("reject", "%25: kept for names with a percent sign in them.")},
            "description": "What of a path the API behind needs as it was sent, and servers do not \
                all read alike. A deny is asked about every reading of what is kept."},
    });
    let example = json!({"name": "stripe", "baseUrl": "https://api.stripe.com"});
    (&["name", "baseUrl"], properties, example)
}

fn proxy() -> Shape {
    let properties = json!({
        "name": text("Unique among the proxies of the client."),
        "alias": {"type": ["string", "null"], "pattern": "^[a-z0-9-]{1,64}$", "description":
            "Another name for it in its URL. Unique, no id of another proxy, and not prx…"},
        "active": {"type": "boolean", "default": true},
        "region": region(),
        "proxyCredentialIds": {"type": "array", "items": {"type": "string"}, "maxItems": 100,
            "uniqueItems": true, "description":
            "The credentials that callers may show. Without any, nobody may call."},
        "authentication": {"enum": ["none", null], "description":
            "none: anybody may call. Not together with proxyCredentialIds."},
        "targetId": {"type": "string"},
        "targetCredentialId": {"type": ["string", "null"], "description":
            "What the gateway shows the upstream; null: nothing."},
        "defaultRuleEffect": effect(),
        "limits": limits("Over all callers. null is no limit, 0 lets nothing pass. A new proxy \
            that gives none gets those of the client's configuration."),
        "routes": {"type": ["array", "null"], "maxItems": 100, "items": route(), "description":
            "Requests that are for this proxy without naming it in their path. Of one host and \
             path, each method leads to one proxy."},
        "baseUrls": {"type": "array", "items": {"type": "string"}, "readOnly": true},
    });
    let example = json!({"name": "payments", "proxyCredentialIds": ["alice"],
        "targetId": "stripe", "targetCredentialId": "stripe",
        "limits": {"requestsPerMinute": 60}});
    (&["name", "targetId"], properties, example)
}

fn route() -> Value {
    json!({"type": "object", "required": ["path"], "additionalProperties": false, "properties": {
        "host": {"type": ["string", "null"], "description":
            "Without a port; *.example.com stands for one label in front. null: any host."},
        "path": {"type": "string", "description": "Such as /v1/{name} or /v1/{*rest}."},
        "methods": {"type": ["array", "null"], "items": {"type": "string"}, "minItems": 1,
            "description": "null: all."},
        "stripPrefix": {"type": "boolean", "default": false, "description":
            "Takes the part of path before its first parameter off, before rules see it."},
    }})
}

fn filter() -> Shape {
    let properties = json!({
        "operation": {"enum": ["retain", "destroy", "mask"], "description":
            "retain: only what the paths match is left. destroy: what they match is taken out. \
             mask: what they match is replaced."},
        "paths": {"type": "array", "items": {"type": "string"}, "minItems": 1, "description":
            "JSONPath (RFC 9535), such as $.items[*].id or $..name."},
        "with": {"type": ["string", "null"], "maxLength": 256, "description":
            "What a mask puts in the place of each match: *** unless told."},
    });
    let example = json!({"operation": "retain", "paths": ["$.id", "$.items[*].sku"]});
    (&["operation", "paths"], properties, example)
}

fn configuration() -> Shape {
    let properties = json!({
        "limits": limits("Copied into a new proxy that gives none. null is no limit."),
        "ruleDenyStatus": {"enum": [400, 403], "default": 400, "description":
            "What a request is answered with that rules deny."},
        "auditRetentionDays": {"type": "integer", "minimum": 1, "maximum": LONGEST_RETENTION,
            "default": 90, "description": "Older audit records are deleted."},
    });
    let example = json!({"limits": {"requestsPerMinute": 600}, "ruleDenyStatus": 403});
    (&[], properties, example)
}

fn limits(what: &str) -> Value {
    let limit =
        json!({"type": ["integer", "null"], "minimum": 0, "maximum": 999_999_999_999_999_u64});
    json!({"type": ["object", "null"], "additionalProperties": false, "properties": {
        "requestsPerMinute": limit, "requestsPerDay": limit}, "description": what})
}

fn text(what: &str) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 200, "description": what})
}

fn timeout(default: u64, what: &str) -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": 3_600_000, "default": default,
        "description": what})
}

fn kept(default: &str, what: &str) -> Value {
    json!({"enum": [default, "keep"], "default": default, "description": what})
}

fn effect() -> Value {
    json!({"enum": ["allow", "deny"], "default": "allow", "description":
        "What becomes of a request that no rule here fits."})
}

fn region() -> Value {
    json!({"enum": ["local"], "default": "local"})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::config::draft::Draft;
    use crate::control_plane::wire::json::Json;
    use crate::model::EgressPolicy;

    #[test]
    fn every_example_is_accepted_and_every_field_is_known() {
        for kind in Kind::ALL {
            let schema = schema(kind);
            read(kind, &schema["examples"][0]).unwrap_or_else(|it| panic!("{kind:?} {it:?}"));
            let properties = schema["properties"].as_object().unwrap();
            for (name, property) in properties {
                // A value that no field takes: only a field that is known says so.
                let flaws = read(kind, &json!({ name: {"unknown": 1} })).unwrap_err();
                let unknown = format!("/{name}: there is no such field here");
                let said: Vec<_> =
                    flaws.iter().map(|it| format!("{}: {}", it.pointer, it.detail)).collect();
                let is_read_only = property["readOnly"] == true;
                assert_eq!(said.contains(&unknown), is_read_only, "{kind:?} {name} {said:?}");
            }
        }
    }

    fn read(
        kind: Kind,
        document: &Value,
    ) -> Result<Draft, Vec<crate::control_plane::wire::fields::Flaw>> {
        let json = Json::parse(document.to_string().as_bytes()).unwrap();
        Draft::read(kind, json, &EgressPolicy::default())
    }
}
