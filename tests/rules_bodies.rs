//! Rules that ask for bodies, over real sockets: what they decide, and what still arrives.

mod support;

use std::convert::Infallible;
use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use http::{Method, Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::support::{Answer, House};

const ADMIN: &[u8] = b"{ \"role\" : \"admin\" }";
const USER: &[u8] = b"{\n\t\"role\": \"user\",\n\t\"n\": 1e3\n}";

#[tokio::test]
async fn a_body_decides_and_arrives_byte_for_byte() {
    let house = House::build().await;
    house.put("/proxies/p/rules/r", &on_role("deny", "^admin$")).await;
    for (coding, body) in [("identity", Bytes::from(USER)), ("gzip", zipped(USER))] {
        for framing in [Framing::Length, Framing::Chunks] {
            let answer = post(&house, coding, body.clone(), framing).await;
            assert_eq!(answer.status, StatusCode::OK, "{coding} {framing:?} {}", answer.json());
            let received = house.echo.last().unwrap();
            assert_eq!(received.body, body, "{coding} {framing:?}");
            assert_eq!(received.headers["content-type"], "application/json");
            let sent = (coding != "identity").then_some(coding);
            let got = received.headers.get("content-encoding").map(|it| it.to_str().unwrap());
            assert_eq!(got, sent);
        }
    }
    let before = house.echo.count();
    for (coding, body) in [("identity", Bytes::from(ADMIN)), ("gzip", zipped(ADMIN))] {
        for framing in [Framing::Length, Framing::Chunks] {
            let answer = post(&house, coding, body.clone(), framing).await;
            let rule = answer.refused(400, "rules", "rule-denied")["rule"].clone();
            assert_eq!((&rule["id"], &rule["scope"]), (&json!("r"), &json!("proxy")));
            assert_eq!(rule.get("reason"), None, "it was inspected");
        }
    }
    assert_eq!(house.echo.count(), before);
}

#[tokio::test]
async fn what_an_allow_asks_of_the_body_must_be_there() {
    let house = House::build().await;
    house.put("/proxies/p/rules/r", &on_role("allow", "^user$")).await;
    let denying = json!({ "defaultRuleEffect": "deny" });
    house.api(Method::PATCH, "/proxies/p", Some(&denying)).await;
    let user = post(&house, "identity", USER.into(), Framing::Length).await;
    assert_eq!(user.status, StatusCode::OK);
    let admin = post(&house, "identity", ADMIN.into(), Framing::Length).await;
    let rule = admin.refused(400, "rules", "rule-denied")["rule"].clone();
    assert_eq!((&rule["id"], &rule["default"]), (&json!(null), &json!(true)));
    // No body at all is an empty document.
    house.call(Method::GET, "/x").await.refused(400, "rules", "rule-denied");
}

#[tokio::test]
async fn what_cannot_be_inspected_is_denied_with_the_reason() {
    let house = House::build().await;
    house.put("/proxies/p/rules/r", &on_role("allow", "^user$")).await;
    for (coding, body) in [
        ("identity", Bytes::from(large())),
        ("identity", Bytes::from_static(b"{\"role\":")),
        ("gzip", Bytes::from_static(USER)),
        ("x-unknown", Bytes::from_static(USER)),
        // Small as it is sent.
        ("gzip", zipped(&large())),
    ] {
        let answer = post(&house, coding, body, Framing::Length).await;
        let rule = answer.refused(400, "rules", "rule-denied")["rule"].clone();
        assert_eq!(rule["reason"], "body-not-inspectable", "{coding} {rule}");
    }
    assert_eq!(house.echo.count(), 0);
}

#[tokio::test]
async fn a_large_body_streams_through_where_no_rule_asks_for_it() {
    let house = House::build().await;
    let mut rule = on_role("deny", "^admin$");
    rule["methods"] = json!(["PUT"]);
    house.put("/proxies/p/rules/r", &rule).await;
    for framing in [Framing::Length, Framing::Chunks] {
        let answer = post(&house, "identity", large().into(), framing).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
        assert_eq!(house.echo.last().unwrap().body, large());
    }
}

#[tokio::test]
async fn a_rule_in_shadow_is_recorded_and_decides_nothing() {
    let house = House::build().await;
    let mut rule = on_role("deny", "^admin$");
    rule["mode"] = json!("shadow");
    house.put("/proxies/p/rules/s", &rule).await;
    house.put("/targets/echo/rules/a", &json!({ "effect": "allow", "mode": "shadow" })).await;
    let allowed = json!({ "scope": "target", "outcome": "shadowAllow", "ruleIds": ["a"] });
    let denied = json!({ "scope": "proxy", "outcome": "shadowDeny", "ruleIds": ["s"] });
    for (body, expected) in
        [(ADMIN.to_vec(), json!([denied, allowed])), (USER.to_vec(), json!([allowed]))]
    {
        let answer = post(&house, "identity", body.clone().into(), Framing::Chunks).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
        assert_eq!(house.echo.last().unwrap().body, body);
        let record = house.record(&answer).await;
        assert_eq!(record["rules"], expected);
        assert_eq!(record["code"], "proxy-access-granted");
    }
    // Too large to be looked into: that is nothing to be refused for.
    for framing in [Framing::Length, Framing::Chunks] {
        let answer = post(&house, "identity", large().into(), framing).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
        assert_eq!(house.echo.last().unwrap().body, large());
    }
}

#[tokio::test]
async fn the_client_says_which_status_denials_have() {
    let house = House::build().await;
    house.put("/proxies/p/rules/r", &on_role("deny", "^admin$")).await;
    for status in [403, 400] {
        let change = json!({ "ruleDenyStatus": status });
        let changed = house.api(Method::PATCH, "/configuration", Some(&change)).await;
        assert_eq!(changed.json()["ruleDenyStatus"], status);
        let answer = post(&house, "identity", ADMIN.into(), Framing::Length).await;
        answer.refused(status, "rules", "rule-denied");
    }
}

#[derive(Clone, Copy, Debug)]
enum Framing {
    Length,
    Chunks,
}

fn on_role(effect: &str, value: &str) -> Value {
    json!({ "effect": effect, "body": [{ "path": "^role$", "value": value }] })
}

// More than is looked into, and JSON.
fn large() -> Vec<u8> {
    let mut text = br#"{"role":"user","padding":""#.to_vec();
    text.resize(3 << 19, b'x');
    text.extend(br#""}"#);
    text
}

fn zipped(text: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap().into()
}

async fn post(house: &House, coding: &str, body: Bytes, framing: Framing) -> Answer {
    let url = format!("http://{}/api/p/x", house.gateway.data_address());
    let key = house.key.clone();
    let mut headers = vec![("x-api-key", &*key), ("content-type", "application/json")];
    if coding != "identity" {
        headers.push(("content-encoding", coding));
    }
    match framing {
        Framing::Length => house.send(Method::POST, &url, &headers, body).await,
        Framing::Chunks => in_chunks(&url, &headers, body).await,
    }
}

// Pieces of seven bytes, or of an eighth where that is more: no length is said.
async fn in_chunks(url: &str, headers: &[(&str, &str)], body: Bytes) -> Answer {
    let size = (body.len() / 8).max(7);
    let pieces: Vec<_> = body
        .chunks(size)
        .map(|it| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(it))))
        .collect();
    let mut request = Request::builder().method(Method::POST).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(StreamBody::new(stream::iter(pieces))).unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (head, body) = client.request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: head.status, headers: head.headers, body }
}
