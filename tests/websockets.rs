//! WebSockets: what begins them, what passes, what ends them. Over real sockets, with frames by hand.

mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{House, UPSTREAM_SECRET, proxy};

#[tokio::test]
async fn messages_pass_both_ways_and_the_record_comes_at_the_end() {
    let (house, upstream) = open_house(json!({})).await;
    let mut caller = Caller::opened(&house).await;
    caller.send(&text("hello")).await;
    assert_eq!(caller.receive().await, "hello");
    caller.send(&text("again")).await;
    assert_eq!(caller.receive().await, "again");

    let head = upstream.head();
    assert!(head.contains("upgrade: websocket\r\n") && head.contains("connection: upgrade\r\n"));
    assert!(head.contains(&format!("authorization: Bearer {UPSTREAM_SECRET}")), "{head}");
    assert!(head.contains("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="), "{head}");
    assert!(!head.contains(&house.key) && !head.contains("x-api-key"), "{head}");
    // What the shield could not look into is not asked for.
    assert!(!head.contains("permessage-deflate"), "{head}");

    assert!(records(&house).await.is_empty(), "it is not over");
    drop(caller);
    let record = only_record(&house).await;
    assert_eq!((record["status"].clone(), record["stage"].clone()), (json!(101), Value::Null));
    assert_eq!((&record["requestBytes"], &record["responseBytes"]), (&json!(22), &json!(14)));
}

#[tokio::test]
async fn the_injected_secret_does_not_come_back_in_frames() {
    let (house, _upstream) = open_house(json!({})).await;
    let mut caller = Caller::opened(&house).await;
    caller.send(&text("say the secret")).await;
    let said = caller.receive().await;
    assert_eq!(said, format!("it is {}!", "*".repeat(UPSTREAM_SECRET.len())));

    let (house, _upstream) = open_house(json!({"echoShield": false})).await;
    let mut caller = Caller::opened(&house).await;
    caller.send(&text("say the secret")).await;
    assert_eq!(caller.receive().await, format!("it is {UPSTREAM_SECRET}!"), "it does send it");
}

#[tokio::test]
async fn a_proxy_allows_it_or_the_upgrade_goes_no_further() {
    let (house, upstream) = open_house(json!({"allowUpgrade": false})).await;
    let mut caller = Caller::asking(&house, "").await;
    let answer = caller.head().await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(!upstream.head().contains("upgrade"), "{}", upstream.head());
}

#[tokio::test]
async fn no_other_protocol_is_passed_on() {
    let (house, upstream) = open_house(json!({})).await;
    for (asked, answered) in [("h2c", "400"), ("websocket, h2c", "400")] {
        let mut caller = Caller::asking_for(&house, asked, "").await;
        let answer = caller.head().await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {answered}")), "{answer}");
        assert!(!upstream.head().contains("upgrade:"), "{}", upstream.head());
    }
}

#[tokio::test]
async fn an_upstream_that_switches_unasked_or_to_something_else_is_at_fault() {
    let (house, _upstream) = open_house(json!({})).await;
    for path in ["/unasked", "/h2c"] {
        let headers = [("x-api-key", house.key.as_str())];
        let answer = house.call_with(Method::GET, &format!("/api/p{path}"), &headers).await;
        answer.refused(502, "upstream", "upstream-invalid-response");
    }
    let mut caller = Caller::asking_at(&house, "/h2c", "websocket", "").await;
    let answer = caller.head().await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
}

#[tokio::test]
async fn who_may_not_call_opens_nothing() {
    let (house, upstream) = open_house(json!({})).await;
    house.post("/proxies/p/rules", &json!({"effect": "deny", "path": {"pattern": "^/ws$"}})).await;
    let mut caller = Caller::asking(&house, "").await;
    let answer = caller.head().await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("rule-denied"), "{answer}");
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn what_filters_would_not_see_does_not_begin() {
    let (house, _upstream) = open_house(json!({})).await;
    let filter = json!({"operation": "destroy", "paths": ["$.secret"]});
    house.post("/proxies/p/filters", &filter).await;
    let mut caller = Caller::asking(&house, "").await;
    let answer = caller.head().await;
    assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    assert!(answer.contains("response-not-filterable"), "{answer}");
}

