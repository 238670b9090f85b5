//! Limits and meters, seen by callers and by the administrator.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::support::upstream::Upstream;
use crate::support::{Answer, House, proxy};

#[tokio::test]
async fn tokens_are_added_up_and_the_request_after_the_one_that_crosses_is_refused() {
    let (house, _upstream) = behind(usage_of).await;
    house.put("/proxies/p/meters/tokens", &tokens(100)).await;
    for (spent, before) in [(60, 0), (60, 60)] {
        assert_eq!(usage(&house).await["spent"], before);
        assert_eq!(ask(&house, spent).await.status, StatusCode::OK);
    }
    let spent = usage(&house).await;
    assert_eq!((&spent["window"], &spent["key"]), (&json!("day"), &json!("caller")), "{spent}");
    assert_eq!((&spent["spent"], &spent["max"]), (&json!(120), &json!(100)));
    let refused = ask(&house, 1).await;
    let problem = refused.refused(429, "limit", "quota-exceeded");
    assert_eq!(problem["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
    assert_eq!(problem["violated-policies"], json!(["tokens.day"]));
    let seconds = problem["retryAfterSeconds"].as_u64().unwrap();
    assert!((1..=86_400).contains(&seconds), "{seconds}");
    assert_eq!(refused.header("retry-after"), seconds.to_string());
    assert_eq!(refused.header("ratelimit-policy"), r#""tokens.day";q=100;w=86400"#);
    assert!(refused.header("ratelimit").starts_with(r#""tokens.day";r=0;t="#));
    let other = house.caller("other").await;
    let mut shared = proxy("p");
    shared["proxyCredentialIds"] = json!(["caller", "other"]);
    house.put("/proxies/p", &shared).await;
    let answer = house.call_with(Method::GET, "/api/p/5", &[("x-api-key", &other)]).await;
    assert_eq!(answer.status, StatusCode::OK, "it has a budget of its own");
    // A new day.
    house.clock.advance(Duration::from_secs(seconds));
    assert_eq!(ask(&house, 1).await.status, StatusCode::OK);
}

#[tokio::test]
async fn tokens_are_found_in_event_streams_and_in_compressed_answers() {
    for path in ["/sse", "/gzip", "/gzip-sse"] {
        let (house, _upstream) = behind(usage_of).await;
        house.put("/proxies/p/meters/tokens", &tokens(1_000)).await;
        let key = house.key.clone();
        let headers = [("x-api-key", key.as_str()), ("accept-encoding", "gzip")];
        let answer = house.call_with(Method::GET, &format!("/api/p{path}"), &headers).await;
        assert_eq!(answer.status, StatusCode::OK);
        let record = house.record(&answer).await;
        let counted = json!([{"id": "tokens", "counted": 42, "how": "value"}]);
        assert_eq!(record["meters"], counted, "{path}");
        assert_eq!(record["limits"][0]["policy"], "tokens.day");
        assert_eq!(usage(&house).await["spent"], 42, "{path}");
    }
}

#[tokio::test]
async fn a_number_in_a_trailer_counts() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            _ = std::io::Read::read(&mut stream, &mut head);
            let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-tokens\r\n\
                connection: close\r\n\r\n2\r\n{}\r\n0\r\nx-tokens: 17\r\nx-other: 1\r\n\r\n";
            _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
        }
    });
    let house = House::build().await;
    let target = json!({"name": "trailing", "baseUrl": url, "allowPlaintext": true});
    house.retarget(target).await;
    let meter = json!({"name": "tokens", "type": "responseValue", "onMissing": 1,
        "extraction": {"location": "header", "name": "X-Tokens"},
        "limits": [{"window": "hour", "max": 20}]});
    house.put("/proxies/p/meters/tokens", &meter).await;
    for _ in 0..2 {
        let answer = house.call(Method::GET, "/x").await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (200, &b"{}"[..]));
        let counted = json!([{"id": "tokens", "counted": 17, "how": "value"}]);
        assert_eq!(house.record(&answer).await["meters"], counted);
    }
    house.call(Method::GET, "/x").await.refused(429, "limit", "quota-exceeded");
}

