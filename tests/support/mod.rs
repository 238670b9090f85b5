//! A gateway, an upstream and a client, over real sockets.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod recording;
pub mod upstream;

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rrcore::ManualClock;
use rrgateway::demo::Echo;
use rrgateway::{Gateway, GatewayBuilder};
use serde_json::{Value, json};

/// What the gateway shows the upstream. Must never be seen anywhere else.
pub const UPSTREAM_SECRET: &str = "sk_canary_7c1f0e5d9b2a4866";

/// Everything that a test needs.
pub struct House {
    pub gateway: Gateway,
    pub echo: Echo,
    pub clock: ManualClock,
    pub key: String,
    client: Client<HttpConnector, Full<Bytes>>,
    token: String,
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl House {
    /// A gateway with an upstream, a bound caller and the proxy `p`, and nothing else.
    pub async fn build() -> Self {
        Self::build_with(|it| it).await
    }

    pub async fn build_with(change: impl FnOnce(GatewayBuilder) -> GatewayBuilder) -> Self {
        let mut house = Self::bare(change).await;
        let target = json!({
            "name": "echo", "baseUrl": format!("http://{}/base", house.echo.address()),
            "allowPlaintext": true,
        });
        house.put("/targets/echo", &target).await;
        let auth = &rebind()["auth"];
        let credential = json!({ "name": "upstream", "kind": "target", "auth": auth });
        house.put("/credentials/upstream", &credential).await;
        house.key = house.caller("caller").await;
        house.put("/proxies/p", &proxy("p")).await;
        house
    }

    /// A gateway with an upstream and no configuration.
    pub async fn bare(change: impl FnOnce(GatewayBuilder) -> GatewayBuilder) -> Self {
        let echo = Echo::start().await.unwrap();
        let clock = ManualClock::starting_at(Duration::from_secs(1_800_000_000));
        let builder = Gateway::builder()
            .egress_allow(["127.0.0.0/8".parse().unwrap()])
            .drain_grace(Duration::from_secs(5))
            .clock(clock.clock());
        let gateway = change(builder).start().await.unwrap();
        let token = gateway.owner_token().unwrap().to_string();
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { gateway, echo, clock, key: String::new(), client, token }
    }

    /// Makes a caller's API key.
    pub async fn caller(&self, id: &str) -> String {
        let body = json!({ "name": id, "kind": "proxy", "auth": { "type": "apiKey" } });
        let made = self.put(&format!("/credentials/{id}"), &body).await;
        made["secret"].as_str().unwrap().to_owned()
    }

    /// Writes through the Core API, and insists that it worked.
    pub async fn put(&self, path: &str, body: &Value) -> Value {
        self.write(Method::PUT, path, body).await
    }

    /// Sends what goes to the echo elsewhere, with the upstream's secret.
    pub async fn retarget(&self, mut target: Value) -> Value {
        target["rebind"] = rebind();
        self.put("/targets/echo", &target).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Value {
        self.write(Method::POST, path, body).await
    }

    async fn write(&self, method: Method, path: &str, body: &Value) -> Value {
        let answer = self.api(method, path, Some(body)).await;
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.json());
        answer.json()
    }

    /// Calls the Core API, under `/v1/clients/default`.
    pub async fn api(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let token = format!("Bearer {}", self.token);
        let url = format!("http://{}/v1/clients/default{path}", self.gateway.control_address());
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        let body = body.map(Value::to_string).unwrap_or_default();
        self.send(method, &url, &headers, Bytes::from(body)).await
    }

    /// Calls the proxy `p` with the caller's key.
    pub async fn call(&self, method: Method, path: &str) -> Answer {
        let key = self.key.clone();
        self.call_with(method, &format!("/api/p{path}"), &[("x-api-key", &key)]).await
    }

    /// Calls the data plane.
    pub async fn call_with(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let url = format!("http://{}{target}", self.gateway.data_address());
        self.send(method, &url, headers, Bytes::new()).await
    }

    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).unwrap();
        let (head, body) = self.client.request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    }

    /// The audit record of `answer`; waits for it as long as it may take to appear.
    pub async fn record(&self, answer: &Answer) -> Value {
        self.recorded(answer.header("rr-request-id")).await
    }

    /// The audit record of the request `id`; waits for it as long as it may take to appear.
    pub async fn recorded(&self, id: &str) -> Value {
        let mut tries = tokio::time::interval(Duration::from_millis(20));
        for _ in 0..250 {
            tries.tick().await;
            let page = self.api(Method::GET, "/requests", None).await.json();
            let items = page["items"].as_array().unwrap();
            if let Some(record) = items.iter().find(|it| it["id"] == id) {
                return record.clone();
            }
        }
        panic!("no record of {id}");
    }

    /// Stops the gateway and starts one on the same data.
    pub async fn restart(self, data_dir: PathBuf) -> Self {
        let Self { gateway, echo, clock, key, client, token } = self;
        gateway.stop().await.unwrap();
        let gateway = Gateway::builder()
            .egress_allow(["127.0.0.0/8".parse().unwrap()])
            .clock(clock.clock())
            .data_dir(data_dir)
            .start()
            .await
            .unwrap();
        Self { gateway, echo, clock, key, client, token }
    }
}

/// The upstream's secret again, for a write that sends it elsewhere.
pub fn rebind() -> Value {
    json!({ "credentialId": "upstream", "auth": { "type": "bearer", "token": UPSTREAM_SECRET } })
}

/// The proxy `id`, which binds the caller, the target and the upstream's credential.
pub fn proxy(id: &str) -> Value {
    json!({
        "name": id, "proxyCredentialIds": ["caller"], "targetId": "echo",
        "targetCredentialId": "upstream",
    })
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }

    /// Status, stage and code of a refusal.
    #[track_caller]
    pub fn refused(&self, status: u16, stage: &str, code: &str) -> Value {
        let problem = self.json();
        assert_eq!(self.status.as_u16(), status, "{problem}");
        assert_eq!(problem["stage"], stage, "{problem}");
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["requestId"], self.header("rr-request-id"));
        problem
    }
}
