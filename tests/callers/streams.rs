//! A credential that is no longer good ends what it began, and nothing else.

use std::net::SocketAddr;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::issuer::{AUDIENCE, Key, Server, claims};
use crate::support::House;
use crate::world::{BOUND, INVALID, bind, credential, inline};

#[tokio::test]
async fn switched_off_rotated_unbound_and_deleted_credentials_end_their_streams() {
    let off = json!({"active": false});
    let ends: [(&str, Method, &str, Option<Value>); 4] = [
        ("switched off", Method::PATCH, "/credentials/caller", Some(off)),
        ("rotated", Method::POST, "/credentials/caller/rotate", Some(json!({}))),
        ("unbound", Method::PATCH, "/proxies/p", Some(json!({"proxyCredentialIds": ["other"]}))),
        ("deleted", Method::DELETE, "/credentials/caller", None),
    ];
    for (what, method, path, body) in ends {
        let (house, mut upstream) = with_streams().await;
        let other = house.caller("other").await;
        admit(&house, &["caller", "other"]).await;
        let mut stream = Stream::open(&house, &format!("X-API-Key: {}", house.key)).await;
        let mut stays = Stream::open(&house, &format!("X-API-Key: {other}")).await;
        let (mut served, mut also) = (upstream.next().await, upstream.next().await);
        if what == "deleted" {
            admit(&house, &["other"]).await;
        }
        let written = house.api(method, path, body.as_ref()).await;
        assert!(written.status.is_success(), "{what}: {}", written.json());
        stream.ends_visibly(what).await;
        ended(&mut served).await;

        also.write_all(b"5\r\nworld\r\n0\r\n\r\n").await.unwrap();
        stays.read_until("0\r\n\r\n").await;
        assert!(stays.text.contains("world"), "{what}: {}", stays.text);
    }
}

#[tokio::test]
async fn a_credential_ends_its_streams_also_where_nobody_asks_for_it_any_more() {
    let open = json!({"authentication": "none", "proxyCredentialIds": []});
    for (what, method, body) in
        [("deleted", Method::DELETE, None), ("open", Method::PATCH, Some(&open))]
    {
        let (house, mut upstream) = with_streams().await;
        let key = format!("X-API-Key: {}", house.key);
        let mut stream = Stream::open(&house, &key).await;
        let mut served = upstream.next().await;
        let mut waits = Stream::send(&house, "/api/p/silent", &key).await;
        let _silent = upstream.next().await;
        let written = house.api(method, "/proxies/p", body).await;
        assert!(written.status.is_success(), "{what}: {}", written.json());
        served.write_all(b"5\r\nworld\r\n").await.unwrap();
        stream.read_until("world").await;
        let written = house.api(Method::DELETE, "/credentials/caller", None).await;
        assert!(written.status.is_success(), "{what}: {}", written.json());
        stream.ends_visibly(what).await;
        ended(&mut served).await;
        waits.read_until("\"requestId\"").await;
        let challenge = format!("www-authenticate: {INVALID}\r\n");
        assert!(waits.text.starts_with("HTTP/1.1 401 "), "{what}: {}", waits.text);
        assert!(waits.text.contains(&challenge), "{what}: {}", waits.text);
    }
}

#[tokio::test]
async fn a_stream_goes_on_while_its_old_key_has_grace() {
    let (house, mut upstream) = with_streams().await;
    let mut stream = Stream::open(&house, &format!("X-API-Key: {}", house.key)).await;
    let mut served = upstream.next().await;
    house.post("/credentials/caller/rotate", &json!({"graceSeconds": 60})).await;
    served.write_all(b"5\r\nworld\r\n").await.unwrap();
    stream.read_until("world").await;
    house.clock.advance(Duration::from_secs(60));
    stream.ends_visibly("the grace is over").await;
}

#[tokio::test]
async fn a_stream_ends_with_the_token_that_opened_it() {
    let (house, mut upstream) = with_streams().await;
    let key = Key::new("one");
    credential(&house, "jwt", inline(&key, AUDIENCE)).await;
    admit(&house, &["jwt"]).await;
    let token = key.token(&claims(json!({})));
    let mut stream = Stream::open(&house, &format!("Authorization: Bearer {token}")).await;
    let mut served = upstream.next().await;
    house.clock.advance(Duration::from_secs(299));
    served.write_all(b"5\r\nworld\r\n").await.unwrap();
    stream.read_until("world").await;
    house.clock.advance(Duration::from_secs(61));
    stream.ends_visibly("the token has expired").await;
}

