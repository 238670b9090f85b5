//! Upstream credentials that are fetched: who is asked, how often, and what the upstream gets.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::{join, join_all};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::support::recording::{Recording, header, json as answer};
use crate::support::upstream::Upstream;
use crate::support::{Answer, House, proxy};

const SECRET: &str = "canary:s3 cr%t+&ü=1";
const ENCODED: &str = "canary%3As3+cr%25t%2B%26%C3%BC%3D1";

#[tokio::test(flavor = "multi_thread")]
async fn fifty_first_requests_ask_for_one_token() {
    let (upstream, tokens) = (Recording::content(), issuing());
    let auth =
        client_credentials(&tokens, json!({"scopes": ["a:r", "b"], "audience": "https://u"}));
    let house = house(&upstream, &auth).await;
    let calls = (0..50).map(|_| house.call(Method::GET, "/x"));
    for answer in join_all(calls).await {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    }
    let asked = tokens.only();
    assert_eq!((asked.method().as_str(), asked.uri().path()), ("POST", "/token"));
    assert_eq!(header(asked.headers(), "content-type"), "application/x-www-form-urlencoded");
    // RFC 6749 §2.3.1: encoded as in a form, and then as Basic.
    let basic = format!("Basic {}", STANDARD.encode(format!("rr%3A1:{ENCODED}")));
    assert_eq!(header(asked.headers(), "authorization"), basic);
    let form = "grant_type=client_credentials&scope=a%3Ar+b&audience=https%3A%2F%2Fu";
    assert_eq!(asked.body(), form);
    let received = upstream.take();
    assert_eq!(received.len(), 50);
    for request in received {
        let lines: Vec<_> = request.headers().get_all("authorization").iter().collect();
        assert_eq!(lines, ["Bearer access-1"]);
    }
    // A revision that has nothing to do with it costs no token.
    house.api(Method::PATCH, "/proxies/p", Some(&json!({"name": "other"}))).await;
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    assert_eq!(tokens.count(), 0);
}

