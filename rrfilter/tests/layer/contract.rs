//! What [`FilterLayer`] owes its neighbours, whoever they are.

use std::convert::Infallible;
use std::future::{Pending, Ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use rrcore::{Code, Handle, Outcome, Scope, Stage};
use rrfilter::{Filter, FilterFuture, FilterLayer, FilterSet, Filters, Operation};
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt};

use crate::support::{self, Boxed, Inner, boxed, json, refused, retain, spawn, text, through};

#[tokio::test]
async fn a_request_is_answered_by_the_filters_that_it_came_under() {
    let only = |name: &str| FilterSet::from(Filter::new("flt", Operation::Retain, [name]).unwrap());
    let handle = Handle::new(only("$.a"));
    let (mut service, mut upstream) = spawn(FilterLayer::new().scope(Scope::Proxy, handle.clone()));
    let document = br#"{"a":1,"b":2}"#;

    let under_a = service.call(support::get());
    let (_, send) = upstream.next_request().await.unwrap();
    handle.set(only("$.b"));
    assert_ready_ok!(service.poll_ready());
    let under_b = service.call(support::get());
    send.send_response(json().body(boxed(document)).unwrap());
    assert_eq!(text(under_a.await.unwrap()).await, r#"{"a":1}"#);

    handle.set(FilterSet::empty());
    let (_, send) = upstream.next_request().await.unwrap();
    send.send_response(json().body(boxed(document)).unwrap());
    assert_eq!(text(under_b.await.unwrap()).await, r#"{"b":2}"#);

    assert_ready_ok!(service.poll_ready());
    let under_none = service.call(support::get());
    let (_, send) = upstream.next_request().await.unwrap();
    send.send_response(json().body(boxed(document)).unwrap());
    assert_eq!(text(under_none.await.unwrap()).await.as_bytes(), document);
}

#[tokio::test]
async fn a_refusal_never_reaches_the_inner_service() {
    let (mut service, mut upstream) = spawn(retain(&["$.id"]).per_caller(|_| None));
    refused(service.call(support::get()).await.unwrap(), Code::Internal, Stage::Filter).await;
    assert_pending!(upstream.poll_request());
}

#[tokio::test]
async fn a_caller_that_leaves_before_the_response_leaves_the_service_usable() {
    let (mut service, mut upstream) = spawn(retain(&["$.id"]));
    let mut answer = task::spawn(service.call(support::get()));
    assert_pending!(answer.poll());
    let (_, send) = upstream.next_request().await.unwrap();
    drop(answer);
    send.send_response(json().body(boxed(b"{}")).unwrap());

    assert_ready_ok!(service.poll_ready());
    let answer = service.call(support::get());
    let (_, send) = upstream.next_request().await.unwrap();
    send.send_response(json().body(boxed(br#"{"id":1,"ssn":2}"#)).unwrap());
    assert_eq!(text(answer.await.unwrap()).await, r#"{"id":1}"#);
}

#[tokio::test]
async fn a_caller_that_leaves_amid_the_body_lets_go_of_the_upstream() {
    let (mut service, mut upstream) = spawn(retain(&["$.id"]));
    let mut request = support::get();
    let context = rrcore::Context::of(request.extensions_mut(), &rrcore::Clock::system());
    let mut answer = task::spawn(service.call(request));
    let (_, send) = upstream.next_request().await.unwrap();
    let (body, connection) = stalled(br#"{"id":1,"#);
    send.send_response(json().body(body).unwrap());
    assert_pending!(answer.poll());
    assert_pending!(answer.poll());
    assert_eq!(Arc::strong_count(&connection), 2);
    drop(answer);
    assert_eq!(Arc::strong_count(&connection), 1);
    assert!(context.trail().entries().is_empty(), "nothing was decided");
    assert_ready_ok!(service.poll_ready());
}

#[tokio::test]
async fn it_works_over_the_bodies_of_axum() {
    let layer = FilterLayer::destroy(["$..ssn"]).unwrap();
    let app = Router::new()
        .route("/", get(async || ([("content-type", "application/json")], r#"[{"ssn":1},2]"#)))
        .route("/page", get(async || "<p>078-05-1120</p>"))
        .layer(layer);
    let call = |path: &str| {
        let request = Request::builder().uri(path).body(axum::body::Body::empty()).unwrap();
        app.clone().oneshot(request)
    };
    let answer = call("/").await.unwrap();
    assert_eq!(answer.headers()["content-length"], "6");
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "[{},2]");
    assert_eq!(call("/page").await.unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);
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
    is_service(&FilterLayer::retain(["$"]).unwrap().layer(proxy));
    let unclonable = tower::service_fn(async |request: Request<Incoming>| {
        drop(request);
        Ok::<_, Infallible>(Response::new(boxed(b"")))
    });
    is_service(&FilterLayer::new().layer(unclonable));
}

#[test]
fn layer_and_service_are_shareable_and_the_future_is_send() {
    fn shareable<T: Clone + Send + Sync + 'static>() {}
    fn send<T: Send>() {}
    shareable::<FilterLayer>();
    shareable::<Filters<Inner>>();
    send::<FilterFuture<Ready<Result<Response<Boxed>, ()>>, Boxed>>();
    send::<<Filters<Inner> as Service<Request<()>>>::Future>();
}

// The futures of a stack lie in one another: what one adds is paid for by every request.
#[test]
fn the_future_is_as_large_as_the_inner_one() {
    type Of<const SIZE: usize> = FilterFuture<([u8; SIZE], Pending<()>), Full<Bytes>>;
    assert_eq!((size_of::<Of<0>>(), size_of::<Of<1024>>()), (16, 1040));
}

#[tokio::test]
async fn a_filtered_request_is_in_the_trail_once() {
    let mut request = support::get();
    let context = rrcore::Context::of(request.extensions_mut(), &rrcore::Clock::system());
    let response = json().body(boxed(b"{}")).unwrap();
    drop(through(retain(&["$.id"]), request, response).await);
    let trail = context.trail();
    let outcomes: Vec<_> = trail.entries().iter().map(|it| (it.stage, it.outcome)).collect();
    assert_eq!(outcomes, [(Stage::Filter, Outcome::Passed)]);
}

// A body of which the first bytes are there, and no more come.
struct Stalled {
    first: Option<&'static [u8]>,
    // What the upstream's connection would be.
    _connection: Arc<()>,
}

fn stalled(first: &'static [u8]) -> (Boxed, Arc<()>) {
    let connection = Arc::new(());
    let body = Stalled { first: Some(first), _connection: Arc::clone(&connection) };
    (body.boxed_unsync(), connection)
}

impl http_body::Body for Stalled {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(first))))),
            None => Poll::Pending,
        }
    }
}
