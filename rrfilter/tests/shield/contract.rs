//! What [`EchoShieldLayer`] owes its neighbours, whoever they are.

use std::convert::Infallible;
use std::future::Pending;

use axum::Router;
use axum::routing::get;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, RANGE, SEC_WEBSOCKET_EXTENSIONS,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use rrcore::{Clock, Code, InjectedSecret, Refusal, Stage};
use rrfilter::{EchoShield, EchoShieldLayer, ShieldFuture};
use tokio_test::{assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt};
use tower_test::mock::{self, Mock};

use crate::support::{Pieces, Shielded, coded, data, secrets, through};

const SECRET: &str = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";

#[tokio::test]
async fn where_nothing_was_injected_nothing_is_touched() {
    let text = format!("{SECRET} in a coding that nobody knows");
    let response = || {
        Response::builder()
            .header(CONTENT_ENCODING, "unheard-of")
            .body(Pieces::of([text.as_bytes()]))
            .unwrap()
    };
    for injected in [&[][..], &["7 bytes"]] {
        let answer = through(&secrets(injected), Request::new(()), response()).await;
        assert_eq!(answer.headers()[CONTENT_ENCODING], "unheard-of");
        assert_eq!(data(answer).await, text.as_bytes());
    }
}

#[tokio::test]
async fn what_cannot_be_undone_is_refused_and_nothing_of_it_passes() {
    for (status, coding) in [(200, "compress"), (500, "gzip, br"), (206, "gzip")] {
        let response = Response::builder()
            .status(status)
            .header(CONTENT_ENCODING, coding)
            .header("x-echo", SECRET)
            .body(Pieces::of([SECRET.as_bytes()]))
            .unwrap();
        let answer = through(&secrets(&[SECRET]), Request::new(()), response).await;
        let refusal = answer.extensions().get::<Refusal>().unwrap();
        assert_eq!(
            (refusal.code(), refusal.stage()),
            (Code::UpstreamInvalidResponse, Stage::Upstream)
        );
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
        assert!(!format!("{answer:?}").contains(SECRET));
        assert!(!String::from_utf8(data(answer).await).unwrap().contains(SECRET));
    }
}

#[tokio::test]
async fn nobody_gets_a_secret_in_parts_of_a_text() {
    // Each of these is far shorter than the secret.
    for (first, part) in SECRET.as_bytes().chunks(3).enumerate() {
        let response = Response::builder()
            .status(206)
            .header(CONTENT_RANGE, format!("bytes {}-{}/99", 3 * first, 3 * first + 2))
            .header(CONTENT_TYPE, "application/json")
            .body(Pieces::of([part]))
            .unwrap();
        let answer = through(&secrets(&[SECRET]), Request::new(()), response).await;
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
        let refusal = answer.extensions().get::<Refusal>().unwrap();
        assert_eq!(refusal.code(), Code::UpstreamInvalidResponse);
        assert!(!answer.headers().contains_key(CONTENT_RANGE));
        let said = String::from_utf8(data(answer).await).unwrap();
        assert!(said.contains("without Range"), "nothing of it passes: {said}");
    }
    let response = Response::builder().status(226).body(Pieces::of([SECRET.as_bytes()])).unwrap();
    let answer = through(&secrets(&[SECRET]), Request::new(()), response).await;
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY, "a delta is a part too");
}

#[tokio::test]
async fn parts_of_media_pass_and_the_whole_as_one_part_does() {
    let answer = async |kind: &str, range: &str, text: &str| {
        let response = Response::builder()
            .status(206)
            .header(CONTENT_RANGE, range)
            .header(CONTENT_TYPE, kind)
            .header(ACCEPT_RANGES, "bytes")
            .body(Pieces::of([text.as_bytes()]))
            .unwrap();
        let request = Request::builder().header(RANGE, "bytes=0-").body(()).unwrap();
        through(&secrets(&[SECRET]), request, response).await
    };
    let part = answer("video/mp4", "bytes 5-11/99", "sk_live").await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()[CONTENT_RANGE], "bytes 5-11/99");
    assert!(part.headers().contains_key(ACCEPT_RANGES));
    assert_eq!(data(part).await, b"sk_live");
    let whole = answer("text/plain", "bytes 0-31/32", SECRET).await;
    assert_eq!(whole.status(), StatusCode::PARTIAL_CONTENT);
    assert!(!whole.headers().contains_key(ACCEPT_RANGES), "parts of it are not to be had");
    assert_eq!(data(whole).await, [b'*'; 32]);
}

