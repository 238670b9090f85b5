//! What callers see of what an upstream answers, and what it sees of what they send: filters,
//! transformations and the echo shield, over real sockets.

mod support;

use std::io::Write;
use std::net::TcpListener;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::recording::{self, Recording};
use crate::support::{Answer, House, UPSTREAM_SECRET, proxy};

#[tokio::test]
async fn the_upstreams_credential_does_not_come_back() {
    let upstream = Recording::start(|request, _| {
        let said = request.headers()["authorization"].to_str().unwrap().to_owned();
        let basic = STANDARD.encode(&said);
        let hex: String = said.bytes().map(|it| format!("{it:02X}")).collect();
        let body = format!("<p>{said}</p>\n{basic}\n{hex}\n{}", said.replace('_', "%5F"));
        let status = request.uri().path().strip_prefix("/base/").unwrap();
        let response = Response::builder()
            .status(status.parse::<u16>().unwrap())
            .header("x-debug", &said)
            .header("www-authenticate", format!("Basic realm=\"{basic}\""));
        if request.uri().query() == Some("gzip") {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(body.as_bytes()).unwrap();
            let coded = response.header("content-encoding", "gzip");
            return coded.body(encoder.finish().unwrap().into()).unwrap();
        }
        response.body(body.into()).unwrap()
    });
    let house = behind(&upstream, &json!({})).await;
    for path in ["200", "201", "401", "404", "500", "200?gzip", "503?gzip"] {
        let answer = get(&house, &format!("/{path}"), &[("accept-encoding", "gzip")]).await;
        assert_eq!(answer.status.as_str(), path.get(..3).unwrap());
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        let stars = "*".repeat(UPSTREAM_SECRET.len());
        assert!(text.starts_with(&format!("<p>Bearer {stars}</p>\nQmVhcmVy")), "{text}");
        let shown = format!("{:?}{text}", answer.headers);
        assert!(!leaks(&shown), "{shown}");
        assert_eq!(answer.header("x-debug"), format!("Bearer {stars}"));
        assert_eq!(answer.header("content-encoding"), "");
    }
}

#[tokio::test]
async fn a_reason_phrase_is_not_passed_on() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/base", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            _ = std::io::Read::read(&mut stream, &mut head);
            let line = format!("HTTP/1.1 401 {UPSTREAM_SECRET}\r\ncontent-length: 0\r\n\r\n");
            _ = stream.write_all(line.as_bytes());
        }
    });
    let house = at(&url, &json!({})).await;
    let mut caller = std::net::TcpStream::connect(house.gateway.data_address()).unwrap();
    let key = &house.key;
    let head = format!(
        "GET /api/p/x HTTP/1.1\r\nhost: a\r\nx-api-key: {key}\r\nconnection: close\r\n\r\n"
    );
    let answer = tokio::task::spawn_blocking(move || {
        caller.write_all(head.as_bytes()).unwrap();
        std::io::read_to_string(caller).unwrap()
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{answer}");
    assert!(!leaks(&answer), "{answer}");
}

#[tokio::test]
async fn a_connection_that_its_other_end_has_closed_costs_no_harmless_request_an_error() {
    // Answers once on each connection, and closes it at the next request.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/base", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut head = [0; 4096];
                _ = std::io::Read::read(&mut stream, &mut head);
                _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
                _ = std::io::Read::read(&mut stream, &mut head);
            });
        }
    });
    let house = at(&url, &json!({})).await;
    let ask = async |method: Method| {
        house.call_with(method, "/api/p/x", &[("x-api-key", &*house.key)]).await
    };
    for attempts in [1, 2, 2] {
        let answer = ask(Method::GET).await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (200, &b"ok"[..]));
        assert_eq!(house.record(&answer).await["upstream"]["attempts"], attempts);
    }
    assert_eq!(ask(Method::DELETE).await.status, StatusCode::OK);
    // What may have done something is not done again.
    ask(Method::POST).await.refused(502, "upstream", "upstream-invalid-response");
}

