//! Every type of `auth`: its secrets go in and never out, are kept by what leaves them alone, and are
//! asked for again by what does not.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::StatusCode;
use rrgateway::model::SecretName;
use serde_json::{Value, json};

use crate::world::{Answer, CANARY, CLIENT, World};

/// `auth` as it is given, and as it is shown.
pub(crate) struct Case {
    pub(crate) kind: &'static str,
    pub(crate) given: Value,
    pub(crate) shown: Value,
}

// Without what is only in the answer to a write.
fn resource(written: &Answer) -> Value {
    let mut resource = written.json.clone();
    resource.as_object_mut().unwrap().remove("warnings");
    resource
}

#[tokio::test]
async fn no_type_of_auth_gives_its_secret_back() {
    let world = World::new().await;
    let mut told = Vec::new();
    for (number, Case { kind, given, shown }) in cases().into_iter().enumerate() {
        let path = format!("credentials/c{number}");
        let made = world.put(&path, named(&path, kind, &given)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{given}: {}", made.text);
        assert_eq!((&made.json["auth"], &made.json["secret"]), (&shown, &Value::Null));
        let patched = world.patch(&path, json!({"name": format!("another {number}")})).await;
        assert_eq!(patched.status, StatusCode::OK, "{given}: {}", patched.text);
        for it in ["auth", "version", "fingerprint", "secretRef", "lastRotatedAt"] {
            assert_eq!(patched.json[it], made.json[it], "{it} of {given}");
        }
        let got = world.get(&format!("{CLIENT}/{path}")).await;
        assert_eq!(got.json, resource(&patched));
        told.extend([made.text, patched.text, got.text]);
        // A secret member that is refused must not be said again either.
        let mut wrong = given.clone();
        wrong["unknown"] = json!(CANARY);
        let refused = world.put(&path, credential(kind, &wrong)).await;
        assert_eq!(refused.json["errors"][0]["pointer"], "/auth/unknown", "{}", refused.text);
        told.push(refused.text);
    }
    for path in world.all_paths().await {
        told.push(world.get(&path).await.text);
    }
    for text in &told {
        for secret in forms() {
            assert!(!text.contains(&secret), "{secret} in {text}");
        }
    }
    world
        .stop_and(|directory| {
            for file in std::fs::read_dir(directory).unwrap() {
                let path = file.unwrap().path();
                let bytes = if path.is_file() { std::fs::read(&path).unwrap() } else { vec![] };
                let text = String::from_utf8_lossy(&bytes);
                assert!(!forms().iter().any(|it| text.contains(it)), "{}", path.display());
            }
        })
        .await;
}

#[tokio::test]
async fn a_patch_with_a_type_replaces_auth_whole() {
    let world = World::new().await;
    let mut number = 0;
    for kind in ["proxy", "target"] {
        for from in cases().iter().filter(|it| it.kind == kind) {
            for to in cases().iter().filter(|it| it.kind == kind) {
                // Versions go on where there was one of this name.
                number += 1;
                let path = format!("credentials/c{number}");
                let made = world.put(&path, credential(kind, &from.given)).await;
                assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
                let auth = &to.given;
                let patched = world.patch(&path, json!({"auth": auth})).await;
                assert_eq!(patched.status, StatusCode::OK, "{} to {auth}", from.given);
                assert_eq!(patched.json["auth"], to.shown, "from {}", from.given);
                let has_secret = made.json["version"].is_number();
                let gets_secret = patched.json["version"].is_number();
                let expected = json!(if has_secret { 2 } else { 1 });
                let expected = if gets_secret { expected } else { Value::Null };
                assert_eq!(patched.json["version"], expected, "{} to {auth}", from.given);
                assert_eq!(world.delete(&path).await.status, StatusCode::NO_CONTENT);
            }
        }
    }
}

#[tokio::test]
async fn a_secret_goes_to_another_server_only_with_the_secret_again() {
    let world = World::new().await;
    let cases = cases();
    let of = |name: &str| {
        let case = cases.iter().find(|it| it.given["type"] == name).unwrap();
        (case.kind, case.given.clone())
    };
    for (name, url, secret) in [
        ("oauth2", "tokenUrl", "clientSecret"),
        ("introspection", "introspectionUrl", "clientSecret"),
    ] {
        let (kind, auth) = of(name);
        let path = format!("credentials/{name}");
        let made = world.put(&path, named(name, kind, &auth)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let pointer = format!("/auth/{secret}");
        for elsewhere in ["https://evil.example/token", "https://auth.example.com:8443/token"] {
            let patch = json!({"auth": {url: elsewhere}});
            check_refused(&world, &path, patch, &pointer).await;
            let mut whole = auth.clone();
            whole[url] = json!(elsewhere);
            whole.as_object_mut().unwrap().remove(secret);
            check_refused(&world, &path, json!({"auth": whole}), &pointer).await;
        }
        let plain = json!({"auth": {url: "http://auth.example.com/token", "allowPlaintext": true}});
        check_refused(&world, &path, plain, &pointer).await;
        for same in ["https://auth.example.com/v2?tenant=7", "https://AUTH.example.com.:443/v2"] {
            let kept = world.patch(&path, json!({"auth": {url: same}})).await;
            assert_eq!((kept.status, &kept.json["version"]), (StatusCode::OK, &json!(1)), "{same}");
        }
        let again = json!({"auth": {url: "https://new.example/t", secret: CANARY}});
        let moved = world.patch(&path, again).await;
        assert_eq!((moved.status, &moved.json["version"]), (StatusCode::OK, &json!(2)));
    }
    let (kind, auth) = of("customToken");
    world.put("credentials/ct", credential(kind, &auth)).await;
    let elsewhere = json!({"auth": {"request": {"url": "https://evil.example/t"}}});
    check_refused(&world, "credentials/ct", elsewhere, "/auth/request").await;
    let other = json!({"auth": {"request": {"url": "https://auth.example.com/v2"}}});
    let kept = world.patch("credentials/ct", other).await;
    assert_eq!(kept.json["version"], 1, "{}", kept.text);
    assert_eq!(kept.json["auth"]["request"]["headers"], json!(["X-Id"]));
    assert_eq!(kept.json["auth"]["request"]["hasBody"], true);
}

#[tokio::test]
async fn what_a_type_needs_is_what_a_rotation_needs() {
    let world = World::new().await;
    for (number, Case { kind, given, shown }) in cases().into_iter().enumerate() {
        let path = format!("credentials/c{number}");
        let made = world.put(&path, named(&path, kind, &given)).await;
        let rotate = format!("{path}/rotate");
        let is_key = kind == "proxy" && given["type"] == "apiKey";
        let without = world.post(&rotate, json!({})).await;
        let Some(secret) = secret_of(&given) else {
            assert_eq!(without.json["errors"][0]["pointer"], "/auth", "{given}");
            continue;
        };
        if is_key {
            let secret = without.json["secret"].as_str().unwrap().to_owned();
            assert!(rrauth::api_key::is_well_formed(&secret));
            assert!(!world.get(&format!("{CLIENT}/{path}")).await.text.contains(&secret));
            assert!(!world.get(&format!("{CLIENT}/activity")).await.text.contains(&secret));
        } else {
            let pointer = &without.json["errors"][0]["pointer"];
            assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", without.text);
            assert!(pointer.as_str().unwrap().starts_with("/auth/"), "{pointer}");
        }
        check_rotations(&world, &rotate, &given, &secret).await;
        let version = made.json["version"].as_u64().unwrap() + u64::from(is_key);
        let body = json!({"graceSeconds": 2_592_000, "auth": secret});
        let rotated = world.post(&rotate, body).await;
        assert_eq!(rotated.status, StatusCode::OK, "{given}: {}", rotated.text);
        assert_eq!(rotated.json["version"], version + 1);
        assert_eq!((&rotated.json["auth"], &rotated.json["secret"]), (&shown, &Value::Null));
        let is_recognised = rotated.json["secretRef"].is_null() || given["type"] == "jwtVerify";
        let previous = json!({"version": version, "validUntil": "2023-12-14T22:13:20.000Z"});
        let previous = if is_recognised { previous } else { Value::Null };
        assert_eq!(rotated.json["previous"], previous, "{given}");
        assert!(!rotated.text.contains("canary"), "{}", rotated.text);
        // Without grace, the one before is over at once.
        let again = world.post(&rotate, json!({"auth": other(&secret)})).await;
        assert_eq!((again.status, &again.json["previous"]), (StatusCode::OK, &Value::Null));

        let activity = world.get(&format!("{CLIENT}/activity?limit=1")).await;
        let item = &activity.json["items"][0];
        assert_eq!(item["action"], "rotate", "{item}");
        assert_eq!(item["resource"]["id"], format!("c{number}"));
        assert_eq!(item["after"], resource(&again));
        assert!(!activity.text.contains("canary"), "{}", activity.text);
    }
    let none = world.post("credentials/none/rotate", json!({})).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_user_name_goes_only_with_a_password_that_is_not_empty() {
    let world = World::new().await;
    let auth = json!({"type": "basicAuth", "username": "sk_live", "password": ""});
    world.put("credentials/b", credential("target", &auth)).await;
    // Nobody here can read the stored password, and it may be empty.
    let bare = json!({"auth": {"username": ""}});
    check_refused(&world, "credentials/b", bare, "/auth/password").await;
    let neither = json!({"auth": {"username": "", "password": ""}});
    check_refused(&world, "credentials/b", neither, "/auth/password").await;
    let other = world.patch("credentials/b", json!({"auth": {"username": "sk_test"}})).await;
    assert_eq!((other.status, &other.json["version"]), (StatusCode::OK, &json!(1)));
    let both = json!({"auth": {"username": "", "password": CANARY}});
    let answer = world.patch("credentials/b", both).await;
    assert_eq!((answer.status, &answer.json["version"]), (StatusCode::OK, &json!(2)));
    let kept = world.patch("credentials/b", json!({"auth": {"username": ""}})).await;
    assert_eq!((kept.status, &kept.json["version"]), (StatusCode::OK, &json!(2)));
}

#[tokio::test]
async fn a_request_for_a_token_may_have_no_secrets() {
    let world = World::new().await;
    let auth = json!({"type": "customToken", "tokenPath": "$.t", "ttlSeconds": 60,
        "request": {"method": "GET", "url": "https://auth.example.com/t", "headers": {}}});
    let made = world.put("credentials/ct", credential("target", &auth)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let request = json!({"method": "GET", "url": "https://auth.example.com/t", "headers": [],
        "hasBody": false});
    assert_eq!(made.json["auth"]["request"], request);
    let name = SecretName { client: "default".into(), credential: "ct".into(), version: 1 };
    assert_eq!(world.sink.held(&name).as_deref(), Some("{}"));
    let kept = world.patch("credentials/ct", json!({"name": "another"})).await;
    assert_eq!((kept.status, &kept.json["version"]), (StatusCode::OK, &json!(1)));
    let with = json!({"auth": {"request": {"headers": {"X-Id": CANARY}}}});
    let with = world.patch("credentials/ct", with).await;
    assert_eq!(with.json["auth"]["request"]["headers"], json!(["X-Id"]), "{}", with.text);
    // What is left out stays; what is said to be none goes.
    let mut whole = auth.clone();
    whole["request"].as_object_mut().unwrap().remove("headers");
    let bare = world.put("credentials/bare", named("bare", "target", &whole)).await;
    assert_eq!(bare.json["auth"]["request"], request, "{}", bare.text);
    let kept = world.put("credentials/ct", credential("target", &whole)).await;
    assert_eq!(kept.json["auth"]["request"]["headers"], json!(["X-Id"]), "{}", kept.text);
    let none = world.put("credentials/ct", credential("target", &auth)).await;
    assert_eq!(none.json["auth"]["request"], request, "{}", none.text);
}

#[tokio::test]
async fn a_prefix_that_nobody_gave_does_not_go_into_the_query() {
    let world = World::new().await;
    let auth = json!({"type": "customToken", "tokenPath": "$.t", "ttlSeconds": 60,
        "request": {"url": "https://auth.example.com/t", "body": CANARY}});
    world.put("credentials/ct", credential("target", &auth)).await;
    let there = json!({"auth": {"present": {"in": "query", "name": "tk"}}});
    let moved = world.patch("credentials/ct", there.clone()).await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.text);
    let shown = json!({"in": "query", "name": "tk", "prefix": ""});
    assert_eq!((&moved.json["auth"]["present"], &moved.json["version"]), (&shown, &json!(1)));
    let back = json!({"auth": {"present": {"in": "header", "prefix": "Token "}}});
    assert_eq!(world.patch("credentials/ct", back).await.status, StatusCode::OK);
    check_refused(&world, "credentials/ct", there, "/auth/present/prefix").await;
    let empty = json!({"auth": {"present": {"in": "query", "prefix": ""}}});
    assert_eq!(world.patch("credentials/ct", empty).await.json["auth"]["present"], shown);
    let key = json!({"type": "apiKey", "key": CANARY, "in": "query", "name": "k", "prefix": "K "});
    let refused = world.put("credentials/key", credential("target", &key)).await;
    let error = &refused.json["errors"][0];
    assert_eq!(error["pointer"], "/auth/prefix");
    assert_eq!(error["detail"], "a prefix goes with a header only: give an empty one");
}

#[tokio::test]
async fn secrets_that_are_sealed_together_are_changed_together() {
    let world = World::new().await;
    for (name, auth, change, pointer, rest) in TOGETHER {
        let read = |it: &str| serde_json::from_str::<Value>(&it.replace("SECRET", CANARY)).unwrap();
        let path = format!("credentials/{name}");
        let made = world.put(&path, named(name, "target", &read(auth))).await;
        assert!(made.status.is_success(), "{}", made.text);
        let before = made.json["version"].as_u64().unwrap();
        let (part, whole) = (json!({"auth": read(change)}), json!({"auth": read(rest)}));
        let rotate = format!("{path}/rotate");
        for refused in
            [world.patch(&path, part.clone()).await, world.post(&rotate, part.clone()).await]
        {
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {change}");
            assert_eq!(refused.json["errors"][0]["pointer"], *pointer, "{name} {change}");
            assert!(!refused.text.contains(CANARY), "{}", refused.text);
        }
        let changed = world.patch(&path, whole.clone()).await;
        assert_eq!(changed.json["version"], before + 1, "{name} {rest}: {}", changed.text);
        let rotated = world.post(&rotate, whole).await;
        assert_eq!(rotated.json["version"], before + 2, "{name} {rest}: {}", rotated.text);
    }
}

#[tokio::test]
async fn a_put_keeps_both_of_headers_and_body_or_says_what_becomes_of_both() {
    let world = World::new().await;
    let with = |more: Value| {
        let mut auth = json!({"type": "customToken", "tokenPath": "$.t", "ttlSeconds": 60,
            "request": {"url": "https://auth.example.com/t"}});
        auth["request"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        auth
    };
    let put = |more| world.put("credentials/ct", credential("target", &with(more)));
    let both = json!({"headers": {"X-Id": CANARY}, "body": CANARY});
    assert_eq!(put(both.clone()).await.status, StatusCode::CREATED);
    let number = world.revision().number;
    let parts = [
        (json!({"headers": {"X-Id": "new"}}), "/auth/request/body"),
        (json!({"headers": {}}), "/auth/request/body"),
        (json!({"body": "new"}), "/auth/request/headers/X-Id"),
        (json!({"body": null}), "/auth/request/headers/X-Id"),
        (json!({"headers": null, "body": null}), "/auth/request/headers"),
    ];
    for (part, pointer) in parts {
        let typed = world.patch("credentials/ct", json!({"auth": with(part.clone())})).await;
        for refused in [put(part.clone()).await, typed] {
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{part}");
            assert_eq!(refused.json["errors"][0]["pointer"], pointer, "{part}");
            assert!(!refused.text.contains(CANARY));
        }
    }
    assert_eq!(world.revision().number, number, "nothing was changed");
    let request = |answer: &Answer| {
        let it = &answer.json["auth"]["request"];
        (it["headers"].clone(), it["hasBody"].clone(), answer.json["version"].clone())
    };
    for (whole, expected) in [
        (json!({}), (json!(["X-Id"]), json!(true), json!(1))),
        (json!({"headers": {"X-B": CANARY}, "body": "b"}), (json!(["X-B"]), json!(true), json!(2))),
        (
            json!({"headers": {"X-A": CANARY}, "body": null}),
            (json!(["X-A"]), json!(false), json!(3)),
        ),
        (json!({"headers": {"X-A": "again"}}), (json!(["X-A"]), json!(false), json!(4))),
        (json!({"headers": null, "body": CANARY}), (json!([]), json!(true), json!(5))),
        (json!({"headers": {}, "body": null}), (json!([]), json!(false), json!(6))),
        (json!({"headers": null, "body": null}), (json!([]), json!(false), json!(6))),
    ] {
        let answer = put(whole.clone()).await;
        assert_eq!(request(&answer), expected, "{whole} {}", answer.text);
    }
}

/// A credential, a change that would lose a part of its secret, where that is told, and what would
/// not.
const TOGETHER: &[(&str, &str, &str, &str, &str)] = &[
    (
        "custom",
        r#"{"type": "custom", "headers": {"X-App-Id": "SECRET", "X-App-Key": "SECRET"}}"#,
        r#"{"headers": {"X-App-Key": "SECRET"}}"#,
        "/auth/headers/X-App-Id",
        r#"{"headers": {"X-App-Key": "SECRET", "X-App-Id": null}}"#,
    ),
    (
        "request",
        r#"{"type": "customToken", "tokenPath": "$.t", "ttlSeconds": 60, "request":
            {"url": "https://a.example/t", "headers": {"X-Id": "SECRET"}, "body": "SECRET"}}"#,
        r#"{"request": {"body": "SECRET"}}"#,
        "/auth/request/headers/X-Id",
        r#"{"request": {"body": "SECRET", "headers": {"X-Id": "SECRET"}}}"#,
    ),
    (
        "request",
        r#"{"type": "customToken", "tokenPath": "$.t", "ttlSeconds": 60, "request":
            {"url": "https://a.example/t", "headers": {"X-Id": "SECRET"}, "body": "SECRET"}}"#,
        r#"{"request": {"headers": {"X-Id": "SECRET"}}}"#,
        "/auth/request/body",
        r#"{"request": {"body": null, "headers": {"X-Id": null}}}"#,
    ),
    (
        "aws",
        r#"{"type": "awsSigV4", "accessKeyId": "A", "service": "s3", "awsRegion": "r",
            "secretAccessKey": "SECRET", "sessionToken": "SECRET"}"#,
        r#"{"secretAccessKey": "SECRET"}"#,
        "/auth/sessionToken",
        r#"{"secretAccessKey": "SECRET", "sessionToken": null}"#,
    ),
    (
        "aws",
        r#"{"type": "awsSigV4", "accessKeyId": "A", "service": "s3", "awsRegion": "r",
            "secretAccessKey": "SECRET", "sessionToken": "SECRET"}"#,
        r#"{"sessionToken": null}"#,
        "/auth/secretAccessKey",
        r#"{"secretAccessKey": "SECRET", "sessionToken": "SECRET"}"#,
    ),
    (
        "oauth2",
        r#"{"type": "oauth2", "flow": "authorization_code", "clientId": "c", "tokenUrl":
            "https://a.example/t", "clientSecret": "SECRET", "refreshToken": "SECRET"}"#,
        r#"{"refreshToken": "SECRET"}"#,
        "/auth/clientSecret",
        r#"{"refreshToken": "SECRET", "clientSecret": "SECRET"}"#,
    ),
    (
        "basic",
        r#"{"type": "basicAuth", "username": "a", "password": "SECRET"}"#,
        r#"{"password": null}"#,
        "/auth/password",
        r#"{"password": "SECRET"}"#,
    ),
];

