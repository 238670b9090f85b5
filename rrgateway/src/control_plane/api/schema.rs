//! The shapes of resources, for the OpenAPI document and the docs.

use serde_json::{Value, json};

use crate::control_plane::api::auth_schema;
use crate::control_plane::api::meter_schema;
use crate::control_plane::api::response_schema;
use crate::control_plane::api::rule_schema;
use crate::control_plane::api::shape::Shape;
use crate::control_plane::config::resource::Kind;
use crate::control_plane::wire::answer;
use crate::control_plane::wire::configuration::LONGEST_RETENTION;
use crate::control_plane::wire::limits::MOST;

/// The name of the schema of `kind`.
pub(crate) const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Credential => "Credential",
        Kind::Target => "Target",
        Kind::Proxy => "Proxy",
        Kind::Rule => "Rule",
        Kind::Filter => "Filter",
        Kind::Meter => "Meter",
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
        Kind::Filter => response_schema::filter(),
        Kind::Meter => meter_schema::meter(),
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
    let warnings = match kind {
        Kind::Credential | Kind::Target | Kind::Proxy | Kind::Rule | Kind::Meter => {
            Some(("warnings", rule_schema::warnings()))
        }
        Kind::Filter | Kind::Configuration => None,
    };
    let properties = answer::with(properties, warnings);
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
        "scopes": scopes("What it grants, besides what a token grants that is shown for it. Only of \
            kind proxy."),
        "destinations": {"type": "array", "maxItems": 100, "items": {"type": "string"},
            "description": "Where its secret may go: scheme, host and port. Filled when a proxy \
            first joins it with a target. Other places need the secret again: in auth here, or in \
            rebind of the target or the proxy. Only of kind target."},
        "previous": read_only(json!({"type": "object", "properties": {
            "version": {"type": "integer"}, "validUntil": {"type": "string", "format": "date-time"}},
            "description": "The secret before a rotation, while it is still good."})),
        "secretRef": read_only(json!({"type": ["string", "null"], "description":
            "Where an upstream's secret is kept. There is no way to read it back."})),
        "fingerprint": read_only(json!({"type": ["string", "null"], "description":
            "8 hex digits that change with the secret, of a MAC under a key of the vault's."})),
        "version": read_only(json!({"type": ["integer", "null"]})),
        "lastRotatedAt": read_only(json!({"type": ["string", "null"], "format": "date-time"})),
        "secret": read_only(json!({"type": "string", "description":
            "A generated key. Shown once, in the answer to the write that made it."})),
    });
    let example = json!({"name": "stripe", "kind": "target",
        "auth": {"type": "bearer", "token": "sk_test_example"}});
    (&["name", "kind", "auth"], properties, example)
}

fn target() -> Shape {
    let properties = json!({
        "name": text("Unique among the targets of the client."),
        "baseUrl": {"type": "string", "description":
            "https://host/path, without query and fragment. Private addresses only where the \
             gateway's egress.allow lists them."},
        "timeoutMs": timeout(30_000,
            "From the last of the request's body until the response's headers are there."),
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
        "rebind": auth_schema::rebind(),
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
        "validation": validation(),
        "requiredScopes": scopes("All of these must have been granted, or the answer is 403."),
        "requiredClaims": {"type": "object", "additionalProperties": true, "description":
            "Names of claims, each with a value or a list of which one a caller's token must have."},
        "allowQueryCredential": {"type": "boolean", "default": false, "description":
            "Whether callers may show a credential in the query parameter Authorization, where it \
             ends up in logs."},
        "echoShield": {"type": "boolean", "default": true, "description":
            "Whether the target credential is masked wherever the upstream sends it back."},
        "allowUpgrade": {"type": "boolean", "default": false, "description":
            "Whether callers may turn a request into a WebSocket, whose messages pass no rule, \
             filter or meter."},
        "transform": response_schema::transform(),
        "rebind": auth_schema::rebind(),
        "baseUrls": {"type": "array", "items": {"type": "string"}, "readOnly": true},
    });
    let example = json!({"name": "payments", "proxyCredentialIds": ["alice"],
        "targetId": "stripe", "targetCredentialId": "stripe",
        "limits": {"requestsPerMinute": 60}});
    (&["name", "targetId"], properties, example)
}

fn validation() -> Value {
    json!({"type": ["object", "null"], "additionalProperties": false, "description":
        "What shape requests must have: by a schema for JSON bodies, or by an OpenAPI document for \
         the whole request. One of both. Other media types are refused with 415, other shapes with \
         422.", "properties": {
        "request": {"type": ["object", "null"], "required": ["schema"],
            "additionalProperties": false, "properties": {"schema": {"type": ["object", "boolean"],
            "description": "JSON Schema 2020-12; $ref within it only."}}},
        "openapi": {"type": ["object", "null"], "description": "OpenAPI 3.0 or 3.1."},
        "responses": {"enum": ["shadow", null], "description":
            "shadow: responses are held against the OpenAPI document too, and what is wrong with \
             them is recorded. They pass unchanged."},
    }})
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

fn configuration() -> Shape {
    let properties = json!({
        "limits": limits("Copied into a new proxy that gives none. null is no limit."),
        "ruleDenyStatus": {"enum": [400, 403], "default": 400, "description":
            "What a request is answered with that rules deny."},
        "auditRetentionDays": {"type": "integer", "minimum": 1, "maximum": LONGEST_RETENTION,
            "default": 90, "description": "Older audit records are deleted."},
        "authFailuresPerMinute": {"type": ["integer", "null"], "minimum": 1, "description":
            "How often a client address may show a wrong credential before it is answered 429. null: \
             30 for proxies that accept passwords, else any number of times."},
    });
    let example = json!({"limits": {"requestsPerMinute": 600}, "ruleDenyStatus": 403});
    (&[], properties, example)
}

fn limits(what: &str) -> Value {
    let limit = |what: &str| {
        json!({"type": ["integer", "null"], "minimum": 0, "maximum": MOST.end(),
            "description": what})
    };
    json!({"type": ["object", "null"], "additionalProperties": false, "properties": {
        "requestsPerMinute": limit("In any 60 seconds."),
        "requestsPerDay": limit("In a day of the calendar, in UTC."),
        "concurrency": limit("Under way at one time: until the last byte of the answer."),
        "countRefused": {"type": "boolean", "default": true, "description":
            "Whether a request counts that a stage behind the limits refuses. Otherwise what it \
             took goes back into the windows it came from."},
        "legacyHeaders": {"type": "boolean", "default": false, "description":
            "Whether answers carry X-RateLimit-Limit, -Remaining and -Reset too."},
        }, "description": what})
}

fn scopes(what: &str) -> Value {
    json!({"type": "array", "items": {"type": "string", "maxLength": 256}, "maxItems": 50,
        "uniqueItems": true, "description": what})
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
                let is_unknown = said.iter().any(|it| it.starts_with(&unknown));
                assert_eq!(is_unknown, is_read_only, "{kind:?} {name} {said:?}");
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
