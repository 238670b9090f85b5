//! An old service with envelopes around everything, behind a layer that takes them off: callers send
//! and get plain JSON, and the service is told who is calling.
//!
//! `cargo run --example strip_envelope`

mod support;

use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, Method, StatusCode};
use rrauth::{AuthLayer, Credential, Index, KeyDigest, Kind, api_key};
use rrfilter::{
    BodyStep, BodyTransform, HeaderEdits, RequestTransform, ResponseTransform, Transform,
    TransformLayer,
};
use serde_json::{Value, json};
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> support::Result<()> {
    let key = api_key::generate()?;
    let ada = Credential::new("key_1", "ada", Kind::ApiKey, ());
    let keys = Index::builder().insert(KeyDigest::of(key.expose()), ada).build();
    let stages = ServiceBuilder::new()
        .layer(AuthLayer::new(keys))
        // Inside of authentication: the layer knows who is calling.
        .layer(TransformLayer::new(transform()?));
    let app = Router::new().route("/orders", post(old_service)).layer(stages);
    let address = support::serve(app).await?;

    // What a caller says of itself is not what the service hears.
    let headers =
        [("x-api-key", key.expose()), ("content-type", "application/json"), ("x-caller", "root")];
    let order = r#"{"sku":"engine-1","reference":9007199254740993}"#;
    let send = |body: &str| support::send(Method::POST, address, "/orders", &headers, body.into());
    let answer = send(order).await?;
    println!("  {}", answer.body);
    // Not a digit of the number is lost on the way there and back.
    assert_eq!(answer.body, r#"{"caller":"ada","ordered":9007199254740993}"#);

    let refused = send("sku=engine-1").await?;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.code(), "request-not-filterable");
    Ok(())
}

fn transform() -> support::Result<Transform> {
    let into = BodyTransform::new([
        BodyStep::wrap("/envelope/body")?,
        BodyStep::set("/envelope/version", "2")?,
    ])?;
    let out = BodyTransform::new([BodyStep::unwrap("/envelope/body")?])?;
    let headers = HeaderEdits::new().set("x-caller", "{identity.subject}")?;
    let request = RequestTransform::new().headers(headers)?.body(into)?;
    Ok(Transform::new(request, ResponseTransform::new().body(out)))
}

async fn old_service(headers: HeaderMap, Json(sent): Json<Value>) -> Json<Value> {
    assert_eq!(sent["envelope"]["version"], 2);
    let caller = headers["x-caller"].to_str().unwrap_or_default();
    let ordered = &sent["envelope"]["body"]["reference"];
    let body = json!({ "caller": caller, "ordered": ordered });
    Json(json!({ "envelope": { "version": 2, "took": 3, "body": body } }))
}
