//! Signed tokens in an axum service that fetches its issuer's keys (JWKS): fetched once, whoever
//! comes, again when the issuer has a new one, and kept while its server is down.
//!
//! `cargo run --example axum_jwks`

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Json, Router};
use http::StatusCode;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rrauth::{
    AuthLayer, Credential, Freshness, Index, JwksVerifier, JwtAlgorithm, JwtPolicy, Kind,
    RemoteKeys, ServiceClient,
};
use rrcore::{Context, ManualClock};
use serde_json::{Value, json};
use support::issuer::Key;

const ISSUER: &str = "https://login.example";
/// Seconds since the Unix epoch.
const NOW: u64 = 1_800_000_000;

/// What the issuer's server answers now (nothing: it is down), and how often it was asked.
#[derive(Clone, Default)]
struct Published {
    keys: Arc<Mutex<Option<Value>>>,
    fetches: Arc<AtomicUsize>,
}

#[tokio::main]
async fn main() -> support::Result<()> {
    let (old, new) = (Key::generate("old")?, Key::generate("new")?);
    let published = Published::default();
    let issuer = support::serve(issuer(published.clone())).await?;

    // Any HTTP client that is a tower service; this one speaks plain HTTP to the example's issuer.
    // Yours speaks TLS.
    let client = Arc::new(ServiceClient::new(Client::builder(TokioExecutor::new()).build_http()));
    let url = format!("http://{issuer}/jwks.json").parse()?;
    // Of the example's own machine. Who can change what goes over plain HTTP says which keys are good.
    let freshness = Freshness::new().cool_down(Duration::from_secs(30)).allow_plaintext(true);
    let keys = RemoteKeys::new(client, url, freshness)?;
    let policy = JwtPolicy::builder(ISSUER).algorithms([JwtAlgorithm::Es256]).build()?;
    let partners = Credential::new("cred_1", "partners", Kind::JwtVerify, ());
    let hand = ManualClock::starting_at(Duration::from_secs(NOW));
    let tokens = JwksVerifier::new(partners, policy, keys)?;
    let address = support::serve(app(tokens, &hand)).await?;

    let bearer = |key: &Key, subject: &str| {
        let claims = json!({"iss": ISSUER, "sub": subject, "exp": NOW + 300});
        key.sign(&claims).map(|it| format!("Bearer {it}"))
    };

    println!("nobody can tell yet: that is our trouble, not the caller's");
    let unknown = support::get_as(address, "/", &bearer(&old, "ada")?).await?;
    assert_eq!(unknown.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(unknown.code(), "auth-unavailable");
    println!("  retry-after: {}", unknown.header("retry-after"));

    println!("the issuer is up");
    published.now(json!({"keys": [old.jwk()?]}));
    hand.advance(Duration::from_secs(30));
    let before = published.fetches();
    for subject in ["ada", "bob", "eve"] {
        let answer = support::get_as(address, "/", &bearer(&old, subject)?).await?;
        assert_eq!(answer.body, format!("hello {subject}\n"));
    }
    assert_eq!(published.fetches() - before, 1);

    println!("it has a new key, which is fetched when the first token needs it, but not too often");
    published.now(json!({"keys": [new.jwk()?]}));
    let early = support::get_as(address, "/", &bearer(&new, "ada")?).await?;
    assert_eq!(early.code(), "credential-invalid");
    hand.advance(Duration::from_secs(30));
    assert_eq!(support::get_as(address, "/", &bearer(&new, "ada")?).await?.body, "hello ada\n");
    let gone = support::get_as(address, "/", &bearer(&old, "ada")?).await?;
    assert_eq!(gone.code(), "credential-invalid");
    assert_eq!(published.fetches() - before, 2);

    println!("it is down again, and its keys are still known");
    *published.keys.lock().unwrap() = None;
    hand.advance(Duration::from_secs(60));
    assert_eq!(support::get_as(address, "/", &bearer(&new, "bob")?).await?.body, "hello bob\n");
    Ok(())
}

fn app(tokens: JwksVerifier<()>, hand: &ManualClock) -> Router {
    let hello = async |context: Extension<Context>| {
        let bearer = context.identity().map(|it| it.subject().to_string());
        format!("hello {}\n", bearer.unwrap_or_default())
    };
    let nobody = Index::builder().build();
    let authenticate = AuthLayer::new(nobody).tokens(tokens).clock(hand.clock());
    Router::new().route("/", get(hello)).layer(authenticate)
}

/// What stands at `/.well-known/…` of a real issuer.
fn issuer(published: Published) -> Router {
    Router::new().route(
        "/jwks.json",
        get(async move || {
            published.fetches.fetch_add(1, Ordering::Relaxed);
            match published.keys.lock().unwrap().clone() {
                Some(keys) => Json(keys).into_response(),
                None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        }),
    )
}

impl Published {
    fn now(&self, keys: Value) {
        *self.keys.lock().unwrap() = Some(keys);
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::Relaxed)
    }
}
