//! Opaque tokens in an axum service, which asks their issuer about them (RFC 7662): once for a while,
//! and not at all about keys that it knows itself.
//!
//! `cargo run --example axum_introspection`

mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http::StatusCode;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rrauth::{
    AuthLayer, Credential, Index, Introspection, IntrospectionPolicy, KeyDigest, Kind,
    ServiceClient, api_key,
};
use rrcore::{Context, ManualClock};
use serde_json::{Value, json};

const API: &str = "https://api.example";

/// What the issuer knows of tokens, and how often it was asked.
#[derive(Clone, Default)]
struct Known {
    tokens: Arc<Mutex<HashMap<String, Value>>>,
    questions: Arc<AtomicUsize>,
}

#[tokio::main]
async fn main() -> support::Result<()> {
    let known = Known::default();
    known.say("of-ada", json!({"active": true, "sub": "ada", "aud": API, "scope": "read"}));
    known.say("elsewhere", json!({"active": true, "sub": "ada", "aud": "https://other.example"}));
    let issuer = support::serve(issuer(known.clone())).await?;

    // Any HTTP client that is a tower service; this one speaks plain HTTP to the example's issuer.
    // Yours speaks TLS.
    let client = Arc::new(ServiceClient::new(Client::builder(TokioExecutor::new()).build_http()));
    let url = format!("http://{issuer}/introspect").parse()?;
    let policy = IntrospectionPolicy::builder(url, "this-service", "its secret")
        // To the example's own machine. The secret and the tokens go there as they are.
        .allow_plaintext(true)
        .build()?
        .audience([API])
        // How late a revocation is noticed.
        .cache(Duration::from_secs(60));
    let partners = Credential::new("cred_1", "partners", Kind::Introspection, ());
    let hand = ManualClock::starting_at(Duration::from_secs(1_800_000_000));
    let tokens = Introspection::new(partners, policy, client)?;

    let bob = api_key::generate()?;
    let keys = Index::builder()
        .insert(KeyDigest::of(bob.expose()), Credential::new("cred_2", "bob", Kind::ApiKey, ()))
        .build();
    let stages = AuthLayer::new(keys).tokens(tokens).clock(hand.clock());
    let address = support::serve(app(stages)).await?;

    let as_bob = format!("Bearer {}", bob.expose());
    assert_eq!(support::get_as(address, "/", &as_bob).await?.body, "hello bob\n");
    assert_eq!(known.questions(), 0, "a key of ours is nobody else's business");

    for _ in 0..3 {
        assert_eq!(support::get_as(address, "/", "Bearer of-ada").await?.body, "hello ada\n");
    }
    assert_eq!(known.questions(), 1);

    println!("an invented token, and one that is good elsewhere");
    for bad in ["Bearer invented", "Bearer elsewhere"] {
        let refused = support::get_as(address, "/", bad).await?;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert_eq!(refused.code(), "credential-invalid");
    }

    println!("ada's token is revoked, and a minute later everybody knows");
    known.say("of-ada", json!({"active": false}));
    assert_eq!(support::get_as(address, "/", "Bearer of-ada").await?.status, StatusCode::OK);
    hand.advance(Duration::from_secs(61));
    let revoked = support::get_as(address, "/", "Bearer of-ada").await?;
    assert_eq!(revoked.code(), "credential-invalid");
    Ok(())
}

fn app(authenticate: AuthLayer<Index<()>>) -> Router {
    let hello = async |context: Extension<Context>| {
        let bearer = context.identity().map(|it| it.subject().to_string());
        format!("hello {}\n", bearer.unwrap_or_default())
    };
    Router::new().route("/", get(hello)).layer(authenticate)
}

/// In place of a real issuer. It would also ask for the `Authorization` of this service.
fn issuer(known: Known) -> Router {
    let answer = async move |form: String| {
        known.questions.fetch_add(1, Ordering::Relaxed);
        let token = form.split('&').find_map(|it| it.strip_prefix("token=")).unwrap_or_default();
        let said = known.tokens.lock().unwrap().get(token).cloned();
        Json(said.unwrap_or_else(|| json!({"active": false})))
    };
    Router::new().route("/introspect", post(answer))
}

impl Known {
    fn say(&self, token: &str, answer: Value) {
        self.tokens.lock().unwrap().insert(token.to_owned(), answer);
    }

    fn questions(&self) -> usize {
        self.questions.load(Ordering::Relaxed)
    }
}
