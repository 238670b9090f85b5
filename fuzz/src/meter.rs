//! What a meter counts does not depend on how a body was cut, and is what a parser of JSON reads.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::{Context as Task, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use rratelimit::{Extraction, Limiter, Meter, MeterLayer, Policy, Tokens};
use rrcore::json::{Event, Limits, Scanner};
use rrcore::{Clock, Context, Fact};
use serde_json::Value;
use tower_layer::Layer;
use tower_service::Service;

/// The first byte says what the body is declared as, the second how it is cut; the rest is the body.
///
/// # Panics
/// When the body changes on its way, when it matters how it was cut, or when a number of a document
/// is not found that a parser finds.
pub fn check(data: &[u8]) {
    let [form, size, body @ ..] = data else { return };
    let kind = KINDS[usize::from(form % 3)];
    let coding = CODINGS[usize::from(form / 3 % 5)];
    let whole = count(kind, coding, &[body]);
    let pieces: Vec<_> = body.chunks(1 + usize::from(size % 32)).collect();
    let in_pieces = count(kind, coding, &pieces);
    // How much of a broken coding comes out before it breaks depends on how it was cut.
    let is_flawed = |it: &[(u64, &str)]| it.iter().any(|it| it.1 == "unreadable");
    if coding == "identity" || !(is_flawed(&whole) || is_flawed(&in_pieces)) {
        assert_eq!(in_pieces, whole);
    }
    if kind == "application/json" && coding == "identity" && is_unambiguous(body) {
        let document: Value = serde_json::from_slice(body).unwrap_or_default();
        for (path, counted) in [("/a/b", whole[0]), ("/1", whole[1])] {
            compare(document.pointer(path).filter(|_| is_way(&document, path)), counted);
        }
    }
}

// An index is no name: a pointer cannot tell.
fn is_way(document: &Value, path: &str) -> bool {
    if path == "/1" {
        document.is_array()
    } else {
        document.pointer("/a").is_some_and(Value::is_object)
    }
}

fn compare(value: Option<&Value>, (counted, how): (u64, &str)) {
    match value {
        None | Some(Value::Null) => assert_eq!((counted, how), (0, "missing")),
        Some(Value::Number(number)) => match number.as_u64() {
            Some(number) => assert_eq!((counted, how), (number, "value")),
            None if number.as_f64().is_some_and(|it| it > 0.0) => assert_eq!(how, "value"),
            None if number.as_f64().is_some_and(|it| it < 0.0) => assert_eq!(how, "unusable"),
            // What a parser rounds to zero may be a little above it, or below.
            None => {}
        },
        Some(_) => assert_eq!((counted, how), (0, "unusable")),
    }
}

// Readers agree about a document that has nothing twice.
fn is_unambiguous(body: &[u8]) -> bool {
    let mut scanner = Scanner::new(Limits::default());
    let mut nobody = |_: Event<'_>| {};
    let is_valid = scanner.push(body, &mut nobody).is_ok() && scanner.finish(&mut nobody).is_ok();
    is_valid && serde_json::from_slice::<Value>(body).is_ok()
}

// What each meter counted, and how that was known.
fn count(kind: &'static str, coding: &'static str, pieces: &[&[u8]]) -> Vec<(u64, &'static str)> {
    let mut request = Request::new(());
    let context = Context::of(request.extensions_mut(), &Clock::system());
    let service =
        Upstream { kind, coding, pieces: pieces.iter().map(|it| it.to_vec().into()).collect() };
    let mut task = Task::from_waker(Waker::noop());
    let Poll::Ready(Ok(response)) = pin!(layer().layer(service).call(request)).poll(&mut task)
    else {
        panic!("it is ready")
    };
    let mut body = pin!(response.into_body());
    let mut passed = Vec::new();
    while let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(&mut task) {
        passed.extend(frame.into_data().unwrap_or_default());
    }
    assert_eq!(passed, pieces.concat());
    let trail = context.trail();
    let said = |name: &str| {
        let is_of = |it: &&Fact| matches!(it, Fact::Meter { meter, .. } if **meter == *name);
        match trail.facts().find(is_of) {
            Some(Fact::Meter { counted, how, .. }) => (*counted, *how),
            _ => panic!("{name} was not settled"),
        }
    };
    NAMES.map(said).to_vec()
}

fn layer() -> &'static MeterLayer {
    static LAYER: OnceLock<MeterLayer> = OnceLock::new();
    LAYER.get_or_init(|| {
        let path = |it: &str| Extraction::json(it.parse().expect("it is a path"));
        let extractions = [path("$.a.b"), path("$[1]"), Extraction::tokens(Tokens::Total)];
        let none = Policy::new([]).expect("there is nothing wrong with no limits");
        let meter = |(name, it)| Meter::new(name, it, none.clone());
        MeterLayer::new(NAMES.into_iter().zip(extractions).map(meter), Arc::new(Limiter::new()))
    })
}

struct Upstream {
    kind: &'static str,
    coding: &'static str,
    pieces: VecDeque<Bytes>,
}

impl Service<Request<()>> for Upstream {
    type Response = Response<Pieces>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Pieces>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let mut response = Response::new(Pieces(std::mem::take(&mut self.pieces)));
        let headers = response.headers_mut();
        headers.insert("content-type", http::HeaderValue::from_static(self.kind));
        headers.insert("content-encoding", http::HeaderValue::from_static(self.coding));
        ready(Ok(response))
    }
}

struct Pieces(VecDeque<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Task<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|it| Ok(Frame::data(it))))
    }
}

const NAMES: [&str; 3] = ["member", "element", "tokens"];
const KINDS: [&str; 3] = ["application/json", "text/event-stream", "application/x-ndjson"];
const CODINGS: [&str; 5] = ["identity", "gzip", "deflate", "br", "zstd"];
