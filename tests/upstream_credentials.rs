//! Upstream credentials that are at hand: shown as they are, or as a signature that the upstream
//! can verify; in place of whatever the client sent.

mod support;

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::recording::{Recording, header};
use crate::support::{Answer, House, proxy};

const KEY: &str = "canary-5b0f9d2527db9191d327f5ad7f43";

#[tokio::test]
async fn a_secret_is_shown_as_its_type_says_and_nothing_of_the_clients() {
    let (upstream, mut house) = (Recording::content(), House::bare(|it| it).await);
    furnish(&mut house, &upstream).await;
    let jwt = jwt();
    let basic = format!("Basic {}", STANDARD.encode(format!("ada:{KEY}")));
    let bearer = format!("Bearer {KEY}");
    let (token, short) = (format!("Token {jwt}"), format!("t {KEY}"));
    for (auth, expected) in [
        (json!({"type": "bearer", "token": KEY}), vec![("authorization", bearer.as_str())]),
        (
            json!({"type": "bearer", "token": KEY, "prefix": "t "}),
            vec![("authorization", short.as_str())],
        ),
        (
            json!({"type": "jwt", "token": jwt, "prefix": "Token "}),
            vec![("authorization", token.as_str())],
        ),
        (
            json!({"type": "basicAuth", "username": "ada", "password": KEY}),
            vec![("authorization", basic.as_str())],
        ),
        (json!({"type": "apiKey", "key": KEY}), vec![("x-api-key", KEY)]),
        (json!({"type": "apiKey", "key": KEY, "name": "X-Secret"}), vec![("x-secret", KEY)]),
        (
            json!({"type": "custom", "headers": {"X-App": "app", "x-secret": KEY}}),
            vec![("x-app", "app"), ("x-secret", KEY)],
        ),
        (json!({"type": "none"}), vec![]),
    ] {
        give(&house, &auth).await;
        let spoofs = [("x-secret", "spoof"), ("X-SECRET", "spoof"), ("x_secret", "spoof")];
        // What the upstream's credential has nothing to do with is the client's to send.
        let is_spoofed = expected.iter().any(|it| it.0 == "x-secret");
        let spoofs = if is_spoofed { &spoofs[..] } else { &[] };
        let called = get(&house, "/x", &[spoofs, &SPOOFS[..]].concat()).await;
        assert_eq!(called.status, StatusCode::OK, "{auth}: {}", called.json());
        let received = upstream.only();
        for (name, value) in &expected {
            let lines: Vec<_> = received.headers().get_all(*name).iter().collect();
            assert_eq!(lines, [value], "{auth}");
        }
        let names: Vec<_> = expected.iter().map(|it| it.0).collect();
        check_clean(&received, &names, &house, &auth);
    }
}

#[tokio::test]
async fn a_key_in_the_query_takes_the_place_of_every_spelling_of_it() {
    let (upstream, mut house) = (Recording::content(), House::bare(|it| it).await);
    furnish(&mut house, &upstream).await;
    let key = "k&y=ü+%".replace('ü', "u");
    let auth = json!({"type": "apiKey", "key": key, "in": "query", "name": "app id"});
    let refused = credential(&house, &auth).await;
    assert_eq!(refused.json()["errors"][0]["pointer"], "/auth/name", "{}", refused.json());
    let auth = json!({"type": "apiKey", "key": key, "in": "query", "name": "app_id"});
    give(&house, &auth).await;
    for path in ["/x?a=1&app_id=spoof&b=2", "/x?app%5fid=spoof&a=1&app_id&b=2", "/x?a=1&b=2"] {
        assert_eq!(get(&house, path, &[]).await.status, StatusCode::OK, "{path}");
        let received = upstream.only().uri().to_string();
        assert_eq!(received, "/base/x?a=1&b=2&app_id=k%26y%3Du%2B%25", "{path}");
    }
}

