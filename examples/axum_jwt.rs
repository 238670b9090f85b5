//! Signed tokens in an axum service that has its issuer's keys at hand: who the bearer is, what its
//! token grants, and a token that expires.
//!
//! `cargo run --example axum_jwt`

mod support;

use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use http::StatusCode;
use http::request::Parts;
use rrauth::{
    Access, AuthLayer, AuthorizeLayer, Credential, Index, JwkSet, JwtAlgorithm, JwtPolicy,
    JwtVerifier, Kind, Privileges, Requirements,
};
use rrcore::{Context, ManualClock};
use serde_json::{Value, json};
use support::issuer::Key;
use tower::ServiceBuilder;

const ISSUER: &str = "https://login.example";
const API: &str = "https://api.example";
/// Seconds since the Unix epoch.
const NOW: u64 = 1_800_000_000;

/// Whose tokens these are; the bearer is in the token.
#[derive(Clone)]
struct Partner;

#[tokio::main]
async fn main() -> support::Result<()> {
    let key = Key::generate("2027-01")?;
    // What the issuer gave us, once. `rrauth` needs a back end of `jsonwebtoken`: a service of yours
    // enables its feature `aws_lc_rs` or `rust_crypto`.
    let keys = JwkSet::parse_inline(json!({"keys": [key.jwk()?]}).to_string().as_bytes())?;
    let policy = JwtPolicy::builder(ISSUER)
        // Named by us: what a token says of itself is not believed.
        .algorithms([JwtAlgorithm::Es256])
        .audience([API])
        .leeway(Duration::from_secs(30))
        .build()?;
    let partners = Credential::new("cred_1", "partners", Kind::JwtVerify, Partner);
    let hand = ManualClock::starting_at(Duration::from_secs(NOW));
    let tokens = JwtVerifier::new(partners, policy, keys)?;
    let address = support::serve(app(tokens, &hand)).await?;

    let bearer = |claims: Value| key.sign(&claims).map(|it| format!("Bearer {it}"));
    let alice =
        json!({"iss": ISSUER, "aud": API, "sub": "alice", "exp": NOW + 60, "scope": "read"});
    let as_alice = bearer(alice.clone())?;
    assert_eq!(support::get_as(address, "/", &as_alice).await?.body, "hello alice\n");

    println!("what the token grants is not enough for everything");
    let refused = support::get_as(address, "/reports", &as_alice).await?;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.code(), "insufficient-scope");
    println!("  www-authenticate: {}", refused.header("www-authenticate"));
    let mut more = alice.clone();
    more["scope"] = json!("read reports");
    assert_eq!(support::get_as(address, "/reports", &bearer(more)?).await?.status, StatusCode::OK);

    println!("a token for another service, and one that somebody else has signed");
    let mut elsewhere = alice.clone();
    elsewhere["aud"] = json!("https://other.example");
    let forged = format!("Bearer {}", Key::generate("2027-01")?.sign(&alice)?);
    for bad in [bearer(elsewhere)?, forged] {
        assert_eq!(support::get_as(address, "/", &bad).await?.code(), "credential-invalid");
    }

    println!("a minute and the leeway later");
    hand.advance(Duration::from_secs(90));
    let late = support::get_as(address, "/", &as_alice).await?;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    assert_eq!(late.code(), "credential-expired");
    Ok(())
}

fn app(tokens: JwtVerifier<Partner>, hand: &ManualClock) -> Router {
    let nobody = Index::builder().build();
    let reports = Requirements::none().scope("reports");
    let may = move |_: &Partner, request: &Parts| match request.uri.path() {
        "/reports" => Access::from(reports.met_by(request.extensions.get::<Privileges>())),
        _ => Access::Granted,
    };
    let stages = ServiceBuilder::new()
        .layer(AuthLayer::new(nobody).tokens(tokens).clock(hand.clock()))
        .layer(AuthorizeLayer::new(may));
    let hello = async |context: Extension<Context>| {
        let bearer = context.identity().map(|it| it.subject().to_string());
        format!("hello {}\n", bearer.unwrap_or_default())
    };
    Router::new()
        .route("/", get(hello))
        .route("/reports", get(async || "the quarter was good\n"))
        .layer(stages)
}
