//! Requests must have the shape that their proxy asks for, seen from both ends.

mod support;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, House, proxy};

#[tokio::test]
async fn a_schema_decides_which_bodies_go_on() {
    let house = House::build().await;
    let schema = json!({ "required": ["name"], "properties": { "age": { "minimum": 0.5 } } });
    let validation = json!({ "request": { "schema": schema } });
    let written = validated(&house, &validation).await;
    assert_eq!(written["validation"], validation);

    let sent = "{ \"name\": \"Ad\\u0061\", \"age\": 1e0 }";
    assert_eq!(post(&house, "/users", JSON, sent).await.status, StatusCode::OK);
    assert_eq!(house.echo.last().unwrap().body, sent);
    assert_eq!(get(&house, "/users").await.status, StatusCode::OK);

    let refused = post(&house, "/users", JSON, r#"{"age":0,"canary":"canary"}"#).await;
    let problem = refused.refused(422, "validate", "validation-failed");
    let expected = json!([
        { "pointer": "/body", "detail": "the member \"name\" is missing" },
        { "pointer": "/body/age", "detail": "must be at least 0.5" },
    ]);
    assert_eq!(problem["errors"], expected);
    assert!(!problem.to_string().contains("canary"));
    assert_eq!(house.record(&refused).await["validation"][0]["message"], "request");
    let other = post(&house, "/users", "text/plain", sent).await;
    other.refused(415, "validate", "unsupported-media-type");
}

#[tokio::test]
async fn rules_come_first_and_both_see_one_body() {
    let house = House::build().await;
    let validation = json!({ "request": { "schema": { "required": ["name"] } } });
    validated(&house, &validation).await;
    let rule = json!({
        "effect": "deny", "body": [{ "path": "^role$", "value": "^admin$" }],
    });
    house.put("/proxies/p/rules/no-admins", &rule).await;
    let answer = post(&house, "/", JSON, r#"{"role":"admin"}"#).await;
    assert_eq!(answer.refused(400, "rules", "rule-denied")["rule"]["id"], "no-admins");
    let answer = post(&house, "/", JSON, r#"{"role":"user"}"#).await;
    answer.refused(422, "validate", "validation-failed");
    let sent = r#"{"role":"user","name":"Ada"}"#;
    assert_eq!(post(&house, "/", JSON, sent).await.status, StatusCode::OK);
    assert_eq!(house.echo.last().unwrap().body, sent);
}

#[tokio::test]
async fn a_document_decides_about_the_whole_request_and_watches_responses() {
    let house = House::build().await;
    let answer = json!({ "type": "object", "required": ["never-there"] });
    let document = json!({
        "openapi": "3.1.0", "info": { "title": "users", "version": "1" },
        "paths": { "/users/{id}": { "get": {
            "parameters": [
                { "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } },
                { "name": "limit", "in": "query", "schema": { "type": "integer", "maximum": 100 } },
            ],
            "responses": { "200": { "description": "one", "content": {
                "application/json": { "schema": answer },
            } } },
        } } },
    });
    validated(&house, &json!({ "openapi": document, "responses": "shadow" })).await;

    let passed = get(&house, "/users/7?limit=100").await;
    assert_eq!(passed.status, StatusCode::OK);
    let record = house.record(&passed).await;
    let expected = json!([{ "message": "response", "outcome": "invalid", "pointers": ["/body"] }]);
    assert_eq!(record["validation"], expected);
    assert_eq!(record["code"], "proxy-access-granted");

    for (target, pointer) in
        [("/users/ada", "/path/id"), ("/users/7?limit=101", "/query/limit"), ("/other", "/path")]
    {
        let problem = get(&house, target).await.refused(422, "validate", "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
}

#[tokio::test]
async fn what_cannot_be_compiled_is_refused_with_its_place_and_changes_nothing() {
    let house = House::build().await;
    for (validation, pointer) in [
        (json!({ "request": { "schema": { "type": "text" } } }), "/validation/request/schema/type"),
        (
            json!({ "request": { "schema": { "$ref": "http://127.0.0.1/" } } }),
            "/validation/request/schema/$ref",
        ),
        (json!({}), "/validation/request"),
    ] {
        let mut broken = proxy("p");
        broken["validation"] = validation;
        let answer = house.api(Method::PUT, "/proxies/p", Some(&broken)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{}", answer.json());
    }
    assert_eq!(post(&house, "/", "text/plain", "anything").await.status, StatusCode::OK);
}

async fn validated(house: &House, validation: &Value) -> Value {
    let mut proxy = proxy("p");
    proxy["validation"] = validation.clone();
    house.put("/proxies/p", &proxy).await
}

async fn get(house: &House, target: &str) -> Answer {
    house.call(Method::GET, target).await
}

async fn post(house: &House, target: &str, kind: &str, body: &'static str) -> Answer {
    let url = format!("http://{}/api/p{target}", house.gateway.data_address());
    let headers = [("x-api-key", house.key.as_str()), ("content-type", kind)];
    house.send(Method::POST, &url, &headers, Bytes::from_static(body.as_bytes())).await
}

const JSON: &str = "application/json";
