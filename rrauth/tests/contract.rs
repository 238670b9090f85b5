//! What every layer owes its neighbours, whoever they are, and what a handle changes under it.
#![cfg(test)] // tells clippy that this may panic

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{self, Poll};

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use rrauth::{
    AuthLayer, AuthorizeLayer, Credential, CredentialSource, Index, InjectLayer, Injection,
    KeyDigest, Kind, Lookup, SourceUnavailable,
};
use rrcore::{Context, Handle};
use tokio::sync::oneshot;
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task::spawn};
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;
use tower_test::mock;

const KEY: &str = "sk_alice_0123456789abcdef0123";
const NEW_KEY: &str = "sk_alice_3210fedcba9876543210";

#[tokio::test]
async fn a_replaced_index_is_asked_from_the_next_request_on() {
    let handle = Handle::new(index(KEY));
    let (mut service, mut upstream) =
        mock::spawn_layer::<Req, Res, _>(AuthLayer::new(handle.clone()));
    for (key, expected) in [(KEY, 200), (NEW_KEY, 401)] {
        assert_eq!(status(&mut service, &mut upstream, key).await, expected, "{key}");
    }
    handle.set(index(NEW_KEY));
    for (key, expected) in [(KEY, 401), (NEW_KEY, 200)] {
        assert_eq!(status(&mut service, &mut upstream, key).await, expected, "{key}");
    }
    handle.set(Index::builder().build());
    assert_eq!(status(&mut service, &mut upstream, NEW_KEY).await, 401);
}

#[tokio::test]
async fn a_look_up_that_has_begun_ends_at_the_source_where_it_began() {
    let (old, answer_old) = SlowSource::new();
    let (new, answer_new) = SlowSource::new();
    let handle = Handle::new(old);
    let (mut service, mut upstream) =
        mock::spawn_layer::<Req, Res, _>(AuthLayer::new(handle.clone()));
    assert_ready_ok!(service.poll_ready());
    let mut first = spawn(service.call(request(KEY)));
    assert_pending!(first.poll());
    handle.set(new);
    assert_ready_ok!(service.poll_ready());
    let mut second = spawn(service.call(request(KEY)));

    // What only the old source says lets in only the first.
    answer_old.send(Ok(Some(Arc::new(alice())))).unwrap();
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    assert!(upstream.next_request().await.is_some());
    answer_new.send(Ok(None)).unwrap();
    assert_eq!(assert_ready!(second.poll()).unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_pending!(upstream.poll_request());
}

#[tokio::test]
async fn a_replaced_injection_is_sent_from_the_next_request_on() {
    let name = HeaderName::from_static("x-key");
    let of = |prefix: &str, secret: &str| Injection::header(name.clone(), prefix, secret).unwrap();
    let handle = Handle::new(of("", "old"));
    let (mut service, mut upstream) =
        mock::spawn_layer::<Req, Res, _>(InjectLayer::new(handle.clone()));
    for (injection, line, secret) in
        [(None, "old", "old"), (Some(of("Token ", "new")), "Token new", "new")]
    {
        if let Some(injection) = injection {
            handle.set(injection);
        }
        assert_ready_ok!(service.poll_ready());
        let _response = service.call(request(KEY));
        let (forwarded, _) = upstream.next_request().await.unwrap();
        assert_eq!(forwarded.headers()["x-key"], line);
        let context = forwarded.extensions().get::<Context>().unwrap();
        assert_eq!(context.injected()[0].expose(), secret.as_bytes());
    }
    handle.set(Injection::unavailable("revoked"));
    assert_ready_ok!(service.poll_ready());
    let refused = service.call(request(KEY)).await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_pending!(upstream.poll_request());
}

#[tokio::test]
async fn a_caller_that_leaves_leaves_the_service_usable() {
    check_left(AuthLayer::new(index(KEY))).await;
    check_left(authorize()).await;
    check_left(InjectLayer::new(injection())).await;
}

#[tokio::test]
async fn a_caller_that_leaves_a_pending_look_up_leaves_the_service_usable() {
    let (source, answer) = SlowSource::new();
    let handle = Handle::new(source);
    let (mut service, mut upstream) =
        mock::spawn_layer::<Req, Res, _>(AuthLayer::new(handle.clone()));
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request(KEY)));
    assert_pending!(response.poll());
    drop(response);
    assert!(answer.is_closed());
    assert_pending!(upstream.poll_request());

    let (source, answer) = SlowSource::new();
    handle.set(source);
    answer.send(Ok(Some(Arc::new(alice())))).unwrap();
    assert_eq!(status(&mut service, &mut upstream, KEY).await, 200);
}

#[tokio::test]
async fn a_refusal_takes_nothing_of_the_inner_services_readiness() {
    let handle = Handle::new(Index::builder().build());
    let (mut service, mut upstream) =
        mock::spawn_layer::<Req, Res, _>(AuthLayer::new(handle.clone()));
    upstream.allow(1);
    for _ in 0..3 {
        assert_eq!(status(&mut service, &mut upstream, KEY).await, 401);
    }
    handle.set(index(KEY));
    assert_eq!(status(&mut service, &mut upstream, KEY).await, 200);
}