#[tokio::test]
async fn it_takes_its_place_until_it_ends() {
    let (house, _upstream) = open_house(json!({"limits": {"concurrency": 1}})).await;
    let caller = Caller::opened(&house).await;
    let answer = Caller::asking(&house, "").await.head().await;
    assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
    drop(caller);
    only_record(&house).await;
    Caller::opened(&house).await;
}

#[tokio::test]
async fn a_revoked_credential_ends_it() {
    let (house, _upstream) = open_house(json!({})).await;
    let mut caller = Caller::opened(&house).await;
    caller.send(&text("hello")).await;
    assert_eq!(caller.receive().await, "hello");
    let revoked = house.api(Method::DELETE, "/credentials/caller?force=true", None).await;
    let revoked = match revoked.status {
        StatusCode::NO_CONTENT => revoked,
        _ => {
            let off = json!({"active": false});
            house.api(Method::PATCH, "/credentials/caller", Some(&off)).await
        }
    };
    assert!(revoked.status.is_success(), "{}", revoked.json());
    let ended = tokio::time::timeout(Duration::from_secs(10), caller.stream.read_u8()).await;
    ended.expect("an end").unwrap_err();
    let record = only_record(&house).await;
    assert!(record["error"].as_str().unwrap().contains("no longer good"), "{record}");
}

#[tokio::test]
async fn frames_that_are_none_end_it() {
    let (house, _upstream) = open_house(json!({})).await;
    let mut caller = Caller::opened(&house).await;
    caller.send(&text("break")).await;
    let ended = tokio::time::timeout(Duration::from_secs(10), caller.stream.read_u8()).await;
    ended.expect("an end").unwrap_err();
}

#[tokio::test]
async fn silence_ends_it() {
    let (house, upstream) = open_house(json!({})).await;
    let mut target = target(&upstream);
    target["idleTimeoutMs"] = json!(1000);
    house.retarget(target).await;
    let mut caller = Caller::opened(&house).await;
    caller.send(&text("hello")).await;
    assert_eq!(caller.receive().await, "hello");
    let ended = tokio::time::timeout(Duration::from_secs(10), caller.stream.read_u8()).await;
    ended.expect("an end").unwrap_err();
}

/// An upstream that speaks WebSocket at `/ws`, and answers 400 to whoever does not.
struct Upstream {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(served(stream, Arc::clone(&seen)));
            }
        });
        Self { address, heads }
    }

    fn head(&self) -> String {
        self.heads.lock().unwrap().last().unwrap().clone()
    }

    fn count(&self) -> usize {
        self.heads.lock().unwrap().len()
    }
}

async fn served(mut stream: TcpStream, heads: Arc<Mutex<Vec<String>>>) {
    let head = read_head(&mut stream).await;
    heads.lock().unwrap().push(head.clone());
    let switching = |to: &str| {
        format!("HTTP/1.1 101 Switching Protocols\r\nupgrade: {to}\r\nconnection: upgrade\r\n\r\n")
    };
    let answer = match head.split(' ').nth(1).unwrap() {
        "/base/unasked" => switching("websocket"),
        "/base/h2c" => switching("h2c"),
        _ if head.contains("upgrade: websocket") => switching("websocket"),
        _ => {
            "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned()
        }
    };
    stream.write_all(answer.as_bytes()).await.unwrap();
    while let Some(message) = read_frame(&mut stream).await {
        let said = match message.as_str() {
            "say the secret" => format!("it is {UPSTREAM_SECRET}!"),
            "break" => {
                stream.write_all(&[0xff; 16]).await.unwrap();
                continue;
            }
            _ => message,
        };
        let mut frame = vec![0x81, u8::try_from(said.len()).unwrap()];
        frame.extend(said.as_bytes());
        stream.write_all(&frame).await.unwrap();
    }
}

