//! Tokens that their issuer is asked about (RFC 7662).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::issuer::{AUDIENCE, Server};
use crate::support::House;
use crate::world::{INVALID, NOW, admitted, bearer, bind, challenges, credential, invalid};

const TOKEN: &str = "an-opaque-token.of~any+kind/==";
const SECRET: &str = "s3cret:of the client";

#[tokio::test]
async fn an_active_token_is_its_subject_and_the_answer_is_remembered() {
    let (house, server) = with_server(active()).await;
    for _ in 0..3 {
        let answer = bearer(&house, TOKEN).await;
        admitted(&answer);
        let record = house.record(&answer).await;
        assert_eq!((&record["credentialId"], &record["subject"]), (&json!("ask"), &json!("alice")));
        assert_eq!(record["auth"], json!({"type": "introspection", "outcome": "ok"}));
    }
    assert_eq!(server.asked(), 1);
    let request = server.last();
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/introspect"));
    let client = format!("Basic {}", STANDARD.encode("gateway:s3cret%3Aof%20the%20client"));
    assert_eq!(request.headers()["authorization"], client);
    assert!(request.body().starts_with(b"token=an-opaque-token.of~any%2Bkind%2F%3D%3D&"));
    let seen = format!("{:?}", house.echo.last());
    assert!(!seen.contains("opaque") && !seen.contains("s3cret"), "{seen}");

    house.clock.advance(Duration::from_secs(61));
    server.answers(200, json!({"active": false}));
    invalid(&bearer(&house, TOKEN).await);
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn a_token_that_is_not_active_or_not_for_us_is_no_good() {
    let (house, server) = with_server(json!({"active": false})).await;
    let mut asked = 0;
    for (number, said) in [
        json!({"active": false}),
        json!({"active": false, "sub": "alice", "aud": AUDIENCE, "exp": NOW + 300}),
        json!({"active": true, "sub": "alice", "aud": "https://other.example"}),
        json!({"active": true, "sub": "alice"}),
    ]
    .into_iter()
    .enumerate()
    {
        server.answers(200, said);
        let token = format!("token-{number}");
        for _ in 0..2 {
            let answer = bearer(&house, &token).await;
            invalid(&answer);
            assert_eq!(challenges(&answer), [INVALID]);
        }
        asked += 1;
        assert_eq!(server.asked(), asked, "that one is refused is remembered, too");
    }
    assert_eq!(house.echo.count(), 0);
}

#[tokio::test]
async fn while_the_issuer_does_not_answer_nobody_can_tell() {
    let (house, server) = with_server(active()).await;
    for (number, (status, said)) in [
        (500, json!({})),
        // It is we who are not known there; that says nothing of the token.
        (401, json!({"error": "invalid_client"})),
        (200, json!(["active"])),
    ]
    .into_iter()
    .enumerate()
    {
        server.answers(status, said);
        let answer = bearer(&house, &format!("token-{number}")).await;
        answer.refused(503, "authenticate", "auth-unavailable");
        assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
    }
    assert_eq!(house.echo.count(), 0);
}

#[tokio::test]
async fn what_the_issuer_grants_counts_for_the_proxy() {
    let (house, _server) = with_server(active()).await;
    bind(&house, &["ask"], json!({"requiredScopes": ["read"]})).await;
    admitted(&bearer(&house, TOKEN).await);
    bind(&house, &["ask"], json!({"requiredScopes": ["admin"]})).await;
    bearer(&house, TOKEN).await.refused(403, "authorize", "insufficient-scope");
}

#[tokio::test]
async fn keys_and_signed_tokens_are_recognised_before_anybody_is_asked() {
    let (house, server) = with_server(active()).await;
    bind(&house, &["ask", "caller"], json!({})).await;
    let key = house.key.clone();
    let answer = bearer(&house, &key).await;
    admitted(&answer);
    assert_eq!(house.record(&answer).await["credentialId"], "caller");
    assert_eq!(server.asked(), 0);
}

fn active() -> Value {
    json!({"active": true, "sub": "alice", "scope": "read openid", "aud": AUDIENCE,
        "exp": NOW + 3_000})
}

async fn with_server(said: Value) -> (House, Server) {
    let house = House::build().await;
    let server = Server::start(said);
    let auth = json!({"type": "introspection", "introspectionUrl": server.url("/introspect"),
        "allowPlaintext": true, "clientId": "gateway", "clientSecret": SECRET,
        "audience": AUDIENCE});
    credential(&house, "ask", auth).await;
    bind(&house, &["ask"], json!({})).await;
    (house, server)
}