#[tokio::test]
async fn a_client_may_authenticate_in_the_body() {
    let (upstream, tokens) = (Recording::content(), issuing());
    let house = house(&upstream, &client_credentials(&tokens, json!({"clientAuth": "post"}))).await;
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    let asked = tokens.only();
    assert!(!asked.headers().contains_key("authorization"));
    let form = String::from_utf8(asked.body().to_vec()).unwrap();
    let mut pairs: Vec<_> = form.split('&').collect();
    pairs.sort_unstable();
    let secret = format!("client_secret={ENCODED}");
    assert_eq!(pairs, ["client_id=rr%3A1", secret.as_str(), "grant_type=client_credentials"]);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    // What the upstream takes; the token that the source has is refused after a change of it.
    let good = Arc::new(AtomicUsize::new(1));
    let taken = Arc::clone(&good);
    let upstream = Recording::start(move |request, _| {
        let expected = format!("Bearer access-{}", taken.load(Ordering::Relaxed));
        let is_good = header(request.headers(), "authorization") == expected;
        let status = if is_good { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        answer(status, &json!({"echo": request.body().len()}))
    });
    let tokens = issuing();
    let house = house(&upstream, &client_credentials(&tokens, json!({}))).await;
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    assert_eq!((upstream.take().len(), tokens.count()), (1, 1));

    for (method, body) in [(Method::GET, ""), (Method::POST, r#"{"a":1}"#)] {
        house.clock.advance(Duration::from_secs(61));
        let now = good.fetch_add(1, Ordering::Relaxed) + 1;
        let called = send(&house, &method, Bytes::from(body)).await;
        assert_eq!(called.status, StatusCode::OK, "{method}: {}", called.json());
        assert_eq!(called.json()["echo"], body.len());
        let received = upstream.take();
        let shown: Vec<_> =
            received.iter().map(|it| header(it.headers(), "authorization").to_owned()).collect();
        assert_eq!(shown, [format!("Bearer access-{}", now - 1), format!("Bearer access-{now}")]);
        assert!(received.iter().all(|it| it.body() == body && it.method() == method));
        assert_eq!(tokens.count(), now);
        assert_eq!(house.record(&called).await["upstream"]["attempts"], 2);
    }

    // A body that is not kept is not sent again; the next request has the new token.
    house.clock.advance(Duration::from_secs(61));
    good.fetch_add(1, Ordering::Relaxed);
    let large = Bytes::from(vec![b'x'; 100_000]);
    let called = send(&house, &Method::POST, large).await;
    assert_eq!((called.status, upstream.take().len()), (StatusCode::UNAUTHORIZED, 1));
    while tokens.count() < 4 {
        tokio::task::yield_now().await;
    }
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);

    // The second refusal is the caller's.
    upstream.take();
    house.clock.advance(Duration::from_secs(61));
    good.store(99, Ordering::Relaxed);
    let called = send(&house, &Method::POST, Bytes::from_static(b"{}")).await;
    assert_eq!(called.status, StatusCode::UNAUTHORIZED);
    assert_eq!((called.json(), upstream.take().len()), (json!({"echo": 2}), 2));
    assert_eq!(tokens.count(), 5);
    // And no storm of tokens follows.
    for _ in 0..5 {
        assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(tokens.count(), 5);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let thief = Recording::content();
    let elsewhere = thief.url("/token");
    let good = json!({"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600});
    let with = |name: &str, value: Value| {
        let mut token = good.clone();
        token[name] = value;
        answer(StatusCode::OK, &token)
    };
    let html = Response::builder().header("content-type", "text/html");
    let redirect = Response::builder().status(307).header("location", elsewhere);
    let bad = vec![
        answer(StatusCode::INTERNAL_SERVER_ERROR, &good),
        answer(StatusCode::BAD_REQUEST, &json!({"error": "invalid_client"})),
        html.body(Bytes::from_static(b"<html>access_token")).unwrap(),
        redirect.body(Bytes::new()).unwrap(),
        with("access_token", json!("a\r\nx-evil: 1")),
        with("access_token", json!("")),
        with("access_token", json!(7)),
        with("token_type", json!("mac")),
        with("expires_in", json!(-1)),
        with("padding", json!("x".repeat(10 << 20))),
    ];
    let cases = bad.len();
    let bad = Arc::new(bad);
    let tokens = Recording::start(move |_, nth| match bad.get(nth) {
        Some(it) => it.clone(),
        None => answer(StatusCode::OK, &good),
    });
    let upstream = Recording::content();
    let house = house(&upstream, &client_credentials(&tokens, json!({}))).await;
    for case in 0..cases {
        let called = house.call(Method::GET, "/x").await;
        let problem = called.refused(503, "inject", "credential-unavailable");
        assert!(!problem.to_string().contains("canary"), "{problem}");
        assert_eq!(tokens.count(), case + 1);
        // Refused at once, without another question, until it is worth one.
        house.call(Method::POST, "/x").await.refused(503, "inject", "credential-unavailable");
        assert_eq!(tokens.count(), case + 1);
        house.clock.advance(Duration::from_secs(61));
    }
    assert_eq!((upstream.count(), thief.count()), (0, 0));
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    assert_eq!(header(upstream.only().headers(), "authorization"), "Bearer access-1");
}

#[tokio::test]
async fn a_token_server_that_is_away_costs_only_what_needs_it() {
    let gone = Recording::content();
    let url = gone.url("/token");
    drop(gone);
    let upstream = Recording::content();
    let auth = json!({"type": "oauth2", "flow": "client_credentials", "tokenUrl": url,
        "clientId": "rr", "clientSecret": SECRET, "allowPlaintext": true});
    let house = house(&upstream, &auth).await;
    house.call(Method::GET, "/x").await.refused(503, "inject", "credential-unavailable");
    assert_eq!(upstream.count(), 0);
    let plain = json!({"name": "o", "kind": "target", "auth": {"type": "bearer", "token": "o"}});
    house.put("/credentials/other", &plain).await;
    let mut other = proxy("q");
    other["targetCredentialId"] = json!("other");
    house.put("/proxies/q", &other).await;
    let key = house.key.clone();
    let called = house.call_with(Method::GET, "/api/q/x", &[("x-api-key", &key)]).await;
    assert_eq!((called.status, upstream.count()), (StatusCode::OK, 1));
}

#[tokio::test]
async fn a_token_that_still_holds_outlives_its_server() {
    let is_up = Arc::new(AtomicBool::new(true));
    let up = Arc::clone(&is_up);
    let tokens = Recording::start(move |_, nth| match up.load(Ordering::Relaxed) {
        true => issued(nth + 1),
        false => answer(StatusCode::SERVICE_UNAVAILABLE, &json!({})),
    });
    let upstream = Recording::content();
    let house = house(&upstream, &client_credentials(&tokens, json!({}))).await;
    let shown = async |expected: &str| {
        assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
        assert_eq!(header(upstream.only().headers(), "authorization"), expected);
    };
    shown("Bearer access-1").await;
    is_up.store(false, Ordering::Relaxed);
    // After 80 % of its life it is renewed, which fails.
    house.clock.advance(Duration::from_secs(3_000));
    shown("Bearer access-1").await;
    while tokens.count() < 2 {
        tokio::task::yield_now().await;
    }
    shown("Bearer access-1").await;
    house.clock.advance(Duration::from_secs(600));
    let called = house.call(Method::GET, "/x").await;
    called.refused(503, "inject", "credential-unavailable");
    assert_eq!(upstream.count(), 0, "no request goes out with a token that has expired");
    is_up.store(true, Ordering::Relaxed);
    house.clock.advance(Duration::from_secs(61));
    shown("Bearer access-4").await;
}

#[tokio::test]
async fn a_rotated_refresh_token_survives_restarts_and_revisions() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let current = Arc::new(Mutex::new("refresh-canary-1".to_owned()));
    let tokens = rotating(Arc::clone(&current));
    let upstream = Recording::content();
    let auth = json!({"type": "oauth2", "flow": "authorization_code", "clientId": "rr",
        "tokenUrl": tokens.url("/token"), "authorizeUrl": "https://auth.example.com/authorize",
        "clientSecret": SECRET, "refreshToken": "refresh-canary-1", "allowPlaintext": true});
    let house = House::bare(|it| it.data_dir(data.clone())).await;
    let house = furnished(house, &upstream, &auth).await;
    let shown = async |house: &House, expected: &str| {
        let called = house.call(Method::GET, "/x").await;
        assert_eq!(called.status, StatusCode::OK, "{}", called.json());
        assert_eq!(header(upstream.only().headers(), "authorization"), expected);
    };
    shown(&house, "Bearer access-1").await;
    assert_eq!(&*current.lock().unwrap(), "refresh-canary-2");
    // Neither a rule nor another proxy makes a second owner of what can be used once.
    house.put("/credentials/upstream/rules/r", &json!({"effect": "allow"})).await;
    house.put("/proxies/q", &proxy("q")).await;
    shown(&house, "Bearer access-1").await;
    let key = house.key.clone();
    house.call_with(Method::GET, "/api/q/x", &[("x-api-key", &key)]).await;
    assert_eq!(header(upstream.only().headers(), "authorization"), "Bearer access-1");
    // Nor do scopes, which a refresh does not name.
    let scopes = json!({"auth": {"scopes": ["a"]}});
    house.api(Method::PATCH, "/credentials/upstream", Some(&scopes)).await;
    shown(&house, "Bearer access-1").await;
    // A client that shows itself otherwise has no token yet, and finds the newest refresh token.
    let otherwise = json!({"auth": {"allowPlaintext": true, "clientId": "rr:2"}});
    house.api(Method::PATCH, "/credentials/upstream", Some(&otherwise)).await;
    shown(&house, "Bearer access-2").await;
    // By itself, before its end.
    house.clock.advance(Duration::from_secs(3_599));
    shown(&house, "Bearer access-3").await;
    let house = house.restart(data.clone()).await;
    shown(&house, "Bearer access-4").await;
    let house = house.restart(data.clone()).await;
    shown(&house, "Bearer access-5").await;
    assert_eq!(&*current.lock().unwrap(), "refresh-canary-6");
    let credential = house.api(Method::GET, "/credentials/upstream", None).await.json();
    assert_eq!(credential["version"], 1, "nobody gave another secret");
    house.gateway.stop().await.unwrap();
    scan(&data, b"canary");
}

#[tokio::test]
async fn a_credential_may_be_changed_while_its_token_is_refreshed() {
    for change in [json!({"scopes": ["read"]}), json!({"clientAuth": "post"})] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let (tokens, upstream) = (Strict::start(), Recording::content());
        let house = House::bare(|it| it.data_dir(data.clone())).await;
        let house = furnished(house, &upstream, &tokens.auth()).await;
        tokens.opens(false);
        let changed = async {
            tokens.until(1).await;
            let change = json!({"auth": change});
            let changed = house.api(Method::PATCH, "/credentials/upstream", Some(&change)).await;
            assert_eq!(changed.status, StatusCode::OK, "{}", changed.json());
            let meanwhile = house.call(Method::GET, "/x");
            let opened = async { tokens.opens(true) };
            join(meanwhile, opened).await.0
        };
        let (before, meanwhile) = join(house.call(Method::GET, "/x"), changed).await;
        let after = house.call(Method::GET, "/x").await;
        let house = house.restart(data).await;
        let restarted = house.call(Method::GET, "/x").await;
        for called in [before, meanwhile, after, restarted] {
            assert_eq!(called.status, StatusCode::OK, "{change}: {:?}", tokens.shown());
        }
    }
}

#[tokio::test]
async fn a_late_refusal_of_an_old_token_costs_no_consent() {
    for change in [json!({"scopes": ["read"]}), json!({"clientAuth": "post"})] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let tokens = Strict::start();
        // It takes the newest token only, and thinks about some for long.
        let (opened, gate) = watch::channel(false);
        let (slow, issued) = (Arc::new(AtomicBool::new(false)), Arc::clone(&tokens.shown));
        let is_slow = Arc::clone(&slow);
        let upstream = Upstream::start(move |request| {
            let (mut gate, issued, slow) = (gate.clone(), Arc::clone(&issued), Arc::clone(&slow));
            async move {
                if request.uri().path().ends_with("slow") {
                    slow.store(true, Ordering::Relaxed);
                    gate.wait_for(|it| *it).await.unwrap();
                }
                let newest = format!("Bearer access-{}", issued.lock().unwrap().len());
                let is_newest = header(request.headers(), "authorization") == newest;
                let status = if is_newest { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
                answer(status, &json!({}))
            }
        });
        let house = House::bare(|it| it.data_dir(data.clone())).await;
        let url = format!("http://{}", upstream.address);
        let house = furnished_at(house, &url, &tokens.auth()).await;
        let first = house.call(Method::GET, "/x").await;
        let changed = async {
            until(|| is_slow.load(Ordering::Relaxed)).await;
            let change = json!({"auth": change});
            let changed = house.api(Method::PATCH, "/credentials/upstream", Some(&change)).await;
            assert_eq!(changed.status, StatusCode::OK, "{}", changed.json());
            let called = house.call(Method::GET, "/x").await;
            opened.send_replace(true);
            called
        };
        let (late, new) = join(house.call(Method::GET, "/slow"), changed).await;
        let next = house.call(Method::GET, "/x").await;
        let house = house.restart(data).await;
        let restarted = house.call(Method::GET, "/x").await;
        for called in [first, late, new, next, restarted] {
            assert_eq!(called.status, StatusCode::OK, "{change}: {:?}", tokens.shown());
        }
    }
}

#[tokio::test]
async fn a_refresh_token_on_its_way_is_waited_for_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (tokens, upstream) = (Strict::start(), Recording::content());
    let house = House::bare(|it| it.data_dir(data.clone())).await;
    let house = furnished(house, &upstream, &tokens.auth()).await;
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    tokens.opens(false);
    house.clock.advance(Duration::from_secs(3_000));
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK, "while it is renewed");
    tokens.until(2).await;
    let mut restarted = pin!(house.restart(data));
    // Long after all requests of others have ended.
    assert!(timeout(Duration::from_millis(500), &mut restarted).await.is_err(), "it waits");
    tokens.opens(true);
    let house = restarted.await;
    let called = house.call(Method::GET, "/x").await;
    assert_eq!(called.status, StatusCode::OK, "{:?}", tokens.shown());
}

