//! Authentication and rate limits in a bare hyper server, without axum.
//!
//! `cargo run --example hyper_bare`

mod support;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rratelimit::{Limit, Limiter, Policy, RateLimitLayer};
use rrauth::{AuthLayer, Credential, Index, KeyDigest, Kind, api_key};
use rrcore::{Clock, Context};
use tokio::net::TcpListener;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> support::Result<()> {
    let key = api_key::generate()?;
    let ada = Credential::new("cred_1", "ada", Kind::ApiKey, ());
    let address = serve(Index::builder().insert(KeyDigest::of(key.expose()), ada).build()).await?;

    let shown = [("x-api-key", key.expose())];
    assert_eq!(support::get(address, "/", &shown).await?.body, "hello ada\n");
    // Authentication is outside the limit, so guessing keys costs ada nothing.
    for _ in 0..5 {
        let guess = support::get(address, "/", &[("x-api-key", "a-guess")]).await?;
        assert_eq!(guess.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(support::get(address, "/", &shown).await?.status, StatusCode::OK);
    let third = support::get(address, "/", &shown).await?;
    assert_eq!(third.status, StatusCode::TOO_MANY_REQUESTS);
    Ok(())
}

async fn serve(keys: Index<()>) -> support::Result<SocketAddr> {
    let policy = Policy::new([Limit::sliding("perHour", 2, Duration::from_secs(3600))])?;
    // Made once and cloned per connection: clones share the limiter.
    let service = ServiceBuilder::new()
        .layer(AuthLayer::new(keys))
        .layer(RateLimitLayer::new(policy, Arc::new(Limiter::new())))
        .service_fn(hello);

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // hyper's time limit for the head of a request needs a timer.
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service.clone()));
            tokio::spawn(connection);
        }
    });
    Ok(address)
}

async fn hello(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let context = Context::of(request.extensions_mut(), &Clock::system());
    let name = context.identity().map_or("nobody", |it| it.subject());
    Ok(Response::new(Full::from(format!("hello {name}\n"))))
}