#[tokio::test]
async fn an_axum_router_takes_them_and_bodies_and_trailers_pass() {
    let echo = |headers: HeaderMap, body: Body| async move {
        assert_eq!(headers["authorization"], "Basic dXNlcjpwYXNz");
        assert!(!headers.contains_key("x-api-key"));
        body
    };
    let app = Router::new()
        .route("/", post(echo))
        .layer(InjectLayer::new(injection()))
        .layer(authorize())
        .layer(AuthLayer::new(index(KEY)));
    let request = |key: &str| {
        let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "42".parse().unwrap())]);
        let body = Full::new(Bytes::from_static(b"hello"));
        let body = Body::new(body.with_trailers(ready(Some(Ok(trailers)))));
        Request::post("/").header("x-api-key", key).body(body).unwrap()
    };
    let response = app.clone().oneshot(request(KEY)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["x-sum"], "42");
    assert_eq!(body.to_bytes(), "hello");

    let refused = app.oneshot(request(NEW_KEY)).await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
}

#[test]
fn a_hyper_server_and_bodies_that_cannot_be_cloned_are_served() {
    struct NotClone;
    fn serves<B, L>(layer: &L)
    where
        L: Layer<Inner>,
        L::Service: Service<
                Request<B>,
                Response = Response<rrcore::Body<Full<Bytes>>>,
                Error = Infallible,
                Future: Send,
            > + Clone
            + Send
            + Sync
            + 'static,
    {
        let _ = layer.layer(Inner);
    }
    let slow = AuthLayer::new(SlowSource::new().0);
    serves::<Incoming, _>(&AuthLayer::new(index(KEY)));
    serves::<Incoming, _>(&slow);
    serves::<Incoming, _>(&authorize());
    serves::<Incoming, _>(&InjectLayer::new(injection()));
    serves::<Body, _>(&slow);
    serves::<NotClone, _>(&slow);
    serves::<NotClone, _>(&authorize());
    serves::<NotClone, _>(&InjectLayer::new(injection()));
}

// They are part of every future around them: whoever makes one larger says here why. The inner
// future is 8 bytes here; an index answers at once, but its type of look-up takes 24.
#[cfg(target_pointer_width = "64")]
#[test]
fn their_futures_stay_small() {
    fn size<L>(_: &L) -> usize
    where
        L: Layer<Inner>,
        L::Service: Service<Request<()>>,
    {
        size_of::<<L::Service as Service<Request<()>>>::Future>()
    }
    assert!(size(&AuthLayer::new(index(KEY))) <= 32);
    assert!(size(&AuthLayer::new(SlowSource::new().0)) <= 32);
    assert!(size(&authorize()) <= 16);
    assert!(size(&InjectLayer::new(injection())) <= 16);
}

/// Drops a future that waits for the upstream.
async fn check_left<L>(layer: L)
where
    L: Layer<mock::Mock<Req, Res>>,
    L::Service: Service<Req, Response = Response<rrcore::Body<Full<Bytes>>>>,
    <L::Service as Service<Req>>::Error: fmt::Debug,
{
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer);
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request(KEY)));
    assert_pending!(response.poll());
    let (_, reply) = upstream.next_request().await.unwrap();
    drop(response);
    reply.send_response(Response::default());
    assert_pending!(upstream.poll_request());
    assert_eq!(status(&mut service, &mut upstream, KEY).await, 200);
}

/// The status of one request with `key`, to which the upstream answers 200 if it gets it.
async fn status<S>(
    service: &mut mock::Spawn<S>,
    upstream: &mut mock::Handle<Req, Res>,
    key: &str,
) -> u16
where
    S: Service<Req, Response = Response<rrcore::Body<Full<Bytes>>>>,
    S::Error: fmt::Debug,
{
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request(key)));
    if let Poll::Ready(response) = response.poll() {
        assert_pending!(upstream.poll_request());
        return response.unwrap().status().as_u16();
    }
    upstream.next_request().await.unwrap().1.send_response(Response::default());
    response.await.unwrap().status().as_u16()
}

type Req = Request<Full<Bytes>>;
type Res = Response<Full<Bytes>>;
type Found = Result<Option<Arc<Credential<Consumer>>>, SourceUnavailable>;

#[derive(Clone, Debug)]
struct Consumer;

/// A key server that answers once, when the test says so.
struct SlowSource {
    answer: Mutex<Option<oneshot::Receiver<Found>>>,
}

impl SlowSource {
    fn new() -> (Self, oneshot::Sender<Found>) {
        let (sender, receiver) = oneshot::channel();
        (Self { answer: Mutex::new(Some(receiver)) }, sender)
    }
}

impl CredentialSource for SlowSource {
    type Caller = Consumer;
    type Future = SlowLookup;

    fn find(&self, _: &KeyDigest) -> Lookup<Consumer, SlowLookup> {
        Lookup::Pending(SlowLookup(self.answer.lock().unwrap().take().unwrap()))
    }
}

struct SlowLookup(oneshot::Receiver<Found>);

impl Future for SlowLookup {
    type Output = Found;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Found> {
        Pin::new(&mut self.0).poll(cx).map(Result::unwrap)
    }
}

/// Answers any request.
#[derive(Clone)]
struct Inner;

impl<B> Service<Request<B>> for Inner {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<Ready<Result<Self::Response, Infallible>>>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        Box::pin(ready(Ok(Response::default())))
    }
}

/// From a caller that shows `key`, and whom somebody else has vouched for already.
fn request(key: &str) -> Req {
    let request = Request::builder().header("x-api-key", key).extension(Consumer);
    request.body(Full::default()).unwrap()
}

fn alice() -> Credential<Consumer> {
    Credential::new("cred_1", "alice", Kind::ApiKey, Consumer)
}

fn index(key: &str) -> Index<Consumer> {
    Index::builder().insert(KeyDigest::of(key), alice()).build()
}

fn authorize() -> AuthorizeLayer<Consumer, fn(&Consumer, &http::request::Parts) -> bool> {
    AuthorizeLayer::new(|_, _| true)
}

fn injection() -> Injection {
    Injection::basic("user", "pass").unwrap()
}