#[tokio::test]
async fn a_disk_that_fails_for_a_moment_costs_no_consent() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (tokens, upstream) = (Strict::start(), Recording::content());
    let house = House::bare(|it| it.data_dir(data.clone())).await;
    let house = furnished(house, &upstream, &tokens.auth()).await;
    let record = Misplaced::of(&data);
    let called = house.call(Method::GET, "/x").await;
    record.put_back();
    assert_eq!(called.status, StatusCode::OK, "{}", called.json());
    let house = house.restart(data).await;
    let called = house.call(Method::GET, "/x").await;
    assert_eq!(called.status, StatusCode::OK, "{:?}", tokens.shown());
    assert_eq!(tokens.shown(), ["r1", "r2"]);
}

#[tokio::test]
async fn a_secret_that_could_not_be_read_is_read_for_the_next_revision() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (tokens, upstream) = (issuing(), Recording::content());
    let house = House::bare(|it| it.data_dir(data.clone())).await;
    let house = furnished(house, &upstream, &client_credentials(&tokens, json!({}))).await;
    house.put("/proxies/q", &proxy("q")).await;
    let record = Misplaced::of(&data);
    let change = json!({"auth": {"scopes": ["a"]}});
    house.api(Method::PATCH, "/credentials/upstream", Some(&change)).await;
    house.call(Method::GET, "/x").await.refused(503, "inject", "credential-unavailable");
    record.put_back();
    house
        .put(
            "/credentials/another",
            &json!({"name": "another", "kind": "proxy", "auth": {"type": "apiKey"}}),
        )
        .await;
    let key = house.key.clone();
    for path in ["/api/p/x", "/api/q/x"] {
        let called = house.call_with(Method::GET, path, &[("x-api-key", &key)]).await;
        assert_eq!(called.status, StatusCode::OK, "{path}: {}", called.json());
    }
    assert_eq!(tokens.count(), 1, "both have the same");
}