#[tokio::test]
async fn what_is_not_told_counts_as_missing_and_is_recorded() {
    let (house, _upstream) = behind(usage_of).await;
    let mut meter = tokens(1_000);
    meter["onMissing"] = json!(7);
    house.put("/proxies/p/meters/tokens", &meter).await;
    for (path, how, spent) in [("/none", "missing", 7), ("/text", "unusable", 14)] {
        let answer = house.call(Method::GET, path).await;
        let record = house.record(&answer).await;
        assert_eq!(record["meters"], json!([{"id": "tokens", "counted": 7, "how": how}]));
        assert_eq!(usage(&house).await["spent"], spent);
    }
}

#[tokio::test]
async fn what_is_estimated_is_reserved_and_made_good() {
    let (house, _upstream) = behind(usage_of).await;
    let mut meter = tokens(100);
    meter["estimate"] = json!({"location": "body", "path": "$.max_tokens"});
    house.put("/proxies/p/meters/tokens", &meter).await;
    let post = async |estimate: u64, spent: u64| {
        let url = format!("http://{}/api/p/{spent}", house.gateway.data_address());
        let body = Bytes::from(json!({"max_tokens": estimate}).to_string());
        let headers = [("x-api-key", house.key.as_str()), ("content-type", "application/json")];
        house.send(Method::POST, &url, &headers, body).await
    };
    assert_eq!(post(90, 10).await.status, StatusCode::OK);
    assert_eq!(usage(&house).await["spent"], 10);
    post(91, 1).await.refused(429, "limit", "quota-exceeded");
    assert_eq!(post(90, 20).await.status, StatusCode::OK);
    assert_eq!(usage(&house).await["spent"], 30);
    // What a stage below refuses never cost anything.
    house.post("/proxies/p/rules", &json!({"effect": "deny", "methods": ["POST"]})).await;
    post(50, 1).await.refused(400, "rules", "rule-denied");
    assert_eq!(usage(&house).await["spent"], 30, "nothing is left taken");
}

