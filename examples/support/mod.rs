//! What the examples share: an axum server on a free port, and a client that sends it one request
//! through a real socket and prints the answer.

#![allow(dead_code, reason = "each example uses a part of it")]

pub mod issuer;

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::net::TcpListener;

/// Whatever may go wrong in an example.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

/// Serves `app` until the example ends.
pub async fn serve(app: Router) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

/// Sends `GET {path}` with `headers`.
pub async fn get(to: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
    send(Method::GET, to, path, headers, String::new()).await
}

/// Sends `GET {path}` with this in `Authorization`.
pub async fn get_as(to: SocketAddr, path: &str, authorization: &str) -> Result<Answer> {
    get(to, path, &[("authorization", authorization)]).await
}

/// Sends a request, and prints one line about the answer.
pub async fn send(
    method: Method,
    to: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: String,
) -> Result<Answer> {
    let mut request = Request::builder().method(&method).uri(format!("http://{to}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request.body(Full::new(Bytes::from(body)))?).await?;
    let (head, body) = response.into_parts();
    let body = String::from_utf8(body.collect().await?.to_bytes().to_vec())?;
    let answer = Answer { status: head.status, headers: head.headers, body };
    let sent = format!("{method} {path}");
    println!("{sent:<28} -> {} {}", answer.status, answer.code());
    Ok(answer)
}

impl Answer {
    /// A header as text; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The `code` of a problem document (RFC 9457); empty for anything else.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}
