//! What a meter costs per byte of a body that passes: `cargo bench -p rratelimit --features meter
//! --bench meter`. Throughput is of bytes that have to be looked at; `found` is of a body whose number
//! comes first. Coded bodies count by what they decode to; what of their time is not the meter's but
//! the decoder's, `only decoded` says.
#![allow(missing_docs, reason = "criterion's macros make items without")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on stops")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use http::{Request, Response};
use http_body::{Body, Frame};
use rratelimit::{Extraction, Limit, Limiter, Meter, MeterLayer, Policy, Tokens};
use rrcore::coding::{Coding, DecodeError, DecodeLimits, Decoder, Encoder};
use tower::{Layer, Service, service_fn};

fn bodies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("meter");
    let usage = r#""usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}"#;
    let text = r"The quick brown fox \n jumps over the lazy dog. ".repeat(1_300);
    let answer = format!(r#"{{"choices":[{{"message":{{"content":"{text}"}}}}],{usage}}}"#);
    let record = r#"{"id":12345,"name":"Ada","tags":["a","b"],"price":12.50,"in":{"x":[1,2,3]}},"#;
    let records = record.repeat(800);
    let rows = format!(r#"{{"items":[{records}0],{usage}}}"#);
    let first = format!(r#"{{{usage},"items":[{records}0]}}"#);
    let delta = r#"{"id":"chatcmpl-123","object":"chat.completion.chunk","created":1694268190,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"Hello"},"logprobs":null,"finish_reason":null}]}"#;
    let stream = format!("data: {delta}\n\n").repeat(300);
    let stream = format!("{stream}data: {{\"choices\":[],{usage}}}\n\ndata: [DONE]\n\n");
    let json = |body| ("application/json", body, 16_384);
    let (events, one_by_one) =
        (("text/event-stream", &stream, 16_384), ("text/event-stream", &stream, 225));
    for (name, coding, body) in [
        ("text", Coding::Identity, json(&answer)),
        ("rows", Coding::Identity, json(&rows)),
        ("found", Coding::Identity, json(&first)),
        ("events", Coding::Identity, events),
        ("events, one by one", Coding::Identity, one_by_one),
        ("rows, gzip", Coding::Gzip, json(&rows)),
        ("found, gzip", Coding::Gzip, json(&first)),
        ("events, gzip", Coding::Gzip, events),
    ] {
        one(&mut group, name, coding, body);
    }
    group.finish();
}

/// Not metered, and metered; a coded body is undone by the meter alone.
fn one(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    coding: Coding,
    (kind, body, chunk): (&'static str, &String, usize),
) {
    let coded = coded(coding, body.as_bytes());
    let pieces: VecDeque<_> = coded.chunks(chunk).map(Bytes::copy_from_slice).collect();
    group.throughput(Throughput::Bytes(body.len() as u64));
    let answer = move || {
        let response = Response::builder().header("content-type", kind);
        if coding == Coding::Gzip { response.header("content-encoding", "gzip") } else { response }
    };
    let upstream = move |_: Request<()>| -> Ready<Result<_, Infallible>> {
        ready(Ok(answer().body(Pieces(pieces.clone())).unwrap()))
    };
    let mut bare = service_fn(upstream.clone());
    group.bench_function(format!("{name}, not metered"), |it| {
        it.iter(|| drain(&mut bare));
    });
    if coding == Coding::Gzip {
        group.bench_function(format!("{name}, only decoded"), |it| {
            it.iter(|| decode(coding, coded.chunks(chunk)));
        });
    }
    let policy = Policy::new([Limit::calendar_day("tokens.day", u64::MAX)]).unwrap();
    let meter = Meter::new("tokens", Extraction::tokens(Tokens::Total), policy);
    let layer = MeterLayer::new([meter], Arc::new(Limiter::new()));
    let mut metered = layer.layer(service_fn(upstream));
    group.bench_function(name, |it| it.iter(|| drain(&mut metered)));
}

fn drain<S, B>(service: &mut S) -> usize
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes, Error = Infallible>,
{
    let mut task = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(response)) = pin!(service.call(Request::new(()))).poll(&mut task) else {
        return 0;
    };
    let mut body = pin!(response.into_body());
    let mut bytes = 0;
    while let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(&mut task) {
        bytes += frame.data_ref().map_or(0, Bytes::len);
    }
    bytes
}

fn decode<'a>(coding: Coding, pieces: impl Iterator<Item = &'a [u8]>) -> usize {
    let limits = DecodeLimits::bytes(u64::MAX).ratio(1_000);
    let (mut decoder, mut bytes) = (Decoder::new(coding, limits), 0);
    for piece in pieces {
        let count = |plain: &[u8]| {
            bytes += black_box(plain).len();
            Ok::<_, DecodeError>(())
        };
        decoder.push_all(piece, count).unwrap();
    }
    bytes
}

fn coded(coding: Coding, plain: &[u8]) -> Vec<u8> {
    let (mut encoder, mut coded) = (Encoder::new(coding).unwrap(), Vec::new());
    encoder.push(plain, &mut coded);
    encoder.finish(&mut coded);
    coded
}

struct Pieces(VecDeque<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|it| Ok(Frame::data(it))))
    }
}

criterion_group!(benches, bodies);
criterion_main!(benches);
