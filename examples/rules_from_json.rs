//! Rules from JSON around an axum router: one set for everybody, and one for each caller, chosen by
//! who it is. What is likely a mistake in them is printed first.
//!
//! `cargo run --example rules_from_json`

mod support;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::any;
use axum::{Router, ServiceExt};
use http::{Method, StatusCode};
use rrauth::{AuthLayer, Credential, Index, KeyDigest, Kind, api_key};
use rrcore::{Handle, Scope};
use rrrules::{RuleSet, RulesLayer, WarningKind};
use tokio::net::TcpListener;
use tower::ServiceBuilder;

/// What authentication finds: who it is, and what that one may do.
#[derive(Clone)]
struct Caller {
    rules: Arc<RuleSet>,
}

const EVERYBODY: &str = r#"{
    "defaultRuleEffect": "allow",
    "rules": [
        {"id": "no-admin", "effect": "deny", "priority": 900,
         "path": {"pattern": {"pattern": "^/admin(/|$)", "flags": "i"}}},
        {"id": "no-debug", "effect": "deny", "query": [{"name": "debug"}]}
    ]
}"#;

const READERS: &str = r#"{
    "defaultRuleEffect": "deny",
    "rules": [{"id": "reads", "effect": "allow", "methods": ["GET", "HEAD"]}]
}"#;

const WRITERS: &str = r#"{
    "defaultRuleEffect": "deny",
    "rules": [
        {"id": "reads", "effect": "allow", "methods": ["GET", "HEAD"]},
        {"id": "writes", "effect": "allow", "methods": ["PUT", "DELTE"],
         "path": {"pattern": "/users/"}}
    ]
}"#;

#[tokio::main]
async fn main() -> support::Result<()> {
    let error =
        RuleSet::from_json(r#"{"defaultRuleEffect": "deny", "rules": [{"efect": "deny"}]}"#);
    println!("a mistake: {}", error.as_ref().unwrap_err());
    assert_eq!(error.unwrap_err().pointer(), "/rules/0/effect");

    let (everybody, readers) = (RuleSet::from_json(EVERYBODY)?, RuleSet::from_json(READERS)?);
    let writers = RuleSet::from_json(WRITERS)?;
    assert_eq!((everybody.lint(), readers.lint()), (vec![], vec![]));
    let warnings = writers.lint();
    warnings.iter().for_each(|it| println!("a warning: {it}"));
    let kinds: Vec<_> = warnings.iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [WarningKind::Unanchored, WarningKind::UnknownMethod]);

    let (ada, bob) = (api_key::generate()?, api_key::generate()?);
    let caller = |name: &str, rules: RuleSet| {
        Credential::new(name, name, Kind::ApiKey, Caller { rules: Arc::new(rules) })
    };
    let keys = Index::builder()
        .insert(KeyDigest::of(ada.expose()), caller("ada", writers))
        .insert(KeyDigest::of(bob.expose()), caller("bob", readers))
        .build();
    let address = serve(Handle::new(keys), everybody).await?;

    let (ada, bob) = ([("x-api-key", ada.expose())], [("x-api-key", bob.expose())]);
    let put = async |key: &[(&str, &str)]| {
        support::send(Method::PUT, address, "/users/7", key, String::new()).await
    };
    assert_eq!(put(&ada).await?.status, StatusCode::OK);
    let denied = put(&bob).await?.json();
    assert_eq!(denied["rule"]["scope"], "proxyCredential", "bob's rules, not everybody's");
    assert_eq!(denied["rule"]["default"], true);

    assert_eq!(support::get(address, "/users/7", &bob).await?.status, StatusCode::OK);
    for (path, rule) in [("/users/%2e%2e/Admin", "no-admin"), ("/users?a=1&%64ebug", "no-debug")] {
        assert_eq!(support::get(address, path, &ada).await?.json()["rule"]["id"], rule);
    }
    Ok(())
}

async fn serve(keys: Handle<Index<Caller>>, everybody: RuleSet) -> support::Result<SocketAddr> {
    let rules = RulesLayer::new()
        .scope(Scope::Proxy, everybody)
        // Whoever has no rules may do nothing.
        .per_caller(|found| found.get::<Caller>().map(|it| Arc::clone(&it.rules)));
    let app = ServiceBuilder::new()
        .map_response(IntoResponse::into_response)
        .layer(AuthLayer::new(keys))
        .layer(rules)
        // Around the router: rules rewrite the path that it chooses a route by.
        .service(Router::new().fallback(any(async || "done\n")));

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let app = ServiceExt::<Request>::into_make_service(app);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}
