//! Requests with a token that is fetched: waited for, and replaced when the upstream refuses it.
#![cfg(test)] // tells clippy that this may panic

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{self, Poll};

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use rrauth::{
    InjectExplained, InjectLayer, Injection, Outlook, Presentation, Token, TokenFuture,
    TokenUnavailable, Tokens,
};
use rrcore::{Budget, BufferedBody, Code, Context, ReadOutcome, Refusal, Stage};
use tokio::sync::oneshot;
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task::spawn};
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;
use tower_test::mock;

#[tokio::test]
async fn the_first_request_waits_for_its_token_and_the_ready_service_makes_the_call() {
    let tokens = Hand::new();
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer(&tokens));
    assert_ready_ok!(service.poll_ready());
    let sent = [("authorization", "theirs"), ("Authorization", "again"), ("x-other", "o")];
    let mut response = spawn(service.call(request("/p", &sent, full("b"))));
    assert_pending!(response.poll());
    assert_pending!(upstream.poll_request());

    tokens.answer(Ok("t1"));
    assert_pending!(response.poll());
    let (forwarded, reply) = upstream.next_request().await.unwrap();
    let shown: Vec<_> = forwarded.headers().get_all(header::AUTHORIZATION).iter().collect();
    assert_eq!(shown, ["Bearer t1"]);
    assert!(shown[0].is_sensitive());
    assert_eq!(forwarded.headers()["x-other"], "o");
    assert_eq!(injected(&forwarded), ["t1"]);
    assert_eq!(stages(&forwarded), [Stage::Inject]);
    reply.send_response(answer(200));
    assert_eq!(response.await.unwrap().status(), StatusCode::OK);
    assert_ready_ok!(service.poll_ready());
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let tokens = Hand::new();
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer(&tokens));
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request("/p", &[], full("b"))));
    assert_pending!(response.poll());
    tokens.answer(Err("10.0.0.7 is down"));
    check_unavailable(assert_ready!(response.poll()).unwrap(), "10.0.0.7 is down").await;

    let bodies = layer(&tokens).bodies();
    let (mut service, mut other) = mock::spawn_layer::<Inner, Res, _>(bodies);
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request("/p", &[], full("b"))));
    assert_pending!(response.poll());
    tokens.answer(Err("10.0.0.7 is down"));
    check_unavailable(assert_ready!(response.poll()).unwrap(), "10.0.0.7 is down").await;
    assert_pending!(upstream.poll_request());
    assert_pending!(other.poll_request());
}

#[tokio::test]
async fn a_caller_that_leaves_while_a_token_is_fetched_forwards_nothing() {
    let tokens = Hand::new();
    let (mut service, mut upstream) = mock::spawn_layer::<Inner, Res, _>(layer(&tokens).bodies());
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request("/p", &[], full("b"))));
    assert_pending!(response.poll());
    drop(response);
    assert_pending!(upstream.poll_request());
    tokens.hold("t1");
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request("/p", &[], full("b"))));
    assert_pending!(response.poll());
    assert!(upstream.next_request().await.is_some());
}

#[tokio::test]
async fn a_body_that_was_not_read_is_not_sent_again_but_the_token_is_replaced() {
    let tokens = Hand::new();
    tokens.hold("t1");
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer(&tokens));
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request("/p", &[], full(""))));
    assert_pending!(response.poll());
    upstream.next_request().await.unwrap().1.send_response(answer(401));
    assert_eq!(response.await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(tokens.replaced(), ["t1"]);
    assert_pending!(upstream.poll_request());
}

#[tokio::test]
async fn a_refused_token_is_replaced_and_the_request_sent_again_as_it_was() {
    check_retried(full("")).await;
    check_retried(full("hello")).await;
    check_retried(full(&"x".repeat(64 * 1024))).await;
    // Somebody has read it already.
    let large = "x".repeat(100_000);
    let read = BufferedBody::read(request("/p?a=%20&b", &[("x-a", "1")], full(&large)), 1 << 20);
    let ReadOutcome::Whole(read) = read.await else { panic!() };
    check_twice(read, 200).await;
}

#[tokio::test]
async fn the_second_answer_is_the_callers() {
    for second in [200, 401, 500, 302] {
        let request = request("/p", &[], full("b"));
        check_twice(request, second).await;
    }
}