#[tokio::test]
async fn an_upstream_verifies_what_was_signed_for_aws() {
    let (upstream, mut house) = (Recording::content(), House::bare(|it| it).await);
    furnish(&mut house, &upstream).await;
    for (service, session) in [("execute-api", None), ("s3", Some("canary-session"))] {
        let auth = json!({"type": "awsSigV4", "accessKeyId": "AKIDEXAMPLE", "service": service,
            "awsRegion": "eu-central-1", "secretAccessKey": KEY, "sessionToken": session});
        give(&house, &auth).await;
        for (method, path, body) in [
            (Method::GET, "/things/7?b=2&a=1&a=0&empty=&c=x%20y%2Fz", ""),
            (Method::GET, "/", ""),
            (Method::POST, "/things", r#"{"name":"a thing"}"#),
            (Method::PUT, "/things/7?x=%C3%BC", "not json"),
        ] {
            let spoofs = [
                ("x-amz-date", "20200101T000000Z"),
                ("x-amz-security-token", "spoof"),
                ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
                ("x_amz_date", "spoof"),
            ];
            let more = [&spoofs[..], &SPOOFS[..]].concat();
            let called = send(&house, &method, path, body, &more).await;
            assert_eq!(called.status, StatusCode::OK, "{path}: {}", called.json());
            let received = upstream.only();
            assert_eq!(received.body(), body);
            assert_eq!(header(received.headers(), "x-amz-date"), "20270115T080000Z");
            let token = header(received.headers(), "x-amz-security-token");
            assert_eq!(token, session.unwrap_or_default());
            verify_aws(&received, service);
            check_clean(&received, &["authorization", "x-amz-security-token"], &house, &auth);
        }
    }
}

#[tokio::test]
async fn an_upstream_verifies_what_was_signed_with_a_shared_key() {
    let (upstream, mut house) = (Recording::content(), House::bare(|it| it).await);
    furnish(&mut house, &upstream).await;
    for (key, bytes) in [
        (json!(KEY), KEY.as_bytes().to_vec()),
        (json!({"base64": STANDARD.encode([0xff; 32])}), vec![0xff; 32]),
    ] {
        let components = json!(["@method", "@target-uri", "content-type", "content-digest"]);
        let auth = json!({"type": "hmac", "keyId": "key-1", "key": key, "components": components});
        give(&house, &auth).await;
        for (method, path, body) in [
            (Method::POST, "/things?a=1&b=%20", r#"{"a":1}"#),
            (Method::PUT, "/things/7", "x"),
            (Method::GET, "/things/7", ""),
        ] {
            let spoofs = [
                ("signature", "sig1=:c3Bvb2Y=:"),
                ("signature-input", "sig1=();created=1"),
                ("content-digest", "sha-256=:c3Bvb2Y=:"),
            ];
            let more = [&spoofs[..], &SPOOFS[..]].concat();
            let called = send(&house, &method, path, body, &more).await;
            assert_eq!(called.status, StatusCode::OK, "{path}: {}", called.json());
            let received = upstream.only();
            assert_eq!(received.body(), body);
            verify_rfc9421(&received, &upstream, &bytes);
            check_clean(&received, &[], &house, &auth);
        }
    }
}

#[tokio::test]
async fn a_redirect_is_relayed_and_the_secret_stays_where_it_is() {
    let thief = Recording::content();
    let elsewhere = thief.url("/steal");
    let upstream = Recording::start(move |request, _| {
        let status: u16 = request.uri().path().rsplit('/').next().unwrap().parse().unwrap();
        let response = Response::builder().status(status).header("location", &elsewhere);
        response.body(Bytes::new()).unwrap()
    });
    let mut house = House::bare(|it| it).await;
    furnish(&mut house, &upstream).await;
    give(&house, &json!({"type": "bearer", "token": KEY})).await;
    for status in [301, 302, 303, 307, 308] {
        for method in [Method::GET, Method::POST] {
            let called = send(&house, &method, &format!("/{status}"), "{}", &[]).await;
            assert_eq!(called.status.as_u16(), status);
            assert!(!called.header("location").contains("canary"));
        }
    }
    assert_eq!((upstream.count(), thief.count()), (10, 0));
}

#[tokio::test]
async fn a_target_that_moves_takes_no_secret_along() {
    let (upstream, thief) = (Recording::content(), Recording::content());
    let mut house = House::bare(|it| it).await;
    furnish(&mut house, &upstream).await;
    give(&house, &json!({"type": "bearer", "token": KEY})).await;
    let away = json!({"baseUrl": thief.url("/base")});
    let moved = house.api(Method::PATCH, "/targets/echo", Some(&away)).await;
    assert_eq!((moved.status, &moved.json()["code"]), (StatusCode::CONFLICT, &json!("conflict")));
    assert_eq!(get(&house, "/x", &[]).await.status, StatusCode::OK);
    assert_eq!((upstream.take().len(), thief.count()), (1, 0));
    // With the secret again it goes there, and only there.
    let mut rebind = away;
    let auth = json!({"type": "bearer", "token": "another"});
    rebind["rebind"] = json!({"credentialId": "upstream", "auth": auth});
    let moved = house.api(Method::PATCH, "/targets/echo", Some(&rebind)).await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.json());
    assert_eq!(get(&house, "/x", &[]).await.status, StatusCode::OK);
    assert_eq!(upstream.count(), 0);
    assert_eq!(header(thief.only().headers(), "authorization"), "Bearer another");
}

#[tokio::test]
async fn a_new_secret_is_used_from_the_next_request_on() {
    let (upstream, mut house) = (Recording::content(), House::bare(|it| it).await);
    furnish(&mut house, &upstream).await;
    give(&house, &json!({"type": "bearer", "token": KEY})).await;
    house.post("/credentials/upstream/rotate", &json!({"auth": {"token": "second"}})).await;
    get(&house, "/x", &[]).await;
    assert_eq!(header(upstream.only().headers(), "authorization"), "Bearer second");
    let expires = json!({"expiresAt": "2027-01-15T08:00:01Z"});
    house.api(Method::PATCH, "/credentials/upstream", Some(&expires)).await;
    assert_eq!(get(&house, "/x", &[]).await.status, StatusCode::OK);
    house.clock.advance(std::time::Duration::from_secs(1));
    get(&house, "/x", &[]).await.refused(503, "inject", "credential-unavailable");
    let off = json!({"expiresAt": null, "active": false});
    house.api(Method::PATCH, "/credentials/upstream", Some(&off)).await;
    get(&house, "/x", &[]).await.refused(503, "inject", "credential-unavailable");
    assert_eq!(upstream.count(), 1);
}

/// What a client may try in place of the upstream's credential.
const SPOOFS: [(&str, &str); 4] = [
    ("proxy-authorization", "spoof"),
    ("rr-secret", "spoof"),
    ("authorization_", "kept"),
    ("connection", "close"),
];

/// Recomputes the signature of AWS Signature Version 4, as its documentation says.
#[track_caller]
fn verify_aws(request: &Request<Bytes>, service: &str) {
    let authorization = header(request.headers(), "authorization");
    let parts = authorization.strip_prefix("AWS4-HMAC-SHA256 Credential=").unwrap();
    let (credential, rest) = parts.split_once(',').unwrap();
    let scope = format!("20270115/eu-central-1/{service}/aws4_request");
    assert_eq!(credential, format!("AKIDEXAMPLE/{scope}"));
    let (names, signature) = rest.trim().split_once(',').unwrap();
    let names = names.trim().strip_prefix("SignedHeaders=").unwrap();
    let signature = signature.trim().strip_prefix("Signature=").unwrap();
    assert!(names.split(';').any(|it| it == "host") && names.contains("x-amz-date"), "{names}");
    let headers: String = names
        .split(';')
        .map(|name| format!("{name}:{}\n", header(request.headers(), name).trim()))
        .collect();
    let mut query: Vec<_> = request.uri().query().unwrap_or_default().split('&').collect();
    query.sort_unstable();
    let canonical = format!(
        "{}\n{}\n{}\n{headers}\n{names}\n{}",
        request.method(),
        request.uri().path(),
        query.join("&"),
        hex(digest::digest(&digest::SHA256, request.body()).as_ref()),
    );
    let hashed = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n20270115T080000Z\n{scope}\n{hashed}");
    let mut key = format!("AWS4{KEY}").into_bytes();
    for step in ["20270115", "eu-central-1", service, "aws4_request"] {
        key = mac(&key, step.as_bytes());
    }
    assert_eq!(signature, hex(&mac(&key, text.as_bytes())), "{canonical}");
}

/// Recomputes the signature of RFC 9421 §2.5 for the components that these tests name.
#[track_caller]
fn verify_rfc9421(request: &Request<Bytes>, upstream: &Recording, key: &[u8]) {
    let input = header(request.headers(), "signature-input").strip_prefix("sig1=").unwrap();
    assert!(input.contains(r#";created=1800000000;keyid="key-1""#), "{input}");
    assert!(input.contains(r#"alg="hmac-sha256""#), "{input}");
    let digested = digest::digest(&digest::SHA256, request.body());
    let digested = format!("sha-256=:{}:", STANDARD.encode(digested));
    assert_eq!(header(request.headers(), "content-digest"), digested);
    let base = format!(
        "\"@method\": {}\n\"@target-uri\": {}\n\"content-type\": application/json\n\
         \"content-digest\": {digested}\n\"@signature-params\": {input}",
        request.method(),
        upstream.url(&request.uri().to_string()),
    );
    let signature = format!("sig1=:{}:", STANDARD.encode(mac(key, base.as_bytes())));
    assert_eq!(header(request.headers(), "signature"), signature, "{base}");
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

/// That nothing of the client's credentials and spoofs arrived, and the secret only where it
/// belongs: in the headers `shown`.
#[track_caller]
fn check_clean(request: &Request<Bytes>, shown: &[&str], house: &House, auth: &Value) {
    for (name, value) in request.headers() {
        let value = value.to_str().unwrap();
        assert!(!value.contains("spoof") && !value.contains(&house.key), "{auth}: {name}");
        let is_secret = value.contains("canary") || value.contains(&STANDARD.encode(KEY));
        assert!(!is_secret || shown.contains(&name.as_str()), "{auth}: {name}");
    }
    let credentials = ["authorization", "x-api-key", "proxy-authorization"];
    for name in credentials.iter().filter(|it| !shown.contains(it)) {
        let is_signed = *name == "authorization" && auth["type"] == "awsSigV4";
        assert!(is_signed || !request.headers().contains_key(*name), "{auth}: {name}");
    }
}

fn jwt() -> String {
    let part = |it: &str| URL_SAFE_NO_PAD.encode(it);
    format!("{}.{}.{}", part(r#"{"alg":"HS256"}"#), part(r#"{"sub":"rr"}"#), part("canary"))
}

/// The proxy `p` to `upstream`, with an upstream credential that shows nothing yet.
async fn furnish(house: &mut House, upstream: &Recording) {
    let url = upstream.url("/base");
    let target = json!({"name": "echo", "baseUrl": url, "allowPlaintext": true});
    house.put("/targets/echo", &target).await;
    give(house, &json!({"type": "none"})).await;
    house.key = house.caller("caller").await;
    house.put("/proxies/p", &proxy("p")).await;
}

async fn give(house: &House, auth: &Value) {
    let answer = credential(house, auth).await;
    assert!(answer.status.is_success(), "{auth}: {}", answer.json());
}

async fn credential(house: &House, auth: &Value) -> Answer {
    let credential = json!({"name": "upstream", "kind": "target", "auth": auth});
    house.api(Method::PUT, "/credentials/upstream", Some(&credential)).await
}

async fn get(house: &House, path: &str, more: &[(&str, &str)]) -> Answer {
    send(house, &Method::GET, path, "", more).await
}

async fn send(
    house: &House,
    method: &Method,
    path: &str,
    body: &str,
    more: &[(&str, &str)],
) -> Answer {
    let url = format!("http://{}/api/p{path}", house.gateway.data_address());
    let bearer = format!("Bearer {}", house.key);
    // The same credential in two places.
    let mut headers = vec![
        ("authorization", bearer.as_str()),
        ("x-api-key", house.key.as_str()),
        ("content-type", "application/json"),
    ];
    headers.extend(more);
    house.send(method.clone(), &url, &headers, Bytes::from(body.to_owned())).await
}
