//! An upstream key that is sent with every request, and that no response brings back: not in an
//! error, not in a header, not in another encoding.
//!
//! `cargo run --example scrub_echo`

mod support;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rrauth::{InjectLayer, Injection};
use rrfilter::EchoShieldLayer;
use tower::ServiceBuilder;

const KEY: &str = "sk_live_4eC39HqLyjWDarjt";

#[tokio::main]
async fn main() -> support::Result<()> {
    let address = support::serve(app()?).await?;
    let answer = support::get(address, "/charges", &[]).await?;
    println!("  {}", answer.body);
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);

    let stars = "*".repeat(KEY.len());
    assert!(answer.body.contains(&format!("Bearer {stars} is no key")));
    assert_eq!(answer.headers["x-debug"], format!("https://api.test/?key={stars}"));
    // Of a longer text in base64, what says something of the key.
    let coded = STANDARD.encode(format!("Bearer {KEY}"));
    assert!(!answer.body.contains(coded.get(10..).unwrap_or_default()));
    Ok(())
}

fn app() -> support::Result<Router> {
    let injection = Injection::bearer("Bearer ", KEY)?;
    let layers = ServiceBuilder::new()
        // Outside of what injects: it learns from that layer what must not come back.
        .layer(EchoShieldLayer::new())
        .layer(InjectLayer::new(injection));
    Ok(Router::new().fallback(upstream).layer(layers))
}

// What an API may do in a test environment, and forget to switch off.
async fn upstream(request: Request) -> impl IntoResponse {
    let sent = request.headers().get("authorization").and_then(|it| it.to_str().ok());
    let sent = sent.unwrap_or_default();
    let key = sent.trim_start_matches("Bearer ");
    let mut headers = HeaderMap::new();
    if let Ok(debug) = format!("https://api.test/?key={key}").parse() {
        headers.insert("x-debug", debug);
    }
    let body = format!("{sent} is no key of ours ({})", STANDARD.encode(sent));
    (StatusCode::UNAUTHORIZED, headers, body)
}
