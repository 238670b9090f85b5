//! Tokens whose keys are fetched from a server of their issuer's.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::issuer::{Key, Server, claims};
use crate::support::House;
use crate::world::{admitted, bearer, bind, credential, fetched, invalid};

#[tokio::test]
async fn keys_are_fetched_once_and_say_who_a_token_is() {
    let (house, key, server) = with_server().await;
    assert_eq!(server.asked(), 0, "nobody has shown a token");
    for subject in ["alice", "bob"] {
        let answer = bearer(&house, &key.token(&claims(json!({ "sub": subject })))).await;
        admitted(&answer);
        let record = house.record(&answer).await;
        assert_eq!((&record["credentialId"], &record["subject"]), (&json!("jwt"), &json!(subject)));
        assert_eq!(record["auth"], json!({"type": "jwtVerify", "outcome": "ok"}));
    }
    assert_eq!(server.asked(), 1);
    let request = server.last();
    assert_eq!((request.method().as_str(), request.uri().path()), ("GET", "/keys"));
    assert!(!request.headers().contains_key("authorization"));
}

#[tokio::test]
async fn a_token_of_another_issuer_is_wrong_also_while_no_keys_can_be_had() {
    let (house, key, server) = with_server().await;
    server.answers(500, json!({}));
    for number in 0..10 {
        let foreign = claims(json!({"iss": "https://evil.example", "jti": number.to_string()}));
        invalid(&bearer(&house, &key.token(&foreign)).await);
    }
    assert!(server.asked() <= 1);
}

#[tokio::test]
async fn while_no_keys_can_be_had_nobody_can_tell() {
    let house = House::build().await;
    let key = Key::new("one");
    // Nobody listens there any more.
    let nowhere = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let broken = Server::start(json!({"keys": "none"}));
    for url in [format!("http://{nowhere}/keys"), broken.url("/keys")] {
        credential(&house, "jwt", fetched(&url)).await;
        bind(&house, &["jwt"], json!({})).await;
        for _ in 0..2 {
            let answer = bearer(&house, &key.token(&claims(json!({})))).await;
            answer.refused(503, "authenticate", "auth-unavailable");
            assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
            assert!(!answer.json().to_string().contains("127.0.0.1"));
        }
    }
    assert_eq!(broken.asked(), 1, "the second time it is left alone");
    assert_eq!(house.echo.count(), 0);
}

#[tokio::test]
async fn a_server_that_recovers_is_asked_again() {
    let (house, key, server) = with_server().await;
    let token = key.token(&claims(json!({})));
    server.answers(500, json!({}));
    bearer(&house, &token).await.refused(503, "authenticate", "auth-unavailable");
    server.answers(200, key.set());
    house.clock.advance(Duration::from_secs(31));
    admitted(&bearer(&house, &token).await);
}

#[tokio::test]
async fn known_keys_serve_while_their_server_is_down_but_not_for_ever() {
    let (house, key, server) = with_server().await;
    let token = |exp: u64| key.token(&claims(json!({ "exp": crate::world::NOW + exp })));
    admitted(&bearer(&house, &token(300)).await);
    server.answers(500, json!({}));
    house.clock.advance(Duration::from_secs(1_800));
    admitted(&bearer(&house, &token(3_000)).await);
    house.clock.advance(Duration::from_secs(6_000));
    let late = bearer(&house, &token(20_000)).await;
    late.refused(503, "authenticate", "auth-unavailable");
}

#[tokio::test]
async fn a_key_that_is_not_known_may_be_new_while_its_server_is_down() {
    let (house, key, server) = with_server().await;
    let new = Key::new("two").token(&claims(json!({})));
    admitted(&bearer(&house, &key.token(&claims(json!({})))).await);
    server.answers(500, json!({}));
    // Nobody has been asked since there was an answer.
    invalid(&bearer(&house, &new).await);
    house.clock.advance(Duration::from_secs(31));
    bearer(&house, &new).await.refused(503, "authenticate", "auth-unavailable");
    bearer(&house, &new).await.refused(503, "authenticate", "auth-unavailable");
    admitted(&bearer(&house, &key.token(&claims(json!({"jti": "1"})))).await);
}