#[tokio::test]
async fn what_is_not_401_is_not_sent_again() {
    for first in [200, 302, 400, 403, 407, 500, 503] {
        check_once(request("/p", &[], full("b")), first).await;
    }
}

#[tokio::test]
async fn a_body_that_is_large_or_has_no_length_goes_once() {
    check_once(request("/p", &[], full(&"x".repeat(64 * 1024 + 1))), 401).await;
    let pieces = Pieces(vec!["a", "b"]);
    check_once(request("/p", &[], pieces.boxed()), 401).await;
}

#[tokio::test]
async fn where_no_memory_is_left_a_request_goes_once() {
    for (room, again) in [(4, false), (5, true)] {
        let tokens = Hand::new();
        tokens.hold("t1");
        let layer = layer(&tokens).bodies().budget(&Budget::bytes(room));
        let (mut service, mut upstream) = mock::spawn_layer::<Inner, Res, _>(layer);
        assert_ready_ok!(service.poll_ready());
        let mut response = spawn(service.call(request("/p", &[], full("12345"))));
        assert_pending!(response.poll());
        upstream.next_request().await.unwrap().1.send_response(answer(401));
        let is_answered = response.poll().is_ready();
        assert_eq!(is_answered, !again, "{room}");
    }
}

#[tokio::test]
async fn where_there_is_no_other_token_the_refusal_is_the_callers() {
    let tokens = Hand::new();
    tokens.hold("t1");
    let (mut service, mut upstream) = mock::spawn_layer::<Inner, Res, _>(layer(&tokens).bodies());
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request("/p", &[], full("b"))));
    assert_pending!(response.poll());
    upstream.next_request().await.unwrap().1.send_response(answer(401));
    assert_pending!(response.poll());
    tokens.answer(Err("no other"));
    let answer = assert_ready!(response.poll()).unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "answer 401");
    assert_pending!(upstream.poll_request());
}

#[tokio::test]
async fn a_fixed_credential_that_is_refused_is_not_sent_again() {
    let fixed = InjectLayer::new(Injection::bearer("Bearer ", "fixed").unwrap()).bodies();
    let (mut service, mut upstream) = mock::spawn_layer::<Inner, Res, _>(fixed);
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request("/p", &[], full("b"))));
    assert_pending!(response.poll());
    let (forwarded, reply) = upstream.next_request().await.unwrap();
    assert_eq!(forwarded.headers()[header::AUTHORIZATION], "Bearer fixed");
    reply.send_response(answer(401));
    assert_eq!(response.await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_pending!(upstream.poll_request());
}

#[tokio::test]
async fn a_token_in_the_query_is_there_once_also_the_second_time() {
    let tokens = Hand::new();
    tokens.hold("t&1");
    let presentation = Presentation::query("key").unwrap();
    let layer = InjectLayer::new(Injection::token(Arc::new(tokens.clone()), presentation)).bodies();
    let (mut service, mut upstream) = mock::spawn_layer::<Inner, Res, _>(layer);
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request("/p?key=theirs&a=1", &[], full("b"))));
    assert_pending!(response.poll());
    let (forwarded, reply) = upstream.next_request().await.unwrap();
    assert_eq!(forwarded.uri(), "/p?a=1&key=t%261");
    reply.send_response(answer(401));
    assert_pending!(response.poll());
    tokens.answer(Ok("t2"));
    assert_pending!(response.poll());
    let (forwarded, _) = upstream.next_request().await.unwrap();
    assert_eq!(forwarded.uri(), "/p?a=1&key=t2");
    assert_eq!(injected(&forwarded), ["t&1", "t2"]);
}

#[tokio::test]
async fn an_upstream_that_cannot_be_reached_is_an_error_and_not_asked_again() {
    let tokens = Hand::new();
    tokens.hold("t1");
    let (mut service, mut upstream) = mock::spawn_layer::<Inner, Res, _>(layer(&tokens).bodies());
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request("/p", &[], full("b"))));
    assert_pending!(response.poll());
    upstream.next_request().await.unwrap().1.send_error("gone");
    assert!(response.await.is_err());
    assert_pending!(upstream.poll_request());
}

