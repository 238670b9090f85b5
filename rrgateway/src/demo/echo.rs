//! An upstream API to call: answers like a small CRM, and remembers what it received.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use serde_json::{Value, json};

use crate::listen::{self, Drainer, Limits};

/// What the upstream received.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A running upstream on a free port of the loopback interface.
///
/// `/report.txt` is text; any other path is a customer in JSON, with fields that callers should
/// not see. No answer repeats the value of a header: an upstream that did would show the caller
/// its credential.
#[derive(Debug)]
pub struct Echo {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    _drainer: Drainer,
}

impl Echo {
    /// Starts it in this runtime; it ends with the value.
    ///
    /// # Errors
    /// When no port is to be had.
    pub async fn start() -> anyhow::Result<Self> {
        Self::listen((Ipv4Addr::LOCALHOST, 0).into()).await
    }

    /// Starts it on `address`.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn listen(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = listen::bind(address, false).context("the upstream cannot listen")?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let (drainer, drain) = listen::drain();
        let seen = Arc::clone(&received);
        tokio::spawn(listen::accept(listener, Limits::default(), drain, move |_| {
            let seen = Arc::clone(&seen);
            service_fn(move |request| answer(Arc::clone(&seen), request))
        }));
        Ok(Self { address, received, _drainer: drainer })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests reached it.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.received).len()
    }

    /// The last request that reached it.
    #[must_use]
    pub fn last(&self) -> Option<Received> {
        lock(&self.received).last().cloned()
    }
}

async fn answer(
    seen: Arc<Mutex<Vec<Received>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(response);
    };
    let received = Received {
        method: head.method.to_string(),
        target: head.uri.to_string(),
        headers: head.headers,
        body: body.to_bytes(),
    };
    let (kind, text) = match head.uri.path().ends_with(".txt") {
        true => (TEXT, "quarter,revenue\nQ1,100\n".to_owned()),
        false => (JSON, format!("{:#}\n", customer(&received))),
    };
    lock(&seen).push(received);
    let mut response = Response::new(Full::from(text));
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

/// The customer that every path of the upstream names.
#[must_use]
pub fn customer(received: &Received) -> Value {
    let names: Vec<&str> = received.headers.keys().map(http::HeaderName::as_str).collect();
    json!({
        "id": 7,
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "taxNumber": "QQ 12 34 56 C",
        "orders": [
            { "sku": "engine-1", "price": 100.0, "internalMargin": 0.42 },
            { "sku": "notes-7", "price": 12.5, "internalMargin": 0.87 },
        ],
        "youSent": {
            "method": received.method,
            "target": received.target.split('?').next(),
            "headerNames": names,
            "bodyBytes": received.body.len(),
        },
    })
}

// What a panic left behind is a list of whole requests.
fn lock(received: &Mutex<Vec<Received>>) -> MutexGuard<'_, Vec<Received>> {
    received.lock().unwrap_or_else(PoisonError::into_inner)
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain");
