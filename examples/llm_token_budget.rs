//! A budget of tokens in front of a language model: what each answer says that it cost is added up
//! while it streams, and who has spent the budget waits.
//!
//! `cargo run --example llm_token_budget`

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::request::Parts;
use http::{Method, StatusCode};
use rratelimit::{
    Estimate, Extraction, Key, Limit, Limiter, Meter, MeterLayer, Policy, RateLimitLayer, Tokens,
};
use rrauth::{AuthLayer, Credential, Index, KeyDigest, Kind, api_key};
use rrcore::{BufferedBody, Context, ContextLayer, ManualClock, ReadOutcome};
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> support::Result<()> {
    // A clock that we can move. Leave it out, and it is the machine's.
    let hand = ManualClock::starting_at(Duration::from_secs(1_800_000_000));
    let limiter = Arc::new(Limiter::new());
    let budget = budget()?;
    let key = api_key::generate()?;
    let ada = Credential::new("ada", "ada", Kind::ApiKey, ());
    let index = Index::builder().insert(KeyDigest::of(key.expose()), ada).build();
    let address = support::serve(app(&hand, &limiter, &budget, index)).await?;
    let bearer = format!("Bearer {}", key.expose());
    let spent = || limiter.usage(budget.policy(), account("ada"), hand.clock().now())[0].spent;

    println!("at most 500 tokens are taken at first; the answer says that it was 321");
    let first = ask(address, &bearer, r#"{"max_tokens":500}"#).await?;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(first.header("ratelimit"), "\"tokens.minute\";r=500;t=61");
    assert_eq!(spent(), 321);

    println!("so there is room for a stream of 500 more, which comes to 678");
    let second = ask(address, &bearer, r#"{"max_tokens":500,"stream":true}"#).await?;
    assert!(second.body.ends_with("data: [DONE]\n\n"));
    assert_eq!(spent(), 999);

    println!("and not for 500 more, but for one");
    let third = ask(address, &bearer, r#"{"max_tokens":500}"#).await?;
    println!("  retry-after:      {}", third.header("retry-after"));
    assert_eq!(third.code(), "quota-exceeded");
    assert_eq!(spent(), 999, "who is refused pays nothing");
    let fourth = ask(address, &bearer, r#"{"max_tokens":1}"#).await?;
    assert_eq!(fourth.status, StatusCode::OK);
    assert_eq!(spent(), 1_320, "the answer that crosses the limit completes");

    // Who waits as long as `Retry-After` says is let through.
    let fifth = ask(address, &bearer, r#"{"max_tokens":1}"#).await?;
    assert_eq!(fifth.status, StatusCode::TOO_MANY_REQUESTS);
    hand.advance(Duration::from_secs(fifth.header("retry-after").parse()?));
    assert_eq!(ask(address, &bearer, r#"{"max_tokens":1}"#).await?.status, StatusCode::OK);
    Ok(())
}

/// A thousand tokens a minute. What a request says it wants at most is taken at first, and 100 where
/// it says nothing.
fn budget() -> support::Result<Meter> {
    let policy = Policy::new([Limit::sliding("tokens.minute", 1_000, Duration::from_secs(60))])?;
    let caller = |head: &Parts| {
        let context = head.extensions.get::<Context>();
        let identity = context.and_then(Context::identity);
        account(identity.map_or("", |it| it.subject()))
    };
    Ok(Meter::new("tokens", Extraction::tokens(Tokens::Total), policy)
        .key(caller)
        .estimate(Estimate::json(&"$.max_tokens".parse()?, 100)))
}

fn account(name: &str) -> Key {
    Key::of(&["tokens", name])
}

fn app(hand: &ManualClock, limiter: &Arc<Limiter>, budget: &Meter, keys: Index<()>) -> Router {
    let stages = ServiceBuilder::new()
        .layer(ContextLayer::new().clock(hand.clock()))
        // Who is calling.
        .layer(AuthLayer::new(keys))
        // What it wants: the estimate looks into the body.
        .layer(from_fn(read))
        // Whether there is anything left for it.
        .layer(RateLimitLayer::with(budget.quota(), Arc::clone(limiter)))
        // What it cost: innermost, where the answer is still what the model says.
        .layer(MeterLayer::new([budget.clone()], Arc::clone(limiter)));
    Router::new().route("/v1/chat/completions", post(model)).layer(stages)
}

async fn read(request: Request, next: Next) -> Response {
    match BufferedBody::read(request, 64 * 1024).await {
        ReadOutcome::Whole(request) | ReadOutcome::TooLarge(request) => {
            next.run(request.map(axum::body::Body::new)).await
        }
        ReadOutcome::Failed(refusal) => refusal.status().into_response(),
    }
}

/// What stands in for the model.
async fn model(request: String) -> Response {
    if !request.contains("stream") {
        let answer = r#"{"choices":[],"usage":{"prompt_tokens":21,"completion_tokens":300,"total_tokens":321}}"#;
        return ([("content-type", "application/json")], answer).into_response();
    }
    let events = [
        r#"{"choices":[{"delta":{"content":"Hel"}}],"usage":null}"#,
        r#"{"choices":[{"delta":{"content":"lo"}}],"usage":null}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":78,"completion_tokens":600,"total_tokens":678}}"#,
        "[DONE]",
    ];
    let stream = events.map(|it| format!("data: {it}\n\n")).concat();
    ([("content-type", "text/event-stream")], stream).into_response()
}

async fn ask(to: SocketAddr, bearer: &str, body: &str) -> support::Result<support::Answer> {
    let headers = [("authorization", bearer)];
    support::send(Method::POST, to, "/v1/chat/completions", &headers, body.to_owned()).await
}
