//! The OpenAPI document: it is one, and what is answered is what it says.

use http::{HeaderMap, Method};
use rrrules::{InvalidSchema, RequestParts, Validator};
use serde_json::{Value, json};

use crate::auth_types;
use crate::world::{CLIENT, World};

#[tokio::test]
async fn every_schema_in_the_document_is_one() {
    let document = World::new().await.get("/v1/openapi.json").await.json;
    Validator::openapi(&document).unwrap();
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        validator(&document, name).unwrap_or_else(|it| panic!("{name}: {it}"));
    }
    let mut wrong = document;
    let at = "/components/schemas/Record/properties/validation/items/properties/pointers/items";
    *wrong.pointer_mut(at).unwrap() = json!({"properties": {"type": "string"}});
    assert!(validator(&wrong, "Record").is_err(), "it is seen where one is none");
}

#[tokio::test]
async fn what_is_answered_of_auth_fits_as_well_as_what_was_written() {
    let world = World::new().await;
    let document = world.get("/v1/openapi.json").await.json;
    for (number, auth_types::Case { kind, given, .. }) in auth_types::cases().iter().enumerate() {
        fits(&document, "Auth", given);
        let credential = json!({"name": format!("c{number}"), "kind": kind, "auth": given});
        let made = world.put(&format!("credentials/c{number}"), credential).await;
        assert!(made.status.is_success(), "{}", made.text);
        fits(&document, "Credential", &made.json);
    }
    // What is not given is answered as null.
    for auth in [
        json!({"type": "oauth2", "flow": "client_credentials", "clientSecret": "s",
            "tokenUrl": "https://auth.example.com/t", "clientId": "rr"}),
        json!({"type": "customToken", "request": {"url": "https://auth.example.com/t", "body": "b"},
            "tokenPath": "$.t", "ttlSeconds": 60}),
    ] {
        let credential = json!({"name": auth["type"], "kind": "target", "auth": auth});
        let made = world.post("credentials", credential).await;
        assert!(made.status.is_success(), "{}", made.text);
        fits(&document, "Credential", &made.json);
    }
}

#[tokio::test]
async fn what_is_answered_of_the_other_resources_fits() {
    let world = World::new().await;
    world.fill().await;
    let document = world.get("/v1/openapi.json").await.json;
    let full = json!({"effect": "deny", "methods": ["PUT"], "path": {"pattern": "^/a"},
        "headers": [{"name": "x-a", "value": "b"}], "body": [{"path": "a"}], "mode": "shadow"});
    let extraction = json!({"location": "body", "path": "$.n"});
    for (path, resource) in [
        (
            "proxies/p",
            json!({"name": "p", "authentication": "none", "targetId": "t",
            "routes": [{"path": "/v1/{*rest}"}]}),
        ),
        ("proxies/p/rules/plain", json!({"effect": "allow"})),
        ("proxies/p/rules/full", full),
        ("proxies/p/filters/f", json!({"operation": "destroy", "paths": ["$.a"]})),
        ("proxies/p/meters/plain", json!({"name": "m", "type": "requestCount"})),
        (
            "proxies/p/meters/full",
            json!({"name": "n", "type": "responseValue", "per": "client",
            "extraction": extraction, "estimate": extraction,
            "predicates": [{"effect": "include", "methods": ["GET"]}]}),
        ),
        (
            "proxies/p/meters/number",
            json!({"name": "o", "type": "responseValue",
            "extraction": extraction, "estimate": 7}),
        ),
    ] {
        let made = world.put(path, resource).await;
        assert!(made.status.is_success(), "{path}: {}", made.text);
    }
    for (list, name) in [
        ("targets", "Target"),
        ("proxies", "Proxy"),
        ("proxies/p/rules", "Rule"),
        ("proxies/p/filters", "Filter"),
        ("proxies/p/meters", "Meter"),
    ] {
        let list = world.get(&format!("{CLIENT}/{list}")).await.json;
        let items = list["items"].as_array().unwrap();
        assert!(!items.is_empty(), "{name}");
        items.iter().for_each(|it| fits(&document, name, it));
    }
    let configuration = world.get(&format!("{CLIENT}/configuration")).await.json;
    fits(&document, "Configuration", &configuration);
}

#[track_caller]
fn fits(document: &Value, name: &str, answer: &Value) {
    let validator = validator(document, name).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    let parts = RequestParts { method: &Method::POST, path: "/", query: None, headers: &headers };
    let judged = validator.check(&parts, Some(answer.to_string().as_bytes()));
    assert!(judged.is_ok(), "{name} {answer}: {judged:?}");
}

// Of the schema `name`, beside which all that it refers to stands.
fn validator(document: &Value, name: &str) -> Result<Validator, InvalidSchema> {
    let mut schema = document["components"]["schemas"][name].clone();
    schema["components"] = document["components"].clone();
    Validator::json_schema(&schema)
}
