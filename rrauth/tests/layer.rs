//! Each layer's contract with its neighbours, over a mock that panics when it is called unready.
#![cfg(test)] // tells clippy that this may panic

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::task;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use rrauth::{
    AuthLayer, AuthorizeLayer, Credential, CredentialSource, Index, InjectLayer, Injection,
    KeyDigest, Kind, Lookup, SourceUnavailable,
};
use rrcore::{Code, Context, ManualClock, Outcome, Refusal, Stage};
use tokio::sync::oneshot;
use tokio_test::{assert_pending, assert_ready_ok, task::spawn};
use tower_layer::Layer;
use tower_service::Service;
use tower_test::mock;

const KEY: &str = "sk_alice_0123456789abcdef0123";

#[tokio::test]
async fn a_caller_that_is_let_in_is_known_to_the_inner_service() {
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(auth());
    assert_ready_ok!(service.poll_ready());
    let response = service.call(request("/", &[("x-api-key", KEY)]));

    let (forwarded, reply) = upstream.next_request().await.unwrap();
    assert_eq!(forwarded.extensions().get(), Some(&Consumer { admin: false }));
    let context = forwarded.extensions().get::<Context>().unwrap();
    let identity = context.identity().unwrap();
    assert_eq!(
        (&**identity.subject(), &**identity.credential(), identity.kind()),
        ("alice", "cred_1", "apiKey")
    );
    reply.send_response(answer());
    check_untouched(response.await.unwrap()).await;
}

#[tokio::test]
async fn a_refused_request_never_reaches_the_inner_service() {
    check_refused(auth(), request("/", &[]), Code::CredentialMissing).await;
    check_refused(auth(), request("/", &[("x-api-key", "x")]), Code::CredentialInvalid).await;
    check_refused(authorize(), request("/", &[]), Code::NotAuthorized).await;
    check_refused(authorize(), called_by(Consumer { admin: false }), Code::NotAuthorized).await;
    let none = Injection::unavailable("sealed under 10.0.0.7's key");
    check_refused(inject(none), request("/", &[]), Code::CredentialUnavailable).await;
    let query = Injection::query("key", "s").unwrap();
    check_refused(inject(query), request("*", &[]), Code::CredentialUnavailable).await;
}

#[tokio::test]
async fn an_authorized_request_passes() {
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(authorize());
    assert_ready_ok!(service.poll_ready());
    let response = service.call(called_by(Consumer { admin: true }));
    let (forwarded, reply) = upstream.next_request().await.unwrap();
    check_last_entry(&forwarded, Stage::Authorize);
    reply.send_response(answer());
    check_untouched(response.await.unwrap()).await;
}

#[tokio::test]
async fn the_injected_header_is_the_only_one_of_its_name() {
    let sent =
        [("x-api-key", "mine"), ("x-api-key", "mine too"), ("x_api_key", "sly"), ("x-other", "o")];
    let injection = Injection::header("x-api-key".parse().unwrap(), "Token ", "s3cret").unwrap();
    let forwarded = check_injected(injection, request("/p?a=%20", &sent)).await;
    let values: Vec<_> = forwarded.headers().get_all("x-api-key").iter().collect();
    assert_eq!(values, ["Token s3cret"]);
    assert!(values[0].is_sensitive());
    assert_eq!(forwarded.headers().len(), 2);
    assert_eq!(forwarded.uri(), "/p?a=%20");
    let context = forwarded.extensions().get::<Context>().unwrap();
    assert_eq!(context.injected()[0].expose(), b"s3cret");
    assert!(!format!("{forwarded:?}").contains("s3cret"));
}

#[tokio::test]
async fn the_injected_parameter_is_the_only_one_of_its_name() {
    let injection = Injection::query("api key", "a&b=c d").unwrap();
    let uri = "/p?api+key=1&b=%2F&API%20Key=2&apikey=3";
    let forwarded = check_injected(injection, request(uri, &[])).await;
    assert_eq!(forwarded.uri(), "/p?b=%2F&apikey=3&api%20key=a%26b%3Dc%20d");
    let context = forwarded.extensions().get::<Context>().unwrap();
    assert_eq!(context.injected()[0].expose(), b"a&b=c d");
}

#[tokio::test]
async fn where_no_credential_is_wanted_nothing_is_touched() {
    let forwarded =
        check_injected(Injection::none(), request("/p?a", &[("authorization", "theirs")])).await;
    assert_eq!(forwarded.uri(), "/p?a");
    assert_eq!(forwarded.headers()["authorization"], "theirs");
    assert!(forwarded.extensions().get::<Context>().unwrap().injected().is_empty());
}

