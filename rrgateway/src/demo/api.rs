//! The Core API, as an administrator's script would use it.

use std::net::SocketAddr;

use anyhow::ensure;
use http::Method;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::demo::caller::Caller;

/// Speaks to one gateway's Core API.
#[derive(Clone)]
pub struct Api {
    caller: Caller,
    authorization: Zeroizing<String>,
}

impl Api {
    pub fn new(control: SocketAddr, token: &str) -> Self {
        let authorization = Zeroizing::new(format!("Bearer {token}"));
        Self { caller: Caller::of(control), authorization }
    }

    /// Creates or replaces what is at `path` (under `/v1/clients/default`).
    pub async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// Creates something in the collection at `path`.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Reads what is at `path`.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(Method::GET, path, None).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let path = format!("/v1/clients/default{path}");
        let headers = [("authorization", self.authorization.as_str())];
        let answer = self.caller.call(method.clone(), &path, &headers, body).await?;
        ensure!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.json());
        Ok(answer.json())
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}
