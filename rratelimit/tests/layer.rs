//! [`RateLimitLayer`] seen from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use rratelimit::{Key, Limit, Limiter, Policy, RateLimit, RateLimitLayer, Standing};
use rrcore::{ClientAddress, Code, Context, Fact, Identity, ManualClock, Outcome, Stage};
use serde_json::{Value, json};
use tokio_test::{assert_pending, assert_ready_ok};
use tower::{Layer, Service, ServiceExt};
use tower_test::mock;

#[tokio::test]
async fn a_relayed_response_says_what_is_left_in_place_of_the_upstreams_own_words() {
    let hand = hand();
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer(&hand, policy(60)));
    let (request, context) = request(&hand);

    assert_ready_ok!(service.poll_ready());
    let answer = service.call(request);
    let (_, reply) = upstream.next_request().await.unwrap();
    let theirs = Response::builder().header("ratelimit", "\"theirs\";r=1").header("x-a", "b");
    let theirs = theirs.header("ratelimit-policy", "\"x\";q=1").header("ratelimit-policy", "y");
    let former = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"];
    let theirs = former.iter().fold(theirs, |it, name| it.header(*name, "1"));
    reply.send_response(theirs.body(Full::default()).unwrap());

    let response = answer.await.unwrap();
    assert_eq!(all(&response, "ratelimit"), [r#""requestsPerMinute";r=59;t=61"#]);
    assert_eq!(
        all(&response, "ratelimit-policy"),
        [r#""requestsPerMinute";q=60;w=60, "requestsPerDay";q=2000;w=86400"#]
    );
    assert_eq!(all(&response, "x-a"), ["b"]);
    assert!(!former.iter().any(|it| response.headers().contains_key(*it)));
    let standing = response.extensions().get::<Standing>().unwrap();
    assert_eq!(standing.remaining("requestsPerDay"), Some(1_999));
    assert!(!standing.nearly_exhausted());

    let trail = context.trail();
    assert_eq!(trail.entries()[0].stage, Stage::Limit);
    assert_eq!(trail.entries()[0].outcome, Outcome::Passed);
    let fact = |policy: &str, remaining| Fact::Limit { policy: policy.into(), remaining };
    assert_eq!(
        trail.entries()[0].facts[..],
        [fact("requestsPerMinute", 59), fact("requestsPerDay", 1_999)]
    );
}

#[tokio::test]
async fn a_refused_request_never_reaches_the_inner_service() {
    let hand = hand();
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer(&hand, policy(1)));
    assert_ready_ok!(service.poll_ready());
    let _first = service.call(request(&hand).0);
    assert!(upstream.next_request().await.is_some());

    hand.advance(Duration::from_millis(10_500));
    let (request, context) = request(&hand);
    assert_ready_ok!(service.poll_ready());
    let response = service.call(request).await.unwrap();
    assert_pending!(tokio_test::task::spawn(upstream.next_request()).poll());

    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(all(&response, "retry-after"), ["51"]);
    assert_eq!(all(&response, "ratelimit"), [r#""requestsPerMinute";r=0;t=51"#]);
    assert_eq!(all(&response, "ratelimit-policy").len(), 1);
    assert!(response.extensions().get::<Standing>().unwrap().nearly_exhausted());
    assert_eq!(context.trail().entries()[0].outcome, Outcome::Refused(Code::QuotaExceeded));
    assert_eq!(context.trail().facts().count(), 2);

    let body = response.into_body().collect().await.unwrap().to_bytes();
    let document: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(document["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
    assert_eq!(document["violated-policies"], json!(["requestsPerMinute"]));
    assert_eq!(document["retryAfterSeconds"], 51);
}

#[tokio::test]
async fn waiting_as_told_is_enough() {
    let hand = hand();
    let mut service = layer(&hand, policy(1)).layer(tower::service_fn(ok));
    for pause in 1..10 {
        assert_eq!(status(&mut service, request(&hand).0).await, StatusCode::OK);
        hand.advance(Duration::from_millis(333 * pause));
        let refused = service.ready().await.unwrap().call(request(&hand).0).await.unwrap();
        let wait = all(&refused, "retry-after")[0].parse().unwrap();
        hand.advance(Duration::from_secs(wait));
    }
}

#[tokio::test]
async fn with_an_empty_policy_nothing_is_touched() {
    let hand = hand();
    let nothing = Policy::new([]).unwrap();
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer(&hand, nothing));
    assert_ready_ok!(service.poll_ready());
    let answer = service.call(Request::default());
    let (seen, reply) = upstream.next_request().await.unwrap();
    assert!(seen.extensions().get::<Context>().is_none());
    reply
        .send_response(Response::builder().header("ratelimit", "x").body(Full::default()).unwrap());
    let response = answer.await.unwrap();
    assert_eq!(all(&response, "ratelimit"), ["x"]);
    assert!(response.extensions().get::<Standing>().is_none());
}

#[tokio::test]
async fn body_and_trailers_pass_unchanged() {
    let hand = hand();
    let echo =
        |request: Request<Once>| async { Ok::<_, Infallible>(Response::new(request.into_body())) };
    let mut service = layer(&hand, policy(1)).layer(tower::service_fn(echo));
    let request = Request::new(Once::default());
    let response = service.ready().await.unwrap().call(request).await.unwrap();
    let whole = response.into_body().collect().await.unwrap();
    assert_eq!(whole.trailers().unwrap()["x-checksum"], "1");
    assert_eq!(whole.to_bytes(), "hello");
}

#[tokio::test]
async fn readiness_and_errors_are_the_inner_services_own() {
    let hand = hand();
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer(&hand, policy(9)));
    upstream.allow(0);
    assert_pending!(service.poll_ready());
    upstream.allow(1);
    assert_ready_ok!(service.poll_ready());
    let answer = service.call(Request::default());
    upstream.next_request().await.unwrap().1.send_error("boom");
    assert_eq!(answer.await.unwrap_err().to_string(), "boom");
}

#[tokio::test]
async fn callers_are_told_apart_by_credential_then_by_network() {
    let credential = |id: &str| (Some(Identity::new("same", id, "apiKey")), None);
    let address = |ip: &str| (None, Some(ClientAddress::of_peer(ip.parse().unwrap())));
    let both = |id: &str, ip: &str| (credential(id).0, address(ip).1);
    for (one, other, same) in [
        (credential("cred_1"), credential("cred_1"), true),
        (credential("cred_1"), credential("cred_2"), false),
        (both("cred_1", "192.0.2.1"), both("cred_1", "192.0.2.2"), true),
        (both("cred_1", "192.0.2.1"), both("cred_2", "192.0.2.1"), false),
        (address("192.0.2.1"), address("::ffff:192.0.2.1"), true),
        (address("192.0.2.1"), address("192.0.2.2"), false),
        (address("2001:db8::1"), address("2001:db8::ffff:1"), true),
        (address("2001:db8::1"), address("2001:db8:0:1::1"), false),
        (credential("192.0.2.1"), address("192.0.2.1"), false),
        ((None, None), (None, None), true),
        ((None, None), address("192.0.2.1"), false),
    ] {
        let hand = hand();
        let mut service = layer(&hand, policy(1)).layer(tower::service_fn(ok));
        let first = status(&mut service, request_of(&hand, &one)).await;
        let second = status(&mut service, request_of(&hand, &other)).await;
        assert_eq!(first, StatusCode::OK);
        assert_eq!(second == StatusCode::TOO_MANY_REQUESTS, same, "{one:?} {other:?}");
    }
}

#[tokio::test]
async fn what_a_client_claims_of_its_address_makes_no_new_caller() {
    let hand = hand();
    let mut service = layer(&hand, policy(1)).layer(tower::service_fn(ok));
    let mut passed = 0;
    for name in ["x-forwarded-for", "x-real-ip", "forwarded", "client-ip", "true-client-ip"] {
        let mut request = request(&hand).0;
        request.headers_mut().insert(name, "198.51.100.1".parse().unwrap());
        passed += usize::from(status(&mut service, request).await == StatusCode::OK);
    }
    assert_eq!(passed, 1);
}

#[tokio::test]
async fn a_new_policy_goes_on_where_the_old_one_was() {
    let (hand, limiter) = (hand(), Arc::new(Limiter::new()));
    for (max, expected) in [(2, 200), (2, 200), (2, 429), (3, 200), (3, 429), (1, 429)] {
        let layer = RateLimitLayer::new(policy(max), Arc::clone(&limiter)).clock(hand.clock());
        let mut service = layer.layer(tower::service_fn(ok));
        assert_eq!(status(&mut service, Request::default()).await, expected, "max {max}");
    }
}

#[tokio::test]
async fn a_key_of_ones_own_reads_the_request() {
    let hand = hand();
    let by_path = |head: &http::request::Parts| Key::of(&[head.uri.path()]);
    let mut service = layer(&hand, policy(1)).key(by_path).layer(tower::service_fn(ok));
    for (path, expected) in [("/a", 200), ("/b", 200), ("/a", 429), ("/b?c", 429)] {
        let request = Request::get(path).body(Full::default()).unwrap();
        assert_eq!(status(&mut service, request).await, expected, "{path}");
    }
}

#[test]
fn clones_share_counts_and_go_anywhere() {
    fn anywhere<T: Clone + Send + Sync + 'static>(_: &T) {}
    fn sendable<T: Send>(it: T) -> T {
        it
    }
    let hand = hand();
    let layer = layer(&hand, policy(1));
    anywhere(&layer);
    let service: RateLimit<_> = layer.layer(tower::service_fn(ok));
    anywhere(&service);
    let mut others = [service.clone(), service, layer.layer(tower::service_fn(ok))];
    let statuses = others.each_mut().map(|it| {
        let answer = it.call(Request::default());
        tokio_test::block_on(sendable(answer)).unwrap().status().as_u16()
    });
    assert_eq!(statuses, [200, 429, 429]);
}

/// "hello" with a trailer; deliberately not `Clone`.
#[derive(Debug, Default)]
struct Once {
    sent: u8,
}

impl Body for Once {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Task<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.sent += 1;
        let mut trailers = HeaderMap::new();
        trailers.insert("x-checksum", "1".parse().unwrap());
        Poll::Ready(match self.sent {
            1 => Some(Ok(Frame::data(Bytes::from_static(b"hello")))),
            2 => Some(Ok(Frame::trailers(trailers))),
            _ => None,
        })
    }
}

type Req = Request<Full<Bytes>>;
type Res = Response<Full<Bytes>>;
type Caller = (Option<Identity>, Option<ClientAddress>);

async fn ok(_: Req) -> Result<Res, Infallible> {
    Ok(Response::default())
}

async fn status<S, B>(service: &mut S, request: Req) -> StatusCode
where
    S: Service<Req, Response = Response<B>, Error = Infallible>,
{
    service.ready().await.unwrap().call(request).await.unwrap().status()
}

fn layer(hand: &ManualClock, policy: Policy) -> RateLimitLayer {
    RateLimitLayer::new(policy, Arc::new(Limiter::new())).clock(hand.clock())
}

fn policy(per_minute: u64) -> Policy {
    Policy::new([
        Limit::sliding("requestsPerMinute", per_minute, Duration::from_secs(60)),
        Limit::calendar_day("requestsPerDay", 2_000),
    ])
    .unwrap()
}

fn hand() -> ManualClock {
    ManualClock::starting_at(Duration::from_secs(1_700_000_000))
}

fn request(hand: &ManualClock) -> (Req, Context) {
    let mut request = Request::default();
    let context = Context::of(request.extensions_mut(), &hand.clock());
    (request, context)
}

fn request_of(hand: &ManualClock, (identity, address): &Caller) -> Req {
    let (request, context) = request(hand);
    if let Some(it) = identity {
        context.identify(it.clone());
    }
    if let Some(it) = address {
        context.set_address(*it);
    }
    request
}

fn all<'a, B>(response: &'a Response<B>, name: &str) -> Vec<&'a str> {
    response.headers().get_all(name).iter().map(|it| it.to_str().unwrap()).collect()
}
