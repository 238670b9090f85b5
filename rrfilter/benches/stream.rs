//! One gibibyte of JSON through four filters: how much memory that takes, when the first byte leaves, and
//! how fast it is.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures, and says so")]
#![expect(clippy::unwrap_used, reason = "a measurement may panic")]

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use rrcore::Scope;
use rrfilter::{Filter, FilterLayer, FilterSet, Operation};
use tower::{Layer, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let row = br#"{"id":9007199254740993,"name":"Ada","ssn":"078-05-1120","tags":["a","b"],"price":1.10},"#;
    let chunk = Bytes::from(row.repeat(700));
    let filter = |operation, path| Filter::new("flt", operation, [path]).unwrap();
    let layer = FilterLayer::new()
        .scope(Scope::TargetCredential, filter(Operation::Destroy, "$[*].ssn"))
        .scope(Scope::Target, filter(Operation::Destroy, "$[*].tags[1:]"))
        .scope(Scope::ProxyCredential, filter(Operation::Mask, "$[*].name"))
        .scope(
            Scope::Proxy,
            FilterSet::from(filter(Operation::Retain, "$[*]['id','name','price']")),
        );
    let service = layer.layer(tower::service_fn(|_: Request<()>| {
        let body = Rows { chunk: chunk.clone(), sent: 0 };
        let response = Response::builder().header("content-type", "application/json").body(body);
        async move { Ok::<_, Infallible>(response.unwrap()) }
    }));

    let before = resident();
    let start = Instant::now();
    let mut answer = service.oneshot(Request::new(())).await.unwrap();
    let (mut left, mut most, mut first) = (0_usize, 0, None);
    let mut frames = 0_usize;
    while let Some(frame) = answer.frame().await {
        first.get_or_insert_with(|| SENT.with(std::cell::Cell::get));
        left += frame.unwrap().into_data().unwrap().len();
        frames += 1;
        if frames.is_multiple_of(1000) {
            most = most.max(resident());
        }
    }
    let took = start.elapsed();
    let sent = SENT.with(std::cell::Cell::get);
    println!("{} MiB in, {} MiB out, {:.1} s", sent >> 20, left >> 20, took.as_secs_f64());
    println!("{:.0} MB/s", sent as f64 / took.as_secs_f64() / 1e6);
    println!("first byte out after {} KiB in", first.unwrap_or_default() >> 10);
    println!("resident memory grew by {} KiB", most.saturating_sub(before));
}

thread_local! {
    static SENT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

// An array of one gibibyte.
struct Rows {
    chunk: Bytes,
    sent: usize,
}

impl Body for Rows {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = match self.sent {
            0 => Bytes::from_static(b"["),
            END => return Poll::Ready(None),
            sent if sent >= 1 << 30 => Bytes::from_static(b"{}]"),
            _ => self.chunk.clone(),
        };
        let total = self.sent + data.len();
        SENT.with(|it| it.set(total));
        self.sent = if data.len() == 3 { END } else { total };
        Poll::Ready(Some(Ok(Frame::data(data))))
    }
}

const END: usize = usize::MAX;

// In KiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    line.and_then(|it| it.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