#[tokio::test]
async fn a_vendors_token_is_fetched_as_the_vendor_says() {
    let tokens = Recording::start(|_, nth| {
        let token = json!({"data": [{"t": format!("vendor-{nth}"), "end": 600}]});
        answer(StatusCode::OK, &token)
    });
    let upstream = Recording::content();
    let body = "<login key=\"canary-body\">\r\n</login>";
    let auth = |present: Value| {
        json!({"type": "customToken", "tokenPath": "$.data[0].t", "ttlSeconds": 600,
            "present": present, "allowPlaintext": true,
            "request": {"method": "PUT", "url": tokens.url("/login?v=1"),
                "headers": {"X-Client": "canary-header", "Content-Type": "text/xml"},
                "body": body}})
    };
    let present = json!({"in": "header", "name": "X-Session", "prefix": "S "});
    let house = house(&upstream, &auth(present)).await;
    let spoofs = [("x_session", "S mine"), ("X-SESSION", "S mine"), ("x-client", "mine")];
    let called = call(&house, "/x", &spoofs).await;
    assert_eq!(called.status, StatusCode::OK, "{}", called.json());
    let asked = tokens.only();
    assert_eq!((asked.method().as_str(), asked.uri().to_string().as_str()), ("PUT", "/login?v=1"));
    assert_eq!(header(asked.headers(), "x-client"), "canary-header");
    assert_eq!(header(asked.headers(), "content-type"), "text/xml");
    assert_eq!(asked.body(), body);
    let received = upstream.only();
    assert_eq!(received.headers().get_all("x-session").iter().collect::<Vec<_>>(), ["S vendor-0"]);
    assert!(!format!("{received:?}").contains("canary"), "{received:?}");
    assert!(!format!("{received:?}").contains("S mine"), "{received:?}");

    // In the query, in place of the client's.
    let change = json!({"auth": auth(json!({"in": "query", "name": "session"}))});
    let changed = house.api(Method::PATCH, "/credentials/upstream", Some(&change)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.json());
    let called = call(&house, "/x?session=mine&a=1&sessio%6E=mine", &[]).await;
    assert_eq!(called.status, StatusCode::OK, "{}", called.json());
    assert_eq!(upstream.only().uri().to_string(), "/base/x?a=1&session=vendor-0");
    house.clock.advance(Duration::from_secs(599));
    call(&house, "/x", &[]).await;
    assert_eq!(upstream.only().uri().query(), Some("session=vendor-1"));
}