#[tokio::test]
async fn an_axum_router_takes_it_and_sends_again() {
    let upstream = |headers: HeaderMap, body: String| async move {
        match headers[header::AUTHORIZATION].as_bytes() {
            b"Bearer t2" => (StatusCode::OK, body),
            _ => (StatusCode::UNAUTHORIZED, "the old one".to_owned()),
        }
    };
    let tokens = Hand::new();
    tokens.hold("t1");
    let app = Router::new().route("/p", post(upstream)).layer(layer(&tokens).bodies());
    let request = request("/p", &[], full("hello")).map(axum::body::Body::new);
    let answering = async {
        while tokens.replaced().is_empty() {
            tokio::task::yield_now().await;
        }
        tokens.answer(Ok("t2"));
    };
    let (response, ()) = tokio::join!(app.oneshot(request), answering);
    let response = response.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
}

#[test]
fn an_explanation_fetches_nothing_and_says_whether_a_token_is_at_hand() {
    let tokens = Hand::new();
    let (layer, request) = (layer(&tokens), Request::new(()));
    assert_eq!(layer.explain(&request).unwrap(), InjectExplained::TokenToBeFetched);
    tokens.hold("t1");
    assert_eq!(layer.explain(&request).unwrap(), InjectExplained::TokenAtHand);
    tokens.state.lock().unwrap().failing = true;
    let refusal = layer.explain(&request).unwrap_err();
    assert_eq!((refusal.code(), refusal.reason()), (Code::CredentialUnavailable, Some("failing")));
    assert!(tokens.state.lock().unwrap().asked.is_empty());
    let fixed = InjectLayer::new(Injection::bearer("", "s").unwrap());
    assert_eq!(fixed.explain(&request).unwrap(), InjectExplained::Fixed);
    let none = InjectLayer::new(Injection::none());
    assert_eq!(none.explain(&request).unwrap(), InjectExplained::Nothing);
}

#[test]
fn layers_and_services_are_shared_between_threads_and_futures_move_and_stay_small() {
    fn check<L>(_: &L)
    where
        L: Layer<mock::Mock<Inner, Res>> + Clone + Send + Sync + 'static,
        L::Service: Service<Req> + Clone + Send + Sync + 'static,
        <L::Service as Service<Req>>::Future: Send,
    {
        // What is inside has 24.
        assert!(size_of::<<L::Service as Service<Req>>::Future>() <= 40);
    }
    check(&layer(&Hand::new()).bodies());
}

/// A request that is refused at first and then accepted, whatever is different.
async fn check_retried(body: ReqBody) {
    let request = request("/p?a=%20&b", &[("x-a", "1"), ("x-a", "2")], body);
    check_twice(request, 200).await;
}

/// The upstream answers with `first`, and the caller gets that.
async fn check_once(request: Req, first: u16) {
    let tokens = Hand::new();
    tokens.hold("t1");
    let (mut service, mut upstream) = mock::spawn_layer::<Inner, Res, _>(layer(&tokens).bodies());
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request));
    assert!(response.poll().is_pending());
    upstream.next_request().await.unwrap().1.send_response(answer(first));
    assert_eq!(assert_ready!(response.poll()).unwrap().status(), first);
    assert!(upstream.poll_request().is_pending());
}

/// The upstream answers with 401, and then with `second`, which the caller gets.
async fn check_twice<B>(request: Request<B>, second: u16)
where
    B: http_body::Body<Data = Bytes, Error = Infallible> + fmt::Debug + Unpin,
{
    let tokens = Hand::new();
    tokens.hold("t1");
    let (mut service, mut upstream) =
        mock::spawn_layer::<Request<rrcore::Body<B>>, Res, _>(layer(&tokens).bodies());
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request));
    assert!(response.poll().is_pending());
    let (forwarded, reply) = upstream.next_request().await.unwrap();
    let once = seen(forwarded, "Bearer t1").await;
    reply.send_response(answer(401));
    assert!(response.poll().is_pending() && upstream.poll_request().is_pending());
    tokens.answer(Ok("t2"));
    assert!(response.poll().is_pending());
    let (forwarded, reply) = upstream.next_request().await.unwrap();
    assert_eq!(injected(&forwarded), ["t1", "t2"]);
    assert_eq!(seen(forwarded, "Bearer t2").await, once);
    reply.send_response(answer(second));
    // Never a third time.
    assert_eq!(response.await.unwrap().status(), second);
    assert!(upstream.poll_request().is_pending());
}

