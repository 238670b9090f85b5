//! Every type of `auth`: its secrets go in and never out, and what is wrong with it is told by
//! pointer.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{CANARY, CLIENT, World};

/// `auth` as it is given, and as it is shown.
struct Case {
    kind: &'static str,
    given: Value,
    shown: Value,
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
        assert_eq!(got.json, patched.json);
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
async fn what_is_wrong_with_auth_is_told_by_pointer() {
    let world = World::new().await;
    let callers = wrong_for_callers().into_iter().map(|it| ("proxy", it));
    let upstreams = wrong_for_upstreams().into_iter().map(|it| ("target", it));
    for (number, (kind, (auth, pointers))) in callers.chain(upstreams).enumerate() {
        let answer = world.post("credentials", named(&number.to_string(), kind, &auth)).await;
        let errors = answer.json["errors"].as_array().cloned().unwrap_or_default();
        let said: Vec<_> = errors.iter().map(|it| it["pointer"].as_str().unwrap()).collect();
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{auth}");
        assert_eq!(said, pointers, "{auth}");
        assert!(!answer.text.contains("canary"), "{}", answer.text);
    }
    let types = |kind| -> BTreeSet<_> {
        let all = cases().into_iter().filter(|it| it.kind == kind);
        all.map(|it| it.given["type"].as_str().unwrap().to_owned()).collect()
    };
    for (kind, other) in [("proxy", "target"), ("target", "proxy")] {
        for foreign in types(other).difference(&types(kind)) {
            world
                .refuses(
                    "credentials",
                    credential(kind, &json!({"type": foreign})),
                    &["/auth/type"],
                )
                .await;
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
        let typed = world.post(&rotate, json!({"auth": given})).await;
        assert_eq!(typed.json["errors"][0]["pointer"], "/auth/type", "{given}");
        for (grace, pointer) in [
            (json!(-1), "/graceSeconds"),
            (json!(2_592_001), "/graceSeconds"),
            (json!("60"), "/graceSeconds"),
            (json!(1.5), "/graceSeconds"),
        ] {
            let body = json!({"graceSeconds": grace, "auth": secret});
            let refused = world.post(&rotate, body).await;
            assert_eq!(refused.json["errors"][0]["pointer"], pointer, "{grace}");
        }
        let unknown = world.post(&rotate, json!({"grace": 1, "auth": secret})).await;
        assert_eq!(unknown.json["errors"][0]["pointer"], "/grace");

        let version = made.json["version"].as_u64().unwrap() + u64::from(is_key);
        let rotated = world.post(&rotate, json!({"graceSeconds": 2_592_000, "auth": secret})).await;
        assert_eq!(rotated.status, StatusCode::OK, "{given}: {}", rotated.text);
        assert_eq!(rotated.json["version"], version + 1);
        assert_eq!((&rotated.json["auth"], &rotated.json["secret"]), (&shown, &Value::Null));
        let is_recognised = rotated.json["secretRef"].is_null();
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
        assert_eq!(item["after"], again.json);
        assert!(!activity.text.contains("canary"), "{}", activity.text);
    }
    let none = world.post("credentials/none/rotate", json!({})).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
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

fn public_key() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": "k", "alg": "EdDSA",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
}

fn cases() -> Vec<Case> {
    let both = |kind, given: Value, shown: Value| Case { kind, given, shown };
    let mut cases = callers(both);
    cases.extend(upstreams(both));
    cases
}

fn callers(case: impl Fn(&'static str, Value, Value) -> Case) -> Vec<Case> {
    let verified = |keys: Value, more: Value| {
        let mut shown = json!({"type": "jwtVerify", "issuer": "https://i.example", "audience": ["a"],
            "algorithms": more, "leewaySeconds": 60, "requiredClaims": {"tier": ["a", 1, true]},
            "subjectPattern": "^u", "maxLifetimeSeconds": 600, "jwksCooldownSeconds": 30,
            "jwksMaxStaleSeconds": 3600, "allowPlaintext": false});
        let mut given = json!({"type": "jwtVerify", "issuer": "https://i.example", "audience": "a",
            "algorithms": more, "requiredClaims": {"tier": ["a", 1, true]}, "subjectPattern": "^u",
            "maxLifetimeSeconds": 600});
        for (name, value) in keys.as_object().unwrap() {
            given[name] = value.clone();
            if name != "sharedSecret" {
                shown[name] = value.clone();
            }
        }
        case("proxy", given, shown)
    };
    vec![
        case(
            "proxy",
            json!({"type": "apiKey", "key": format!("{CANARY}-key"), "name": "x-k"}),
            json!({"type": "apiKey", "name": "x-k"}),
        ),
        case(
            "proxy",
            json!({"type": "bearer", "token": CANARY}),
            json!({"type": "bearer", "prefix": "Bearer "}),
        ),
        case(
            "proxy",
            json!({"type": "basicAuth", "username": "ada", "password": CANARY}),
            json!({"type": "basicAuth", "username": "ada"}),
        ),
        case(
            "proxy",
            json!({"type": "jwt", "token": jws()}),
            json!({"type": "jwt", "prefix": "Bearer "}),
        ),
        verified(json!({"jwksUri": "https://i.example/keys"}), json!(["ES256"])),
        verified(json!({"jwks": {"keys": [public_key()]}}), json!(["EdDSA"])),
        verified(json!({"sharedSecret": format!("{CANARY}-{CANARY}")}), json!(["HS256"])),
        case(
            "proxy",
            json!({"type": "introspection", "introspectionUrl": "https://auth.example.com/i",
                "clientId": "rr", "clientSecret": CANARY, "audience": ["a", "b"]}),
            json!({"type": "introspection", "introspectionUrl": "https://auth.example.com/i",
                "clientId": "rr", "audience": ["a", "b"], "cacheSeconds": 60,
                "allowPlaintext": false}),
        ),
        case(
            "proxy",
            json!({"type": "mtls", "subjectPattern": "^spiffe://a/"}),
            json!({"type": "mtls", "subjectPattern": "^spiffe://a/"}),
        ),
    ]
}

fn upstreams(case: impl Fn(&'static str, Value, Value) -> Case) -> Vec<Case> {
    let shown = json!({"in": "header", "name": "Authorization", "prefix": "Bearer "});
    let oauth2 = |flow: &str| {
        json!({"type": "oauth2", "flow": flow, "tokenUrl": "https://auth.example.com/t",
            "authorizeUrl": null, "clientId": "rr", "clientAuth": "basic", "scopes": ["a:b"],
            "audience": "https://api.example.com", "allowPlaintext": false})
    };
    let with = |mut it: Value, more: Value| {
        it.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        it
    };
    vec![
        case(
            "target",
            json!({"type": "oauth2", "flow": "client_credentials", "clientSecret": CANARY,
                "tokenUrl": "https://auth.example.com/t", "clientId": "rr", "scopes": ["a:b"],
                "audience": "https://api.example.com"}),
            oauth2("client_credentials"),
        ),
        case(
            "target",
            with(
                oauth2("authorization_code"),
                json!({"clientSecret": CANARY, "refreshToken": format!("r-{CANARY}")}),
            ),
            oauth2("authorization_code"),
        ),
        case(
            "target",
            json!({"type": "customToken", "tokenPath": "$.data.token", "ttlSeconds": 60,
                "request": {"url": "https://auth.example.com/login", "headers": {"X-Id": CANARY},
                    "body": format!("{{\"key\":\"{CANARY}\"}}\r\n")}}),
            json!({"type": "customToken", "tokenPath": "$.data.token", "ttlSeconds": 60,
                "expiresPath": null, "present": shown, "allowPlaintext": false,
                "request": {"method": "POST", "url": "https://auth.example.com/login",
                    "headers": ["X-Id"], "hasBody": true}}),
        ),
        case(
            "target",
            json!({"type": "customToken", "tokenPath": "$.t", "expiresPath": "$.e",
                "present": {"in": "query", "name": "t"},
                "request": {"method": "GET", "url": "https://auth.example.com/login?v=1",
                    "headers": {"X-Id": CANARY}}}),
            json!({"type": "customToken", "tokenPath": "$.t", "expiresPath": "$.e",
                "ttlSeconds": null, "present": {"in": "query", "name": "t", "prefix": ""},
                "allowPlaintext": false,
                "request": {"method": "GET", "url": "https://auth.example.com/login?v=1",
                    "headers": ["X-Id"], "hasBody": false}}),
        ),
        case(
            "target",
            json!({"type": "awsSigV4", "accessKeyId": "AKID", "service": "s3",
                "awsRegion": "eu-central-1", "secretAccessKey": CANARY, "sessionToken": CANARY}),
            json!({"type": "awsSigV4", "accessKeyId": "AKID", "service": "s3",
                "awsRegion": "eu-central-1"}),
        ),
        case(
            "target",
            json!({"type": "hmac", "keyId": "k", "key": CANARY}),
            json!({"type": "hmac", "keyId": "k", "components": ["@method", "@target-uri"]}),
        ),
        case(
            "target",
            json!({"type": "hmac", "keyId": "k", "key": {"base64": STANDARD.encode(CANARY)},
                "components": ["@path", "content-digest"]}),
            json!({"type": "hmac", "keyId": "k", "components": ["@path", "content-digest"]}),
        ),
        case(
            "target",
            json!({"type": "jwt", "token": jws(), "prefix": "JWT "}),
            json!({"type": "jwt", "prefix": "JWT "}),
        ),
        case(
            "target",
            json!({"type": "bearer", "token": CANARY}),
            json!({"type": "bearer", "prefix": "Bearer "}),
        ),
        case(
            "target",
            json!({"type": "apiKey", "key": CANARY, "in": "query", "name": "appid"}),
            json!({"type": "apiKey", "in": "query", "name": "appid", "prefix": ""}),
        ),
        case(
            "target",
            json!({"type": "basicAuth", "username": "", "password": CANARY}),
            json!({"type": "basicAuth", "username": ""}),
        ),
        case(
            "target",
            json!({"type": "custom", "headers": {"X-A": CANARY, "x-b": CANARY}}),
            json!({"type": "custom", "headers": ["X-A", "x-b"]}),
        ),
        case("target", json!({"type": "none"}), json!({"type": "none"})),
    ]
}

type Wrong = (Value, &'static [&'static str]);

fn wrong_for_callers() -> Vec<Wrong> {
    let verify = |more: Value| {
        let mut auth = json!({"type": "jwtVerify", "issuer": "i", "algorithms": ["ES256"]});
        auth.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        auth
    };
    let keys = |key: Value| verify(json!({"algorithms": ["EdDSA"], "jwks": {"keys": [key]}}));
    let with = |name: &str, value: &str| {
        let mut key = public_key();
        key[name] = json!(value);
        key
    };
    let secret = URL_SAFE_NO_PAD.encode("canary-canary-canary-canary-canary");
    let introspection = |url: &str| {
        json!({"type": "introspection", "introspectionUrl": url, "clientId": "c",
            "clientSecret": "canary"})
    };
    let mut wrong: Vec<Wrong> = vec![
        (json!({"key": "canary"}), &["/auth/type"]),
        (json!({"type": "apikey"}), &["/auth/type"]),
        (
            json!({"type": "apiKey", "key": "canary-canary-canary-canary", "in": "query"}),
            &["/auth/in"],
        ),
        (json!({"type": "bearer"}), &["/auth/token"]),
        (json!({"type": "jwt"}), &["/auth/token"]),
        (
            json!({"type": "jwt", "token": "canary-canary.canary-canary.canary-canary"}),
            &["/auth/token"],
        ),
        (json!({"type": "jwt", "token": "canary-canary-canary-canary"}), &["/auth/token"]),
        (json!({"type": "basicAuth", "username": "a"}), &["/auth/password"]),
        (json!({"type": "basicAuth", "username": "a", "password": "canary"}), &["/auth/password"]),
        (
            json!({"type": "basicAuth", "username": "a:b", "password": "canary-canary"}),
            &["/auth/username"],
        ),
        (verify(json!({})), &["/auth/sharedSecret"]),
        (verify(json!({"sharedSecret": "canary"})), &["/auth/sharedSecret"]),
        (verify(json!({"sharedSecret": {"base64": "Y2FuYXJ5"}})), &["/auth/sharedSecret/base64"]),
        (verify(json!({"sharedSecret": {"base64": "%%"}})), &["/auth/sharedSecret/base64"]),
        (
            verify(json!({"jwksUri": "https://i.example/k", "jwks": {"keys": []}})),
            &["/auth/jwksUri", "/auth/jwks"],
        ),
        (verify(json!({"jwksUri": "http://i.example/k"})), &["/auth/jwksUri"]),
        (verify(json!({"jwksUri": "https://169.254.169.254/k"})), &["/auth/jwksUri"]),
        (
            verify(json!({"jwksUri": "https://i.example/k", "algorithms": []})),
            &["/auth/algorithms"],
        ),
        (
            verify(json!({"jwksUri": "https://i.example/k", "algorithms": ["none"]})),
            &["/auth/algorithms/0"],
        ),
        (
            verify(json!({"jwksUri": "https://i.example/k", "algorithms": ["ES256", "None"]})),
            &["/auth/algorithms/1"],
        ),
        (
            verify(json!({"jwksUri": "https://i.example/k", "algorithms": "ES256"})),
            &["/auth/algorithms"],
        ),
        (
            json!({"type": "jwtVerify", "issuer": "i", "jwksUri": "https://i.example/k"}),
            &["/auth/algorithms"],
        ),
        (
            json!({"type": "jwtVerify", "algorithms": ["ES256"], "jwksUri": "https://i.example/k"}),
            &["/auth/issuer"],
        ),
        (
            verify(json!({"jwksUri": "https://i.example/k", "leewaySeconds": 601})),
            &["/auth/leewaySeconds"],
        ),
        (
            verify(json!({"jwksUri": "https://i.example/k", "subjectPattern": "("})),
            &["/auth/subjectPattern"],
        ),
        (
            verify(json!({"jwksUri": "https://i.example/k", "requiredClaims": {"a": {}}})),
            &["/auth/requiredClaims/a"],
        ),
        (
            verify(json!({"jwksUri": "https://i.example/k", "requiredClaims": {"a": []}})),
            &["/auth/requiredClaims/a"],
        ),
        (
            verify(json!({"jwksUri": "https://i.example/k", "jwksCooldownSeconds": 0})),
            &["/auth/jwksCooldownSeconds"],
        ),
        // What is inline is shown to every reader: a secret has no place in it.
        (keys(with("d", "canary-canary")), &["/auth/jwks/keys/0"]),
        (keys(json!({"kty": "oct", "alg": "HS256", "k": secret})), &["/auth/jwks/keys/0"]),
        (keys(json!({"kty": "new", "priv": secret})), &["/auth/jwks/keys/0"]),
        (
            verify(json!({"jwks": {"keys": [public_key(), {"kty": "oct", "k": secret}]}})),
            &["/auth/jwks/keys/1"],
        ),
        (verify(json!({"jwks": {"keys": []}})), &["/auth/jwks"]),
        (verify(json!({"jwks": "canary"})), &["/auth/jwks"]),
        (introspection("http://auth.example.com/i"), &["/auth/introspectionUrl"]),
        (introspection("https://10.0.0.1/i"), &["/auth/introspectionUrl"]),
        (introspection("https://auth.example.com/i#f"), &["/auth/introspectionUrl"]),
        (introspection("https://u:canary@auth.example.com/i"), &["/auth/introspectionUrl"]),
        (
            json!({"type": "introspection", "introspectionUrl": "https://a.example/i", "clientId": "c"}),
            &["/auth/clientSecret"],
        ),
        (json!({"type": "mtls"}), &["/auth/subjectPattern"]),
        (json!({"type": "mtls", "subjectPattern": "["}), &["/auth/subjectPattern"]),
        (json!({"type": "mtls", "subjectPattern": "a", "secret": "canary"}), &["/auth/secret"]),
    ];
    wrong.push((json!("canary"), &["/auth"]));
    wrong
}

fn wrong_for_upstreams() -> Vec<Wrong> {
    let with = |mut auth: Value, more: Value| {
        let members = auth.as_object_mut().unwrap();
        for (name, value) in more.as_object().unwrap() {
            members.insert(name.clone(), value.clone());
        }
        auth
    };
    let oauth = |more: Value| {
        let auth = json!({"type": "oauth2", "flow": "client_credentials", "clientId": "c",
            "tokenUrl": "https://a.example/t", "clientSecret": "canary"});
        with(auth, more)
    };
    let custom = |more: Value| {
        let auth = json!({"type": "customToken", "tokenPath": "$.t", "ttlSeconds": 60,
            "request": {"url": "https://a.example/t", "body": "canary"}});
        with(auth, more)
    };
    let request = |more: Value| {
        let request = json!({"url": "https://a.example/t", "body": "canary"});
        custom(json!({"request": with(request, more)}))
    };
    let aws = |more: Value| {
        let auth = json!({"type": "awsSigV4", "accessKeyId": "A", "service": "s3",
            "awsRegion": "r", "secretAccessKey": "canary"});
        with(auth, more)
    };
    let hmac = |more: Value| {
        let auth = json!({"type": "hmac", "keyId": "k", "key": "canary-canary-canary"});
        with(auth, more)
    };
    vec![
        (oauth(json!({"flow": "implicit"})), &["/auth/flow"]),
        (oauth(json!({"flow": null})), &["/auth/flow"]),
        (oauth(json!({"clientSecret": null})), &["/auth/clientSecret"]),
        (oauth(json!({"refreshToken": "canary"})), &["/auth/refreshToken"]),
        (oauth(json!({"flow": "authorization_code"})), &["/auth/refreshToken"]),
        (oauth(json!({"tokenUrl": "http://a.example/t"})), &["/auth/tokenUrl"]),
        (oauth(json!({"tokenUrl": "ftp://a.example/t"})), &["/auth/tokenUrl"]),
        (oauth(json!({"tokenUrl": "https://127.0.0.1/t"})), &["/auth/tokenUrl"]),
        (oauth(json!({"tokenUrl": "https://[::1]/t"})), &["/auth/tokenUrl"]),
        (oauth(json!({"tokenUrl": "https://localhost./t"})), &["/auth/tokenUrl"]),
        (oauth(json!({"tokenUrl": "https://0x7f.1/t"})), &["/auth/tokenUrl"]),
        (oauth(json!({"tokenUrl": "https://[::ffff:7f00:1]/t"})), &["/auth/tokenUrl"]),
        (oauth(json!({"tokenUrl": "https://u:canary@a.example/t"})), &["/auth/tokenUrl"]),
        (oauth(json!({"authorizeUrl": "http://a.example/a"})), &["/auth/authorizeUrl"]),
        (oauth(json!({"clientAuth": "tls"})), &["/auth/clientAuth"]),
        (oauth(json!({"scopes": ["a b"]})), &["/auth/scopes/0"]),
        (oauth(json!({"scopes": ["a", "a"]})), &["/auth/scopes/1"]),
        (oauth(json!({"clientSecret": "canary\u{0}"})), &["/auth/clientSecret"]),
        (oauth(json!({"pkce": true})), &["/auth/pkce"]),
        (custom(json!({"tokenPath": "t["})), &["/auth/tokenPath"]),
        (custom(json!({"tokenPath": "$.a[*]"})), &["/auth/tokenPath"]),
        (custom(json!({"expiresPath": "$.e"})), &["/auth/ttlSeconds"]),
        (custom(json!({"ttlSeconds": null})), &["/auth/ttlSeconds"]),
        (custom(json!({"ttlSeconds": 0})), &["/auth/ttlSeconds"]),
        (custom(json!({"request": null})), &["/auth/request"]),
        (request(json!({"method": "DELETE"})), &["/auth/request/method"]),
        (request(json!({"url": "http://a.example/t"})), &["/auth/request/url"]),
        (request(json!({"url": "https://100.64.0.1/t"})), &["/auth/request/url"]),
        (request(json!({"headers": {"host": "canary"}})), &["/auth/request/headers/host"]),
        (request(json!({"headers": {"a": "canary\n"}})), &["/auth/request/headers/a"]),
        (request(json!({"body": "canary".repeat(2_000)})), &["/auth/request/body"]),
        (request(json!({"body": null})), &["/auth/request"]),
        (request(json!({"auth": "canary"})), &["/auth/request/auth"]),
        (custom(json!({"present": {"in": "cookie"}})), &["/auth/present/in"]),
        (custom(json!({"present": {"in": "query"}})), &["/auth/present/name"]),
        (custom(json!({"present": {"name": "connection"}})), &["/auth/present/name"]),
        (aws(json!({"secretAccessKey": null})), &["/auth/secretAccessKey"]),
        (
            aws(json!({"secretAccessKey": null, "sessionToken": "canary"})),
            &["/auth/secretAccessKey"],
        ),
        (aws(json!({"accessKeyId": "a/b"})), &["/auth/accessKeyId"]),
        (aws(json!({"service": ""})), &["/auth/service"]),
        (aws(json!({"awsRegion": null})), &["/auth/awsRegion"]),
        (hmac(json!({"key": "canary"})), &["/auth/key"]),
        (hmac(json!({"key": null})), &["/auth/key"]),
        (hmac(json!({"keyId": "\""})), &["/auth/keyId"]),
        (hmac(json!({"components": ["@unknown"]})), &["/auth/components"]),
        (hmac(json!({"components": ["@method", "@method"]})), &["/auth/components"]),
        (json!({"type": "jwt", "token": "canary"}), &["/auth/token"]),
        (json!({"type": "none", "token": "canary"}), &["/auth/token"]),
        (json!({"type": "apiKey", "key": "canary", "in": "query"}), &["/auth/name"]),
        (json!({"type": "apiKey", "key": "canary", "name": "rr-key"}), &["/auth/name"]),
        (
            json!({"type": "apiKey", "key": "canary", "in": "query", "name": "a", "prefix": "k "}),
            &["/auth/prefix"],
        ),
        (json!({"type": "bearer", "token": "canary", "prefix": "a\r\n"}), &["/auth/prefix"]),
    ]
}