#[tokio::test]
async fn predicates_say_which_requests_a_meter_is_about() {
    let (house, _upstream) = behind(usage_of).await;
    let meter = json!({"name": "m", "type": "requestCount", "limits": [{"window": "hour", "max": 1}],
        "predicates": [{"effect": "include", "methods": ["POST"],
            "body": [{"path": "^model$", "value": "^large$"}]},
            {"effect": "exclude", "headers": [{"name": "x-free"}]}]});
    house.put("/proxies/p/meters/m", &meter).await;
    let post = async |body: &str, more: Option<&str>| {
        let url = format!("http://{}/api/p/1", house.gateway.data_address());
        let mut headers = vec![("x-api-key", house.key.as_str())];
        headers.push(("content-type", "application/json"));
        headers.extend(more.map(|it| (it, "1")));
        let body = Bytes::from(body.to_owned());
        house.send(Method::POST, &url, &headers, body).await.status.as_u16()
    };
    assert_eq!(post(r#"{"model":"large"}"#, None).await, 200);
    assert_eq!(post(r#"{"model":"large"}"#, None).await, 429);
    assert_eq!(post(r#"{"model":"small"}"#, None).await, 200);
    assert_eq!(post(r#"{"model":"large"}"#, Some("x-free")).await, 200);
    assert_eq!(house.call(Method::GET, "/1").await.status, StatusCode::OK);
    assert_eq!(post("{", None).await, 429, "what cannot be inspected is metered");
    let large = format!(r#"{{"pad":"{}"}}"#, "x".repeat(2 << 20));
    assert_eq!(post(&large, None).await, 429, "and so is what is too large");
}

#[tokio::test]
async fn what_rules_deny_counts_unless_told_otherwise() {
    let house = House::build().await;
    house.post("/proxies/p/rules", &json!({"effect": "deny", "methods": ["DELETE"]})).await;
    for counts in [true, false] {
        let mut limited = proxy("p");
        limited["limits"] = json!({"requestsPerMinute": 2, "countRefused": counts});
        house.put("/proxies/p", &limited).await;
        house.put("/proxies/p/meters/m", &per_hour("m", 1)).await;
        house.call(Method::DELETE, "/x").await.refused(400, "rules", "rule-denied");
        let next = house.call(Method::GET, "/x").await;
        let expected = if counts { 429 } else { 200 };
        assert_eq!(next.status.as_u16(), expected, "countRefused: {counts}");
        house.api(Method::DELETE, "/proxies/p", None).await;
        house.put("/proxies/p", &proxy("p")).await;
        house.post("/proxies/p/rules", &json!({"effect": "deny", "methods": ["DELETE"]})).await;
    }
}

#[tokio::test]
async fn a_change_of_a_limit_keeps_what_was_spent_and_a_new_one_starts_anew() {
    let house = House::build().await;
    house.api(Method::PATCH, "/proxies/p", Some(&json!({"limits": {"requestsPerDay": 2}}))).await;
    house.put("/proxies/p/meters/m", &per_hour("m", 2)).await;
    for _ in 0..2 {
        assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    }
    house.call(Method::GET, "/x").await.refused(429, "limit", "quota-exceeded");
    let patch = json!({"limits": {"requestsPerDay": 3}});
    house.api(Method::PATCH, "/proxies/p", Some(&patch)).await;
    let meter = json!({"limits": [{"window": "hour", "max": 3}]});
    house.api(Method::PATCH, "/proxies/p/meters/m", Some(&meter)).await;
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    house.call(Method::GET, "/x").await.refused(429, "limit", "quota-exceeded");
    // What it is called is for people.
    house.api(Method::PATCH, "/proxies/p/meters/m", Some(&json!({"name": "renamed"}))).await;
    let refused = house.call(Method::GET, "/x").await;
    assert!(refused.json()["violated-policies"].to_string().contains("renamed.hour"));
    house.api(Method::PATCH, "/proxies/p/meters/m", Some(&json!({"name": "m"}))).await;
    // Written again as it is, it is the same one.
    house.put("/proxies/p/meters/m", &per_hour("m", 3)).await;
    house.api(Method::PATCH, "/proxies/p", Some(&json!({"limits": {"requestsPerDay": 9}}))).await;
    let refused = house.call(Method::GET, "/x").await;
    assert_eq!(refused.json()["violated-policies"], json!(["m.hour"]));
    house.api(Method::DELETE, "/proxies/p/meters/m", None).await;
    house.put("/proxies/p/meters/m", &per_hour("m", 3)).await;
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    // So is a limit that is taken away and given again.
    for max in [Value::Null, json!(1)] {
        let patch = json!({"limits": {"requestsPerDay": max}});
        house.api(Method::PATCH, "/proxies/p", Some(&patch)).await;
    }
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    house.call(Method::GET, "/x").await.refused(429, "limit", "quota-exceeded");
}

#[tokio::test]
async fn headers_say_what_is_left_of_all_limits() {
    let house = House::build().await;
    let mut limited = proxy("p");
    limited["limits"] = json!({"requestsPerMinute": 5, "requestsPerDay": 100, "concurrency": 7,
        "legacyHeaders": true});
    house.put("/proxies/p", &limited).await;
    house.put("/proxies/p/meters/m", &per_hour("calls", 50)).await;
    let answer = house.call(Method::GET, "/x").await;
    let policies = r#""requestsPerMinute";q=5;w=60, "requestsPerDay";q=100;w=86400, "#.to_owned()
        + r#""concurrency";q=7;qu="concurrent-requests", "calls.hour";q=50;w=3600"#;
    assert_eq!(answer.header("ratelimit-policy"), policies);
    assert!(answer.header("ratelimit").starts_with(r#""requestsPerMinute";r=4;t="#));
    assert_eq!(answer.header("x-ratelimit-limit"), "5");
    assert_eq!(answer.header("x-ratelimit-remaining"), "4");
    assert!(answer.header("x-ratelimit-reset").parse::<u64>().unwrap() >= 1);
    assert_eq!(answer.header("rr-proxy-warning"), "");
    for _ in 0..4 {
        assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    }
    let refused = house.call(Method::GET, "/x").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    assert_ne!(refused.header("rr-proxy-warning"), "", "a limit is above 80 %");
    let told = house.api(Method::GET, "/notifications", None).await.json();
    let told: Vec<_> = told["items"].as_array().unwrap().iter().collect();
    assert_eq!(told.len(), 1, "80 % was never all there was: {told:?}");
    assert_eq!(
        (&told[0]["limit"], &told[0]["percent"]),
        (&json!("requestsPerMinute"), &json!(100))
    );
    assert_eq!((&told[0]["proxyId"], &told[0]["meterId"]), (&json!("p"), &Value::Null));
    let usage = house.api(Method::GET, "/usage", None).await.json();
    let windows: Vec<_> = usage["items"][0]["limits"].as_array().unwrap().iter().collect();
    let spent: Vec<_> = windows.iter().map(|it| (&it["window"], &it["spent"])).collect();
    let expected =
        [("minute", 5), ("day", 5), ("concurrency", 0)].map(|it| (json!(it.0), json!(it.1)));
    assert!(spent.iter().zip(&expected).all(|(it, other)| *it == (&other.0, &other.1)), "{usage}");
}

#[tokio::test]
async fn observed_meters_count_and_refuse_nothing() {
    let house = House::build().await;
    let mut observed = per_hour("m", 1);
    observed["mode"] = json!("observe");
    house.put("/proxies/p/meters/m", &observed).await;
    house.put("/proxies/p/meters/n", &json!({"name": "n", "type": "requestCount"})).await;
    for _ in 0..3 {
        let answer = house.call(Method::GET, "/x").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("ratelimit-policy"), "", "callers are not told");
    }
    let shown = async |id: &str| {
        let meter = house.api(Method::GET, &format!("/proxies/p/meters/{id}"), None).await.json();
        meter["usage"].clone()
    };
    let usage = shown("m").await;
    assert_eq!((&usage[0]["spent"], &usage[0]["max"]), (&json!(3), &json!(1)), "{usage}");
    let usage = shown("n").await;
    let windows: Vec<_> = usage.as_array().unwrap().iter().map(|it| &it["window"]).collect();
    assert_eq!(windows, ["day", "month"]);
    assert_eq!((&usage[1]["spent"], &usage[1]["max"]), (&json!(3), &Value::Null));
    house.api(Method::PATCH, "/proxies/p/meters/m", Some(&json!({"active": false}))).await;
    house.call(Method::GET, "/x").await;
    assert_eq!(shown("m").await, json!([]), "it is switched off");
    assert_eq!(shown("n").await[0]["spent"], 4);
}

#[tokio::test]
async fn routes_and_headers_have_budgets_of_their_own() {
    let house = House::build().await;
    let mut routed = proxy("p");
    routed["routes"] = json!([{"path": "/a/{*rest}"}, {"path": "/b/{*rest}"}]);
    house.put("/proxies/p", &routed).await;
    let mut meter = per_hour("m", 1);
    meter["per"] = json!(["route", {"header": "x-user"}]);
    house.put("/proxies/p/meters/m", &meter).await;
    let call = async |path: &str, user: &str| {
        let headers = [("x-api-key", house.key.as_str()), ("x-user", user)];
        house.call_with(Method::GET, path, &headers).await.status.as_u16()
    };
    assert_eq!(call("/a/1", "ada").await, 200);
    assert_eq!(call("/a/2", "ada").await, 429);
    assert_eq!(call("/b/1", "ada").await, 200);
    assert_eq!(call("/a/1", "bob").await, 200);
    let meter = house.api(Method::GET, "/proxies/p/meters/m", None).await.json();
    let mut keys: Vec<_> =
        meter["usage"].as_array().unwrap().iter().map(|it| it["key"].as_str().unwrap()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["/a/{*rest}, ada", "/a/{*rest}, bob", "/b/{*rest}, ada"]);
}

#[tokio::test]
async fn proxies_of_a_client_can_share_a_budget() {
    let house = House::build().await;
    house.put("/proxies/q", &proxy("q")).await;
    let mut meter = per_hour("shared", 1);
    meter["per"] = json!("client");
    for id in ["p", "q"] {
        house.put(&format!("/proxies/{id}/meters/m"), &meter).await;
    }
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    let headers = [("x-api-key", house.key.as_str())];
    let other = house.call_with(Method::GET, "/api/q/x", &headers).await;
    assert_eq!(other.json()["violated-policies"], json!(["shared.hour"]));
}

#[tokio::test]
async fn a_request_under_way_has_its_place_until_it_ends_or_is_dropped() {
    let (entered, left) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (counted, gate) = (Arc::clone(&entered), Arc::clone(&left));
    let (house, _upstream) = behind(move |request: Request<Bytes>| {
        let (counted, gate) = (Arc::clone(&counted), Arc::clone(&gate));
        async move {
            counted.fetch_add(1, Ordering::SeqCst);
            if request.uri().path().ends_with("/wait") {
                gate.notified().await;
            }
            Response::new(Bytes::from_static(b"{}"))
        }
    })
    .await;
    let mut limited = proxy("p");
    limited["limits"] = json!({"concurrency": 2});
    house.put("/proxies/p", &limited).await;
    for round in 0..ABORTED {
        let mut caller = TcpStream::connect(house.gateway.data_address()).await.unwrap();
        let key = &house.key;
        let head = format!("GET /api/p/wait HTTP/1.1\r\nHost: a\r\nX-API-Key: {key}\r\n\r\n");
        caller.write_all(head.as_bytes()).await.unwrap();
        // Half of them give up when they have arrived, the others whenever.
        if round < ABORTED / 2 {
            until(|| entered.load(Ordering::SeqCst) > round).await;
            drop(caller);
            until_free(&house).await;
        }
    }
    until_free(&house).await;
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    left.notify_waiters();
}

#[tokio::test]
async fn what_is_left_is_explained_and_nothing_is_spent() {
    let (house, _upstream) = behind(usage_of).await;
    house.put("/proxies/p/meters/tokens", &tokens(10)).await;
    house.put("/proxies/p/meters/calls", &per_hour("calls", 5)).await;
    ask(&house, 4).await;
    for _ in 0..2 {
        let question = json!({"proxyId": "p", "method": "GET", "path": "/1",
            "credentialId": "caller"});
        let said = explain(&house, &question).await;
        let stage = said["stages"].as_array().unwrap().iter().find(|it| it["stage"] == "limit");
        let limits = stage.unwrap()["limits"].as_array().unwrap();
        let left: Vec<_> = limits.iter().map(|it| (&it["policy"], &it["remaining"])).collect();
        let (tokens, calls) = ((json!("tokens.day"), json!(6)), (json!("calls.hour"), json!(3)));
        assert_eq!(left, [(&tokens.0, &tokens.1), (&calls.0, &calls.1)]);
    }
}

#[tokio::test]
async fn what_was_spent_by_day_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (house, _upstream) = behind_with(usage_of, folder.path().join("data")).await;
    let limits = json!({"limits": {"requestsPerDay": 3, "requestsPerMinute": 3}});
    house.api(Method::PATCH, "/proxies/p", Some(&limits)).await;
    house.put("/proxies/p/meters/tokens", &tokens(100)).await;
    ask(&house, 30).await;
    ask(&house, 20).await;
    let house = house.restart(folder.path().join("data")).await;
    assert_eq!(usage(&house).await["spent"], 50);
    assert_eq!(usage(&house).await["key"], "caller");
    assert_eq!(ask(&house, 60).await.status, StatusCode::OK);
    let refused = ask(&house, 1).await;
    let violated = refused.json()["violated-policies"].clone();
    assert_eq!(violated, json!(["requestsPerDay", "tokens.day"]));
}

// An upstream that says how many tokens the request has cost: the number in its path.
async fn usage_of(request: Request<Bytes>) -> Response<Bytes> {
    let events = "data: {\"usage\":{\"total_tokens\":7}}\n\n\
        data: {\"usage\":{\"total_tokens\":42}}\n\ndata: [DONE]\n\n";
    let plain = json!({"usage": {"total_tokens": 42}}).to_string();
    let answer = Response::builder();
    let (json, sse) = ("application/json", "text/event-stream");
    let path = request.uri().path().strip_prefix("/base/").unwrap();
    let answer = match path {
        "sse" => answer.header("content-type", sse).body(Bytes::from(events)),
        "gzip" => answer
            .header("content-type", json)
            .header("content-encoding", "gzip")
            .body(gzip(&plain)),
        "gzip-sse" => {
            answer.header("content-type", sse).header("content-encoding", "gzip").body(gzip(events))
        }
        "none" => answer.header("content-type", json).body(Bytes::from_static(b"{}")),
        "text" => answer
            .header("content-type", json)
            .body(Bytes::from_static(br#"{"usage":{"total_tokens":"many"}}"#)),
        spent => {
            let spent: u64 = spent.parse().unwrap();
            let body = json!({"id": 1, "usage": {"total_tokens": spent}}).to_string();
            answer.header("content-type", json).body(Bytes::from(body))
        }
    };
    answer.unwrap()
}

fn gzip(text: &str) -> Bytes {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap().into()
}

async fn behind<A, F>(answer: A) -> (House, Upstream)
where
    A: Fn(Request<Bytes>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Bytes>> + Send + 'static,
{
    let upstream = Upstream::start(answer);
    let house = House::build().await;
    (sent_to(house, &upstream).await, upstream)
}

async fn behind_with<A, F>(answer: A, data_dir: std::path::PathBuf) -> (House, Upstream)
where
    A: Fn(Request<Bytes>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Bytes>> + Send + 'static,
{
    let upstream = Upstream::start(answer);
    let house = House::build_with(|it| it.data_dir(data_dir)).await;
    (sent_to(house, &upstream).await, upstream)
}

async fn sent_to(house: House, upstream: &Upstream) -> House {
    let target = json!({"name": "echo", "allowPlaintext": true,
        "baseUrl": format!("http://{}/base", upstream.address)});
    house.retarget(target).await;
    house
}

fn tokens(max: u64) -> Value {
    json!({"name": "tokens", "type": "responseValue", "per": "credential",
        "extraction": {"location": "body", "path": "$.usage.total_tokens"},
        "limits": [{"window": "day", "max": max}]})
}

fn per_hour(name: &str, max: u64) -> Value {
    json!({"name": name, "type": "requestCount", "limits": [{"window": "hour", "max": max}]})
}

async fn ask(house: &House, tokens: u64) -> Answer {
    house.call(Method::GET, &format!("/{tokens}")).await
}

// What the first key of the meter `tokens` has spent; nothing, before there is one.
async fn usage(house: &House) -> Value {
    let meter = house.api(Method::GET, "/proxies/p/meters/tokens", None).await.json();
    let first = meter["usage"].as_array().unwrap().first().cloned();
    first.unwrap_or(json!({"spent": 0}))
}

async fn explain(house: &House, question: &Value) -> Value {
    let token = format!("Bearer {}", house.gateway.owner_token().unwrap().as_str());
    let url = format!("http://{}/v1/explain", house.gateway.control_address());
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    house.send(Method::POST, &url, &headers, Bytes::from(question.to_string())).await.json()
}

async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
}

// The test runner's patience is the limit.
async fn until_free(house: &House) {
    loop {
        let usage = house.api(Method::GET, "/usage", None).await.json();
        if usage["items"][0]["limits"][0]["spent"] == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Requests that their callers give up.
const ABORTED: usize = 1_000;