#[tokio::test]
async fn an_echo_that_cannot_be_read_is_withheld_and_the_shield_can_be_put_down() {
    let upstream = Recording::start(|request, _| {
        let said = request.headers()["authorization"].as_bytes().to_vec();
        Response::builder().header("content-encoding", "compress").body(said.into()).unwrap()
    });
    let house = behind(&upstream, &json!({})).await;
    let answer = get(&house, "/x", &[("accept-encoding", "compress, br;q=0.5")]).await;
    answer.refused(502, "upstream", "upstream-invalid-response");
    assert_eq!(upstream.only().headers()["accept-encoding"], "br;q=0.5");

    let mut open = proxy("p");
    open["echoShield"] = json!(false);
    let written = house.put("/proxies/p", &open).await;
    assert_eq!(written["warnings"][0]["kind"], "echo-shield-off", "{written}");
    let answer = get(&house, "/x", &[("accept-encoding", "compress")]).await;
    assert_eq!(answer.body, format!("Bearer {UPSTREAM_SECRET}"));
    assert_eq!(upstream.only().headers()["accept-encoding"], "compress");
}

#[tokio::test]
async fn a_filter_applies_where_it_says() {
    let upstream = Recording::start(|request, _| {
        let status = if request.uri().path().ends_with("/bad") { 500 } else { 200 };
        let body = json!({ "id": 7, "ssn": "078-05-1120", "items": [{"price": 5}, {"price": 50}] });
        recording::json(StatusCode::from_u16(status).unwrap(), &body)
    });
    let house = behind(&upstream, &json!({})).await;
    let of_people = json!({ "operation": "destroy", "paths": ["$.ssn"], "methods": ["GET"],
        "path": "^/people/" });
    house.post("/proxies/p/filters", &of_people).await;
    let dear =
        json!({ "operation": "destroy", "paths": ["$.items[?@.price > 10]", "$.items[-3]"] });
    house.post("/targets/echo/filters", &dear).await;
    let left = async |method: Method, path: &str| {
        let key = house.key.clone();
        let target = format!("/api/p{path}");
        house.call_with(method, &target, &[("x-api-key", &key)]).await.json()
    };
    let cheap = json!([{ "price": 5 }]);
    assert_eq!(left(Method::GET, "/people/7").await, json!({ "id": 7, "items": cheap }));
    let whole = json!({ "id": 7, "ssn": "078-05-1120", "items": cheap });
    assert_eq!(left(Method::POST, "/people/7").await, whole);
    assert_eq!(left(Method::GET, "/x").await, whole);
    assert_eq!(left(Method::GET, "/x/../people/7").await["ssn"], Value::Null);
    assert_eq!(left(Method::GET, "/people/bad").await["ssn"], "078-05-1120");

    let of_errors = json!({ "operation": "mask", "paths": ["$.ssn"], "applyToErrors": true });
    let written = house.post("/proxies/p/filters", &of_errors).await;
    assert_eq!(written["warnings"][0]["kind"], "applies-to-errors", "{written}");
    assert_eq!(left(Method::GET, "/people/bad").await["ssn"], "***");
}

#[tokio::test]
async fn a_shadow_filter_is_recorded_and_removes_nothing() {
    let upstream =
        Recording::start(|_, _| recording::json(StatusCode::OK, &json!({"a": 1, "b": 2})));
    let house = behind(&upstream, &json!({})).await;
    let shadow = json!({ "operation": "destroy", "paths": ["$.*"], "mode": "shadow" });
    let filter = house.post("/proxies/p/filters", &shadow).await;
    let answer = get(&house, "/x", &[]).await;
    assert_eq!(answer.json(), json!({"a": 1, "b": 2}));
    let record = house.record(&answer).await;
    assert_eq!(record["filters"][0]["id"], filter["id"], "{record}");
    let noted = &record["filters"][0];
    assert_eq!((&noted["scope"], &noted["mode"]), (&json!("proxy"), &json!("shadow")));
    let by_path = json!([{ "path": "$.*", "removed": 2 }]);
    assert_eq!((&noted["removed"], &noted["paths"]), (&json!(2), &by_path));
}

