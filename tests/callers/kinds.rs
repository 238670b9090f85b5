//! All kinds of callers at one proxy, each known as what it is, also after a restart.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::issuer::{AUDIENCE, ISSUER, Key, Server, claims, shared};
use crate::support::House;
use crate::world::{
    admitted, authorized, bearer, bind, credential, credential_with, fetched, inline, invalid,
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const TOKEN: &str = "a-bearer-token-of-24-bytes-or-more";

#[tokio::test]
async fn each_kind_is_known_as_what_it_is_and_still_is_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let house = House::build_with(|it| it.data_dir(data.path())).await;
    let (one, two, fixed) = (Key::new("one"), Key::new("two"), Key::new("fixed"));
    let keys = Server::start(two.set());
    let asked = json!({"active": true, "sub": "opaque-alice", "aud": AUDIENCE});
    let asked = Server::start(asked);
    let fixed = fixed.token(&json!({"sub": "a-fixed-one"}));
    let hs = json!({"type": "jwtVerify", "sharedSecret": SECRET, "issuer": "https://hs.example",
        "audience": AUDIENCE, "algorithms": ["HS256"]});
    let mut remote = fetched(&keys.url("/keys"));
    remote["issuer"] = json!("https://remote.example");
    let introspection = json!({"type": "introspection", "allowPlaintext": true,
        "introspectionUrl": asked.url("/introspect"), "clientId": "c", "clientSecret": "client-secret"});
    let basic = json!({"type": "basicAuth", "username": "ada", "password": "open sesame"});
    let made = [
        ("bearer", json!({"type": "bearer", "token": TOKEN})),
        ("jwt", json!({"type": "jwt", "token": fixed})),
        ("basic", basic),
        ("inline", inline(&one, AUDIENCE)),
        ("shared", hs),
        ("fetched", remote),
        ("asked", introspection),
    ];
    let mut ids = vec!["caller"];
    for (id, auth) in made {
        credential(&house, id, auth).await;
        ids.push(id);
    }
    bind(&house, &ids, json!({})).await;

    let as_bearer = |token: String| format!("Bearer {token}");
    let from = |issuer: &str| claims(json!({ "iss": issuer }));
    let shown = [
        ("caller", "apiKey", as_bearer(house.key.clone())),
        ("bearer", "bearer", as_bearer(TOKEN.to_owned())),
        ("jwt", "jwt", as_bearer(fixed)),
        ("basic", "basicAuth", format!("Basic {}", STANDARD.encode("ada:open sesame"))),
        ("inline", "jwtVerify", as_bearer(one.token(&from(ISSUER)))),
        ("shared", "jwtVerify", as_bearer(shared(SECRET.as_bytes(), &from("https://hs.example")))),
        ("fetched", "jwtVerify", as_bearer(two.token(&from("https://remote.example")))),
        ("asked", "introspection", as_bearer("an-opaque-token".to_owned())),
    ];
    each_is_known(&house, &shown).await;
    let house = house.restart(data.path().to_owned()).await;
    each_is_known(&house, &shown).await;
    assert_eq!(asked.asked(), 2, "once for each life of the gateway");
}

async fn each_is_known(house: &House, shown: &[(&str, &str, String)]) {
    for (id, kind, authorization) in shown {
        let answer = authorized(house, authorization).await;
        admitted(&answer);
        let record = house.record(&answer).await;
        assert_eq!(record["credentialId"], *id);
        assert_eq!(record["auth"], json!({"type": kind, "outcome": "ok"}));
    }
}

#[tokio::test]
async fn an_expired_or_switched_off_credential_takes_its_tokens_with_it() {
    let house = House::build().await;
    let key = Key::new("one");
    let expires = json!({"expiresAt": "2027-01-15T08:00:10Z"});
    credential_with(&house, "jwt", inline(&key, AUDIENCE), expires).await;
    bind(&house, &["jwt"], json!({})).await;
    let token = key.token(&claims(json!({})));
    admitted(&bearer(&house, &token).await);
    house.clock.advance(std::time::Duration::from_secs(10));
    bearer(&house, &token).await.refused(401, "authenticate", "credential-expired");
    credential_with(&house, "jwt", inline(&key, AUDIENCE), json!({"expiresAt": null})).await;
    admitted(&bearer(&house, &token).await);
    credential_with(&house, "jwt", inline(&key, AUDIENCE), json!({"active": false})).await;
    invalid(&bearer(&house, &token).await);
}

#[tokio::test]
async fn what_no_gateway_could_verify_is_not_taken() {
    let house = House::build().await;
    let good = || {
        json!({"type": "jwtVerify", "sharedSecret": SECRET, "issuer": ISSUER,
            "audience": AUDIENCE, "algorithms": ["HS256"]})
    };
    let with = |changes: Value| {
        let mut auth = good();
        crate::world::merge(&mut auth, changes);
        auth
    };
    let jwks = |key: Value| json!({"jwks": {"keys": [key]}, "sharedSecret": null, "algorithms": ["ES256"]});
    let cases = [
        with(json!({"algorithms": []})),
        with(json!({"algorithms": ["none"]})),
        with(json!({"algorithms": ["hs256"]})),
        with(json!({"algorithms": ["HS512"]})),
        with(json!({"algorithms": ["ES256"]})),
        with(json!({"sharedSecret": "short"})),
        with(json!({"sharedSecret": null})),
        with(json!({"jwksUri": "https://login.example/keys"})),
        with(json!({"sharedSecret": null, "jwksUri": "https://login.example/keys"})),
        with(jwks(json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}))),
        with(jwks(json!({"kty": "oct", "k": "c2VjcmV0"}))),
        with(json!({"subjectPattern": "("})),
        with(json!({"issuer": ""})),
        json!({"type": "mtls", "subjectPattern": "("}),
        json!({"type": "jwt", "token": "three.plain.words-of-no-meaning"}),
        json!({"type": "basicAuth", "username": "a:b", "password": "open sesame"}),
        json!({"type": "basicAuth", "username": "ada", "password": "short"}),
    ];
    for auth in cases {
        let body = json!({"name": "c", "kind": "proxy", "auth": auth});
        let answer = house.api(Method::PUT, "/credentials/c", Some(&body)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{auth}: {}", answer.json());
        let pointer = answer.json()["errors"][0]["pointer"].as_str().unwrap().to_owned();
        assert!(pointer.starts_with("/auth/"), "{auth}: {}", answer.json());
        assert!(!answer.json().to_string().contains(SECRET));
    }
    credential(&house, "c", good()).await;
}
