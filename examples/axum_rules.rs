//! Allow and deny rules around an axum router, with refusals as HTML for browsers.
//!
//! `cargo run --example axum_rules`

mod support;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::ServiceExt;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::any;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};
use rrcore::{Context, ContextLayer, Refusal, Render, Scope};
use rrrules::{Effect, Pattern, Presence, Rule, RuleSet, RulesLayer};
use tokio::net::TcpListener;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> support::Result<()> {
    let address = serve().await?;
    assert_eq!(support::get(address, "/users/7", &[]).await?.body, "you asked for /users/7\n");

    let write = support::send(Method::POST, address, "/users/7", &[], String::new()).await?;
    assert_eq!(write.status, StatusCode::BAD_REQUEST);
    assert_eq!(write.json()["rule"]["default"], true, "no rule allows it");

    // However a client spells it: rules judge the path that the router will see.
    for path in ["/admin", "/users/../admin", "/%61dmin/keys", "//admin"] {
        let answer = support::get(address, path, &[]).await?;
        assert_eq!(answer.json()["rule"]["id"], "no-admin");
    }

    let page = support::get(address, "/admin", &[("accept", "text/html,*/*;q=0.8")]).await?;
    println!("{}", page.body);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.body.starts_with("<!doctype html>"));
    Ok(())
}

async fn serve() -> support::Result<SocketAddr> {
    let admin = Pattern::new("^/admin(/|$)", "i")?;
    let rules = RuleSet::new(
        vec![
            Rule::new("reads", Effect::Allow).methods(["GET", "HEAD"]),
            Rule::new("no-admin", Effect::Deny).path(admin, Presence::Present),
        ],
        Effect::Deny,
    )?;
    let html: Arc<dyn Render> = Arc::new(page);
    let app = ServiceBuilder::new()
        .map_response(IntoResponse::into_response)
        // How refusals look: a page for browsers, a problem document (RFC 9457) for programs.
        .layer(ContextLayer::new().render_by(move |head| {
            let accept = head.headers.get(ACCEPT)?.as_bytes();
            accept.starts_with(b"text/html").then(|| Arc::clone(&html))
        }))
        .layer(RulesLayer::new().scope(Scope::Proxy, rules))
        // Around the router, not `Router::layer`, which runs when the route has been chosen: by a
        // path that no rule has seen.
        .service(axum::Router::new().fallback(any(async |request: Request| {
            format!("you asked for {}\n", request.uri().path())
        })));

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let app = ServiceExt::<Request>::into_make_service(app);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

fn page(refusal: &Refusal, context: &Context) -> Response<Bytes> {
    // The title is ours and the id is letters and digits: nothing here needs escaping.
    let (title, id) = (refusal.code().title(), context.id());
    let page = format!("<!doctype html><title>{title}</title><h1>{title}</h1><p>Request {id}");
    let mut response = Response::new(Bytes::from(page));
    *response.status_mut() = refusal.status();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    response
}
