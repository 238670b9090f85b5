//! Requests checked by an OpenAPI document before an axum handler sees them, and responses looked
//! at on their way out.
//!
//! `cargo run --example axum_validate`

mod support;

use axum::routing::post;
use axum::{Json, Router};
use http::{Method, StatusCode};
use rrcore::{Context, ContextLayer, Entry, Fact};
use rrrules::{OpenApi, ValidateLayer, Validator};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> support::Result<()> {
    let address = support::serve(app()?).await?;
    let order = |path, media, body: Value| {
        let headers = [("content-type", media)];
        async move { support::send(Method::POST, address, path, &headers, body.to_string()).await }
    };
    let json = "application/json";

    let placed = order("/orders/7?express=true", json, json!({ "sku": "engine-1", "count": 2 }));
    assert_eq!(placed.await?.status, StatusCode::OK);

    let wrong = order("/orders/seven", json, json!({ "count": 0, "note": "078-05-1120" })).await?;
    println!("  {}", wrong.body);
    assert_eq!(wrong.code(), "validation-failed");
    assert_eq!(
        wrong.json()["errors"],
        json!([
            { "pointer": "/body", "detail": "has a member that is not allowed" },
            { "pointer": "/body", "detail": "the member \"sku\" is missing" },
            { "pointer": "/body/count", "detail": "must be at least 1" },
            { "pointer": "/path/id", "detail": "must be of type integer" },
        ])
    );
    assert!(!wrong.body.contains("078-05-1120"), "what was sent is never said");

    let text = order("/orders/7", "text/plain", json!("two engines")).await?;
    assert_eq!(text.code(), "unsupported-media-type");
    Ok(())
}

fn app() -> support::Result<Router> {
    let document = json!({
        "openapi": "3.1.0",
        "info": { "title": "Orders", "version": "1" },
        "paths": { "/orders/{id}": { "post": {
            "parameters": [
                { "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } },
                { "name": "express", "in": "query", "schema": { "type": "boolean" } },
            ],
            "requestBody": { "required": true, "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/Order" },
            } } },
            "responses": { "200": { "description": "placed", "content": { "application/json": {
                "schema": { "type": "object", "required": ["state"] },
            } } } },
        } } },
        "components": { "schemas": { "Order": {
            "type": "object",
            "required": ["sku", "count"],
            "additionalProperties": false,
            "properties": {
                "sku": { "type": "string", "pattern": "^[a-z0-9-]+$" },
                "count": { "type": "integer", "minimum": 1 },
            },
        } } },
    });
    let validator = Validator::openapi_with(&document, OpenApi::new().responses())?;
    let observe = |_: &Context, entry: &Entry| {
        for fact in &*entry.facts {
            if let Fact::Validation { message, outcome, .. } = fact {
                println!("  {message}: {outcome}");
            }
        }
    };
    Ok(Router::new()
        .route("/orders/{id}", post(async |Json(order): Json<Value>| Json(order)))
        .layer(ValidateLayer::new(validator).responses(64 << 10))
        .layer(ContextLayer::new().observe(observe)))
}
