//! A good credential at a proxy that it is not bound to.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::json;

use crate::issuer::{AUDIENCE, Key, claims, shared};
use crate::support::House;
use crate::world::{admitted, authorized, bearer, bind, credential, fetched, inline, invalid};

#[tokio::test]
async fn a_good_key_or_token_of_another_proxy_is_known_but_may_not() {
    let house = House::build().await;
    let key = Key::new("one");
    credential(&house, "jwt", inline(&key, AUDIENCE)).await;
    let stranger = house.caller("stranger").await;
    let token = key.token(&claims(json!({})));
    for shown in [&stranger, &token] {
        let answer = bearer(&house, shown).await;
        answer.refused(403, "authorize", "not-authorized");
        assert_eq!(answer.header("rr-proxy-code"), "proxy-access-denied");
        let record = house.record(&answer).await;
        let expected = if *shown == token { "jwt" } else { "stranger" };
        assert_eq!(
            (&record["credentialId"], &record["auth"]["outcome"]),
            (&json!(expected), &json!("ok"))
        );
    }
    invalid(&bearer(&house, &Key::new("one").token(&claims(json!({})))).await);
    bind(&house, &["caller", "jwt"], json!({})).await;
    admitted(&bearer(&house, &token).await);
    assert_eq!(house.echo.count(), 1);
}

#[tokio::test]
async fn the_credential_that_is_bound_here_is_asked_before_its_like_elsewhere() {
    let house = House::build().await;
    let key = Key::new("one");
    for id in ["elsewhere", "here"] {
        credential(&house, id, inline(&key, AUDIENCE)).await;
    }
    bind(&house, &["here"], json!({})).await;
    let answer = bearer(&house, &key.token(&claims(json!({})))).await;
    admitted(&answer);
    assert_eq!(house.record(&answer).await["credentialId"], "here");
}

#[tokio::test]
async fn a_credential_elsewhere_that_nobody_can_tell_about_does_not_get_in_the_way() {
    let house = House::build().await;
    let secret = b"0123456789abcdef0123456789abcdef";
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("http://{}/keys", listener.local_addr().unwrap());
    drop(listener);
    credential(&house, "broken", fetched(&nowhere)).await;
    let auth = json!({"type": "jwtVerify", "sharedSecret": { "base64": STANDARD.encode(secret) },
        "issuer": "https://other.example", "audience": AUDIENCE, "algorithms": ["HS256"]});
    credential(&house, "shared", auth).await;
    bind(&house, &["shared"], json!({})).await;
    let token = shared(secret, &claims(json!({"iss": "https://other.example"})));
    admitted(&bearer(&house, &token).await);
}

#[tokio::test]
async fn a_proxy_without_callers_admits_nobody_and_passwords_elsewhere_are_not_hashed() {
    let house = House::build().await;
    let auth = json!({"type": "basicAuth", "username": "ada", "password": "open sesame"});
    credential(&house, "ada", auth).await;
    // Nobody is told that a password would do, since none would.
    let basic = format!("Basic {}", STANDARD.encode("ada:open sesame"));
    let answer = authorized(&house, &basic).await;
    invalid(&answer);
    assert_eq!(crate::world::challenges(&answer).len(), 1);
    bind(&house, &[], json!({})).await;
    invalid(&bearer(&house, &house.key).await);
    let nobody = house.call_with(Method::GET, "/api/p/x", &[]).await;
    nobody.refused(401, "authenticate", "credential-missing");
    assert_eq!(house.echo.count(), 0);
}
