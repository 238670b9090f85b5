//! Limits by plan: what a customer may spend depends on what it pays for, and on what it asks for.
//!
//! `cargo run --example axum_plans`

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use http::request::Parts;
use rratelimit::{Limit, Limiter, Per, Policy, Quota, RateLimitLayer};
use rrauth::{AuthLayer, Credential, Index, KeyDigest, Kind};
use tower::ServiceBuilder;

/// What a customer pays for. Whatever hangs on a credential is in the request's extensions.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Plan {
    Free,
    Paid,
}

#[tokio::main]
async fn main() -> support::Result<()> {
    let free = "free_4f1c8b2e9d7a60533a6b";
    let paid = "paid_8a2d4c6e0b1f39571c5d";
    let customer = |id, plan| Credential::new(id, id, Kind::ApiKey, plan);
    let keys = Index::builder()
        .insert(KeyDigest::of(free), customer("ada", Plan::Free))
        .insert(KeyDigest::of(paid), customer("bob", Plan::Paid));
    let address = support::serve(app(keys.build())?).await?;

    // Three units a day: one search costs all of them.
    let search = support::get_as(address, "/search", free).await?;
    println!("  ratelimit: {}", search.header("ratelimit"));
    assert_eq!(search.status, StatusCode::OK);
    assert!(search.header("ratelimit").starts_with("\"unitsPerDay\";r=0;"));
    let refused = support::get_as(address, "/", free).await?;
    println!("  retry-after: {}", refused.header("retry-after"));
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.code(), "quota-exceeded");

    // Who pays has another policy. Both are held to what the service can bear.
    let search = support::get_as(address, "/search", paid).await?;
    assert_eq!(search.status, StatusCode::OK);
    println!("  ratelimit-policy: {}", search.header("ratelimit-policy"));
    assert_eq!(
        search.header("ratelimit-policy"),
        "\"service\";q=6000;w=60;rr-burst=100, \"unitsPerDay\";q=1000;w=86400"
    );

    // What is free for all costs nothing.
    assert_eq!(support::get_as(address, "/status", free).await?.status, StatusCode::OK);
    Ok(())
}

fn app(keys: Index<Plan>) -> support::Result<Router> {
    let minute = Duration::from_secs(60);
    let service = Policy::new([Limit::token_bucket("service", 6_000, minute, 100)])?;
    let units = |max| Policy::new([Limit::calendar_day("unitsPerDay", max)]);
    let plans = HashMap::from([(Plan::Free, units(3)?), (Plan::Paid, units(1_000)?)]);

    let service = Quota::new(service).per(Per::everybody("service"));
    let limits = RateLimitLayer::with(service, Arc::new(Limiter::new()))
        // Made once, and found for each request. The counts are the credential's, so an upgrade
        // goes on where the customer was.
        .quota(
            Quota::chosen(move |head| plans.get(head.extensions.get::<Plan>()?).cloned())
                .per(Per::credential())
                .when(|head| head.uri.path() != "/status")
                .cost(cost),
        );
    let stages = ServiceBuilder::new()
        // Who is calling, and what it pays for: the index yields both.
        .layer(AuthLayer::new(keys))
        .layer(limits);
    let app = Router::new().route("/", get(async || "hello\n"));
    let app = app.route("/search", get(async || "found\n")).route("/status", get(async || "up\n"));
    Ok(app.layer(stages))
}

fn cost(head: &Parts) -> u64 {
    if head.uri.path() == "/search" { 3 } else { 1 }
}
