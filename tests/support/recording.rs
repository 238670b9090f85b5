//! A server that keeps what it was sent, and answers as a test tells it to.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use serde_json::Value;

use super::upstream::Upstream;

/// A running server, and everything that reached it.
pub struct Recording {
    server: Upstream,
    received: Arc<Mutex<Vec<Request<Bytes>>>>,
}

impl Recording {
    /// Answers each request with what `answer` makes of it and of how many came before it.
    pub fn start<A>(answer: A) -> Self
    where
        A: Fn(&Request<Bytes>, usize) -> Response<Bytes> + Send + Sync + 'static,
    {
        let received = Arc::new(Mutex::new(Vec::new()));
        let answer = Arc::new(answer);
        let kept = Arc::clone(&received);
        let server = Upstream::start(move |request| {
            let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
            async move {
                let mut kept = kept.lock().unwrap();
                let response = answer(&request, kept.len());
                kept.push(request);
                response
            }
        });
        Self { server, received }
    }

    /// Answers everything with `{}`, as JSON.
    pub fn content() -> Self {
        Self::start(|_, _| json(StatusCode::OK, &Value::Object(serde_json::Map::new())))
    }

    /// The URL of `path` here.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address)
    }

    /// How many requests came.
    pub fn count(&self) -> usize {
        self.received.lock().unwrap().len()
    }

    /// What came, in order; it is forgotten with that.
    pub fn take(&self) -> Vec<Request<Bytes>> {
        std::mem::take(&mut *self.received.lock().unwrap())
    }

    /// The one request that came since the last look.
    #[track_caller]
    pub fn only(&self) -> Request<Bytes> {
        let mut all = self.take();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

pub fn json(status: StatusCode, body: &Value) -> Response<Bytes> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Bytes::from(body.to_string())).unwrap()
}

/// A header as text; empty if there is none.
pub fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |it| it.to_str().unwrap())
}