/// That a rotation is refused which says more than a new secret and a time.
async fn check_rotations(world: &World, rotate: &str, given: &Value, secret: &Value) {
    let typed = world.post(rotate, json!({"auth": given})).await;
    assert_eq!(typed.json["errors"][0]["pointer"], "/auth/type", "{given}");
    for (grace, pointer) in [
        (json!(-1), "/graceSeconds"),
        (json!(2_592_001), "/graceSeconds"),
        (json!("60"), "/graceSeconds"),
        (json!(1.5), "/graceSeconds"),
    ] {
        let body = json!({"graceSeconds": grace, "auth": secret});
        let refused = world.post(rotate, body).await;
        assert_eq!(refused.json["errors"][0]["pointer"], pointer, "{grace}");
    }
    let unknown = world.post(rotate, json!({"grace": 1, "auth": secret})).await;
    assert_eq!(unknown.json["errors"][0]["pointer"], "/grace");
}

/// Another secret of the same shape: callers' secrets are each one's own.
fn other(secret: &Value) -> Value {
    serde_json::from_str(&secret.to_string().replace(CANARY, &format!("{CANARY}00zz"))).unwrap()
}

/// The secret members of `auth`.
fn secret_of(auth: &Value) -> Option<Value> {
    let mut secret = auth.clone();
    let members = secret.as_object_mut().unwrap();
    members.retain(|name, value| name != "type" && value.to_string().contains(CANARY));
    if let Some(key) = auth.get("key").filter(|it| it.is_object()) {
        members.insert("key".to_owned(), key.clone());
    }
    if members.contains_key("refreshToken") {
        // Whether there is one has to be said.
        members.entry("clientSecret").or_insert(Value::Null);
    }
    (!members.is_empty()).then_some(secret)
}

