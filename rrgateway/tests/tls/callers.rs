//! Callers that are known by their certificates, at a whole gateway with a configuration.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rcgen::SanType;
use rrgateway::Gateway;
use rrgateway::demo::Echo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{Authority, BOUND, Folder, Pair};

const AGENT: &str = "spiffe://example.org/agent";

#[tokio::test]
async fn a_certificate_is_the_caller_that_its_name_fits() {
    let house = House::build().await;
    let answer = house.call(Some(&house.named(AGENT)), &[]).await;
    answer.is(200, "proxy-access-granted");
    let record = house.record(&answer).await;
    assert_eq!((&record["credentialId"], &record["subject"]), (&json!("agents"), &json!(AGENT)));
    assert_eq!(record["auth"], json!({"type": "mtls", "outcome": "ok"}));
    assert_eq!(house.echo.count(), 1);
}

#[tokio::test]
async fn a_name_must_fit_whole() {
    let house = House::build().await;
    for name in [
        "spiffe://example.org/agent2",
        "spiffe://example.org/Agent",
        "spiffe://example.org/other",
        "spiffe://examplexorg/agent",
        "spiffe://evil.example/example.org/agent",
    ] {
        house.call(Some(&house.named(name)), &[]).await.is(401, "credential-invalid");
    }
    // What is no SPIFFE id is no name at all.
    let unclear = house.named("spiffe://evil.example/spiffe://example.org/agent");
    house.call(Some(&unclear), &[]).await.is(401, "credential-missing");
    house.call(Some(&house.callers.issue("agent")), &[]).await.is(401, "credential-invalid");
    house.call(None, &[]).await.is(401, "credential-missing");
    assert_eq!(house.echo.count(), 0);
}

#[tokio::test]
async fn a_credential_that_is_shown_counts_before_the_certificate() {
    let house = House::build().await;
    let agent = house.named(AGENT);
    let key = format!("X-API-Key: {}", house.key);
    for (pair, lines) in [(Some(&agent), [key.as_str()]), (None, [key.as_str()])] {
        let answer = house.call(pair, &lines).await;
        answer.is(200, "proxy-access-granted");
        assert_eq!(house.record(&answer).await["credentialId"], "caller");
    }
    // Else a wrong key would be as good as a right one.
    for wrong in ["X-API-Key: wrong", "Authorization: Bearer wrong", "Authorization: Basic !"] {
        house.call(Some(&agent), &[wrong]).await.is(401, "credential-invalid");
    }
}

#[tokio::test]
async fn no_header_says_who_has_shown_a_certificate() {
    let house = House::build().await;
    let agent = house.named(AGENT);
    let pem = agent.cert.replace('\n', "%0A");
    for line in [
        format!("X-Forwarded-Client-Cert: URI={AGENT}"),
        format!("X-Client-Cert: {pem}"),
        format!("Client-Cert: :{}:", pem.len()),
        format!("X-SSL-Client-S-DN: {AGENT}"),
    ] {
        house.call(None, &[&line]).await.is(401, "credential-missing");
    }
}

#[tokio::test]
async fn a_certificate_of_another_proxy_is_known_but_may_not() {
    let house = House::build().await;
    let other = json!({"type": "mtls", "subjectPattern": r"spiffe://example\.org/other"});
    house.put("/credentials/others", json!({"name": "o", "kind": "proxy", "auth": other})).await;
    let answer = house.call(Some(&house.named("spiffe://example.org/other")), &[]).await;
    answer.is(403, "not-authorized");
    assert_eq!(house.record(&answer).await["credentialId"], "others");

    // Of two that fit, the one that is bound.
    let any = json!({"type": "mtls", "subjectPattern": r"spiffe://example\.org/.*"});
    house.put("/credentials/others", json!({"name": "o", "kind": "proxy", "auth": any})).await;
    let answer = house.call(Some(&house.named(AGENT)), &[]).await;
    assert_eq!(house.record(&answer).await["credentialId"], "agents");
}

