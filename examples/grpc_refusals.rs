//! Refusals as gRPC statuses: what a gRPC client understands instead of a problem document.
//!
//! `cargo run --example grpc_refusals`
//!
//! gRPC itself needs HTTP/2; the layers do not care, and neither does this example.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};
use rratelimit::{Limit, Limiter, Policy, RateLimitLayer};
use rrauth::{AuthLayer, Credential, Index, KeyDigest, Kind, api_key};
use rrcore::{Code, Context, ContextLayer, Refusal};
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> support::Result<()> {
    let key = api_key::generate()?;
    let address = support::serve(app(key.expose())?).await?;

    check(address, "a-guess", "16", "The credential is not valid").await?;
    check(address, key.expose(), "0", "").await?;
    check(address, key.expose(), "8", "The quota is exceeded").await
}

async fn check(to: SocketAddr, key: &str, status: &str, message: &str) -> support::Result<()> {
    let headers = [("content-type", "application/grpc"), ("x-api-key", key)];
    let call = support::send(Method::POST, to, "/crm.Customers/Get", &headers, String::new());
    let answer = call.await?;
    println!("  grpc-status: {:?}", answer.header("grpc-status"));
    println!("  grpc-message: {:?}", answer.header("grpc-message"));
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("grpc-status"), status);
    assert_eq!(answer.header("grpc-message"), message);
    Ok(())
}

fn app(key: &str) -> support::Result<Router> {
    let ada = Credential::new("cred_1", "ada", Kind::ApiKey, ());
    let keys = Index::builder().insert(KeyDigest::of(key), ada).build();
    let policy = Policy::new([Limit::sliding("perMinute", 1, Duration::from_secs(60))])?;
    let stages = ServiceBuilder::new()
        .layer(ContextLayer::new().render(trailers_only))
        .layer(AuthLayer::new(keys))
        .layer(RateLimitLayer::new(policy, Arc::new(Limiter::new())));
    Ok(Router::new().route("/crm.Customers/Get", post(get_customer)).layer(stages))
}

/// An answer without a message; its status would be in trailers if there were one.
async fn get_customer() -> [(&'static str, &'static str); 2] {
    [("content-type", "application/grpc"), ("grpc-status", "0")]
}

/// A response that is headers alone: "Trailers-Only" in the gRPC protocol. `grpc-message` would be
/// percent-encoded; our titles are plain ASCII without `%`.
fn trailers_only(refusal: &Refusal, _: &Context) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", grpc_status(refusal).into());
    headers.insert("grpc-message", HeaderValue::from_static(refusal.code().title()));
    response
}

/// As gRPC maps HTTP statuses (`http-grpc-status-mapping.md`), where we do not know better.
fn grpc_status(refusal: &Refusal) -> u16 {
    match refusal.status() {
        _ if refusal.code() == Code::RuleDenied => PERMISSION_DENIED,
        StatusCode::UNAUTHORIZED => UNAUTHENTICATED,
        StatusCode::FORBIDDEN => PERMISSION_DENIED,
        StatusCode::TOO_MANY_REQUESTS => RESOURCE_EXHAUSTED,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE => UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT => DEADLINE_EXCEEDED,
        StatusCode::BAD_REQUEST => INTERNAL,
        _ => UNKNOWN,
    }
}

const UNKNOWN: u16 = 2;
const DEADLINE_EXCEEDED: u16 = 4;
const PERMISSION_DENIED: u16 = 7;
const RESOURCE_EXHAUSTED: u16 = 8;
const INTERNAL: u16 = 13;
const UNAVAILABLE: u16 = 14;
const UNAUTHENTICATED: u16 = 16;
