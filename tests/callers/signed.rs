//! Tokens that are verified with keys at hand.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::issuer::{AUDIENCE, ISSUER, Key, claims, shared, unsigned};
use crate::support::House;
use crate::world::{
    INVALID, MISSING, NOW, admitted, bearer, bind, challenges, credential, credential_with, inline,
    invalid,
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn a_good_token_is_its_subject_and_goes_no_further() {
    let (house, key) = with_key().await;
    let token = key.token(&claims(json!({})));
    for _ in 0..2 {
        let answer = bearer(&house, &token).await;
        admitted(&answer);
        let record = house.record(&answer).await;
        assert_eq!(record["credentialId"], "jwt");
        assert_eq!(record["subject"], "alice");
        assert_eq!(record["auth"], json!({"type": "jwtVerify", "outcome": "ok"}));
    }
    assert!(!format!("{:?}", house.echo.last()).contains(&token));
}

#[tokio::test]
async fn what_is_wrong_with_a_token_is_not_told() {
    let (house, key) = with_key().await;
    let good = key.token(&claims(json!({})));
    admitted(&bearer(&house, &good).await);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let other = key.token(&claims(json!({"sub": "mallory"})));
    let (payload, _) = other.rsplit_once('.').unwrap();
    let none = |alg: &str| format!("{}.", unsigned(&json!({"alg": alg}), &claims(json!({}))));
    let bad = [
        key.token(&claims(json!({"aud": "https://other.example"}))),
        key.token(&claims(json!({"aud": null}))),
        key.token(&claims(json!({"iss": "https://evil.example"}))),
        key.token(&claims(json!({"iss": format!("{ISSUER}/")}))),
        key.token(&claims(json!({"exp": null}))),
        key.token(&claims(json!({"exp": "never"}))),
        key.token(&claims(json!({"nbf": NOW + 61}))),
        Key::new("one").token(&claims(json!({}))),
        Key::new("two").token(&claims(json!({}))),
        shared(key.set().to_string().as_bytes(), &claims(json!({}))),
        format!("{payload}.{signature}"),
        format!("{signed}."),
        signed.to_owned(),
        none("none"),
        none("None"),
        none("nOnE"),
    ];
    let mut bodies = Vec::new();
    for token in &bad {
        let answer = bearer(&house, token).await;
        invalid(&answer);
        assert_eq!(challenges(&answer), [INVALID], "{token}");
        let mut body = answer.json();
        body["requestId"].take();
        bodies.push(body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(house.echo.count(), 1);
}

#[tokio::test]
async fn an_expired_token_is_told_that_it_has_but_only_if_it_was_good() {
    let (house, key) = with_key().await;
    let token = key.token(&claims(json!({})));
    // Within the leeway.
    house.clock.advance(std::time::Duration::from_secs(359));
    admitted(&bearer(&house, &token).await);
    house.clock.advance(std::time::Duration::from_secs(1));
    let answer = bearer(&house, &token).await;
    answer.refused(401, "authenticate", "credential-expired");
    assert_eq!(challenges(&answer), [INVALID]);
    invalid(&bearer(&house, &Key::new("one").token(&claims(json!({})))).await);
}

#[tokio::test]
async fn who_shows_nothing_is_told_of_no_error() {
    let (house, _) = with_key().await;
    let answer = house.call_with(Method::GET, "/api/p/x", &[]).await;
    answer.refused(401, "authenticate", "credential-missing");
    assert_eq!(challenges(&answer), [MISSING]);
}

#[tokio::test]
async fn a_shared_secret_is_text_or_bytes() {
    let house = House::build().await;
    let bytes: Vec<u8> = (0..32).map(|it| it * 7).collect();
    let text = json!(SECRET);
    let base64 = json!({ "base64": STANDARD.encode(&bytes) });
    for (secret, signs) in [(text, SECRET.as_bytes()), (base64, &bytes)] {
        let auth = json!({"type": "jwtVerify", "sharedSecret": secret, "issuer": ISSUER,
            "audience": [AUDIENCE, "https://two.example"], "algorithms": ["HS256"]});
        credential(&house, "jwt", auth).await;
        bind(&house, &["jwt"], json!({})).await;
        admitted(&bearer(&house, &shared(signs, &claims(json!({})))).await);
        let second = claims(json!({"aud": ["https://two.example", "https://three.example"]}));
        admitted(&bearer(&house, &shared(signs, &second)).await);
        invalid(&bearer(&house, &shared(&[0; 32], &claims(json!({})))).await);
    }
    let shown = house.api(Method::GET, "/credentials/jwt", None).await;
    assert!(shown.json()["secretRef"].is_string(), "{}", shown.json());
    for secret in [SECRET, &STANDARD.encode(&bytes)] {
        assert!(!shown.json().to_string().contains(secret));
    }
}

#[tokio::test]
async fn who_takes_any_token_of_an_issuer_is_warned() {
    let house = House::build().await;
    let signed = json!({"type": "jwtVerify", "sharedSecret": SECRET, "issuer": ISSUER,
        "algorithms": ["HS256"]});
    let asked = json!({"type": "introspection", "introspectionUrl": "https://login.example/ask",
        "clientId": "gateway", "clientSecret": SECRET});
    for mut auth in [signed, asked] {
        let written = |auth: Value| {
            let body = json!({"name": "who", "kind": "proxy", "auth": auth});
            let house = &house;
            async move { house.put("/credentials/who", &body).await }
        };
        let warned = written(auth.clone()).await;
        let warning = &warned["warnings"][0];
        assert_eq!(
            (&warning["kind"], &warning["pointer"]),
            (&json!("any-audience"), &json!("/auth/audience"))
        );
        auth["audience"] = json!(AUDIENCE);
        assert_eq!(written(auth).await["warnings"], Value::Null);
    }
}

#[tokio::test]
async fn a_changed_secret_is_what_counts_from_then_on() {
    let house = House::build().await;
    let auth = |secret: &str| {
        json!({"type": "jwtVerify", "sharedSecret": secret, "issuer": ISSUER,
            "audience": AUDIENCE, "algorithms": ["HS256"]})
    };
    let next = SECRET.to_uppercase();
    credential(&house, "jwt", auth(SECRET)).await;
    bind(&house, &["jwt"], json!({})).await;
    let (old, new) = (
        shared(SECRET.as_bytes(), &claims(json!({}))),
        shared(next.as_bytes(), &claims(json!({}))),
    );
    admitted(&bearer(&house, &old).await);
    invalid(&bearer(&house, &new).await);
    credential(&house, "jwt", auth(&next)).await;
    // Remembered or not.
    invalid(&bearer(&house, &old).await);
    admitted(&bearer(&house, &new).await);
}

#[tokio::test]
async fn a_shared_secret_is_rotated_at_once_or_beside_the_old_one() {
    let house = House::build().await;
    let auth = |secret: &str| {
        json!({"type": "jwtVerify", "sharedSecret": secret, "issuer": ISSUER,
            "audience": AUDIENCE, "algorithms": ["HS256"]})
    };
    let next = SECRET.to_uppercase();
    let tokens = [SECRET, &next].map(|it| shared(it.as_bytes(), &claims(json!({}))));
    credential(&house, "jwt", auth(SECRET)).await;
    bind(&house, &["jwt"], json!({})).await;
    credential(&house, "second", auth(&next)).await;
    bind(&house, &["jwt", "second"], json!({})).await;
    for (token, expected) in tokens.iter().zip(["jwt", "second"]) {
        let answer = bearer(&house, token).await;
        admitted(&answer);
        assert_eq!(house.record(&answer).await["credentialId"], expected);
    }
    house.post("/credentials/jwt/rotate", &json!({"auth": {"sharedSecret": "x".repeat(32)}})).await;
    invalid(&bearer(&house, &tokens[0]).await);
    admitted(&bearer(&house, &tokens[1]).await);
}

#[tokio::test]
async fn the_shared_secret_before_is_good_until_its_grace_ends() {
    let directory = tempfile::tempdir().unwrap();
    let house = House::build_with(|it| it.data_dir(directory.path())).await;
    let next = SECRET.to_uppercase();
    let auth = json!({"type": "jwtVerify", "sharedSecret": SECRET, "issuer": ISSUER,
        "audience": AUDIENCE, "algorithms": ["HS256"]});
    credential(&house, "jwt", auth).await;
    bind(&house, &["jwt"], json!({})).await;
    let token = |it: &str, more: Value| shared(it.as_bytes(), &claims(more));
    let [old, new] = [SECRET, &next].map(|it| token(it, json!({})));
    let rotation = json!({"graceSeconds": 60, "auth": {"sharedSecret": next}});
    let said = house.post("/credentials/jwt/rotate", &rotation).await;
    assert_eq!(said["previous"], json!({"version": 1, "validUntil": "2027-01-15T08:01:00.000Z"}));
    for token in [&old, &new] {
        let answer = bearer(&house, token).await;
        admitted(&answer);
        assert_eq!(house.record(&answer).await["credentialId"], "jwt");
    }
    // The vault keeps both, also over a restart.
    let house = house.restart(directory.path().to_owned()).await;
    admitted(&bearer(&house, &old).await);
    house.clock.advance(Duration::from_secs(60));
    assert_eq!(bearer(&house, &old).await.status, StatusCode::UNAUTHORIZED);
    admitted(&bearer(&house, &new).await);
    // Without grace the one before is over, and forgotten.
    let now = json!({"auth": {"sharedSecret": "x".repeat(32)}});
    house.post("/credentials/jwt/rotate", &now).await;
    invalid(&bearer(&house, &new).await);
    // As soon as the revision is served that names it no more.
    let sealed = || {
        let records = std::fs::read_dir(directory.path().join("vault/default")).unwrap();
        let names = records.map(|it| it.unwrap().file_name().into_string().unwrap());
        names.filter(|it| it.starts_with("jwt.")).collect::<Vec<_>>()
    };
    let mut tries = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..500 {
        tries.tick().await;
        if sealed() == ["jwt.3.sealed"] {
            return;
        }
    }
    panic!("{:?}", sealed());
}

#[tokio::test]
async fn a_changed_policy_forgets_what_was_believed_before() {
    let (house, key) = with_key().await;
    let token = key.token(&claims(json!({})));
    admitted(&bearer(&house, &token).await);
    credential(&house, "jwt", inline(&key, "https://other.example")).await;
    invalid(&bearer(&house, &token).await);
}

#[tokio::test]
async fn claims_of_the_credential_are_401_and_those_of_the_proxy_403() {
    let house = House::build().await;
    let key = Key::new("one");
    let mut auth = inline(&key, AUDIENCE);
    auth["requiredClaims"] = json!({"tenant": ["acme", "initech"]});
    auth["subjectPattern"] = json!("^[a-z]+$");
    auth["maxLifetimeSeconds"] = json!(600);
    credential_with(&house, "jwt", auth, json!({"scopes": ["read"]})).await;
    let needs = json!({"requiredScopes": ["read", "write"],
        "requiredClaims": {"tier": ["gold", "silver"]}});
    bind(&house, &["jwt"], needs).await;
    let token = |changes: Value| {
        let mut all = json!({"tenant": "acme", "tier": "gold", "scope": "openid write"});
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        key.token(&claims(all))
    };
    admitted(&bearer(&house, &token(json!({}))).await);
    admitted(&bearer(&house, &token(json!({"scope": null, "scp": ["write"]}))).await);
    for bad in [
        json!({"tenant": "evil"}),
        json!({"tenant": null}),
        json!({"sub": "Alice"}),
        json!({"exp": NOW + 601}),
    ] {
        invalid(&bearer(&house, &token(bad)).await);
    }
    for (lacking, challenge) in [
        (json!({"scope": "openid"}), r#"Bearer error="insufficient_scope", scope="read write""#),
        (json!({"scope": null}), r#"Bearer error="insufficient_scope", scope="read write""#),
        (json!({"tier": "tin"}), r#"Bearer error="insufficient_scope", scope="read write""#),
        (json!({"tier": null}), r#"Bearer error="insufficient_scope", scope="read write""#),
    ] {
        let answer = bearer(&house, &token(lacking)).await;
        answer.refused(403, "authorize", "insufficient-scope");
        assert_eq!(challenges(&answer), [challenge]);
    }
    assert_eq!(house.echo.count(), 2);
}

#[tokio::test]
async fn two_credentials_of_one_issuer_are_told_apart_by_their_audience() {
    let house = House::build().await;
    let key = Key::new("one");
    let audiences = ["https://one.example", "https://two.example"];
    for (id, audience) in ["first", "second"].into_iter().zip(audiences) {
        credential(&house, id, inline(&key, audience)).await;
    }
    bind(&house, &["first", "second"], json!({})).await;
    for (id, audience) in ["first", "second"].into_iter().zip(audiences) {
        let answer = bearer(&house, &key.token(&claims(json!({"aud": audience})))).await;
        admitted(&answer);
        assert_eq!(house.record(&answer).await["credentialId"], id);
    }
    invalid(&bearer(&house, &key.token(&claims(json!({})))).await);
}

#[tokio::test]
async fn explaining_takes_a_token_or_the_id_of_its_credential() {
    let (house, key) = with_key().await;
    let explained = async |question: Value| {
        let url = format!("http://{}/v1/explain", house.gateway.control_address());
        let token = format!("Bearer {}", *house.gateway.owner_token().unwrap());
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        house.send(Method::POST, &url, &headers, Bytes::from(question.to_string())).await.json()
    };
    let mut question = json!({"proxyId": "p", "method": "GET", "path": "/x"});
    question["credentialId"] = json!("jwt");
    let said = explained(question.clone()).await;
    assert_eq!(said["allowed"], true, "{said}");
    question["credentialId"] = Value::Null;
    let bearer = format!("Bearer {}", key.token(&claims(json!({}))));
    question["headers"] = json!({ "authorization": bearer });
    let said = explained(question.clone()).await;
    assert_eq!(said["allowed"], true, "{said}");
    let bearer = format!("Bearer {}", Key::new("one").token(&claims(json!({}))));
    question["headers"] = json!({ "authorization": bearer });
    let said = explained(question).await;
    assert_eq!((&said["status"], &said["code"]), (&json!(401), &json!("credential-invalid")));
}

async fn with_key() -> (House, Key) {
    let house = House::build().await;
    let key = Key::new("one");
    credential(&house, "jwt", inline(&key, AUDIENCE)).await;
    bind(&house, &["jwt"], json!({})).await;
    (house, key)
}
