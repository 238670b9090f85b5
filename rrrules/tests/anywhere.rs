//! [`RulesLayer`] in other people's services: axum's, hyper's, and ones that are given up on.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::convert::Infallible;
use std::future::{Future, Ready, pending};
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::get;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use rrcore::Scope;
use rrrules::{Effect, Pattern, Presence, QueryCheck, QueryName, Rule, RuleSet, RulesLayer};
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt, service_fn};

#[tokio::test]
async fn it_stands_around_an_axum_router() {
    let app = layer().layer(router());
    check(app.clone(), "/files/a", StatusCode::OK, "a").await;
    check(app.clone(), "//files/x/../a?b=%zz1", StatusCode::BAD_REQUEST, "malformed-request").await;
    check(app.clone(), "//files/x/../a?b=1", StatusCode::OK, "a").await;
    check(app.clone(), "/files/..//%61dmin", StatusCode::BAD_REQUEST, "\"rul_admin\"").await;
    check(app, "/files/a?b&debug", StatusCode::BAD_REQUEST, "\"rul_debug\"").await;
}

#[tokio::test]
async fn it_stands_in_an_axum_router() {
    let app = router().layer(layer());
    check(app.clone(), "/files/a", StatusCode::OK, "a").await;
    check(app, "/files/a?debug", StatusCode::BAD_REQUEST, "\"rul_debug\"").await;
}

#[test]
fn it_takes_what_hyper_receives() {
    fn served<S>(_: S)
    where
        S: Service<
                Request<Incoming>,
                Response = Response<rrcore::Body<Incoming>>,
                Error = Infallible,
            > + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
    }
    served(layer().layer(service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(Response::new(request.into_body()))
    })));
}

#[test]
fn a_future_that_is_dropped_takes_the_inner_one_with_it() {
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let inner = service_fn(move |_: Request<()>| {
        let held = Arc::clone(&held);
        async move {
            pending::<()>().await;
            drop(held);
            Ok::<_, Infallible>(Response::new(()))
        }
    });
    let mut service = task::spawn(layer().layer(inner));
    for _ in 0..2 {
        assert_ready_ok!(service.enter(|cx, mut it| Service::poll_ready(&mut *it, cx)));
        let mut response = task::spawn(service.call(Request::get("/files/a").body(()).unwrap()));
        assert_pending!(response.poll());
        assert_eq!(Arc::strong_count(&alive), 3);
        drop(response);
        assert_eq!(Arc::strong_count(&alive), 2);
    }
}

#[test]
fn a_future_is_no_larger_than_the_inner_one() {
    type Boxed = Pin<Box<dyn Future<Output = Answer> + Send>>;
    check_size::<Ready<Answer>>();
    check_size::<Boxed>();
}

type Answer = Result<Response<()>, Infallible>;

#[track_caller]
fn check_size<F: Future<Output = Answer>>() {
    fn of_future<S: Service<Request<()>>>(_: &S) -> usize {
        size_of::<S::Future>()
    }
    let service = layer().layer(service_fn(|_: Request<()>| -> F { unreachable!() }));
    assert_eq!(of_future(&service), size_of::<F>());
}

fn layer() -> RulesLayer {
    let admin = Pattern::new("^/admin", "").unwrap();
    let debug = QueryName::exact("debug");
    let check = QueryCheck { name: debug, value: None, presence: Presence::Present };
    let rules = vec![
        Rule::new("rul_admin", Effect::Deny).path(admin, Presence::Present),
        Rule::new("rul_debug", Effect::Deny).query(check),
    ];
    RulesLayer::new().scope(Scope::Proxy, RuleSet::new(rules, Effect::Allow).unwrap())
}

fn router() -> Router {
    Router::new()
        .route("/files/{name}", get(async |Path(name): Path<String>| name))
        .route("/admin", get(async || "secret"))
}

async fn check<S, B>(app: S, target: &str, status: StatusCode, text: &str)
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Data = bytes::Bytes>,
    B::Error: std::fmt::Debug,
{
    let request = Request::get(target).body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), status, "{target}");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body = std::str::from_utf8(&body).unwrap();
    assert!(body.contains(text), "{target}: {body}");
}