struct Caller {
    stream: TcpStream,
}

impl Caller {
    async fn opened(house: &House) -> Self {
        let mut caller = Self::asking(house, "").await;
        let head = caller.head().await;
        assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
        assert!(head.contains("upgrade: websocket\r\n"), "{head}");
        assert!(head.contains("rr-proxy-code: proxy-access-granted\r\n"), "{head}");
        caller
    }

    async fn asking(house: &House, early: &str) -> Self {
        Self::asking_for(house, "websocket", early).await
    }

    async fn asking_for(house: &House, protocol: &str, early: &str) -> Self {
        Self::asking_at(house, "/ws", protocol, early).await
    }

    async fn asking_at(house: &House, path: &str, protocol: &str, early: &str) -> Self {
        let mut stream = TcpStream::connect(house.gateway.data_address()).await.unwrap();
        let head = format!(
            "GET /api/p{path} HTTP/1.1\r\nHost: a\r\nX-API-Key: {}\r\nConnection: Upgrade\r\n\
             Upgrade: {protocol}\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n{early}",
            house.key
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        Self { stream }
    }

    /// The answer's head, and of one that is not a 101 what follows.
    async fn head(&mut self) -> String {
        let mut head = read_head(&mut self.stream).await;
        let length = head.split("content-length: ").nth(1).and_then(|it| it.split('\r').next());
        if let Some(length) = length {
            let mut body = vec![0; length.parse().unwrap()];
            self.stream.read_exact(&mut body).await.unwrap();
            head.push_str(&String::from_utf8(body).unwrap());
        }
        head
    }

    async fn send(&mut self, frame: &[u8]) {
        self.stream.write_all(frame).await.unwrap();
    }

    async fn receive(&mut self) -> String {
        let received = read_frame(&mut self.stream);
        tokio::time::timeout(Duration::from_secs(10), received).await.unwrap().unwrap()
    }
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

// A short one; unmasked, if it was masked.
async fn read_frame(stream: &mut TcpStream) -> Option<String> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await.ok()?;
    let mut mask = [0; 4];
    if head[1] & 0x80 != 0 {
        stream.read_exact(&mut mask).await.ok()?;
    }
    let mut said = vec![0; usize::from(head[1] & 0x7f)];
    stream.read_exact(&mut said).await.ok()?;
    said.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Some(String::from_utf8(said).unwrap())
}

// As clients send it: masked.
fn text(said: &str) -> Vec<u8> {
    let mask = [7, 1, 200, 9];
    let mut frame = vec![0x81, 0x80 | u8::try_from(said.len()).unwrap()];
    frame.extend(mask);
    frame.extend(said.bytes().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

async fn open_house(more: Value) -> (House, Upstream) {
    let upstream = Upstream::start().await;
    let house = House::build().await;
    house.retarget(target(&upstream)).await;
    let mut open = proxy("p");
    open["allowUpgrade"] = json!(true);
    for (name, value) in more.as_object().unwrap() {
        open[name] = value.clone();
    }
    house.put("/proxies/p", &open).await;
    (house, upstream)
}

fn target(upstream: &Upstream) -> Value {
    json!({"name": "echo", "baseUrl": format!("http://{}/base", upstream.address),
        "allowPlaintext": true})
}

async fn records(house: &House) -> Vec<Value> {
    let page = house.api(Method::GET, "/requests", None).await.json();
    let items = page["items"].as_array().unwrap().iter();
    items.filter(|it| it["status"] == 101).cloned().collect()
}

async fn only_record(house: &House) -> Value {
    let mut tries = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..250 {
        tries.tick().await;
        if let [record] = records(house).await.as_slice() {
            return record.clone();
        }
    }
    panic!("no record");
}
