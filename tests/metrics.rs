//! Metrics: what is counted of real requests, that nobody can add a series, and that the page names all.

mod support;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::support::{House, UPSTREAM_SECRET, proxy};

#[tokio::test]
async fn every_end_of_a_request_is_counted_once() {
    let house = House::build().await;
    house.post("/proxies/p/rules", &json!({"effect": "deny", "methods": ["DELETE"]})).await;
    let nobody = json!({"name": "n", "baseUrl": "http://127.0.0.1:1", "allowPlaintext": true});
    house.put("/targets/n", &nobody).await;
    let mut elsewhere = proxy("q");
    elsewhere["targetId"] = json!("n");
    elsewhere.as_object_mut().unwrap().remove("targetCredentialId");
    house.put("/proxies/q", &elsewhere).await;
    let key = house.key.clone();
    let shows = [("x-api-key", key.as_str())];
    for (method, path, headers, status) in [
        (Method::GET, "/api/p/a", &shows[..], 200),
        (Method::POST, "/api/p/b", &shows[..], 200),
        (Method::DELETE, "/api/p/a", &shows[..], 400),
        (Method::GET, "/api/p/a", &[], 401),
        (Method::GET, "/api/nowhere/a", &shows[..], 404),
        (Method::GET, "/api/q/a", &shows[..], 502),
    ] {
        let answer = house.call_with(method, path, headers).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
    }
    let metrics = counted(&house, "rrgateway_request_duration_seconds_count 6").await;
    for line in [
        &granted("2xx", 2),
        &granted("5xx", 0),
        &refused("rule-denied", "rules", "4xx", 1),
        &refused("credential-missing", "authenticate", "4xx", 1),
        &refused("proxy-not-found", "route", "4xx", 1),
        &refused("upstream-unreachable", "upstream", "5xx", 1),
        &refused("internal", "audit", "5xx", 0),
        "rrgateway_upstream_responses_total{status=\"2xx\"} 2",
        "rrgateway_upstream_responses_total{status=\"none\"} 1",
        "rrgateway_upstream_duration_seconds_count 3",
        "rrgateway_requests_in_flight 0",
        "rrgateway_audit_records_dropped_total 0",
        "rrgateway_audit_records_unwritten_total 0",
        "rrgateway_revisions_total{outcome=\"rejected\"} 0",
        "rrgateway_ready 1",
        "rrgateway_connections 1",
        "rrgateway_connections_malformed_total 0",
        "rrgateway_responses_cut_short_total 0",
    ] {
        assert!(has(&metrics, line), "{line}\n{metrics}");
    }
    let of_revision = |name: &str| value(&metrics, &format!("rrgateway_revision_{name} "));
    assert!(of_revision("current") > 5);
    assert_eq!(of_revision("current"), of_revision("serving"));
}

