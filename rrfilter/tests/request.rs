//! Requests whose bodies are filtered.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::convert::Infallible;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use rrcore::{Body, BufferedBody, Code, Context, Fact, Refusal, Scope, Stage};
use rrfilter::{Filter, Mode, Operation, RequestFilterLayer, Side};
use std::io::Write;
use tower::{Layer, ServiceExt};

#[tokio::test]
async fn what_goes_on_is_what_the_filters_leave() {
    let request =
        json(br#"{"id":1,"ssn":2}"#, &[("content-digest", "x"), ("content-length", "16")]);
    let seen = forwarded(filter(), request).await;
    assert_eq!(seen.headers()["content-length"], "8");
    assert!(!seen.headers().contains_key("content-digest"));
    assert_eq!(seen.extensions().get::<BufferedBody>().unwrap().data(), r#"{"id":1}"#);
    let trail = seen.extensions().get::<Context>().unwrap().trail();
    assert_eq!(trail.entries()[0].stage, Stage::Transform);
    assert!(matches!(trail.entries()[0].facts[..], [Fact::Filter { removed: 1, .. }]));
    assert_eq!(body(seen).await, r#"{"id":1}"#);
}

#[tokio::test]
async fn an_encoded_body_goes_on_plain() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(br#"{"id":1,"ssn":2}"#).unwrap();
    let request = json(&gzip.finish().unwrap(), &[("content-encoding", "gzip")]);
    let seen = forwarded(filter(), request).await;
    assert!(!seen.headers().contains_key("content-encoding"));
    assert_eq!(body(seen).await, r#"{"id":1}"#);
}

#[tokio::test]
async fn what_cannot_be_filtered_is_not_forwarded() {
    let other = |body: &[u8], kind: &str| {
        let mut request = json(body, &[]);
        request.headers_mut().insert("content-type", kind.parse().unwrap());
        request
    };
    for request in [
        other(br#"{"ssn":2}"#, "text/plain"),
        other(br#"{"ssn":2}"#, "application/json; charset=utf-16"),
        other(b"{}\n{}", "application/x-ndjson"),
        json(br#"{"ssn":2"#, &[]),
        json(br#"{"id":1,"id":2}"#, &[]),
        json(b"2", &[]),
        json(br#"{"ssn":2}"#, &[("content-encoding", "gzip")]),
        json(br#"{"ssn":2}"#, &[("content-encoding", "x")]),
    ] {
        refused(filter(), request, Code::RequestNotFilterable).await;
    }
    let many: String = (0..2000).map(|it| format!("\"{it}\":1,")).collect();
    let late = format!("{{{many}\"id\":1,\"id\":2}}");
    refused(filter(), json(late.as_bytes(), &[]), Code::RequestNotFilterable).await;
    refused(filter().max_body_bytes(8), json(br#"{"id":100}"#, &[]), Code::ContentTooLarge).await;
    refused(filter().per_caller(|_| None), json(b"{}", &[]), Code::Internal).await;
}

#[tokio::test]
async fn what_has_no_body_or_no_filter_passes_untouched() {
    let seen = forwarded(filter(), Request::new(Full::default())).await;
    assert!(seen.extensions().get::<BufferedBody>().is_none());
    assert_eq!(body(seen).await, "");

    let for_responses = Filter::new("flt", Operation::Retain, ["$.id"]).unwrap();
    let layer = RequestFilterLayer::new().scope(Scope::Proxy, for_responses);
    let seen = forwarded(layer, json(b"not JSON", &[])).await;
    assert!(seen.extensions().get::<BufferedBody>().is_none());
    assert_eq!(body(seen).await, "not JSON");
}

#[tokio::test]
async fn a_shadow_changes_nothing() {
    let shadow = Filter::new("flt", Operation::Retain, ["$.id"]).unwrap();
    let shadow = shadow.on(Side::Request).mode(Mode::Shadow);
    let layer = RequestFilterLayer::new().scope(Scope::Proxy, shadow).max_body_bytes(20);
    for sent in [&br#"{"id":1,"ssn":2}"#[..], b"{", b"123456789 123456789 123456789"] {
        let seen = forwarded(layer.clone(), json(sent, &[("content-digest", "x")])).await;
        assert_eq!(seen.headers()["content-digest"], "x");
        assert_eq!(body(seen).await.as_bytes(), sent);
    }
}

type Seen = Request<Body<Full<Bytes>>>;

fn filter() -> RequestFilterLayer {
    let filter = Filter::new("flt", Operation::Retain, ["$.id"]).unwrap().on(Side::Request);
    RequestFilterLayer::new().scope(Scope::Proxy, filter)
}

fn json(body: &[u8], headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method("POST").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::copy_from_slice(body).into()).unwrap()
}

async fn body(request: Seen) -> String {
    let bytes = request.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

// What the inner service gets.
async fn forwarded(layer: RequestFilterLayer, request: Request<Full<Bytes>>) -> Seen {
    let (send, mut seen) = tokio::sync::mpsc::channel(1);
    let inner = tower::service_fn(move |request: Seen| {
        let send = send.clone();
        async move {
            send.send(request).await.unwrap();
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    });
    let answer = layer.layer(inner).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200, "{answer:?}");
    seen.try_recv().unwrap()
}

async fn refused(layer: RequestFilterLayer, request: Request<Full<Bytes>>, code: Code) {
    let inner =
        tower::service_fn(async |request: Seen| -> Result<Response<Full<Bytes>>, Infallible> {
            panic!("it was forwarded: {request:?}")
        });
    let answer = layer.layer(inner).oneshot(request).await.unwrap();
    let refusal = answer.extensions().get::<Refusal>().unwrap();
    assert_eq!((refusal.code(), refusal.stage()), (code, Stage::Transform), "{refusal:?}");
}