#[tokio::test]
async fn what_else_is_said_of_tokens_leaves_their_keys_alone() {
    let (house, key, server) = with_server().await;
    admitted(&bearer(&house, &key.token(&claims(json!({})))).await);
    server.answers(500, json!({}));
    let patch = json!({"auth": {"leewaySeconds": 30, "audience": "https://other.example"}});
    let written = house.api(Method::PATCH, "/credentials/jwt", Some(&patch)).await;
    assert!(written.status.is_success(), "{}", written.json());
    invalid(&bearer(&house, &key.token(&claims(json!({})))).await);
    let other = claims(json!({"aud": "https://other.example"}));
    admitted(&bearer(&house, &key.token(&other)).await);
    assert_eq!(server.asked(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_first_tokens_are_one_fetch() {
    let house = House::build_with(|it| it.workers(2)).await;
    let key = Key::new("one");
    let server = Server::start(key.set());
    credential(&house, "jwt", fetched(&server.url("/keys"))).await;
    bind(&house, &["jwt"], json!({})).await;
    let (house, mut callers) = (Arc::new(house), JoinSet::new());
    for number in 0..1_000 {
        let token = key.token(&claims(json!({ "jti": number.to_string() })));
        let house = Arc::clone(&house);
        callers.spawn(async move { admitted(&bearer(&house, &token).await) });
    }
    callers.join_all().await;
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_new_key_is_fetched_and_an_old_one_forgotten() {
    let (house, old, server) = with_server().await;
    let new = Key::new("two");
    let (by_old, by_new) = (old.token(&claims(json!({}))), new.token(&claims(json!({}))));
    admitted(&bearer(&house, &by_old).await);
    server.answers(200, new.set());
    // Too early to ask for it.
    for _ in 0..100 {
        invalid(&bearer(&house, &by_new).await);
    }
    assert_eq!(server.asked(), 1);
    house.clock.advance(Duration::from_secs(31));
    admitted(&bearer(&house, &by_new).await);
    assert_eq!(server.asked(), 2);
    // Also the very token that was believed.
    invalid(&bearer(&house, &by_old).await);
    invalid(&bearer(&house, &old.token(&claims(json!({"jti": "1"})))).await);
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn what_was_fetched_outlives_changes_elsewhere_and_of_the_credential() {
    let (house, key, server) = with_server().await;
    let token = key.token(&claims(json!({})));
    admitted(&bearer(&house, &token).await);
    house.caller("another").await;
    admitted(&bearer(&house, &token).await);
    let patch = json!({"name": "renamed", "scopes": ["read"]});
    let patched = house.api(http::Method::PATCH, "/credentials/jwt", Some(&patch)).await;
    assert!(patched.status.is_success(), "{}", patched.json());
    bind(&house, &["jwt"], json!({"requiredScopes": ["read"]})).await;
    admitted(&bearer(&house, &token).await);
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_key_server_behind_the_egress_guard_is_not_called() {
    let house = House::build().await;
    let url = "http://10.0.0.1/keys";
    let body = json!({"name": "jwt", "kind": "proxy", "auth": fetched(url)});
    let answer = house.api(http::Method::PUT, "/credentials/jwt", Some(&body)).await;
    assert_eq!(answer.status, 422, "{}", answer.json());
    assert_eq!(answer.json()["errors"][0]["pointer"], "/auth/jwksUri");
    let mut plain = fetched("http://127.0.0.1/keys");
    plain["allowPlaintext"] = json!(false);
    let body = json!({"name": "jwt", "kind": "proxy", "auth": plain});
    let answer = house.api(http::Method::PUT, "/credentials/jwt", Some(&body)).await;
    assert_eq!(answer.json()["errors"][0]["pointer"], "/auth/jwksUri");
}

async fn with_server() -> (House, Key, Server) {
    let house = House::build().await;
    let key = Key::new("one");
    let server = Server::start(key.set());
    credential(&house, "jwt", fetched(&server.url("/keys"))).await;
    bind(&house, &["jwt"], json!({})).await;
    (house, key, server)
}
