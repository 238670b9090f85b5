//! Every stage, composed by hand in front of an HTTP client: the heart of a gateway in one file.
//!
//! `cargo run --example all_stages`

mod support;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use http::{Method, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rratelimit::{Limit, Limiter, Policy, RateLimitLayer};
use rrauth::{AuthLayer, AuthorizeLayer, Credential, Index, InjectLayer, Injection};
use rrauth::{KeyDigest, Kind, api_key};
use rrcore::{Clock, Code, Context, ContextLayer, Entry, Scope};
use rrfilter::{Filter, FilterLayer, FilterSet, Operation};
use rrgateway::demo::Echo;
use rrrules::{Effect, Rule, RuleSet, RulesLayer};
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> support::Result<()> {
    let upstream = Echo::start().await?;
    let key = api_key::generate()?;
    let address = support::serve(app(upstream.address(), key.expose())?).await?;
    let shown = [("x-api-key", key.expose())];

    let granted = support::get(address, "/customers/7", &shown).await?;
    assert_eq!(granted.status, StatusCode::OK);
    assert!(granted.json().get("taxNumber").is_none(), "the filter took it out");
    let received = upstream.last().ok_or("the upstream was not called")?;
    assert_eq!(received.headers["authorization"], "Bearer the-third-partys-secret");
    assert!(!received.headers.contains_key("x-api-key"));

    assert_eq!(support::get(address, "/customers/7", &[]).await?.code(), "credential-missing");
    let delete = support::send(Method::DELETE, address, "/customers/7", &shown, String::new());
    assert_eq!(delete.await?.code(), "rule-denied");
    let report = support::get(address, "/report.txt", &shown).await?;
    assert_eq!(report.code(), "response-not-filterable");
    assert_eq!(support::get(address, "/customers/7", &shown).await?.code(), "quota-exceeded");
    assert_eq!(upstream.count(), 2, "what was refused before the call never reached it");
    Ok(())
}

fn app(upstream: SocketAddr, key: &str) -> support::Result<Router> {
    let agent = Credential::new("cred_1", "agent", Kind::ApiKey, ());
    let keys = Index::builder().insert(KeyDigest::of(key), agent).build();
    let policy = Policy::new([Limit::sliding("perMinute", 3, Duration::from_secs(60))])?;
    let no_deletes = Rule::new("no-deletes", Effect::Deny).methods(["DELETE"]);
    let rules = RuleSet::new(vec![no_deletes], Effect::Allow)?;
    let no_tax = Filter::new("no-tax", Operation::Destroy, ["$.taxNumber"])?;
    let injection = Injection::bearer("Bearer ", "the-third-partys-secret")?;
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();

    let stages = ServiceBuilder::new()
        // One clock reading and one id per request; prints what each stage behind it decides.
        .layer(ContextLayer::new().observe(|context: &Context, entry: &Entry| {
            println!("  {} {:?} {:?}", context.id(), entry.stage, entry.outcome);
        }))
        // Who is calling. The key goes no further.
        .layer(AuthLayer::new(keys))
        // Whether that caller may use this at all.
        .layer(AuthorizeLayer::new(|(): &(), _: &_| true))
        // How often. Inside authentication: guessing keys costs nobody their quota.
        .layer(RateLimitLayer::new(policy, Arc::new(Limiter::new())))
        // Whether this request. The path it judges is the path that goes on.
        .layer(RulesLayer::new().scope(Scope::Proxy, rules))
        // What of the answer passes.
        .layer(FilterLayer::new().scope(Scope::Proxy, FilterSet::new(vec![no_tax])))
        // As whom. Innermost: nothing but the upstream sees this credential. A proxy that faces
        // strangers must take hop-by-hop headers off before this line; `rrgateway` does.
        .layer(InjectLayer::new(injection))
        .service_fn(move |request| call(client.clone(), upstream, request));
    Ok(Router::new().fallback_service(stages))
}

async fn call(
    client: Client<HttpConnector, Body>,
    upstream: SocketAddr,
    mut request: Request,
) -> Result<Response<Body>, Infallible> {
    let context = Context::of(request.extensions_mut(), &Clock::system());
    let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
    *request.uri_mut() = format!("http://{upstream}{path}").parse().unwrap_or_default();
    request.headers_mut().remove("host");
    // A failure is an answer too: rendered as all refusals, and heard by the observer.
    Ok(client.request(request).await.map_or_else(
        |_| context.refuse(Code::UpstreamUnreachable.into()).map(Body::from),
        |response| response.map(Body::new),
    ))
}