#[tokio::test]
async fn a_busy_stream_ends_as_well() {
    let (house, mut upstream) = with_streams().await;
    let mut stream = Stream::open(&house, &format!("X-API-Key: {}", house.key)).await;
    let mut served = upstream.next().await;
    let busy = tokio::spawn(async move {
        // Until nobody reads it any more.
        while served.write_all(b"5\r\nworld\r\n").await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    stream.read_until("world").await;
    house.api(Method::PATCH, "/credentials/caller", Some(&json!({"active": false}))).await;
    // The reading of a busy stream is timed by the clock, which a test moves.
    house.clock.advance(Duration::from_secs(1));
    stream.ends_visibly("busy").await;
    tokio::time::timeout(BOUND, busy).await.expect("an end").unwrap();
}

#[tokio::test]
async fn a_stream_ends_when_its_issuer_says_that_its_token_is_no_longer_active() {
    let (house, mut upstream) = with_streams().await;
    let server = Server::start(json!({"active": true, "sub": "alice"}));
    let auth = json!({"type": "introspection", "introspectionUrl": server.url("/introspect"),
        "allowPlaintext": true, "clientId": "gateway", "clientSecret": "s3cret-of-the-gateway"});
    credential(&house, "ask", auth).await;
    admit(&house, &["ask"]).await;
    let mut stream = Stream::open(&house, "Authorization: Bearer an-opaque-token").await;
    let mut served = upstream.next().await;
    // Asked again, and still good; and while nobody can tell.
    house.clock.advance(Duration::from_secs(60));
    passing(&house, asked(&server, 2)).await;
    server.answers(503, json!({}));
    house.clock.advance(Duration::from_secs(60));
    passing(&house, asked(&server, 3)).await;
    served.write_all(b"5\r\nworld\r\n").await.unwrap();
    stream.read_until("world").await;

    server.answers(200, json!({"active": false}));
    passing(&house, stream.ends_within(BOUND, "revoked at its issuer")).await;
    ended(&mut served).await;
    let record = house.recorded(stream.header("rr-request-id")).await;
    assert!(record["error"].as_str().unwrap().contains("no longer good"), "{record}");
}

async fn asked(server: &Server, times: usize) {
    let mut tries = tokio::time::interval(Duration::from_millis(20));
    let asked = async {
        while server.asked() < times {
            tries.tick().await;
        }
    };
    tokio::time::timeout(BOUND, asked).await.expect("a question");
}

// While time passes, ten times as fast as it does.
async fn passing<T>(house: &House, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = ticks.tick() => house.clock.advance(Duration::from_millis(200)),
        }
    }
}

#[tokio::test]
async fn a_request_that_waits_for_its_answer_is_refused() {
    let (house, mut upstream) = with_streams().await;
    let path = "/api/p/silent";
    let mut stream = Stream::send(&house, path, &format!("X-API-Key: {}", house.key)).await;
    let mut served = upstream.next().await;
    house.api(Method::PATCH, "/credentials/caller", Some(&json!({"active": false}))).await;
    stream.read_until("\"requestId\"").await;
    assert!(stream.text.starts_with("HTTP/1.1 401 "), "{}", stream.text);
    assert!(stream.text.contains("credential-invalid"), "{}", stream.text);
    assert!(stream.text.contains(&format!("www-authenticate: {INVALID}\r\n")), "{}", stream.text);
    ended(&mut served).await;
    // What it may have done upstream is on record.
    let record = house.recorded(stream.header("rr-request-id")).await;
    assert_eq!(record["upstream"], json!({"target": "chunks", "status": null, "attempts": 1}));
}

#[tokio::test]
async fn a_request_whose_caller_does_not_wait_is_on_record() {
    let (house, mut upstream) = with_streams().await;
    let credential = format!("X-API-Key: {}", house.key);
    let stream = Stream::send(&house, "/api/p/silent", &credential).await;
    let mut served = upstream.next().await;
    drop(stream);
    ended(&mut served).await;
    let mut tries = tokio::time::interval(Duration::from_millis(20));
    let record = loop {
        tries.tick().await;
        let page = house.api(Method::GET, "/requests", None).await.json();
        if let Some(record) = page["items"].get(0) {
            break record.clone();
        }
    };
    assert_eq!(
        (&record["status"], &record["code"]),
        (&json!(499), &json!("client-closed-request"))
    );
    assert_eq!((&record["path"], &record["credentialId"]), (&json!("/silent"), &json!("caller")));
    assert_eq!(record["upstream"], json!({"target": "chunks", "status": null, "attempts": 1}));
    assert!(record["error"].as_str().unwrap().contains("the caller left"), "{record}");
}

#[tokio::test]
async fn a_request_that_waits_longer_than_its_credential_lasts_is_told_so() {
    let (house, mut upstream) = with_streams().await;
    let at = "2027-01-15T08:00:10Z";
    house.api(Method::PATCH, "/credentials/caller", Some(&json!({"expiresAt": at}))).await;
    let path = "/api/p/silent";
    let mut stream = Stream::send(&house, path, &format!("X-API-Key: {}", house.key)).await;
    let mut served = upstream.next().await;
    house.clock.advance(Duration::from_secs(10));
    stream.read_until("\"requestId\"").await;
    assert!(stream.text.contains("credential-expired"), "{}", stream.text);
    assert!(stream.text.contains(INVALID), "{}", stream.text);
    ended(&mut served).await;
}