#[tokio::test]
async fn what_callers_send_makes_no_series_and_is_not_there() {
    let house = House::build().await;
    let key = house.key.clone();
    assert_eq!(house.call(Method::GET, "/canary").await.status, StatusCode::OK);
    let before = series(&counted(&house, "rrgateway_request_duration_seconds_count 1").await);
    for round in 0..100 {
        let target = format!("/api/p/canary{round}?canary{round}=canary{round}");
        let user = format!("canary{round}");
        let headers = [("x-api-key", key.as_str()), ("user-agent", &user), ("x-canary", &user)];
        house.call_with(Method::GET, &target, &headers).await;
        house.call_with(Method::GET, &format!("/api/canary{round}/x"), &headers).await;
        let headers = [("x-api-key", user.as_str()), ("host", &user)];
        house.call_with(Method::GET, "/api/p/x", &headers).await;
    }
    let metrics = counted(&house, "rrgateway_request_duration_seconds_count 301").await;
    assert_eq!(series(&metrics), before);
    assert!(before.len() < 200, "{}", before.len());
    let token = house.gateway.owner_token().unwrap().to_string();
    let samples = before.into_iter().collect::<String>();
    for secret in ["canary", "caller", key.as_str(), UPSTREAM_SECRET, &token] {
        assert!(!samples.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_limit_that_is_passed_is_counted() {
    let house = House::build().await;
    let mut limited = proxy("p");
    limited["limits"] = json!({"requestsPerMinute": 10});
    house.put("/proxies/p", &limited).await;
    for _ in 0..12 {
        house.call(Method::GET, "/a").await;
    }
    let metrics = counted(&house, "rrgateway_request_duration_seconds_count 12").await;
    for line in [
        &refused("quota-exceeded", "limit", "4xx", 2),
        "rrgateway_limits_passed_total{percent=\"80\"} 1",
        "rrgateway_limits_passed_total{percent=\"100\"} 1",
        "rrgateway_limits_max_keys 1000000",
        "rrgateway_limits_crowded_out_total 0",
    ] {
        assert!(has(&metrics, line), "{line}\n{metrics}");
    }
    assert!(!metrics.contains("rrgateway_limits_store"), "there is none:\n{metrics}");
}

#[tokio::test]
async fn what_a_caller_breaks_off_is_cut_short_and_what_it_need_not_read_is_not() {
    let house = House::build().await;
    let endless = Endless::start().await;
    house.put("/targets/endless", &endless.target()).await;
    let open = json!({"name": "open", "targetId": "endless", "authentication": "none"});
    house.put("/proxies/open", &open).await;
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(house.call(method, "/a").await.status, StatusCode::OK);
    }
    for method in [Method::GET, Method::HEAD] {
        house.call_with(method, "/api/p/a", &[]).await;
    }
    let none = "rrgateway_responses_cut_short_total 0";
    let metrics = counted(&house, "rrgateway_request_duration_seconds_count 4").await;
    assert!(has(&metrics, none), "{metrics}");

    let mut caller = TcpStream::connect(house.gateway.data_address()).await.unwrap();
    caller.write_all(b"GET /api/open/a HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut read = Vec::new();
    while !read.ends_with(b"endless\r\n") {
        caller.read_buf(&mut read).await.unwrap();
    }
    assert!(has(&counted(&house, "rrgateway_requests_in_flight 1").await, none));
    drop(caller);
    let metrics = counted(&house, "rrgateway_responses_cut_short_total 1").await;
    assert!(has(&metrics, "rrgateway_requests_in_flight 0"), "{metrics}");
    let head = String::from_utf8(read).unwrap();
    let id = head.lines().find_map(|it| it.strip_prefix("rr-request-id: ")).unwrap();
    let record = house.recorded(id).await;
    assert_eq!(record["error"], "the response ended early", "{record}");
}

#[tokio::test]
async fn a_caller_who_leaves_is_no_failure_of_the_upstream() {
    let house = House::build().await;
    let silent = Endless::silent().await;
    house.put("/targets/endless", &silent.target()).await;
    let open = json!({"name": "open", "targetId": "endless", "authentication": "none"});
    house.put("/proxies/open", &open).await;
    let mut caller = TcpStream::connect(house.gateway.data_address()).await.unwrap();
    caller.write_all(b"GET /api/open/a HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    silent.called().await;
    drop(caller);
    let left = "rrgateway_upstream_responses_total{status=\"abandoned\"} 1";
    let metrics = counted(&house, left).await;
    assert!(has(&metrics, "rrgateway_upstream_responses_total{status=\"none\"} 0"), "{metrics}");
    let left = refused("client-closed-request", "none", "none", 1);
    assert!(has(&metrics, &left), "{metrics}");
}

#[tokio::test]
async fn what_is_no_request_is_a_malformed_connection() {
    let house = House::build().await;
    for sent in ["nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}hello"] {
        let mut caller = TcpStream::connect(house.gateway.data_address()).await.unwrap();
        caller.write_all(sent.as_bytes()).await.unwrap();
        caller.read_to_end(&mut Vec::new()).await.unwrap();
    }
    let metrics = counted(&house, "rrgateway_connections_malformed_total 3").await;
    assert!(has(&metrics, "rrgateway_connections 0"), "{metrics}");
    assert!(has(&metrics, "rrgateway_request_duration_seconds_count 0"), "{metrics}");
}

/// An upstream that begins to answer and does not end, or does not begin.
struct Endless {
    address: SocketAddr,
    called: Arc<Notify>,
}

impl Endless {
    async fn start() -> Self {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\nendless\r\n";
        Self::saying(head).await
    }

    async fn silent() -> Self {
        Self::saying("").await
    }

    async fn saying(what: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, called) = (listener.local_addr().unwrap(), Arc::new(Notify::new()));
        let calls = Arc::clone(&called);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let calls = Arc::clone(&calls);
                tokio::spawn(async move {
                    _ = stream.read_buf(&mut Vec::new()).await;
                    calls.notify_one();
                    _ = stream.write_all(what.as_bytes()).await;
                    // Until the other side goes.
                    _ = stream.read_to_end(&mut Vec::new()).await;
                });
            }
        });
        Self { address, called }
    }

    fn target(&self) -> Value {
        let url = format!("http://{}", self.address);
        json!({"name": "endless", "baseUrl": url, "allowPlaintext": true})
    }

    async fn called(&self) {
        self.called.notified().await;
    }
}