async fn check_refused(world: &World, path: &str, patch: Value, pointer: &str) {
    let said = patch.to_string();
    let answer = world.patch(path, patch).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{said}: {}", answer.text);
    assert_eq!(answer.json["errors"][0]["pointer"], pointer, "{said}");
    let now = world.get(&format!("{CLIENT}/{path}")).await.text;
    assert!(!now.contains("evil") && !now.contains("8443"), "{now}");
}

fn credential(kind: &str, auth: &Value) -> Value {
    named("c", kind, auth)
}

fn named(name: &str, kind: &str, auth: &Value) -> Value {
    json!({"name": name, "kind": kind, "auth": auth})
}

/// Spellings of the secret that must not come out.
fn forms() -> Vec<String> {
    let hex = CANARY.bytes().map(|it| format!("{it:02x}")).collect();
    vec![CANARY.to_owned(), STANDARD.encode(CANARY), hex]
}

fn jws() -> String {
    let part = |it: Value| URL_SAFE_NO_PAD.encode(it.to_string());
    let (head, claims) = (part(json!({"alg": "ES256"})), part(json!({"sub": "rr"})));
    // A signature is base64url, as the canary is.
    format!("{head}.{claims}.{CANARY}")
}

pub(crate) fn cases() -> Vec<Case> {
    let read = |text: &str| {
        let text = text.replace("JWS", &jws()).replace("BASE64", &STANDARD.encode(CANARY));
        serde_json::from_str(&text.replace("SECRET", CANARY)).unwrap()
    };
    let case = |(kind, given, shown): &(&'static str, &str, &str)| Case {
        kind,
        given: read(given),
        shown: read(shown),
    };
    CASES.iter().map(case).collect()
}