#[tokio::test]
async fn a_body_that_breaks_off_does_so_for_the_client_too() {
    let response = Response::new(Pieces::of([&b"abc sk_live"[..]]).broken());
    let answer = through(&secrets(&[SECRET]), Request::new(()), response).await;
    let mut body = std::pin::pin!(answer.into_body());
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "abc ");
    assert!(!body.frame().await.unwrap().unwrap_err().is_withheld());
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn content_keeps_its_length_and_what_was_said_of_its_coding_goes() {
    let response = |coding: &str| {
        let content = coded(coding, format!("<{SECRET}>").as_bytes());
        Response::builder()
            .header(CONTENT_ENCODING, coding)
            .header(CONTENT_LENGTH, content.len())
            .header(ETAG, "\"7\"")
            .header("content-digest", "sha-256=:x:")
            .body(Pieces::of([&*content]))
            .unwrap()
    };
    let plain = through(&secrets(&[SECRET]), Request::new(()), response("identity")).await;
    assert_eq!(plain.headers()[CONTENT_LENGTH], "34");
    assert_eq!(plain.body().size_hint().exact(), Some(34));
    assert_eq!((&plain.headers()[ETAG], plain.headers().len()), (&"\"7\"".parse().unwrap(), 4));
    let coded = through(&secrets(&[SECRET]), Request::new(()), response("gzip")).await;
    assert_eq!((&coded.headers()[ETAG], coded.headers().len()), (&"W/\"7\"".parse().unwrap(), 1));
    assert_eq!(data(coded).await, data(plain).await);
}

#[tokio::test]
async fn responses_without_content_have_their_head_masked() {
    for (method, status) in [(Method::HEAD, 200), (Method::GET, 204), (Method::GET, 304)] {
        let request = Request::builder().method(method).body(()).unwrap();
        let response = Response::builder()
            .status(status)
            .header(CONTENT_ENCODING, "unheard-of")
            .header("x-echo", SECRET)
            .body(Pieces::default())
            .unwrap();
        let answer = through(&secrets(&[SECRET]), request, response).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["x-echo"], "*".repeat(32));
        assert!(answer.body().is_end_stream());
    }
    // Frameworks put the coding on empty bodies too.
    let empty = Response::builder().header(CONTENT_ENCODING, "gzip").body(Pieces::default());
    let answer = through(&secrets(&[SECRET]), Request::new(()), empty.unwrap()).await;
    assert_eq!(data(answer).await, b"");
}

#[tokio::test]
async fn names_of_headers_are_masked_in_any_case() {
    let response = Response::builder()
        .header(SECRET.to_ascii_lowercase(), "1")
        .header(SECRET.to_ascii_lowercase(), "2")
        .header(format!("x-{}", hex(SECRET)), "3")
        .header(CONTENT_LENGTH, "12345678")
        .body(Pieces::default())
        .unwrap();
    let answer = through(&secrets(&[SECRET, "12345678"]), Request::new(()), response).await;
    let stars: Vec<_> = answer.headers().get_all("*".repeat(32)).iter().collect();
    assert_eq!(stars, ["1", "2"]);
    assert_eq!(answer.headers()[format!("x-{}", "*".repeat(64))], "3");
    assert_eq!(answer.headers()[CONTENT_LENGTH], "12345678", "a length is not said in stars");
}

#[tokio::test]
async fn trailers_are_masked_and_come_last() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-echo", HeaderValue::from_str(SECRET).unwrap());
    let body = Pieces::of([&b"sk_live"[..]]).trailers(trailers);
    let answer = through(&secrets(&[SECRET]), Request::new(()), Response::new(body)).await;
    let collected = answer.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-echo"], "*".repeat(32));
    assert_eq!(collected.to_bytes(), "sk_live");
}