#[tokio::test]
async fn a_stream_ends_when_tokens_are_verified_in_another_way() {
    let key = Key::new("one");
    let other = json!({"audience": "https://other.example"});
    for (what, changed) in [("audience", other), ("keys", json!({"jwks": Key::new("two").set()}))] {
        let (house, mut upstream) = with_streams().await;
        credential(&house, "jwt", inline(&key, AUDIENCE)).await;
        admit(&house, &["jwt"]).await;
        let token = key.token(&claims(json!({})));
        let mut stream = Stream::open(&house, &format!("Authorization: Bearer {token}")).await;
        let mut served = upstream.next().await;
        // What is not about tokens changes nothing.
        let name = json!({"name": "renamed", "scopes": ["read"]});
        house.api(Method::PATCH, "/credentials/jwt", Some(&name)).await;
        served.write_all(b"5\r\nworld\r\n").await.unwrap();
        stream.read_until("world").await;
        let patch = json!({ "auth": changed });
        let written = house.api(Method::PATCH, "/credentials/jwt", Some(&patch)).await;
        assert!(written.status.is_success(), "{what}: {}", written.json());
        stream.ends_visibly(what).await;
        let record = house.recorded(stream.header("rr-request-id")).await;
        let error = record["error"].as_str().unwrap();
        assert!(error.contains("no longer good"), "{what}: {error}");
    }
}

/// An answer as it comes in.
struct Stream {
    socket: TcpStream,
    text: String,
}

impl Stream {
    /// Sends a request with this header line, and waits for the first chunk.
    async fn open(house: &House, credential: &str) -> Self {
        let mut stream = Self::send(house, "/api/p/x", credential).await;
        stream.read_until("hello").await;
        stream
    }

    async fn send(house: &House, path: &str, credential: &str) -> Self {
        let mut socket = TcpStream::connect(house.gateway.data_address()).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{credential}\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        Self { socket, text: String::new() }
    }

    async fn read_until(&mut self, end: &str) {
        let read = async {
            while !self.text.contains(end) {
                assert_ne!(self.read().await, 0, "the stream ended: {}", self.text);
            }
        };
        tokio::time::timeout(BOUND, read).await.expect("more of the stream");
    }

    fn header(&self, name: &str) -> &str {
        let line = self.text.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("no {name}: {}", self.text))
    }

    // Within a second, and so that nobody takes what came for all there is.
    async fn ends_visibly(&mut self, why: &str) {
        self.ends_within(Duration::from_secs(1), why).await;
    }

    async fn ends_within(&mut self, time: Duration, why: &str) {
        let read = async { while self.read().await > 0 {} };
        let read = tokio::time::timeout(time, read).await;
        assert!(read.is_ok(), "{why}: the stream goes on");
        assert!(!self.text.ends_with("0\r\n\r\n"), "{why}: {}", self.text);
    }

    // A reset is an end, too.
    async fn read(&mut self) -> usize {
        let mut buffer = [0; 4_096];
        let read = self.socket.read(&mut buffer).await.unwrap_or(0);
        self.text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        read
    }
}

/// An upstream that sends the first chunk, and leaves the rest to the test. `/silent` gets nothing.
struct Chunks {
    sockets: mpsc::UnboundedReceiver<TcpStream>,
    address: SocketAddr,
}

impl Chunks {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, sockets) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    socket.read_buf(&mut request).await.unwrap();
                }
                if !request.starts_with(b"GET /silent ") {
                    socket.write_all(FIRST).await.unwrap();
                }
                if sender.send(socket).is_err() {
                    return;
                }
            }
        });
        Self { sockets, address }
    }

    /// The next request's connection.
    async fn next(&mut self) -> TcpStream {
        self.sockets.recv().await.unwrap()
    }
}

// Nobody waits for the upstream any more.
async fn ended(socket: &mut TcpStream) {
    let mut buffer = [0; 64];
    let read = tokio::time::timeout(BOUND, socket.read(&mut buffer)).await;
    assert_eq!(read.expect("an end").unwrap_or(0), 0);
}

async fn with_streams() -> (House, Chunks) {
    let house = House::build().await;
    let upstream = Chunks::start().await;
    let url = format!("http://{}", upstream.address);
    let target = json!({"name": "chunks", "baseUrl": url, "allowPlaintext": true});
    house.put("/targets/chunks", &target).await;
    admit(&house, &["caller"]).await;
    (house, upstream)
}

async fn admit(house: &House, ids: &[&str]) {
    bind(house, ids, json!({"targetId": "chunks", "targetCredentialId": null})).await;
}

const FIRST: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\
    transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