#[tokio::test]
async fn events_are_filtered_one_by_one_where_the_filter_says_so() {
    let upstream = Recording::start(|_, _| {
        let events = "data: {\"id\":1,\"ssn\":2}\n\ndata: {\"id\":2,\n\ndata: [DONE]\n\n";
        let events = events.replace("{\"id\":2,\n", "{\"id\":2,\ndata: \"ssn\":3}\n");
        Response::builder().header("content-type", "text/event-stream").body(events.into()).unwrap()
    });
    let house = behind(&upstream, &json!({})).await;
    let filter = json!({ "operation": "retain", "paths": ["$.id"] });
    house.put("/proxies/p/filters/flt_1", &filter).await;
    let answer = get(&house, "/x", &[]).await;
    answer.refused(422, "filter", "response-not-filterable");
    let streaming = json!({ "operation": "retain", "paths": ["$.id"], "streaming": true });
    house.put("/proxies/p/filters/flt_1", &streaming).await;
    let answer = get(&house, "/x", &[]).await;
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(text.contains("{\"id\":1}") && text.contains("{\"id\":2}"), "{text}");
    assert!(text.contains("[DONE]") && !text.contains("ssn"), "{text}");
}

#[tokio::test]
async fn what_goes_upstream_is_filtered_and_changed() {
    let upstream = Recording::start(|_, _| {
        let body = json!({ "data": { "id": 7, "secret": "canary" }, "took": 3 });
        recording::json(StatusCode::OK, &body)
    });
    let transform = json!({
        "request": {
            "path": { "pattern": "^/v1/(.*)$", "to": "/v2/$1" },
            "query": { "normalise": { "remove": ["debug"], "sort": true },
                       "set": { "caller": "{identity.credential}" } },
            "headers": { "remove": ["x-debug"], "set": { "x-user": "{identity.subject}" } },
            "body": [{ "op": "set", "path": "/from", "value": "gateway" }]
        },
        "response": {
            "headers": { "set": { "x-served-by": "rr" } },
            "body": [{ "op": "unwrap", "path": "/data" }]
        }
    });
    let house = behind(&upstream, &json!({ "transform": transform })).await;
    let rule = json!({ "effect": "deny", "path": { "pattern": "^/v2/admin" } });
    house.post("/proxies/p/rules", &rule).await;
    let request =
        json!({ "operation": "destroy", "paths": ["$.trace", "$.from"], "on": "request" });
    house.post("/proxies/p/filters", &request).await;
    let response = json!({ "operation": "destroy", "paths": ["$.data.secret"] });
    house.post("/proxies/p/filters", &response).await;

    let url = format!("http://{}/api/p/v1/a?z=1&debug=1&a=2", house.gateway.data_address());
    let key = house.key.clone();
    let headers = [
        ("x-api-key", &*key),
        ("content-type", "application/json"),
        ("x-debug", "1"),
        ("x-user", "root"),
    ];
    let body = Bytes::from(r#"{"trace":true,"n":1.10}"#);
    let answer = house.send(Method::POST, &url, &headers, body).await;
    assert_eq!(answer.json(), json!({ "id": 7 }), "{}", answer.json());
    assert_eq!(answer.header("x-served-by"), "rr");
    let received = upstream.only();
    assert_eq!(received.uri(), "/base/v2/a?a=2&z=1&caller=caller");
    assert_eq!(received.headers()["x-user"], "caller");
    assert!(!received.headers().contains_key("x-debug"));
    assert_eq!(received.body(), r#"{"n":1.10}"#, "filters see what the transformation put there");
    let record = house.record(&answer).await;
    assert_eq!(record["path"], "/v2/a", "{record}");
    get(&house, "/v1/admin", &[]).await.refused(400, "rules", "rule-denied");
    get(&house, "/v1/%2e%2e/v2/%61dmin", &[]).await.refused(400, "rules", "rule-denied");
}

#[tokio::test]
async fn explain_tells_which_filters_apply_and_what_is_held() {
    let upstream = Recording::content();
    let transform = json!({ "response": { "body": [{ "op": "unwrap", "path": "/data" }] } });
    let house = behind(&upstream, &json!({ "transform": transform })).await;
    for (id, more) in [
        ("flt_paths", json!({ "paths": ["$.a"], "path": "^/a" })),
        ("flt_whole", json!({ "paths": ["$[?@.a]"], "mode": "shadow" })),
        ("flt_ask", json!({ "paths": ["$.a"], "on": "request" })),
    ] {
        let mut filter = json!({ "operation": "destroy" });
        filter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        house.put(&format!("/proxies/p/filters/{id}"), &filter).await;
    }
    let told = async |path: &str| {
        let question = json!({ "proxyId": "p", "method": "GET", "path": path,
            "credentialId": "caller" });
        let url = format!("http://{}/v1/explain", house.gateway.control_address());
        let token = format!("Bearer {}", *house.gateway.owner_token().unwrap());
        let headers = [("authorization", &*token), ("content-type", "application/json")];
        house.send(Method::POST, &url, &headers, question.to_string().into()).await.json()
    };
    let stage = |said: &Value, name: &str| {
        let stages = said["stages"].as_array().unwrap();
        stages.iter().find(|it| it["stage"] == name).unwrap().clone()
    };
    let said = told("/a").await;
    let filter = stage(&said, "filter");
    let known = |it: &Value| (it["id"].clone(), it["mode"].clone(), it["buffered"].clone());
    let filters: Vec<_> = filter["filters"].as_array().unwrap().iter().map(known).collect();
    let expected = [
        (json!("flt_paths"), json!("enforce"), json!(false)),
        (json!("flt_whole"), json!("shadow"), json!(true)),
    ];
    assert_eq!(filters, expected, "{filter}");
    assert_eq!(filter["echoShield"], true);
    let changes = stage(&said, "transform");
    assert_eq!(changes["buffered"], json!(["request", "response"]), "{changes}");
    assert_eq!(changes["filters"][0]["id"], "flt_ask");
    let other = told("/b").await;
    assert_eq!(stage(&other, "filter")["filters"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_secret_that_is_too_short_to_be_masked_is_warned_about() {
    let house = House::build().await;
    for (auth, kind) in [
        (json!({ "type": "bearer", "token": "1234567" }), json!("secret-not-shielded")),
        (json!({ "type": "bearer", "token": "12345678" }), Value::Null),
        (
            json!({ "type": "custom", "headers": { "X-Id": "7", "X-Key": "k_4eC39HqLyjW" } }),
            json!("secret-not-shielded"),
        ),
        (
            json!({ "type": "basicAuth", "username": "a", "password": "short" }),
            json!("secret-not-shielded"),
        ),
    ] {
        let credential = json!({ "name": "upstream", "kind": "target", "auth": auth });
        let written = house.put("/credentials/upstream", &credential).await;
        assert_eq!(written["warnings"][0]["kind"], kind, "{written}");
    }
}

// The secret in any encoding that is not masked whole.
fn leaks(text: &str) -> bool {
    let secret = UPSTREAM_SECRET;
    let hex: String = secret.bytes().map(|it| format!("{it:02X}")).collect();
    let coded = (0..3).map(|offset| {
        let text = STANDARD.encode([&b"...".as_slice()[..offset], secret.as_bytes()].concat());
        text.get(4..text.len() - 4).unwrap().to_owned()
    });
    let percent = secret.replace('_', "%5F");
    let all = coded.chain([secret.to_owned(), hex, percent]);
    all.into_iter().any(|it| text.contains(&it))
}

async fn get(house: &House, path: &str, headers: &[(&str, &str)]) -> Answer {
    let key = [("x-api-key", &*house.key)];
    let target = format!("/api/p{path}");
    house.call_with(Method::GET, &target, &[&key[..], headers].concat()).await
}

async fn behind(upstream: &Recording, more: &Value) -> House {
    at(&upstream.url("/base"), more).await
}

// A house whose proxy `p` calls `url`, and has `more` members.
async fn at(url: &str, more: &Value) -> House {
    let house = House::build().await;
    let target = json!({ "name": "echo", "baseUrl": url, "allowPlaintext": true });
    house.retarget(target).await;
    let mut proxy = proxy("p");
    proxy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    house.put("/proxies/p", &proxy).await;
    house
}
