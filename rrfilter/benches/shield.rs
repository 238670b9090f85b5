//! What a byte of a response costs the echo shield: of text of several kinds, with one secret and
//! with the two of basic authentication; beside a body that is passed on as it is.
//!
//! `cargo bench -p rrfilter --bench shield`. What must hold is in CONTRIBUTING.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a measurement may panic")]

use std::convert::Infallible;
use std::fmt::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use http::{Request, Response};
use http_body::{Body, Frame};
use rrcore::{Clock, InjectedSecret};
use rrfilter::EchoShieldLayer;
use tokio_test::block_on;
use tower::{ServiceBuilder, ServiceExt};

fn shielding(c: &mut Criterion) {
    let one = secrets(&["sk_live_4eC39HqLyjWDarjtT1zdp7dc"]);
    let two = secrets(&["user:correct horse battery", "correct horse battery"]);
    for (kind, text) in [
        (
            "json",
            repeated(|i| {
                format!("{{\"id\":{i},\"name\":\"User {i}\",\"url\":\"https://a.test/{i}\"}},\n")
            }),
        ),
        (
            "json_escaped",
            repeated(|i| {
                format!(
                    "{{\"url\":\"https:\\/\\/a.test\\/{i}\",\"text\":\"a \\\"b\\\" {i} of it\"}},\n"
                )
            }),
        ),
        ("form", repeated(|i| format!("key{i}=a%20b%2Fc%3D{i}&"))),
        ("html", repeated(|i| format!("<p id=\"{i}\">{} &amp; &quot;{i}&quot;</p>\n", words(i)))),
        (
            "nested",
            repeated(|i| format!("{{\"text\":\"{{\\\"a\\\":\\\"{}\\\\n\\\"}}\"}}\n", words(i))),
        ),
        ("unicode", repeated(|i| words(i).bytes().map(|it| format!("\\u{it:04x}")).collect())),
        ("percent", repeated(|i| words(i).bytes().map(|it| format!("%{it:02X}")).collect())),
        ("entities", repeated(|i| words(i).bytes().map(|it| format!("&#x{it:x};")).collect())),
        ("base64", base64()),
    ] {
        let mut group = c.benchmark_group(format!("shield/{kind}"));
        group.throughput(Throughput::Bytes(text.len() as u64));
        for (name, layer, secrets) in [
            ("off", EchoShieldLayer::off(), &one),
            ("one_secret", EchoShieldLayer::new(), &one),
            ("two_secrets", EchoShieldLayer::new(), &two),
        ] {
            let run = || block_on(length(&layer, secrets, &text));
            group.bench_function(BenchmarkId::from_parameter(name), |b| b.iter(run));
        }
        group.finish();
    }
}

// A secret is compiled once, and a small response must not cost much more than without.
fn small(c: &mut Criterion) {
    let mut group = c.benchmark_group("shield/small");
    let record = b"{\"id\":7,\"name\":\"User 7\",\"url\":\"https://a.test/7\",\"last\":true},\n";
    let (text, one_kib) = (Bytes::from_static(b"{\"id\":7}"), record.repeat(1024 / record.len()));
    let one_kib = Bytes::from(one_kib);
    let known = secrets(&["sk_live_4eC39HqLyjWDarjtT1zdp7dc"]);
    let shield = EchoShieldLayer::new();
    group.bench_function("off", |b| {
        b.iter(|| block_on(length(&EchoShieldLayer::off(), &known, &text)));
    });
    group.bench_function("known_secret", |b| b.iter(|| block_on(length(&shield, &known, &text))));
    group.bench_function("new_secret", |b| {
        b.iter(|| block_on(length(&shield, &secrets(&["a signature of this request"]), &text)));
    });
    group.bench_function("known_secret_1_kib", |b| {
        b.iter(|| block_on(length(&shield, &known, &one_kib)));
    });
    group.bench_function("new_secret_1_kib", |b| {
        b.iter(|| block_on(length(&shield, &secrets(&["a signature of this request"]), &one_kib)));
    });
    group.finish();
}

async fn length(layer: &EchoShieldLayer, secrets: &[InjectedSecret], text: &Bytes) -> usize {
    let upstream =
        ServiceBuilder::new().layer(layer).service_fn(async |mut request: Request<()>| {
            let context = rrcore::Context::of(request.extensions_mut(), &Clock::system());
            secrets.iter().for_each(|it| context.add_injected(it.clone()));
            Ok::<_, Infallible>(Response::new(Chunks(text.clone())))
        });
    let response = upstream.oneshot(Request::new(())).await.unwrap();
    let mut body = std::pin::pin!(response.into_body());
    let mut length = 0;
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        length += frame.unwrap().into_data().unwrap().len();
    }
    length
}

/// As a connection gives it: in pieces of 16 KiB.
struct Chunks(Bytes);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let len = self.0.len().min(16 << 10);
        let chunk = self.0.split_to(len);
        Poll::Ready((!chunk.is_empty()).then(|| Ok(Frame::data(chunk))))
    }
}

fn repeated(line: impl Fn(usize) -> String) -> Bytes {
    let mut text = String::new();
    for i in 0.. {
        if text.len() >= 1 << 20 {
            break;
        }
        _ = write!(text, "{}", line(i));
    }
    text.into()
}

fn words(i: usize) -> String {
    let words = ["the", "user", "credit", "order", "stable", "battery", "of", "skill"];
    let word = |at: usize| words[(scrambled((8 * i + at) as u64) >> 61) as usize];
    (0..8).map(word).collect::<Vec<_>>().join(" ")
}

fn base64() -> Bytes {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sextet = |i: u64| alphabet[(scrambled(i) >> 58) as usize];
    (0..1 << 20).map(sextet).collect::<Vec<_>>().into()
}

const fn scrambled(i: u64) -> u64 {
    i.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn secrets(secrets: &[&str]) -> Vec<InjectedSecret> {
    secrets.iter().map(|it| InjectedSecret::new(it.as_bytes().to_vec())).collect()
}

criterion_group!(benches, shielding, small);
criterion_main!(benches);