#[tokio::test]
async fn they_are_not_on_the_data_listener() {
    let house = House::build().await;
    for path in ["/metrics", "/api/metrics", "/livez", "/readyz"] {
        let answer = house.call_with(Method::GET, path, &[]).await;
        answer.refused(404, "route", "proxy-not-found");
    }
}

#[tokio::test]
async fn the_page_names_all_of_them_and_no_others() {
    let page = include_str!("../rrgateway/docs/metrics.md");
    let named = |section: &str| -> BTreeSet<String> {
        let rows = section.lines().filter_map(|it| it.strip_prefix("| `")?.split_once('`'));
        rows.map(|it| it.0.to_owned()).collect()
    };
    let (before, rest) = page.split_once("\n## A shared store\n").unwrap();
    let (of_store, after) = rest.split_once("\n## Configuration").unwrap();
    assert!(named(of_store).len() > 5, "another test looks for these");
    let mut named = named(&format!("{before}\n{after}"));
    if cfg!(not(target_os = "linux")) {
        named.retain(|it| !it.starts_with("process_") || it.contains("start_time"));
    }
    let house = House::bare(|it| it).await;
    let metrics = house.gateway.metrics().text();
    let typed = metrics.lines().filter_map(|it| it.strip_prefix("# TYPE ")?.split_once(' '));
    let there: BTreeSet<_> = typed
        .map(|(name, kind)| if kind == "counter" { format!("{name}_total") } else { name.into() })
        .collect();
    assert_eq!(there, named);
    let helped = metrics.lines().filter(|it| it.starts_with("# HELP")).count();
    assert_eq!(helped, there.len(), "each says what it is");
}

// Waits until that is there, as long as it may take: who has the answer may ask before it is counted.
async fn counted(house: &House, line: &str) -> String {
    let url = format!("http://{}/metrics", house.gateway.control_address());
    let mut tries = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..250 {
        tries.tick().await;
        let accept = [("accept", "application/openmetrics-text")];
        let answer = house.send(Method::GET, &url, &accept, bytes::Bytes::new()).await;
        assert_eq!(answer.status, StatusCode::OK);
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert_eq!(answer.header("content-type"), kind);
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        if has(&text, line) {
            return text;
        }
    }
    panic!("{line} never came");
}

fn has(metrics: &str, line: &str) -> bool {
    metrics.lines().any(|it| it == line)
}

fn value(metrics: &str, name: &str) -> u64 {
    let line = metrics.lines().find_map(|it| it.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
}

fn granted(class: &str, count: u64) -> String {
    refused("proxy-access-granted", "none", class, count)
}

fn refused(code: &str, stage: &str, class: &str, count: u64) -> String {
    let labels = format!("code=\"{code}\",stage=\"{stage}\",status=\"{class}\"");
    format!("rrgateway_requests_total{{{labels}}} {count}")
}

// What is before the value, of each line that has one.
fn series(metrics: &str) -> BTreeSet<String> {
    let lines = metrics.lines().filter(|it| !it.starts_with('#'));
    lines.map(|it| it.rsplit_once(' ').unwrap().0.to_owned()).collect()
}
