//! What [`RateLimitLayer`] owes its neighbours, whoever they are.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use rratelimit::{LimitedBody, Limiter, Policy, RateLimit, RateLimitFuture, RateLimitLayer};
use rrcore::{Handle, ManualClock};
use tokio_test::{assert_pending, assert_ready_ok, task::spawn};
use tower::{Layer, Service, ServiceExt};
use tower_test::mock;

#[tokio::test]
async fn a_replaced_policy_holds_from_the_next_request_on_and_what_was_spent_stays() {
    let handle = Handle::new(Policy::per_minute(1));
    let layer = RateLimitLayer::new(handle.clone(), Arc::new(Limiter::new()));
    let mut service = layer.clock(hand().clock()).layer(tower::service_fn(ok));
    for (max, expected) in [
        (None, (200, r#""requestsPerMinute";r=0;t=61"#)),
        (None, (429, r#""requestsPerMinute";r=0;t=61"#)),
        (Some(3), (200, r#""requestsPerMinute";r=1;t=61"#)),
        (None, (200, r#""requestsPerMinute";r=0;t=61"#)),
        (None, (429, r#""requestsPerMinute";r=0;t=61"#)),
        (Some(1), (429, r#""requestsPerMinute";r=0;t=61"#)),
        (Some(4), (200, r#""requestsPerMinute";r=0;t=61"#)),
    ] {
        if let Some(max) = max {
            handle.set(Policy::per_minute(max));
        }
        assert_eq!(answer(&mut service).await, (expected.0, expected.1.to_owned()), "{max:?}");
    }
    handle.set(Policy::new([]).unwrap());
    assert_eq!(answer(&mut service).await, (200, String::new()));
}

#[tokio::test]
async fn a_response_speaks_of_the_policy_that_its_request_was_held_to() {
    let handle = Handle::new(Policy::per_minute(9));
    let layer = RateLimitLayer::new(handle.clone(), Arc::new(Limiter::new()));
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer);
    assert_ready_ok!(service.poll_ready());
    let response = service.call(Request::default());
    let (_, reply) = upstream.next_request().await.unwrap();
    handle.set(Policy::per_minute(1));
    reply.send_response(Response::default());
    let response = response.await.unwrap();
    assert_eq!(response.headers()["ratelimit-policy"], r#""requestsPerMinute";q=9;w=60"#);
}

#[tokio::test]
async fn a_caller_that_leaves_leaves_the_service_usable() {
    let (mut service, mut upstream) =
        mock::spawn_layer::<Req, Res, _>(RateLimitLayer::per_minute(2));
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(Request::default()));
    assert_pending!(response.poll());
    let (_, reply) = upstream.next_request().await.unwrap();
    drop(response);
    reply.send_response(Response::default());
    assert_pending!(upstream.poll_request());

    assert_ready_ok!(service.poll_ready());
    let response = service.call(Request::default());
    upstream.next_request().await.unwrap().1.send_response(Response::default());
    assert_eq!(response.await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_refusal_takes_nothing_of_the_inner_services_readiness() {
    let handle = Handle::new(Policy::per_minute(0));
    let layer = RateLimitLayer::new(handle.clone(), Arc::new(Limiter::new()));
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer);
    upstream.allow(1);
    for _ in 0..3 {
        assert_ready_ok!(service.poll_ready());
        let refused = service.call(Request::default()).await.unwrap();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_pending!(upstream.poll_request());
    }
    handle.set(Policy::per_minute(1));
    assert_ready_ok!(service.poll_ready());
    let _response = service.call(Request::default());
    assert!(upstream.next_request().await.is_some());
}

#[tokio::test]
async fn an_axum_router_takes_it_and_bodies_and_trailers_pass() {
    let echo = |body: Body| async { body };
    let app = Router::new().route("/", post(echo)).layer(RateLimitLayer::per_minute(1));
    let request = || {
        let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "42".parse().unwrap())]);
        let body = Full::new(Bytes::from_static(b"hello"));
        Request::post("/").body(Body::new(body.with_trailers(ready(Some(Ok(trailers)))))).unwrap()
    };
    let response = app.clone().oneshot(request()).await.unwrap();
    assert_eq!(response.headers()["ratelimit-policy"], r#""requestsPerMinute";q=1;w=60"#);
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["x-sum"], "42");
    assert_eq!(body.to_bytes(), "hello");

    let refused = app.oneshot(request()).await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[test]
fn a_hyper_server_and_bodies_that_cannot_be_cloned_are_served() {
    struct NotClone;
    fn serves<B>(_: &RateLimit<Inner>)
    where
        RateLimit<Inner>: Service<
                Request<B>,
                Response = Response<LimitedBody<Full<Bytes>>>,
                Error = Infallible,
                Future: Send + 'static,
            > + Clone
            + Send
            + Sync
            + 'static,
    {
    }
    let service = RateLimitLayer::per_minute(1).layer(Inner);
    serves::<Incoming>(&service);
    serves::<Body>(&service);
    serves::<NotClone>(&service);
}

// It is part of every future around it: whoever makes it larger says here why. 32 is the inner
// future with the guard's word, a pointer to what is left to do, and which of both states it is.
#[cfg(target_pointer_width = "64")]
#[test]
fn its_future_stays_small() {
    assert!(
        size_of::<RateLimitFuture<Inner, (), Arc<Limiter>>>() <= size_of::<InnersFuture>() + 32
    );
}

type InnersFuture = <Inner as Service<Request<()>>>::Future;

/// Answers any request.
#[derive(Clone)]
struct Inner;

impl<B> Service<Request<B>> for Inner {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(Response::default()))
    }
}

type Req = Request<Full<Bytes>>;
type Res = Response<Full<Bytes>>;

async fn ok(_: Req) -> Result<Res, Infallible> {
    Ok(Response::default())
}

/// The status, and `RateLimit` or nothing.
async fn answer<S, B>(service: &mut S) -> (u16, String)
where
    S: Service<Req, Response = Response<B>, Error = Infallible>,
{
    let response = service.ready().await.unwrap().call(Request::default()).await.unwrap();
    let header = response.headers().get("ratelimit").map(|it| it.to_str().unwrap().to_owned());
    (response.status().as_u16(), header.unwrap_or_default())
}

fn hand() -> ManualClock {
    ManualClock::starting_at(Duration::from_secs(1_700_000_000))
}
