//! A real server on loopback that does as it is told, and counts.

#![allow(dead_code, reason = "no test needs all of it")]
#![allow(unreachable_pub, reason = "a module of several test crates")]

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rrauth::{HttpClient, ServiceClient};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// What the server does with a request.
#[derive(Clone)]
pub enum Answer {
    /// This.
    Now(Response<Bytes>),
    /// This, once the gate is open.
    Gated(Response<Bytes>),
    /// Nothing, ever.
    Never,
    /// It closes the connection.
    Close,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub headers: HeaderMap,
    pub body: String,
}

pub struct Server {
    state: Arc<State>,
    url: String,
    task: AbortHandle,
}

type Script = Box<dyn Fn(&Seen) -> Answer + Send>;

struct State {
    script: Mutex<Script>,
    hits: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
    gate: watch::Sender<bool>,
}

impl Server {
    /// Answers all requests so, until told otherwise.
    pub async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/document", listener.local_addr().unwrap());
        let state = Arc::new(State {
            script: Mutex::new(Box::new(move |_| answer.clone())),
            hits: AtomicUsize::new(0),
            seen: Mutex::default(),
            gate: watch::Sender::new(false),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&state))).abort_handle();
        Self { state, url, task }
    }

    pub fn url(&self) -> Uri {
        self.url.parse().unwrap()
    }

    pub fn answer(&self, answer: Answer) {
        self.script(move |_| answer.clone());
    }

    pub fn script(&self, script: impl Fn(&Seen) -> Answer + Send + 'static) {
        *self.state.script.lock().unwrap() = Box::new(script);
    }

    /// How many requests have come.
    pub fn hits(&self) -> usize {
        self.state.hits.load(Ordering::SeqCst)
    }

    pub fn last(&self) -> Seen {
        self.state.seen.lock().unwrap().last().unwrap().clone()
    }

    pub fn open(&self) {
        self.state.gate.send_replace(true);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(move |request| serve(Arc::clone(&state), request));
            let connection = hyper::server::conn::http1::Builder::new();
            // Whatever the client does to the connection is its business.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn serve(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Closed> {
    state.hits.fetch_add(1, Ordering::SeqCst);
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
    let body = String::from_utf8(body.into()).unwrap();
    let seen = Seen { headers: head.headers, body };
    let answer = (state.script.lock().unwrap())(&seen);
    state.seen.lock().unwrap().push(seen);
    match answer {
        Answer::Now(response) => Ok(response.map(Full::new)),
        Answer::Gated(response) => {
            let _ = state.gate.subscribe().wait_for(|it| *it).await;
            Ok(response.map(Full::new))
        }
        Answer::Never => std::future::pending().await,
        Answer::Close => Err(Closed),
    }
}

#[derive(Debug)]
struct Closed;

impl std::error::Error for Closed {}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed on purpose")
    }
}

/// A client over real sockets.
pub fn client() -> Arc<dyn HttpClient> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    Arc::new(ServiceClient::new(client))
}

pub fn ok(body: impl Into<Bytes>) -> Answer {
    Answer::Now(Response::new(body.into()))
}

pub fn status(status: u16) -> Answer {
    let mut response = Response::new(Bytes::from_static(b"1"));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    Answer::Now(response)
}

pub fn header(name: &'static str, value: &'static str, body: &'static str) -> Answer {
    Answer::Now(Response::builder().header(name, value).body(body.into()).unwrap())
}

/// Lets every task that can move do so.
pub async fn settle(mut done: impl FnMut() -> bool) {
    while !done() {
        tokio::task::yield_now().await;
    }
}
