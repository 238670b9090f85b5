//! Where framing is the point: raw bytes on a socket.

mod support;

use std::time::Duration;

use http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::House;
use crate::support::recording::Recording;

#[tokio::test]
async fn what_could_be_read_in_two_ways_never_reaches_the_upstream() {
    let house = House::build().await;
    for head in [
        "POST /api/p/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "POST /api/p/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n",
        "POST /api/p/x HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\n",
        "POST /api/p/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n",
        "GET /api/p/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        "GET /api/p/x HTTP/1.1\r\nHost: user@a\r\n",
        "GET http://b/api/p/x HTTP/1.1\r\nHost: a\r\n",
        "GET /api/p/x HTTP/1.1\r\n",
        "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n",
        "TRACE /api/p/x HTTP/1.1\r\nHost: a\r\n",
    ] {
        let answer = exchange(&house, head, "3\r\nabc\r\n0\r\n\r\n").await;
        let is_refused =
            ["400", "405", "501"].iter().any(|it| answer.starts_with(&format!("HTTP/1.1 {it}")));
        assert!(is_refused, "{head}\n{answer}");
    }
    assert_eq!(house.echo.count(), 0);
}

#[tokio::test]
async fn what_follows_a_refused_message_is_not_a_request() {
    let house = House::build().await;
    let smuggled =
        format!("GET /api/p/smuggled HTTP/1.1\r\nHost: a\r\nX-API-Key: {}\r\n\r\n", house.key);
    let first = "POST /api/p/x HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\nContent-Length: 4\r\n\r\n3a\r\n";
    let mut stream = TcpStream::connect(house.gateway.data_address()).await.unwrap();
    stream.write_all(format!("{first}{smuggled}").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(10), reading).await.expect("an end").unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    assert_eq!(house.echo.count(), 0);
}

#[tokio::test]
async fn who_sends_all_of_a_body_that_nobody_reads_still_gets_the_answer() {
    let house = House::build().await;
    for _ in 0..20 {
        let mut stream = TcpStream::connect(house.gateway.data_address()).await.unwrap();
        let head = "POST /api/p/x HTTP/1.1\r\nHost: a\r\nX-API-Key: wrong\r\nContent-Length: 4194304\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b'x'; 4 << 20]).await.expect("the connection is not reset");
        let mut answer = String::new();
        let reading = stream.read_to_string(&mut answer);
        tokio::time::timeout(Duration::from_secs(10), reading).await.expect("an end").unwrap();
        assert!(answer.starts_with("HTTP/1.1 401") && answer.ends_with('}'), "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
    // A small one is read, and the connection goes on.
    let mut stream = TcpStream::connect(house.gateway.data_address()).await.unwrap();
    for _ in 0..3 {
        let request = "POST /api/p/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 2048];
        let len = stream.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..len]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        assert!(!answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_breaks_its_body_is_at_fault_not_the_upstream() {
    let house = House::build().await;
    let head = "POST /api/p/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n";
    let answer = exchange(&house, head, "zz\r\nabc\r\n0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("malformed-request"), "{answer}");
}

#[tokio::test]
async fn a_body_of_any_method_goes_upstream_or_is_refused() {
    let (house, upstream) = recorded(json!({})).await;
    for method in [Method::GET, Method::HEAD, Method::DELETE, Method::OPTIONS, Method::POST] {
        let head =
            format!("{method} /api/p/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n");
        let answer = exchange(&house, &head, "5\r\nhello\r\n0\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{method}: {answer}");
        assert_eq!(upstream.only().body(), "hello", "{method}");
        let answer = exchange(&house, &head, "zz\r\nhello\r\n0\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{method}: {answer}");
        assert_eq!(upstream.count(), 0, "{method}");
    }
}

#[tokio::test]
async fn the_time_for_an_answer_begins_when_the_request_has_been_sent() {
    let (house, upstream) = recorded(json!({"timeoutMs": 300})).await;
    let mut stream = TcpStream::connect(house.gateway.data_address()).await.unwrap();
    let head = format!(
        "POST /api/p/x HTTP/1.1\r\nHost: a\r\nX-API-Key: {}\r\nContent-Length: 8\r\n\r\n",
        house.key
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut pauses = tokio::time::interval(Duration::from_millis(100));
    for byte in b"12345678" {
        pauses.tick().await;
        stream.write_all(&[*byte]).await.unwrap();
    }
    let mut answer = [0; 64];
    let len = stream.read(&mut answer).await.unwrap();
    assert!(answer[..len].starts_with(b"HTTP/1.1 200"), "{:?}", String::from_utf8_lossy(&answer));
    assert_eq!(upstream.only().body(), "12345678");
}

// The proxy `p` in front of an upstream that keeps what it gets.
async fn recorded(more: serde_json::Value) -> (House, Recording) {
    let (house, upstream) = (House::build().await, Recording::content());
    let mut target = json!({"name": "echo", "baseUrl": upstream.url(""), "allowPlaintext": true});
    for (name, value) in more.as_object().unwrap() {
        target[name] = value.clone();
    }
    house.retarget(target).await;
    (house, upstream)
}

#[tokio::test]
async fn an_upgrade_is_not_forwarded() {
    let house = House::build().await;
    let head = "GET /api/p/x HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n";
    let answer = exchange(&house, head, "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let received = house.echo.last().unwrap();
    assert!(!received.headers.contains_key("upgrade"));
    assert!(!received.headers.contains_key("connection"));
}

#[tokio::test]
async fn a_request_that_has_been_here_before_is_508() {
    let house = House::build().await;
    exchange(&house, "GET /api/p/x HTTP/1.1\r\nHost: a\r\n", "").await;
    let via = house.echo.last().unwrap().headers["via"].to_str().unwrap().to_owned();
    let head = format!("GET /api/p/x HTTP/1.1\r\nHost: a\r\nVia: {via}\r\n");
    let answer = exchange(&house, &head, "").await;
    assert!(answer.starts_with("HTTP/1.1 508"), "{answer}");
    assert_eq!(house.echo.count(), 1);
}

#[tokio::test]
async fn nothing_but_the_data_plane_answers_on_the_data_port() {
    let house = House::build().await;
    for target in ["/v1/openapi.json", "/docs", "/readyz"] {
        let answer = exchange(&house, &format!("GET {target} HTTP/1.1\r\nHost: a\r\n"), "").await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    }
}

// Sends a request with the caller's key, and reads until the gateway closes or has answered.
async fn exchange(house: &House, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(house.gateway.data_address()).await.unwrap();
    let request = format!("{head}X-API-Key: {}\r\nConnection: close\r\n\r\n{body}", house.key);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(10), reading).await.expect("an end").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