/// Who shows it, what is given, and what is shown of it.
const CASES: [(&str, &str, &str); 22] = [
    (
        "proxy",
        r#"{"type": "apiKey", "key": "SECRET-key", "name": "x-k"}"#,
        r#"{"type": "apiKey", "name": "x-k"}"#,
    ),
    (
        "proxy",
        r#"{"type": "bearer", "token": "SECRET"}"#,
        r#"{"type": "bearer", "prefix": "Bearer "}"#,
    ),
    (
        "proxy",
        r#"{"type": "basicAuth", "username": "ada", "password": "SECRET"}"#,
        r#"{"type": "basicAuth", "username": "ada"}"#,
    ),
    ("proxy", r#"{"type": "jwt", "token": "JWS"}"#, r#"{"type": "jwt", "prefix": "Bearer "}"#),
    (
        "proxy",
        r#"{"type": "jwtVerify", "issuer": "i", "algorithms": ["ES256", "PS512"],
            "jwksUri": "https://i.example/keys", "audience": "a", "requiredClaims": {"t": [1, "a"]},
            "subjectPattern": "^u", "maxLifetimeSeconds": 600}"#,
        r#"{"type": "jwtVerify", "issuer": "i", "algorithms": ["ES256", "PS512"],
            "jwksUri": "https://i.example/keys", "audience": ["a"],
            "requiredClaims": {"t": [1, "a"]}, "subjectPattern": "^u", "maxLifetimeSeconds": 600,
            "leewaySeconds": 60, "jwksCooldownSeconds": 30, "jwksMaxStaleSeconds": 3600,
            "allowPlaintext": false}"#,
    ),
    (
        "proxy",
        r#"{"type": "jwtVerify", "issuer": "i", "algorithms": ["EdDSA"],
            "jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "alg": "EdDSA",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}}"#,
        r#"{"type": "jwtVerify", "issuer": "i", "algorithms": ["EdDSA"],
            "jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "alg": "EdDSA",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]},
            "audience": null, "requiredClaims": {}, "subjectPattern": null,
            "maxLifetimeSeconds": null, "leewaySeconds": 60, "jwksCooldownSeconds": 30,
            "jwksMaxStaleSeconds": 3600, "allowPlaintext": false}"#,
    ),
    (
        "proxy",
        r#"{"type": "jwtVerify", "issuer": "i", "algorithms": ["HS256"],
            "sharedSecret": "SECRET-SECRET"}"#,
        r#"{"type": "jwtVerify", "issuer": "i", "algorithms": ["HS256"], "audience": null,
            "requiredClaims": {}, "subjectPattern": null, "maxLifetimeSeconds": null,
            "leewaySeconds": 60, "jwksCooldownSeconds": 30, "jwksMaxStaleSeconds": 3600,
            "allowPlaintext": false}"#,
    ),
    (
        "proxy",
        r#"{"type": "introspection", "introspectionUrl": "https://auth.example.com/i",
            "clientId": "rr", "clientSecret": "SECRET", "audience": ["a", "b"]}"#,
        r#"{"type": "introspection", "introspectionUrl": "https://auth.example.com/i",
            "clientId": "rr", "audience": ["a", "b"], "cacheSeconds": 60,
            "allowPlaintext": false}"#,
    ),
    (
        "proxy",
        r#"{"type": "mtls", "subjectPattern": "^spiffe://a/"}"#,
        r#"{"type": "mtls", "subjectPattern": "^spiffe://a/"}"#,
    ),
    (
        "target",
        r#"{"type": "oauth2", "flow": "client_credentials", "clientSecret": "SECRET",
            "tokenUrl": "https://auth.example.com/t", "clientId": "rr", "scopes": ["a:b"],
            "audience": "https://api.example.com"}"#,
        r#"{"type": "oauth2", "flow": "client_credentials",
            "tokenUrl": "https://auth.example.com/t", "clientId": "rr", "scopes": ["a:b"],
            "audience": "https://api.example.com", "authorizeUrl": null, "clientAuth": "basic",
            "allowPlaintext": false}"#,
    ),
    (
        "target",
        r#"{"type": "oauth2", "flow": "authorization_code", "clientSecret": "SECRET",
            "refreshToken": "r-SECRET", "tokenUrl": "https://auth.example.com/t",
            "authorizeUrl": "https://auth.example.com/a", "clientId": "rr",
            "clientAuth": "post"}"#,
        r#"{"type": "oauth2", "flow": "authorization_code",
            "tokenUrl": "https://auth.example.com/t",
            "authorizeUrl": "https://auth.example.com/a", "clientId": "rr", "clientAuth": "post",
            "scopes": [], "audience": null, "allowPlaintext": false}"#,
    ),
    (
        "target",
        r#"{"type": "oauth2", "flow": "authorization_code", "refreshToken": "SECRET",
            "tokenUrl": "https://auth.example.com/t", "clientId": "public"}"#,
        r#"{"type": "oauth2", "flow": "authorization_code",
            "tokenUrl": "https://auth.example.com/t", "clientId": "public", "authorizeUrl": null,
            "clientAuth": "basic", "scopes": [], "audience": null, "allowPlaintext": false}"#,
    ),
    (
        "target",
        r#"{"type": "customToken", "tokenPath": "$.data.token", "ttlSeconds": 60,
            "request": {"url": "https://auth.example.com/login", "headers": {"X-Id": "SECRET"},
                "body": "{\"key\":\"SECRET\"}\r\n"}}"#,
        r#"{"type": "customToken", "tokenPath": "$.data.token", "ttlSeconds": 60,
            "request": {"method": "POST", "url": "https://auth.example.com/login",
                "headers": ["X-Id"], "hasBody": true},
            "expiresPath": null, "allowPlaintext": false,
            "present": {"in": "header", "name": "Authorization", "prefix": "Bearer "}}"#,
    ),
    (
        "target",
        r#"{"type": "customToken", "tokenPath": "$.t", "expiresPath": "$.e",
            "present": {"in": "query", "name": "t"},
            "request": {"method": "GET", "url": "https://auth.example.com/login?v=1",
                "headers": {"X-Id": "SECRET"}, "body": null}}"#,
        r#"{"type": "customToken", "tokenPath": "$.t", "expiresPath": "$.e", "ttlSeconds": null,
            "present": {"in": "query", "name": "t", "prefix": ""}, "allowPlaintext": false,
            "request": {"method": "GET", "url": "https://auth.example.com/login?v=1",
                "headers": ["X-Id"], "hasBody": false}}"#,
    ),
    (
        "target",
        r#"{"type": "awsSigV4", "accessKeyId": "AKID", "service": "s3",
            "awsRegion": "eu-central-1", "secretAccessKey": "SECRET", "sessionToken": "SECRET"}"#,
        r#"{"type": "awsSigV4", "accessKeyId": "AKID", "service": "s3",
            "awsRegion": "eu-central-1"}"#,
    ),
    (
        "target",
        r#"{"type": "hmac", "keyId": "k", "key": "SECRET"}"#,
        r#"{"type": "hmac", "keyId": "k", "components": ["@method", "@target-uri"]}"#,
    ),
    (
        "target",
        r#"{"type": "hmac", "keyId": "k", "key": {"base64": "BASE64"}, "components": ["@path"]}"#,
        r#"{"type": "hmac", "keyId": "k", "components": ["@path"]}"#,
    ),
    (
        "target",
        r#"{"type": "jwt", "token": "JWS", "prefix": "JWT "}"#,
        r#"{"type": "jwt", "prefix": "JWT "}"#,
    ),
    (
        "target",
        r#"{"type": "apiKey", "key": "SECRET", "in": "query", "name": "appid"}"#,
        r#"{"type": "apiKey", "in": "query", "name": "appid", "prefix": ""}"#,
    ),
    (
        "target",
        r#"{"type": "basicAuth", "username": "", "password": "SECRET"}"#,
        r#"{"type": "basicAuth", "username": ""}"#,
    ),
    (
        "target",
        r#"{"type": "custom", "headers": {"X-A": "SECRET", "x-b": "SECRET"}}"#,
        r#"{"type": "custom", "headers": ["X-A", "x-b"]}"#,
    ),
    ("target", r#"{"type": "none"}"#, r#"{"type": "none"}"#),
];