#[tokio::test]
async fn a_credential_that_is_switched_off_counts_at_once_on_an_open_connection() {
    let house = House::build().await;
    let agent = house.named(AGENT);
    let address = house.gateway.data_address();
    let mut stream = house.ours.client(Some(&agent)).connect(address).await.unwrap();
    let mut ask = async || {
        let request = b"GET /api/p/x HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        // The body is JSON in both cases: a document ends where its braces do.
        while answer.is_empty() || !answer.trim_end().ends_with('}') {
            let mut buffer = [0; 4_096];
            let read = tokio::time::timeout(BOUND, stream.read(&mut buffer)).await;
            let read = read.expect("an answer").unwrap();
            assert!(read > 0, "{answer}");
            answer.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        answer
    };
    assert!(ask().await.starts_with("HTTP/1.1 200 "));
    house.api(Method::PATCH, "/credentials/agents", json!({"active": false})).await;
    assert!(ask().await.starts_with("HTTP/1.1 401 "));
}

/// A gateway that asks for certificates, with the proxy `p` for agents and one key.
struct House {
    gateway: Gateway,
    echo: Echo,
    ours: Authority,
    callers: Authority,
    key: String,
    _folder: Folder,
}

struct Answer(String);

impl House {
    async fn build() -> Self {
        let (ours, callers) = (Authority::new("ours"), Authority::new("callers"));
        let folder = Folder::with(&ours.issue("localhost"));
        let gateway = Gateway::builder()
            .data_tls(folder.asking(&callers))
            .egress_allow(["127.0.0.0/8".parse().unwrap()]);
        let gateway = gateway.start().await.unwrap();
        let echo = Echo::start().await.unwrap();
        let key = String::new();
        let mut house = Self { gateway, echo, ours, callers, key, _folder: folder };
        let url = format!("http://{}", house.echo.address());
        let target = json!({"name": "echo", "baseUrl": url, "allowPlaintext": true});
        house.put("/targets/echo", target).await;
        let auth = json!({"type": "mtls", "subjectPattern": r"spiffe://example\.org/agent"});
        let agents = json!({"name": "agents", "kind": "proxy", "auth": auth});
        house.put("/credentials/agents", agents).await;
        let caller = json!({"name": "caller", "kind": "proxy", "auth": {"type": "apiKey"}});
        let caller = house.put("/credentials/caller", caller).await;
        house.key = caller["secret"].as_str().unwrap().to_owned();
        let proxy =
            json!({"name": "p", "targetId": "echo", "proxyCredentialIds": ["agents", "caller"]});
        house.put("/proxies/p", proxy).await;
        house
    }

    /// A certificate for a workload that is called `name` (a SPIFFE id).
    fn named(&self, name: &str) -> Pair {
        let uri = SanType::URI(name.to_owned().try_into().unwrap());
        self.callers.issue_as("agent", |it| it.subject_alt_names = vec![uri])
    }

    async fn call(&self, pair: Option<&Pair>, lines: &[&str]) -> Answer {
        let client = self.ours.client(pair);
        let more: String = lines.iter().map(|it| format!("\r\n{it}")).collect();
        let mut stream = client.connect(self.gateway.data_address()).await.unwrap();
        let request =
            format!("GET /api/p/x HTTP/1.1\r\nHost: localhost\r\nConnection: close{more}\r\n\r\n");
        let asking = async {
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            Answer(answer)
        };
        tokio::time::timeout(BOUND, asking).await.expect("an answer")
    }

    async fn put(&self, path: &str, body: Value) -> Value {
        self.api(Method::PUT, path, body).await
    }

    async fn api(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("http://{}/v1/clients/default{path}", self.gateway.control_address());
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header("authorization", format!("Bearer {}", &*self.gateway.owner_token().unwrap()))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let answer = client.request(request).await.unwrap();
        let status = answer.status();
        let answer = answer.into_body().collect().await.unwrap().to_bytes();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert!(status.is_success(), "{path}: {answer}");
        answer
    }

    /// The audit record of `answer`; waits for it as long as it may take to appear.
    async fn record(&self, answer: &Answer) -> Value {
        let id = answer.header("rr-request-id");
        let mut tries = tokio::time::interval(std::time::Duration::from_millis(20));
        let find = async {
            loop {
                tries.tick().await;
                let page = self.api(Method::GET, "/requests", Value::Null).await;
                let items = page["items"].as_array().unwrap();
                if let Some(record) = items.iter().find(|it| it["id"] == id) {
                    return record.clone();
                }
            }
        };
        tokio::time::timeout(BOUND, find).await.expect("a record")
    }
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let lines = self.0.split("\r\n\r\n").next().unwrap().lines();
        lines.filter_map(|it| it.split_once(": ")).find(|it| it.0 == name).unwrap().1
    }

    /// Its status, and the code of a refusal or what the gateway says of it.
    #[track_caller]
    fn is(&self, status: u16, code: &str) {
        assert!(self.0.starts_with(&format!("HTTP/1.1 {status} ")), "{}", self.0);
        assert!(self.0.contains(code), "{}", self.0);
    }
}