#[tokio::test]
async fn the_upstream_is_asked_for_what_can_be_read() {
    let asked = async |headers: &[(&str, &str)]| {
        let mut request = Request::new(());
        for (name, value) in headers {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        let (mut service, mut upstream) = spawn();
        let answer = task::spawn(service.call(request));
        let (request, _send) = upstream.next_request().await.unwrap();
        drop(answer);
        request.into_parts().0.headers
    };
    let codings = |headers: HeaderMap| headers[ACCEPT_ENCODING].clone();
    assert_eq!(codings(asked(&[]).await), "identity");
    assert_eq!(codings(asked(&[("accept-encoding", "compress, gzip;q=0.5")]).await), "gzip;q=0.5");
    let part = asked(&[("accept-encoding", "gzip"), (RANGE.as_str(), "bytes=0-9")]).await;
    assert_eq!(
        (&part[RANGE], codings(part.clone())),
        (&"bytes=0-9".parse().unwrap(), "identity".parse().unwrap())
    );
    let several =
        [("accept-encoding", "gzip"), ("range", "bytes=0-9,20-29"), ("if-range", "\"7\"")];
    let whole = asked(&several).await;
    assert_eq!(whole.keys().collect::<Vec<_>>(), ["accept-encoding"]);
    assert_eq!(codings(whole), "gzip");
    assert!(!asked(&[("a-im", "gzip")]).await.contains_key("a-im"));
    let socket = asked(&[(SEC_WEBSOCKET_EXTENSIONS.as_str(), "permessage-deflate")]).await;
    assert!(!socket.contains_key(SEC_WEBSOCKET_EXTENSIONS));
}

#[tokio::test]
async fn it_works_over_the_bodies_of_axum() {
    async fn echo(request: axum::extract::Request) -> String {
        format!("you are {:?}", request.headers().get("authorization"))
    }
    let inject = tower::util::MapRequestLayer::new(|mut request: axum::extract::Request| {
        let context = rrcore::Context::of(request.extensions_mut(), &Clock::system());
        context.add_injected(InjectedSecret::new(SECRET.into()));
        request.headers_mut().insert("authorization", HeaderValue::from_static(SECRET));
        request
    });
    let app = Router::new().route("/", get(echo)).layer(inject).layer(EchoShieldLayer::new());
    let request = Request::builder().uri("/").body(axum::body::Body::empty()).unwrap();
    let answer = app.oneshot(request).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, format!("you are Some(\"{}\")", "*".repeat(32)));
}

#[test]
fn it_compiles_over_the_bodies_of_hyper() {
    fn is_service<S: Service<Request<Incoming>, Error = Infallible> + Clone + Send + 'static>(_: &S)
    where
        S::Future: Send,
    {
    }
    let proxy = tower::service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(Response::new(request.into_body()))
    });
    is_service(&EchoShieldLayer::new().layer(proxy));
}

#[test]
fn layer_service_and_body_are_shareable_and_print_no_secret() {
    fn shareable<T: Clone + Send + Sync + 'static>() {}
    fn send<T: Send>() {}
    shareable::<EchoShieldLayer>();
    shareable::<EchoShield<Inner>>();
    send::<<EchoShield<Inner> as Service<Request<()>>>::Future>();
    send::<Shielded>();
    let response = Response::new(Pieces::of([SECRET.as_bytes()]));
    let answer = tokio_test::block_on(through(&secrets(&[SECRET]), Request::new(()), response));
    assert!(!format!("{answer:?}").contains("sk_live"));
}

// The futures of a stack lie in one another: what one adds is paid for by every request.
#[test]
fn the_future_is_hardly_larger_than_the_inner_one() {
    type Of<const SIZE: usize> = ShieldFuture<([u8; SIZE], Pending<()>), Pieces>;
    assert_eq!((size_of::<Of<0>>(), size_of::<Of<1024>>()), (16, 1040));
}

#[tokio::test]
async fn a_caller_that_leaves_before_the_response_leaves_the_service_usable() {
    let (mut service, mut upstream) = spawn();
    let answer = task::spawn(service.call(Request::new(())));
    let (_, send) = upstream.next_request().await.unwrap();
    drop(answer);
    send.send_response(Response::new(Pieces::default()));
    assert_ready_ok!(service.poll_ready());
}

type Inner = Mock<Request<()>, Response<Pieces>>;

type Upstream = mock::Handle<Request<()>, Response<Pieces>>;

fn spawn() -> (mock::Spawn<EchoShield<Inner>>, Upstream) {
    let (mut service, upstream) = mock::spawn_layer(EchoShieldLayer::new());
    assert_ready_ok!(service.poll_ready());
    (service, upstream)
}

fn hex(text: &str) -> String {
    text.bytes().map(|it| format!("{it:02x}")).collect()
}