/// A request but for its token, which is this.
async fn seen<B>(request: Request<B>, token: &str) -> (String, HeaderMap, Bytes)
where
    B: http_body::Body<Data = Bytes, Error = Infallible>,
{
    let (mut head, body) = request.into_parts();
    assert_eq!(head.headers.remove(header::AUTHORIZATION).unwrap(), token);
    let line = format!("{} {} {:?}", head.method, head.uri, head.version);
    (line, head.headers, body.collect().await.unwrap().to_bytes())
}

async fn check_unavailable<B>(response: Response<B>, reason: &str)
where
    B: http_body::Body<Data = Bytes, Error: fmt::Debug>,
{
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let refusal = response.extensions().get::<Refusal>().unwrap();
    assert_eq!((refusal.code(), refusal.reason()), (Code::CredentialUnavailable, Some(reason)));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(!std::str::from_utf8(&body).unwrap().contains(reason));
}

type Req = Request<ReqBody>;
type Inner = Request<rrcore::Body<ReqBody>>;
type Res = Response<Full<Bytes>>;
type ReqBody = BoxBody<Bytes, Infallible>;

/// A source of tokens that a test plays.
#[derive(Clone, Debug, Default)]
struct Hand {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Arc<Token>>,
    failing: bool,
    asked: Vec<oneshot::Sender<Result<Arc<Token>, TokenUnavailable>>>,
    replaced: Vec<String>,
}

impl Hand {
    fn new() -> Self {
        Self::default()
    }

    fn hold(&self, token: &str) {
        self.state.lock().unwrap().held = Some(Arc::new(Token::new(token).unwrap()));
    }

    /// Tells all who wait.
    fn answer(&self, answer: Result<&str, &str>) {
        let answer = answer.map(|it| Arc::new(Token::new(it).unwrap()));
        let answer = answer.map_err(TokenUnavailable::new);
        let asked = std::mem::take(&mut self.state.lock().unwrap().asked);
        assert!(!asked.is_empty());
        asked.into_iter().for_each(|it| it.send(answer.clone()).unwrap());
    }

    fn replaced(&self) -> Vec<String> {
        self.state.lock().unwrap().replaced.clone()
    }

    fn ask(&self) -> TokenFuture {
        let (sender, receiver) = oneshot::channel();
        self.state.lock().unwrap().asked.push(sender);
        Box::pin(async move { receiver.await.unwrap() })
    }
}

impl Tokens for Hand {
    fn current(&self) -> Option<Arc<Token>> {
        self.state.lock().unwrap().held.clone()
    }

    fn fetch(&self) -> TokenFuture {
        self.ask()
    }

    fn replace(&self, refused: &Arc<Token>) -> TokenFuture {
        let refused = String::from_utf8(refused.secret().expose().to_vec()).unwrap();
        self.state.lock().unwrap().replaced.push(refused);
        self.ask()
    }

    fn outlook(&self) -> Outlook {
        let state = self.state.lock().unwrap();
        match (&state.held, state.failing) {
            (_, true) => Outlook::Unavailable(TokenUnavailable::new("failing")),
            (Some(_), false) => Outlook::AtHand,
            (None, false) => Outlook::ToBeFetched,
        }
    }
}

fn layer(tokens: &Hand) -> InjectLayer {
    InjectLayer::new(Injection::token(Arc::new(tokens.clone()), Presentation::bearer()))
}

fn request(uri: &str, headers: &[(&str, &str)], body: ReqBody) -> Req {
    let mut request = Request::post(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

fn full(text: &str) -> ReqBody {
    Full::new(Bytes::from(text.to_owned())).boxed()
}

/// A body that does not say how long it is.
struct Pieces(Vec<&'static str>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.0.pop().map(|it| Ok(Frame::data(Bytes::from_static(it.as_bytes()))));
        Poll::Ready(piece)
    }
}

fn answer(status: u16) -> Res {
    let body = Full::new(Bytes::from(format!("answer {status}")));
    Response::builder().status(status).body(body).unwrap()
}

fn injected<B>(request: &Request<B>) -> Vec<String> {
    let context = request.extensions().get::<Context>().unwrap();
    let secrets = context.injected();
    secrets.iter().map(|it| String::from_utf8(it.expose().to_vec()).unwrap()).collect()
}

fn stages<B>(request: &Request<B>) -> Vec<Stage> {
    let trail = request.extensions().get::<Context>().unwrap().trail();
    trail.entries().iter().map(|it| it.stage).collect()
}
