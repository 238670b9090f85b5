//! A hyper client that calls an API as an OAuth 2.0 client, and shows its token to nobody else.
//!
//! `cargo run --example hyper_inject`

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::routing::{any, post};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rrauth::{
    BodyInject, Destinations, InjectLayer, Injection, OAuth2, Presentation, ServiceClient,
    TokenSource,
};
use rrcore::Body;
use tower::{Layer, ServiceExt};

/// How often each of the servers was asked.
#[derive(Default)]
struct Seen {
    tokens: AtomicUsize,
    api: AtomicUsize,
    elsewhere: AtomicUsize,
}

/// A hyper client, with the credential put onto whatever it sends.
type Api = BodyInject<Client<HttpConnector, Body<Full<Bytes>>>>;

#[tokio::main]
async fn main() -> support::Result<()> {
    let seen = Arc::new(Seen::default());
    let count = |it: &AtomicUsize| it.load(Ordering::Relaxed);
    let tokens = Router::new().route("/token", post(issue)).with_state(Arc::clone(&seen));
    let tokens = support::serve(tokens).await?;
    let there = Router::new().fallback(any(answer)).with_state(Arc::clone(&seen));
    let there = support::serve(there).await?;
    let elsewhere = Router::new().fallback(any(listen)).with_state(Arc::clone(&seen));
    let elsewhere = support::serve(elsewhere).await?;
    let api = client(tokens, there)?;

    // The first request fetches a token, and the next one has it.
    for path in ["/customers", "/customers/7"] {
        let (status, body) = call(&api, Method::GET, there, path, "").await?;
        assert_eq!((status, body.as_str()), (StatusCode::OK, "Bearer token-1"));
    }
    assert_eq!(count(&seen.tokens), 1);

    // The API does not take the old token any more: the client gets another, and sends the request
    // again with its body.
    let (status, body) = call(&api, Method::POST, there, "/revoked", "an order").await?;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "Bearer token-2 an order"));
    assert_eq!((count(&seen.tokens), count(&seen.api)), (2, 4));

    // A URL that came from somebody else, such as a `Location`, is not where the token belongs.
    let (status, body) = call(&api, Method::GET, elsewhere, "/", "").await?;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("credential-unavailable"), "{body}");
    assert_eq!(count(&seen.elsewhere), 0);
    Ok(())
}

fn client(tokens: SocketAddr, there: SocketAddr) -> support::Result<Api> {
    let grant = OAuth2::new(format!("http://{tokens}/token"), "client_7")
        .secret("s3cret")
        .scopes(["customers:read"])
        // For this example only: a secret belongs on https.
        .allow_plaintext(true)
        .client_credentials()?;
    // How the token endpoint is called is up to you; no client may follow redirects here.
    let endpoint = Client::builder(TokioExecutor::new()).build_http();
    let source = TokenSource::new(grant, Arc::new(ServiceClient::new(endpoint)));
    let injection = Injection::token(Arc::new(source), Presentation::bearer())
        .bound_to(Destinations::parse([format!("http://{there}")])?);
    let client = Client::builder(TokioExecutor::new()).build_http();
    // With bodies: one that is small is kept until the API has taken the token.
    Ok(InjectLayer::new(injection).bodies().layer(client))
}

async fn call(
    api: &Api,
    method: Method,
    to: SocketAddr,
    path: &str,
    body: &'static str,
) -> support::Result<(StatusCode, String)> {
    let request = Request::builder().method(&method).uri(format!("http://{to}{path}"));
    let request = request.body(Full::from(body))?;
    let response = api.clone().oneshot(request).await?;
    let (head, body) = response.into_parts();
    let body = String::from_utf8(body.collect().await?.to_bytes().to_vec())?;
    println!("{:<28} -> {} {body}", format!("{method} {path}"), head.status);
    Ok((head.status, body))
}

/// The token endpoint.
async fn issue(State(seen): State<Arc<Seen>>) -> axum::Json<serde_json::Value> {
    let number = seen.tokens.fetch_add(1, Ordering::Relaxed) + 1;
    axum::Json(serde_json::json!({
        "access_token": format!("token-{number}"), "token_type": "Bearer", "expires_in": 3600,
    }))
}

/// The API: says what it was shown, and what it was sent.
async fn answer(
    State(seen): State<Arc<Seen>>,
    headers: HeaderMap,
    uri: http::Uri,
    body: String,
) -> (StatusCode, String) {
    seen.api.fetch_add(1, Ordering::Relaxed);
    let shown = headers.get("authorization").and_then(|it| it.to_str().ok()).unwrap_or_default();
    let status = match (uri.path(), shown) {
        ("/revoked", "Bearer token-1") => StatusCode::UNAUTHORIZED,
        _ => StatusCode::OK,
    };
    (status, format!("{shown} {body}").trim_end().to_owned())
}

/// Somebody who would like to have the token.
async fn listen(State(seen): State<Arc<Seen>>) {
    seen.elsewhere.fetch_add(1, Ordering::Relaxed);
}
