//! API keys in an axum service, and a key that is revoked while the service runs.
//!
//! `cargo run --example axum_auth`

mod support;

use axum::routing::get;
use axum::{Extension, Router};
use http::StatusCode;
use http::request::Parts;
use rrauth::{AuthLayer, AuthorizeLayer, Credential, Index, KeyDigest, Kind, api_key};
use rrcore::Handle;
use tower::ServiceBuilder;

/// What this service wants to know of a caller; its handlers get it as an extension.
#[derive(Clone)]
struct Caller {
    name: &'static str,
    admin: bool,
}

#[tokio::main]
async fn main() -> support::Result<()> {
    let (ada, bob) = (api_key::generate()?, api_key::generate()?);
    // Of a key, only its digest is kept.
    let credential =
        |name, admin| Credential::new(name, name, Kind::ApiKey, Caller { name, admin });
    let both = Index::builder()
        .insert(KeyDigest::of(ada.expose()), credential("ada", true))
        .insert(KeyDigest::of(bob.expose()), credential("bob", false))
        .build();
    let keys = Handle::new(both);
    let address = support::serve(app(keys.clone())).await?;

    let nobody = support::get(address, "/", &[]).await?;
    println!("  www-authenticate: {}", nobody.header("www-authenticate"));
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    assert_eq!(nobody.code(), "credential-missing");

    let as_ada = [("x-api-key", ada.expose())];
    let bearer = format!("Bearer {}", bob.expose());
    let as_bob = [("authorization", bearer.as_str())];
    assert_eq!(support::get(address, "/", &as_ada).await?.body, "hello ada\n");
    assert_eq!(support::get(address, "/", &as_bob).await?.body, "hello bob\n");

    assert_eq!(support::get(address, "/admin", &as_ada).await?.status, StatusCode::OK);
    let refused = support::get(address, "/admin", &as_bob).await?;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.code(), "not-authorized");

    println!("bob's key is revoked: a new index, under the same router");
    let one = Index::builder().insert(KeyDigest::of(ada.expose()), credential("ada", true));
    keys.set(one.build());
    assert_eq!(support::get(address, "/", &as_ada).await?.status, StatusCode::OK);
    let revoked = support::get(address, "/", &as_bob).await?;
    assert_eq!(revoked.code(), "credential-invalid");
    Ok(())
}

fn app(keys: Handle<Index<Caller>>) -> Router {
    let may = |caller: &Caller, request: &Parts| caller.admin || request.uri.path() != "/admin";
    let stages = ServiceBuilder::new()
        // Who is calling; takes the key off the request, so that no handler can leak it.
        .layer(AuthLayer::new(keys))
        // Whether that caller may do this.
        .layer(AuthorizeLayer::new(may));
    Router::new()
        .route("/", get(async |caller: Extension<Caller>| format!("hello {}\n", caller.name)))
        .route("/admin", get(async || "the keys to everything\n"))
        .layer(stages)
}