#[tokio::test]
async fn a_request_arrives_before_a_slow_source_is_waited_for() {
    let (source, answer_lookup) = SlowSource::new();
    let clock = ManualClock::starting_at(Duration::from_secs(100));
    let layer = AuthLayer::new(source).clock(clock.clock());
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer);
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request("/", &[("x-api-key", KEY)])));
    assert_pending!(response.poll());
    clock.advance(Duration::from_secs(7));
    let credential = Credential::new("cred_1", "alice", Kind::ApiKey, Consumer { admin: false });
    // It would have ended meanwhile.
    let ends = Duration::from_secs(105);
    answer_lookup.send(Ok(Some(Arc::new(credential.expires_at(ends))))).unwrap();
    assert_pending!(response.poll());
    let (forwarded, _reply) = upstream.next_request().await.unwrap();
    let context = forwarded.extensions().get::<Context>().unwrap();
    assert_eq!(context.now().wall, Duration::from_secs(100));
}

#[tokio::test]
async fn a_slow_source_is_waited_for_and_the_ready_service_makes_the_call() {
    let (source, answer_lookup) = SlowSource::new();
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(AuthLayer::new(source));
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request("/?Authorization=x", &[("x-api-key", KEY)])));
    assert_pending!(response.poll());
    assert_pending!(upstream.poll_request());

    answer_lookup.send(Ok(Some(Arc::new(alice())))).unwrap();
    assert_pending!(response.poll());
    let (forwarded, reply) = upstream.next_request().await.unwrap();
    assert_eq!(forwarded.uri(), "/");
    assert!(forwarded.headers().is_empty());
    reply.send_response(answer());
    check_untouched(response.await.unwrap()).await;
    // The clone that stayed behind is not ready, and says so before the next call.
    assert_ready_ok!(service.poll_ready());
}

#[tokio::test]
async fn a_source_that_cannot_tell_lets_nobody_in_and_says_503() {
    let down = SourceUnavailable::new("10.0.0.7 timed out");
    check_slow(Err(down), Code::AuthUnavailable).await;
    check_slow(Ok(None), Code::CredentialInvalid).await;
    check_slow(Ok(Some(Arc::new(alice().active(false)))), Code::CredentialInvalid).await;
}

#[tokio::test]
async fn a_caller_that_leaves_while_the_source_is_asked_forwards_nothing() {
    let (source, answer_lookup) = SlowSource::new();
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(AuthLayer::new(source));
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request("/", &[("x-api-key", KEY)])));
    assert_pending!(response.poll());
    drop(response);
    assert!(answer_lookup.send(Ok(Some(Arc::new(alice())))).is_err());
    assert_pending!(upstream.poll_request());
}

#[tokio::test]
async fn request_bodies_pass_untouched_even_those_that_cannot_be_cloned() {
    struct NotClone(&'static str);
    let layer = (auth(), authorize_everyone(), inject(Injection::bearer("", "s").unwrap()));
    let (mut service, mut upstream) = mock::spawn_with::<Request<NotClone>, Res, _, _>(|inner| {
        layer.0.layer(layer.1.layer(layer.2.layer(inner)))
    });
    assert_ready_ok!(service.poll_ready());
    let request = Request::builder().header("x-api-key", KEY).body(NotClone("whole")).unwrap();
    let _response = service.call(request);
    let (forwarded, _) = upstream.next_request().await.unwrap();
    assert_eq!(forwarded.headers()["authorization"], "s");
    let stages: Vec<_> = trail(&forwarded).entries().iter().map(|it| it.stage).collect();
    assert_eq!(stages, [Stage::Authenticate, Stage::Authorize, Stage::Inject]);
    assert_eq!(forwarded.into_body().0, "whole");
}

#[test]
fn layers_and_services_are_shared_between_threads_and_futures_move() {
    fn assert_all<L>(_: &L)
    where
        L: Layer<mock::Mock<Req, Res>> + Clone + Send + Sync + 'static,
        L::Service: Service<Req> + Clone + Send + Sync + 'static,
        <L::Service as Service<Req>>::Future: Send,
    {
    }
    assert_all(&auth());
    assert_all(&AuthLayer::new(SlowSource::new().0));
    assert_all(&authorize());
    assert_all(&inject(Injection::none()));
}

#[test]
fn nothing_secret_is_in_any_debug_output() {
    let index = index();
    let secret = KeyDigest::of(KEY).to_hex();
    let layer = auth();
    let injection = inject(Injection::bearer("Bearer ", KEY).unwrap());
    let printed = format!(
        "{index:?} {layer:?} {:?} {injection:?} {:?} {:?}",
        layer.layer(()),
        injection.layer(()),
        alice()
    );
    assert!(!printed.contains(KEY) && !printed.contains(&secret), "{printed}");
}

#[derive(Clone, Debug, PartialEq)]
struct Consumer {
    admin: bool,
}

type Req = Request<Full<Bytes>>;
type Res = Response<BoxedBody>;
type BoxedBody = BoxBody<Bytes, Infallible>;
type Found = Result<Option<Arc<Credential<Consumer>>>, SourceUnavailable>;

/// A key server that answers once, when the test says so.
struct SlowSource {
    answer: Mutex<Option<oneshot::Receiver<Found>>>,
    is_warned: AtomicBool,
}

struct SlowLookup(oneshot::Receiver<Found>);

impl SlowSource {
    fn new() -> (Arc<Self>, oneshot::Sender<Found>) {
        let (sender, receiver) = oneshot::channel();
        let answer = Mutex::new(Some(receiver));
        (Arc::new(Self { answer, is_warned: AtomicBool::new(false) }), sender)
    }
}

impl CredentialSource for SlowSource {
    type Caller = Consumer;
    type Future = SlowLookup;

    fn find(&self, digest: &KeyDigest) -> Lookup<Consumer, SlowLookup> {
        assert!(*digest == KeyDigest::of(KEY));
        assert!(self.is_warned.load(Relaxed), "it hears beforehand what it will be asked for");
        Lookup::Pending(SlowLookup(self.answer.lock().unwrap().take().unwrap()))
    }

    fn prefetch(&self, digest: &KeyDigest) {
        assert!(*digest == KeyDigest::of(KEY));
        self.is_warned.store(true, Relaxed);
    }
}

impl Future for SlowLookup {
    type Output = Found;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> task::Poll<Found> {
        Pin::new(&mut self.0).poll(cx).map(Result::unwrap)
    }
}

async fn check_slow(found: Found, code: Code) {
    let (source, answer_lookup) = SlowSource::new();
    answer_lookup.send(found).unwrap();
    check_refused(AuthLayer::new(source), request("/", &[("x-api-key", KEY)]), code).await;
}

async fn check_refused<L>(layer: L, request: Req, code: Code)
where
    L: Layer<mock::Mock<Req, Res>>,
    L::Service: Service<Req, Response = Response<rrcore::Body<BoxedBody>>>,
    <L::Service as Service<Req>>::Error: std::fmt::Debug,
{
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer);
    assert_ready_ok!(service.poll_ready());
    let response = service.call(request).await.unwrap();
    assert_eq!(response.status(), code.status());
    assert_eq!(response.extensions().get::<Refusal>().unwrap().code(), code);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let text = std::str::from_utf8(&body).unwrap();
    assert!(text.contains(code.as_str()) && !text.contains("10.0.0.7"), "{text}");
    assert_pending!(upstream.poll_request());
}

