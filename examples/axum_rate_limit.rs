//! Rate limits in an axum service: two requests a minute per client, behind a load balancer.
//!
//! `cargo run --example axum_rate_limit`

mod support;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use http::StatusCode;
use rratelimit::{Limit, Limiter, Policy, RateLimitLayer};
use rrcore::{ContextLayer, ManualClock, TrustedProxies};
use tokio::net::TcpListener;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> support::Result<()> {
    // A clock that we can move. Leave it out, and it is the machine's.
    let hand = ManualClock::starting_at(Duration::from_secs(1_800_000_000));
    let address = serve(&hand).await?;

    // The load balancer is the peer; the client is whom it vouches for.
    let ada = [("x-forwarded-for", "203.0.113.7")];
    let first = support::get(address, "/", &ada).await?;
    println!("  ratelimit-policy: {}", first.header("ratelimit-policy"));
    println!("  ratelimit:        {}", first.header("ratelimit"));
    assert_eq!(first.header("ratelimit-policy"), "\"perMinute\";q=2;w=60");
    assert!(first.header("ratelimit").starts_with("\"perMinute\";r=1;"));
    assert_eq!(support::get(address, "/", &ada).await?.status, StatusCode::OK);

    let third = support::get(address, "/", &ada).await?;
    println!("  retry-after:      {}", third.header("retry-after"));
    assert_eq!(third.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(third.code(), "quota-exceeded");

    // Another client has a quota of its own. What a client itself writes to the left of its
    // address is not believed, so it cannot borrow anybody's.
    let bob = [("x-forwarded-for", "203.0.113.7, 203.0.113.8")];
    assert_eq!(support::get(address, "/", &bob).await?.status, StatusCode::OK);

    // Who waits as long as `Retry-After` says is let through.
    hand.advance(Duration::from_secs(third.header("retry-after").parse()?));
    assert_eq!(support::get(address, "/", &ada).await?.status, StatusCode::OK);
    Ok(())
}

async fn serve(hand: &ManualClock) -> support::Result<SocketAddr> {
    let policy = Policy::new([Limit::sliding("perMinute", 2, Duration::from_secs(60))])?;
    let trusted = TrustedProxies::new(["127.0.0.0/8".parse()?]);
    let stages = ServiceBuilder::new()
        // Who the client is. Without this line, all who have no credential share one quota.
        .layer(ContextLayer::new().clock(hand.clock()).address(move |head| {
            let peer = head.extensions.get::<ConnectInfo<SocketAddr>>()?;
            Some(trusted.client(peer.ip(), &head.headers))
        }))
        // How often. Keep the limiter when you replace the policy: it is what remembers.
        .layer(RateLimitLayer::new(policy, Arc::new(Limiter::new())));
    let app = Router::new().route("/", get(async || "hello\n")).layer(stages);

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}
