//! User names and passwords (RFC 7617), and who guesses them.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, House};
use crate::world::{
    BASIC, INVALID, MISSING, admitted, authorized, bind, challenges, credential, invalid,
};

const PASSWORD: &str = "open:sesame, é";
/// `authFailuresPerMinute` where nothing else is said and a proxy takes passwords.
const GUESSES: usize = 30;

#[tokio::test]
async fn a_right_password_is_its_user_and_goes_no_further() {
    let house = with_ada().await;
    for _ in 0..2 {
        let answer = authorized(&house, &basic("ada", PASSWORD)).await;
        admitted(&answer);
        let record = house.record(&answer).await;
        assert_eq!(record["credentialId"], "ada");
        assert_eq!(record["auth"], json!({"type": "basicAuth", "outcome": "ok"}));
    }
    let seen = house.echo.last().unwrap();
    assert_eq!(
        seen.headers["authorization"],
        format!("Bearer {}", crate::support::UPSTREAM_SECRET)
    );
    let shown = house.api(Method::GET, "/credentials/ada", None).await.json().to_string();
    assert!(!shown.contains("sesame") && !shown.contains("argon2"), "{shown}");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_told_the_same() {
    let house = with_ada().await;
    let mut said = Vec::new();
    for (user, password) in
        [("ada", "wrong"), ("eve", PASSWORD), ("eve", "wrong"), ("", PASSWORD), ("Ada", PASSWORD)]
    {
        let answer = authorized(&house, &basic(user, password)).await;
        invalid(&answer);
        assert_eq!(challenges(&answer), [INVALID, BASIC]);
        said.push(without_id(&answer));
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
    let missing = house.call_with(Method::GET, "/api/p/x", &[]).await;
    missing.refused(401, "authenticate", "credential-missing");
    assert_eq!(challenges(&missing), [MISSING, BASIC]);
    assert_eq!(house.echo.count(), 0);
}

#[tokio::test]
async fn what_is_no_pair_is_refused() {
    let house = with_ada().await;
    let good = basic("ada", PASSWORD);
    for bad in [
        "Basic",
        "Basic ",
        "Basic !",
        &good[..good.len() - 2],
        &format!("{good}, {good}"),
        &format!("Basic {}", STANDARD.encode("ada")),
        &format!("Basic {}", STANDARD.encode(format!("ada:{PASSWORD}\n"))),
        &format!("Bearer {}", STANDARD.encode(format!("ada:{PASSWORD}"))),
        PASSWORD,
    ] {
        let answer = authorized(&house, bad).await;
        assert_eq!(answer.status, 401, "{bad}: {}", answer.json());
    }
    admitted(&authorized(&house, &good.replacen("Basic", "bAsIc", 1)).await);
}

#[tokio::test]
async fn who_guesses_too_often_waits_and_nobody_else_does() {
    let house = House::build_with(|it| it.trusted_proxies(["127.0.0.0/8".parse().unwrap()])).await;
    ada(&house, PASSWORD).await;
    bind(&house, &["ada"], json!({})).await;
    let from = async |address: &str, password: &str| {
        let basic = basic("ada", password);
        let headers = [("authorization", basic.as_str()), ("x-forwarded-for", address)];
        house.call_with(Method::GET, "/api/p/x", &headers).await
    };
    admitted(&from("203.0.113.7", PASSWORD).await);
    for _ in 0..5 {
        // To show nothing is no guess.
        let headers = [("x-forwarded-for", "203.0.113.7")];
        assert_eq!(house.call_with(Method::GET, "/api/p/x", &headers).await.status, 401);
    }
    for number in 0..GUESSES {
        invalid(&from("203.0.113.7", &format!("guess-{number}")).await);
    }
    for password in ["guess", PASSWORD] {
        let late = from("203.0.113.7", password).await;
        late.refused(429, "limit", "quota-exceeded");
        let wait: u64 = late.header("retry-after").parse().unwrap();
        assert!((1..=61).contains(&wait), "{wait}");
        assert_eq!(late.json()["retryAfterSeconds"], wait);
        assert_eq!(late.json()["violated-policies"], json!(["authFailuresPerMinute"]));
    }
    admitted(&from("203.0.113.8", PASSWORD).await);
    invalid(&from("203.0.113.8", "guess").await);
    house.clock.advance(Duration::from_secs(61));
    admitted(&from("203.0.113.7", PASSWORD).await);
}

#[tokio::test]
async fn guesses_that_are_tried_at_once_all_count() {
    let house = with_ada().await;
    let said = json!({"authFailuresPerMinute": 2});
    house.api(Method::PATCH, "/configuration", Some(&said)).await;
    invalid(&authorized(&house, &basic("ada", "first")).await);
    house.clock.advance(Duration::from_secs(30));
    let guesses: Vec<_> = (0..20).map(|it| basic("ada", &format!("guess-{it}"))).collect();
    let answers = guesses.iter().map(|it| authorized(&house, it));
    let answers = futures_util::future::join_all(answers).await;
    let tried = answers.iter().filter(|it| it.status == 401).count();
    assert!(tried > 2, "they were under way before the first had failed: {tried}");
    // A minute after the first: that no longer counts, but all of the others do.
    house.clock.advance(Duration::from_secs(31));
    let late = authorized(&house, &basic("ada", PASSWORD)).await;
    late.refused(429, "limit", "quota-exceeded");
}

#[tokio::test]
async fn how_many_guesses_there_are_is_for_the_client_to_say() {
    let house = with_ada().await;
    let said = json!({"authFailuresPerMinute": 2});
    let written = house.api(Method::PATCH, "/configuration", Some(&said)).await;
    assert!(written.status.is_success(), "{}", written.json());
    for _ in 0..2 {
        invalid(&authorized(&house, &basic("ada", "wrong")).await);
    }
    let late = authorized(&house, &basic("ada", "wrong")).await;
    late.refused(429, "limit", "quota-exceeded");

    // Now also where there are keys only; every proxy of the client counts.
    let mut other = crate::support::proxy("keys");
    other["proxyCredentialIds"] = json!(["caller"]);
    house.put("/proxies/keys", &other).await;
    let late = house.call_with(Method::GET, "/api/keys/x", &[("x-api-key", "wrong")]).await;
    late.refused(429, "limit", "quota-exceeded");
}

#[tokio::test]
async fn a_proxy_that_takes_no_passwords_does_not_count_failures() {
    let house = House::build().await;
    for _ in 0..=GUESSES {
        let answer = authorized(&house, "Bearer wrong").await;
        invalid(&answer);
        assert_eq!(challenges(&answer), [INVALID]);
    }
    admitted(&house.call(Method::GET, "/x").await);
}

#[tokio::test]
async fn a_changed_password_counts_at_once() {
    let house = with_ada().await;
    let (old, new) = (basic("ada", PASSWORD), basic("ada", "another password"));
    admitted(&authorized(&house, &old).await);
    ada(&house, "another password").await;
    // Though it was right a moment ago.
    invalid(&authorized(&house, &old).await);
    admitted(&authorized(&house, &new).await);
    let off = json!({"active": false});
    assert!(house.api(Method::PATCH, "/credentials/ada", Some(&off)).await.status.is_success());
    invalid(&authorized(&house, &new).await);
}

#[tokio::test]
async fn a_rotated_password_has_its_time_of_grace() {
    let house = with_ada().await;
    let (old, new) = (basic("ada", PASSWORD), basic("ada", "another password"));
    admitted(&authorized(&house, &old).await);
    let rotation = json!({"graceSeconds": 60, "auth": {"password": "another password"}});
    let said = house.post("/credentials/ada/rotate", &rotation).await;
    assert!(!said.to_string().contains("another password"), "{said}");
    for shown in [&old, &new, &old] {
        admitted(&authorized(&house, shown).await);
    }
    house.clock.advance(Duration::from_secs(60));
    authorized(&house, &old).await.refused(401, "authenticate", "credential-expired");
    admitted(&authorized(&house, &new).await);
}

#[tokio::test]
async fn passwords_and_keys_of_one_proxy_do_not_get_in_each_others_way() {
    let house = with_ada().await;
    bind(&house, &["ada", "caller"], json!({})).await;
    let key = house.key.clone();
    for (shown, expected) in [
        (basic("ada", PASSWORD), "ada"),
        // As the SDKs of some vendors show keys.
        (basic(&key, ""), "caller"),
        (format!("Bearer {key}"), "caller"),
        (key.clone(), "caller"),
    ] {
        let answer = authorized(&house, &shown).await;
        admitted(&answer);
        assert_eq!(house.record(&answer).await["credentialId"], expected);
    }
}

async fn with_ada() -> House {
    let house = House::build().await;
    ada(&house, PASSWORD).await;
    bind(&house, &["ada"], json!({})).await;
    house
}

async fn ada(house: &House, password: &str) {
    let auth = json!({"type": "basicAuth", "username": "ada", "password": password});
    credential(house, "ada", auth).await;
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn without_id(answer: &Answer) -> Value {
    let mut body = answer.json();
    body["requestId"].take();
    body
}
