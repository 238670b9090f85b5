//! Fields that callers must not see, taken out of an axum service's JSON, and what else its
//! handlers might say held back.
//!
//! `cargo run --example axum_filter`

mod support;

use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use rrcore::Scope;
use rrfilter::{Filter, FilterLayer, FilterSet, Operation};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> support::Result<()> {
    let address = support::serve(app()?).await?;

    let customer = support::get(address, "/customer", &[]).await?;
    println!("  {}", customer.body);
    let expected = json!({
        "id": 7, "name": "Ada", "orders": [{ "sku": "engine-1", "price": 100 }],
    });
    assert_eq!(customer.json(), expected);

    // What cannot be filtered does not pass: a stack trace might hold anything.
    let trace = support::get(address, "/trace", &[]).await?;
    assert_eq!(trace.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(trace.code(), "response-not-filterable");
    assert!(!trace.body.contains("QQ 12 34 56 C"));
    Ok(())
}

fn app() -> support::Result<Router> {
    let filters = FilterSet::new(vec![
        // Keeps what is known to be public, so that a field that is new is not.
        Filter::new("public", Operation::Retain, ["$.id", "$.name", "$.orders[*]"])?,
        Filter::new("no-margins", Operation::Destroy, ["$.orders[*].internalMargin"])?,
    ]);
    let app = Router::new()
        .route("/customer", get(async || Json(customer())))
        .route("/trace", get(async || format!("panicked at {}", customer())))
        .layer(FilterLayer::new().scope(Scope::Proxy, filters));
    Ok(app)
}

fn customer() -> Value {
    json!({
        "id": 7,
        "name": "Ada",
        "taxNumber": "QQ 12 34 56 C",
        "orders": [{ "sku": "engine-1", "price": 100, "internalMargin": 0.42 }],
    })
}
