//! The real binary, started and stopped as a user would.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// `rrgateway run` on free ports, with its data in a directory of the test's.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) data: SocketAddr,
    pub(crate) control: SocketAddr,
    token: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Server {
    /// Starts it, and waits until it is ready.
    pub(crate) async fn start(data_dir: &Path, log: &Path) -> Self {
        Self::start_with(data_dir, log, &[]).await
    }

    /// Starts it with more environment variables, and waits until it is ready.
    pub(crate) async fn start_with(data_dir: &Path, log: &Path, env: &[(&str, &str)]) -> Self {
        _ = std::fs::remove_file(data_dir.join("listen.json"));
        let log = File::options().create(true).append(true).open(log).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_rrgateway"))
            .args(["run", "--data-listen", "127.0.0.1:0", "--control-listen", "127.0.0.1:0"])
            .args(["--egress-allow", "127.0.0.0/8", "--data-dir"])
            .arg(data_dir)
            .env("RUST_LOG", "trace")
            .envs(env.iter().copied())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut tries = tokio::time::interval(Duration::from_millis(10));
        let listen = loop {
            tries.tick().await;
            if let Ok(text) = std::fs::read_to_string(data_dir.join("listen.json")) {
                break serde_json::from_str::<Value>(&text).unwrap();
            }
        };
        let address = |name: &str| listen[name].as_str().unwrap().parse().unwrap();
        let token =
            std::fs::read_to_string(data_dir.join("admin.token")).unwrap().trim().to_owned();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let (data, control) = (address("data"), address("control"));
        let server = Self { child, data, control, token, client };
        while server
            .try_call(Method::GET, &format!("http://{control}/readyz"), &[], None)
            .await
            .map(|it| it.0)
            != Some(StatusCode::OK)
        {
            tries.tick().await;
        }
        server
    }

    /// Calls the Core API under `/v1/clients/default`; `None` when no answer came.
    pub(crate) async fn api(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Option<(StatusCode, Value)> {
        let url = format!("http://{}/v1/clients/default{path}", self.control);
        let token = format!("Bearer {}", self.token);
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        let (status, text) = self.try_call(method, &url, &headers, body).await?;
        Some((status, serde_json::from_str(&text).unwrap_or_default()))
    }

    /// Calls anything; `None` when no whole answer came.
    pub(crate) async fn try_call(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Option<(StatusCode, String)> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(Full::from(body)).unwrap();
        let (head, body) = self.client.request(request).await.ok()?.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some((head.status, String::from_utf8_lossy(&body).into_owned()))
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and returns its exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