async fn check_injected(injection: Injection, request: Req) -> Req {
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(inject(injection));
    assert_ready_ok!(service.poll_ready());
    let response = service.call(request);
    let (forwarded, reply) = upstream.next_request().await.unwrap();
    check_last_entry(&forwarded, Stage::Inject);
    reply.send_response(answer());
    check_untouched(response.await.unwrap()).await;
    forwarded
}

#[track_caller]
fn check_last_entry(forwarded: &Req, stage: Stage) {
    let trail = trail(forwarded);
    let entry = trail.entries().last().unwrap();
    assert_eq!((entry.stage, entry.outcome), (stage, Outcome::Passed));
}

fn trail<B>(request: &Request<B>) -> rrcore::Trail {
    request.extensions().get::<Context>().unwrap().trail()
}

/// An upstream's answer with a body in two parts and trailers.
fn answer() -> Res {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "42".parse().unwrap());
    let body = Full::new(Bytes::from_static(b"body")).with_trailers(async { Some(Ok(trailers)) });
    let mut response = Response::new(BoxBody::new(body));
    *response.status_mut() = StatusCode::IM_A_TEAPOT;
    response.headers_mut().insert(header::ETAG, "\"e\"".parse().unwrap());
    response
}

async fn check_untouched<B>(response: Response<B>)
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(response.headers().len(), 1);
    assert!(!response.body().is_end_stream());
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["x-sum"], "42");
    assert_eq!(body.to_bytes(), "body");
}

fn request(uri: &str, lines: &[(&'static str, &'static str)]) -> Req {
    let mut request = Request::builder().uri(uri);
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    request.body(Full::default()).unwrap()
}

fn called_by(consumer: Consumer) -> Req {
    let mut request = request("/", &[]);
    request.extensions_mut().insert(consumer);
    request
}

fn alice() -> Credential<Consumer> {
    Credential::new("cred_1", "alice", Kind::ApiKey, Consumer { admin: false })
}

fn index() -> Index<Consumer> {
    Index::builder().insert(KeyDigest::of(KEY), alice()).build()
}

fn auth() -> AuthLayer<Index<Consumer>> {
    AuthLayer::new(Arc::new(index()))
}

type May = fn(&Consumer, &http::request::Parts) -> bool;

fn authorize() -> AuthorizeLayer<Consumer, May> {
    AuthorizeLayer::new(|caller, _| caller.admin)
}

fn authorize_everyone() -> AuthorizeLayer<Consumer, May> {
    AuthorizeLayer::new(|_, _| true)
}

fn inject(injection: Injection) -> InjectLayer {
    InjectLayer::new(Arc::new(injection))
}
