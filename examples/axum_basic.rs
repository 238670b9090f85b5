//! User names and passwords in an axum service: hashed with Argon2id, an old password beside the new
//! one, and what whoever guesses is told.
//!
//! `cargo run --example axum_basic`

mod support;

use axum::routing::get;
use axum::{Extension, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use rrauth::{Accounts, AuthLayer, Credential, Index, Kind, PasswordHash, PasswordWorkers};

/// What this service wants to know of a caller; its handlers get it as an extension.
#[derive(Clone)]
struct Team(&'static str);

#[tokio::main]
async fn main() -> support::Result<()> {
    // Hashes beside the runtime's threads, a few at a time: guesses hold up nobody else.
    let workers = PasswordWorkers::new()?;
    // What a service stores. `to_phc` and `parse` are its text (`$argon2id$v=19$…`).
    let old = PasswordHash::of("correct horse")?.to_phc();
    let new = PasswordHash::of("battery staple")?.to_phc();

    let ada = || Credential::new("cred_1", "ada", Kind::Basic, Team("engines"));
    let accounts = Accounts::builder(&workers)
        .insert("ada", PasswordHash::parse(&old)?, ada())
        // Two passwords for one name: both are good until the old one is left out.
        .insert("ada", PasswordHash::parse(&new)?, ada())
        .build()?;
    let address = support::serve(app(accounts)).await?;

    let nobody = support::get(address, "/", &[]).await?;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    assert_eq!(nobody.code(), "credential-missing");
    let asks: Vec<_> = nobody.headers.get_all("www-authenticate").iter().collect();
    println!("  www-authenticate: {asks:?}");
    assert_eq!(asks[1], r#"Basic realm="example", charset="UTF-8""#);

    for password in ["correct horse", "battery staple"] {
        let ada = support::get_as(address, "/", &basic("ada", password)).await?;
        assert_eq!(ada.body, "hello engines\n");
    }

    println!("a wrong password and an unknown name are told the same, after the same work");
    for (name, password) in [("ada", "tr0ub4dor"), ("eve", "battery staple")] {
        let refused = support::get_as(address, "/", &basic(name, password)).await?;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert_eq!(refused.code(), "credential-invalid");
    }
    Ok(())
}

fn app(accounts: Accounts<Team>) -> Router {
    // Nobody has a key here: the index is empty, and passwords are asked about beside it.
    // `.failures(…)` would answer whoever guesses too often with 429.
    let authenticate =
        AuthLayer::new(Index::builder().build()).realm("example").passwords(accounts);
    Router::new()
        .route("/", get(async |team: Extension<Team>| format!("hello {}\n", team.0.0)))
        .layer(authenticate)
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}