#[tokio::test]
async fn what_is_fetched_is_told_to_nobody() {
    let tokens = issuing();
    let upstream = Recording::start(|request, _| {
        // One that answers with what it got.
        let shown = header(request.headers(), "authorization").to_owned();
        let response = Response::builder().header("x-debug", &shown);
        response.body(Bytes::from(shown)).unwrap()
    });
    let house = house(&upstream, &client_credentials(&tokens, json!({}))).await;
    let rule = json!({"effect": "deny", "headers": [{"name": "authorization"}]});
    house.put("/proxies/p/rules/r", &rule).await;
    // A rule that looks for what is injected finds nothing.
    let called = house.call(Method::GET, "/x").await;
    assert_eq!(called.status, StatusCode::OK, "{}", called.json());
    let question = json!({"proxyId": "p", "method": "GET", "path": "/x", "credentialId": "caller"});
    let url = format!("http://{}/v1/explain", house.gateway.control_address());
    let token = format!("Bearer {}", *house.gateway.owner_token().unwrap());
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let body = Bytes::from(question.to_string());
    let explained = house.send(Method::POST, &url, &headers, body).await;
    assert_eq!(explained.json()["allowed"], true, "{}", explained.json());
    let record = house.record(&called).await;
    let mut told = vec![explained.json(), record];
    for path in ["/credentials", "/activity", "/requests"] {
        told.push(house.api(Method::GET, path, None).await.json());
    }
    for text in told.iter().map(Value::to_string) {
        assert!(!text.contains("access-1") && !text.contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn explaining_asks_for_no_token() {
    let (tokens, upstream) = (issuing(), Recording::content());
    let house = house(&upstream, &client_credentials(&tokens, json!({}))).await;
    let question = json!({"proxyId": "p", "method": "GET", "path": "/x", "credentialId": "caller"});
    let url = format!("http://{}/v1/explain", house.gateway.control_address());
    let token = format!("Bearer {}", *house.gateway.owner_token().unwrap());
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let explained =
        house.send(Method::POST, &url, &headers, Bytes::from(question.to_string())).await;
    assert_eq!(explained.json()["allowed"], true, "{}", explained.json());
    assert_eq!((tokens.count(), upstream.count()), (0, 0));
}

/// A token server whose tokens are `access-1`, `access-2` and so on.
fn issuing() -> Recording {
    let issued_so_far = AtomicUsize::new(0);
    Recording::start(move |_, _| issued(issued_so_far.fetch_add(1, Ordering::Relaxed) + 1))
}

fn issued(number: usize) -> Response<Bytes> {
    let token = json!({"access_token": format!("access-{number}"), "token_type": "bearer",
        "expires_in": 3600});
    answer(StatusCode::OK, &token)
}

/// A token server that takes each refresh token once.
fn rotating(current: Arc<Mutex<String>>) -> Recording {
    Recording::start(move |request: &Request<Bytes>, _| {
        let mut current = current.lock().unwrap();
        let form = format!("grant_type=refresh_token&refresh_token={current}");
        if *request.body() != form {
            return answer(StatusCode::BAD_REQUEST, &json!({"error": "invalid_grant"}));
        }
        let number: usize = current.rsplit('-').next().unwrap().parse().unwrap();
        *current = format!("refresh-canary-{}", number + 1);
        let token = json!({"access_token": format!("access-{number}"), "token_type": "Bearer",
            "expires_in": 3600, "refresh_token": *current});
        answer(StatusCode::OK, &token)
    })
}

/// A token server that takes each refresh token once. One that is shown again was stolen, and ends
/// the consent (RFC 9700 §4.14.2). It answers when the test lets it.
struct Strict {
    server: Upstream,
    open: watch::Sender<bool>,
    shown: Arc<Mutex<Vec<String>>>,
}

impl Strict {
    fn start() -> Self {
        let (open, gate) = watch::channel(true);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&shown);
        let server = Upstream::start(move |request: Request<Bytes>| {
            let form = String::from_utf8(request.body().to_vec()).unwrap();
            let token = form.split('&').find_map(|it| it.strip_prefix("refresh_token=")).unwrap();
            let (mut gate, mut seen) = (gate.clone(), seen.lock().unwrap());
            seen.push(token.to_owned());
            let number = seen.len();
            let is_theft = !(1..).zip(&*seen).all(|(nth, it)| *it == format!("r{nth}"));
            async move {
                gate.wait_for(|it| *it).await.unwrap();
                if is_theft {
                    return answer(StatusCode::BAD_REQUEST, &json!({"error": "invalid_grant"}));
                }
                let token = json!({"access_token": format!("access-{number}"),
                    "token_type": "Bearer", "expires_in": 3600,
                    "refresh_token": format!("r{}", number + 1)});
                answer(StatusCode::OK, &token)
            }
        });
        Self { server, open, shown }
    }

    fn auth(&self) -> Value {
        json!({"type": "oauth2", "flow": "authorization_code", "clientId": "rr",
            "tokenUrl": format!("http://{}/token", self.server.address),
            "clientSecret": SECRET, "refreshToken": "r1", "allowPlaintext": true})
    }

    fn opens(&self, open: bool) {
        self.open.send_replace(open);
    }

    fn shown(&self) -> Vec<String> {
        self.shown.lock().unwrap().clone()
    }

    async fn until(&self, shown: usize) {
        until(|| self.shown().len() >= shown).await;
    }
}

/// The vault's record of the credential `upstream` while it can be neither read nor written.
struct Misplaced {
    record: PathBuf,
}

impl Misplaced {
    fn of(data: &Path) -> Self {
        let record = data.join("vault/default/upstream.1.sealed");
        fs::rename(&record, record.with_extension("away")).unwrap();
        fs::create_dir(&record).unwrap();
        Self { record }
    }

    fn put_back(self) {
        fs::remove_dir(&self.record).unwrap();
        fs::rename(self.record.with_extension("away"), &self.record).unwrap();
    }
}

fn client_credentials(tokens: &Recording, more: Value) -> Value {
    let mut auth = json!({"type": "oauth2", "flow": "client_credentials", "clientId": "rr:1",
        "tokenUrl": tokens.url("/token"), "clientSecret": SECRET, "allowPlaintext": true});
    for (name, value) in more.as_object().unwrap() {
        auth[name] = value.clone();
    }
    auth
}

async fn house(upstream: &Recording, auth: &Value) -> House {
    furnished(House::bare(|it| it).await, upstream, auth).await
}

/// With the proxy `p` to `upstream`, as whom `auth` says.
async fn furnished(house: House, upstream: &Recording, auth: &Value) -> House {
    furnished_at(house, &upstream.url("/base"), auth).await
}

async fn furnished_at(mut house: House, url: &str, auth: &Value) -> House {
    let target = json!({"name": "echo", "baseUrl": url, "allowPlaintext": true});
    house.put("/targets/echo", &target).await;
    let credential = json!({"name": "upstream", "kind": "target", "auth": auth});
    house.put("/credentials/upstream", &credential).await;
    house.key = house.caller("caller").await;
    house.put("/proxies/p", &proxy("p")).await;
    house
}

async fn call(house: &House, path: &str, more: &[(&str, &str)]) -> Answer {
    let key = house.key.clone();
    let mut headers = vec![("x-api-key", key.as_str())];
    headers.extend(more);
    house.call_with(Method::GET, &format!("/api/p{path}"), &headers).await
}

async fn send(house: &House, method: &Method, body: Bytes) -> Answer {
    let url = format!("http://{}/api/p/x", house.gateway.data_address());
    let key = house.key.clone();
    let headers = [("x-api-key", key.as_str()), ("content-type", "application/json")];
    house.send(method.clone(), &url, &headers, body).await
}

async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), waiting).await.unwrap();
}

fn scan(folder: &Path, needle: &[u8]) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scan(&path, needle);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            let is_there = bytes.windows(needle.len()).any(|it| it == needle);
            assert!(!is_there, "a secret is in {}", path.display());
        }
    }
}
