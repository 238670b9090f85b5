//! Several quotas, permits, refunds and headers of [`RateLimitLayer`], seen from outside.
#![cfg(test)]

mod fields;

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use rratelimit::{
    Admission, Charge, Decision, Key, Limit, LimitedBody, Limiter, Never, Per, Policy, Quota,
    RateLimitLayer, Receipt, Standing, Store, Taking, Unavailable,
};
use rrcore::{Clock, Code, Context, ManualClock, Now, Refusal, Stage};
use tokio::sync::oneshot;
use tokio_test::{assert_pending, assert_ready, task::spawn};
use tower::{Layer, Service, ServiceExt};

use self::fields::Item;

#[tokio::test]
async fn all_policies_are_listed_and_the_tightest_is_named_in_structured_fields() {
    let (hand, limiter) = (hand(), Arc::new(Limiter::new()));
    let proxy =
        [Limit::sliding("requestsPerMinute", 60, MINUTE), Limit::calendar_day("requestsPerDay", 9)];
    let meter = [
        Limit::calendar_month("tokens.month", u64::MAX),
        Limit::token_bucket("a \"quoted\\ name", 600, MINUTE, 20),
        Limit::fixed("hour", 1_000, Duration::from_secs(3_600)),
        Limit::concurrency("concurrency", 2),
    ];
    let layer = RateLimitLayer::new(Policy::new(proxy).unwrap(), limiter)
        .per(Per::everybody("proxy"))
        .quota(Quota::new(Policy::new(meter).unwrap()).cost(|_| 5))
        .clock(hand.clock());
    let mut service = layer.layer(tower::service_fn(ok));
    let response = call(&mut service).await;
    let policies = fields::list(&response, "ratelimit-policy");
    let shown: Vec<_> = policies.iter().map(|it| (&*it.name, it.int("q"), it.int("w"))).collect();
    assert_eq!(
        shown,
        [
            ("requestsPerMinute", Some(60), Some(60)),
            ("requestsPerDay", Some(9), Some(86_400)),
            ("tokens.month", Some(999_999_999_999_999), Some(31 * 86_400)),
            ("a \"quoted\\ name", Some(600), Some(60)),
            ("hour", Some(1_000), Some(3_600)),
            ("concurrency", Some(2), None),
        ]
    );
    assert_eq!(policies[3].int("rr-burst"), Some(20));
    assert_eq!(policies[5].text("qu"), Some("concurrent-requests"));
    let [Item { name, .. }] = &fields::list(&response, "ratelimit")[..] else { panic!("not one") };
    assert_eq!(name, "requestsPerDay");

    // The bucket is empty after four; then each refusal names it, and it only.
    for _ in 0..3 {
        assert_eq!(call(&mut service).await.status(), StatusCode::OK);
    }
    let refused = call(&mut service).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let [item] = &fields::list(&refused, "ratelimit")[..] else { panic!("not one") };
    assert_eq!(
        (&*item.name, item.int("r"), item.int("t")),
        ("a \"quoted\\ name", Some(0), Some(1))
    );
    assert_eq!(refused.headers()["retry-after"], "1");
}

#[tokio::test]
async fn a_refusal_for_what_runs_names_no_time() {
    let limiter = Arc::new(Limiter::new());
    let policy = Policy::new([Limit::concurrency("concurrency", 1)]).unwrap();
    let mut service = RateLimitLayer::new(policy, limiter).layer(tower::service_fn(ok));
    let running = call(&mut service).await;
    assert_eq!(fields::list(&running, "ratelimit")[0].int("r"), Some(0));
    let refused = call(&mut service).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "1");
    let item = &fields::list(&refused, "ratelimit")[0];
    assert_eq!((item.int("r"), item.int("t")), (Some(0), None));
    let body = refused.into_body().collect().await.unwrap().to_bytes();
    let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(document["violated-policies"], serde_json::json!(["concurrency"]));
}

#[tokio::test]
async fn what_runs_ends_with_the_body_however_that_ends() {
    let limiter = Arc::new(Limiter::new());
    let policy = Policy::new([Limit::concurrency("concurrency", 1)]).unwrap();
    let left = |limiter: &Limiter| {
        let key = Per::caller().key(&Request::new(()).into_parts().0);
        limiter.usage(&policy, key, NOW)[0].spent
    };
    let layer = RateLimitLayer::new(policy.clone(), Arc::clone(&limiter));
    let mut service = layer.layer(tower::service_fn(ok));

    let response = call(&mut service).await;
    assert_eq!(left(&limiter), 1);
    let mut body = response.into_body();
    while body.frame().await.is_some() {}
    assert_eq!(left(&limiter), 0, "read to its end, though it is still there");

    let response = call(&mut service).await;
    assert_eq!(left(&limiter), 1);
    drop(response);
    assert_eq!(left(&limiter), 0, "not read");

    let mut silent =
        layer.layer(tower::service_fn(|_: Req| std::future::pending::<Result<Res, Infallible>>()));
    let mut pending = spawn(silent.call(Request::default()));
    assert_pending!(pending.poll());
    assert_eq!(left(&limiter), 1);
    drop(pending);
    assert_eq!(left(&limiter), 0, "given up before there was a response");

    let mut failing = layer.layer(tower::service_fn(|_: Req| async { Err::<Res, _>("boom") }));
    assert!(failing.call(Request::default()).await.is_err());
    assert_eq!(left(&limiter), 0, "an error");

    let panics = |_: Req| async { Err::<Res, Infallible>(panics()) };
    let mut panics = layer.layer(tower::service_fn(panics));
    let call = futures_catch(panics.call(Request::default())).await;
    assert!(call.is_err());
    assert_eq!(left(&limiter), 0, "a panic");
}

#[tokio::test]
async fn what_a_later_stage_refuses_counts_only_where_that_is_said() {
    for (stage, counts_refused, left) in [
        (Some(Stage::Rules), true, 8),
        (Some(Stage::Rules), false, 9),
        (Some(Stage::Validate), false, 9),
        (Some(Stage::Transform), false, 9),
        (Some(Stage::Redact), false, 9),
        (Some(Stage::Inject), false, 9),
        (Some(Stage::Upstream), false, 8),
        (Some(Stage::Filter), false, 8),
        (None, false, 8),
    ] {
        let limiter = Arc::new(Limiter::new());
        let policy =
            Policy::new([Limit::calendar_day("day", 9), Limit::sliding("m", 9, MINUTE)]).unwrap();
        let layer =
            RateLimitLayer::new(policy.clone(), Arc::clone(&limiter)).per(Per::everybody("a"));
        let inner = move |mut request: Req| async move {
            let context = Context::of(request.extensions_mut(), &Clock::system());
            let refused = stage.map(|it| context.refuse(Refusal::new(Code::RuleDenied).at(it)));
            Ok::<_, Infallible>(refused.unwrap_or_default().map(Full::new))
        };
        let clock = hand().clock();
        let layer = layer.counts_refused(counts_refused).clock(clock.clone());
        let mut service = layer.layer(tower::service_fn(inner));
        let response = service.ready().await.unwrap().call(Request::default()).await.unwrap();
        let told = fields::list(&response, "ratelimit");
        assert_eq!(told[0].int("r"), Some(left), "{stage:?} {counts_refused}");
        let key = Per::everybody("a").key(&Request::new(()).into_parts().0);
        let spent: Vec<_> =
            limiter.usage(&policy, key, clock.now()).iter().map(|it| 9 - it.spent).collect();
        assert_eq!(spent, [left as u64; 2], "{stage:?} {counts_refused}");
    }
}

#[tokio::test]
async fn a_refund_after_midnight_makes_no_room_in_the_new_day() {
    let hand = ManualClock::starting_at(Duration::from_secs(20_000 * 86_400 - 1));
    let limiter = Arc::new(Limiter::new());
    let policy = Policy::new([Limit::calendar_day("day", 2)]).unwrap();
    let key = Key::of(&["a"]);
    let Decision::Allowed { receipt, .. } = limiter.check(&policy, key, hand.clock().now()) else {
        panic!("refused")
    };
    hand.advance(Duration::from_secs(1));
    assert!(limiter.check(&policy, key, hand.clock().now()).is_allowed());
    limiter.refund(&receipt, hand.clock().now());
    assert!(limiter.check(&policy, key, hand.clock().now()).is_allowed());
    assert!(!limiter.check(&policy, key, hand.clock().now()).is_allowed());
}

#[tokio::test]
async fn one_quota_that_is_spent_costs_the_others_nothing() {
    let limiter = Arc::new(Limiter::new());
    let wide = Policy::new([Limit::calendar_day("wide", 10)]).unwrap();
    let narrow = Policy::new([Limit::calendar_day("narrow", 1)]).unwrap();
    let header = HeaderName::from_static("x-team");
    let layer = RateLimitLayer::new(wide, limiter)
        .per(Per::everybody("all"))
        .quota(Quota::new(narrow).per(Per::header(header)).when(|head| head.method != "HEAD"))
        .clock(hand().clock());
    let mut service = layer.layer(tower::service_fn(ok));
    for (method, team, expected, left) in [
        ("GET", "a", 200, 9),
        ("GET", "a", 429, 9),
        ("GET", "b", 200, 8),
        ("HEAD", "a", 200, 7),
        ("GET", "b", 429, 7),
    ] {
        let request = Request::builder().method(method).header("x-team", team);
        let request = request.body(Full::default()).unwrap();
        let response = service.ready().await.unwrap().call(request).await.unwrap();
        let standing = response.extensions().get::<Standing>().unwrap();
        assert_eq!(standing.remaining("wide"), Some(left), "{method} {team}");
        assert_eq!(response.status(), expected, "{method} {team}");
    }
}

#[tokio::test]
async fn an_observed_policy_counts_and_is_not_shown() {
    let limiter = Arc::new(Limiter::new());
    let watched = Policy::new([Limit::calendar_day("watched", 1)]).unwrap().observed();
    let layer = RateLimitLayer::new(watched, limiter).clock(hand().clock());
    let mut service = layer.layer(tower::service_fn(ok));
    for violated in [false, true, true] {
        let response = call(&mut service).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(!response.headers().contains_key("ratelimit"));
        assert!(!response.headers().contains_key("ratelimit-policy"));
        let standing = response.extensions().get::<Standing>().unwrap();
        assert_eq!(standing.limits().next().unwrap().is_violated(), violated);
        assert!(!standing.nearly_exhausted());
    }
}

#[tokio::test]
async fn legacy_headers_say_the_same_as_the_drafts() {
    let layer = RateLimitLayer::per_minute(3).legacy_headers(true).clock(hand().clock());
    let theirs = tower::service_fn(|_: Req| async {
        let response = Response::builder().header("x-ratelimit-limit", "theirs");
        Ok::<Res, Infallible>(response.body(Full::default()).unwrap())
    });
    let mut service = layer.layer(theirs);
    let response = call(&mut service).await;
    let shown = |name| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(shown("x-ratelimit-limit"), "3");
    assert_eq!(shown("x-ratelimit-remaining"), "2");
    assert_eq!(shown("x-ratelimit-reset"), "61");
    assert_eq!(fields::list(&response, "ratelimit")[0].int("t"), Some(61));
}

#[tokio::test]
async fn a_stage_inside_settles_what_was_reserved_once() {
    let limiter = Arc::new(Limiter::new());
    let requests = Policy::new([Limit::calendar_day("day", 9)]).unwrap();
    let tokens = Policy::new([Limit::calendar_day("tokens", 100)]).unwrap().label("tokens");
    let (hand, of) = (hand(), Per::everybody("a"));
    let now = hand.clock().now();
    let inner = tower::service_fn(move |request: Req| async move {
        let admission = request.extensions().get::<Arc<Admission<Arc<Limiter>>>>().unwrap();
        let (position, charge) = admission.charge("tokens").unwrap();
        assert_eq!(charge.cost, 40);
        assert!(admission.settle(position, 15, now));
        assert!(!admission.settle(position, 0, now));
        // The one that is open.
        admission.refund(now);
        admission.refund(now);
        Ok::<_, Infallible>(Res::default())
    });
    let layer = RateLimitLayer::new(requests.clone(), Arc::clone(&limiter))
        .per(of.clone())
        .quota(Quota::new(tokens.clone()).per(of.clone()).cost(|_| 40))
        .clock(hand.clock());
    call(&mut layer.layer(inner)).await;
    let key = of.key(&Request::new(()).into_parts().0);
    assert_eq!(limiter.usage(&tokens, key, now)[0].spent, 15);
    assert_eq!(limiter.usage(&requests, key, now)[0].spent, 0);
}

#[tokio::test]
async fn a_store_that_takes_its_time_makes_only_its_own_request_wait() {
    let (store, mut asked) = Slow::new();
    let policy = Policy::per_minute(5);
    let layer = RateLimitLayer::new(policy, store).clock(hand().clock());
    let (mut service, mut upstream) = tower_test::mock::spawn_layer::<Req, Res, _>(layer);
    upstream.allow(2);
    assert_ready!(service.poll_ready()).unwrap();
    let mut first = spawn(service.call(Request::default()));
    assert_pending!(first.poll());
    assert_pending!(upstream.poll_request());
    // Its clone is ready for others.
    assert_ready!(service.poll_ready()).unwrap();
    let mut second = spawn(service.call(Request::default()));
    assert_pending!(second.poll());

    let (answer_second, answer_first) = (asked.pop().unwrap(), asked.pop().unwrap());
    answer_second.send(Err(Unavailable::new("requestsPerMinute".into()))).unwrap();
    let refused = assert_ready!(second.poll()).unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "1");
    let refusal = refused.extensions().get::<Refusal>().unwrap();
    assert_eq!((refusal.code(), refusal.stage()), (Code::LimitUnavailable, Stage::Limit));

    let policy = Policy::per_minute(5);
    answer_first.send(Ok(Limiter::new().check(&policy, Key::of(&[]), NOW))).unwrap();
    assert_pending!(first.poll());
    let (_, reply) = upstream.next_request().await.unwrap();
    reply.send_response(Res::default());
    let response = first.await.unwrap();
    assert_eq!(fields::list(&response, "ratelimit")[0].int("r"), Some(4));
}

/// Answers when the test does.
#[derive(Clone)]
struct Slow(Arc<std::sync::Mutex<Vec<Answer>>>);

type Answer = oneshot::Sender<Result<Decision, Unavailable>>;

struct Asked(Arc<std::sync::Mutex<Vec<Answer>>>);

impl Asked {
    fn pop(&mut self) -> Option<Answer> {
        self.0.lock().unwrap().pop()
    }
}

impl Slow {
    fn new() -> (Self, Asked) {
        let asked = Arc::default();
        (Self(Arc::clone(&asked)), Asked(asked))
    }
}

impl Store for Slow {
    type Later = futures::Answered;

    fn take(&self, _: &[Charge<'_>], _: Now) -> Taking<futures::Answered> {
        let (answer, later) = oneshot::channel();
        self.0.lock().unwrap().push(answer);
        Taking::Later(futures::Answered(later))
    }

    fn foresee(&self, charges: &[Charge<'_>], now: Now) -> Result<Decision, Unavailable> {
        Ok(Limiter::new().foresee(charges, now))
    }

    fn add(&self, _: &[Charge<'_>], _: Now) {}
    fn refund(&self, _: &Receipt, _: Now) {}
    fn settle(&self, _: &Receipt, _: usize, _: u64, _: Now) {}
    fn release(&self, _: &Receipt) {}
}

mod futures {
    use super::*;
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{self, Poll, ready};

    pub(super) struct Answered(pub(super) oneshot::Receiver<Result<Decision, Unavailable>>);

    impl Future for Answered {
        type Output = Result<Decision, Unavailable>;

        fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
            let gone = || Err(Unavailable::new("gone".into()));
            Poll::Ready(ready!(Pin::new(&mut self.0).poll(cx)).unwrap_or_else(|_| gone()))
        }
    }
}

#[test]
fn a_decision_that_is_there_at_once_takes_no_room_for_one_that_is_not() {
    assert_eq!(size_of::<Never>(), 0);
    assert_eq!(size_of::<LimitedBody<u64>>(), size_of::<rrcore::Body<u64>>() + 16);
}

type Req = Request<Full<Bytes>>;
type Res = Response<Full<Bytes>>;

fn panics() -> Infallible {
    panic!("a stage panics")
}

async fn ok(_: Req) -> Result<Res, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"hello"))))
}

async fn call<S, B>(service: &mut S) -> Response<B>
where
    S: Service<Req, Response = Response<B>, Error = Infallible>,
{
    service.ready().await.unwrap().call(Request::default()).await.unwrap()
}

async fn futures_catch<F: Future>(future: F) -> std::thread::Result<F::Output> {
    let mut future = Box::pin(future);
    std::future::poll_fn(|cx| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        match polled {
            Ok(std::task::Poll::Pending) => std::task::Poll::Pending,
            Ok(std::task::Poll::Ready(it)) => std::task::Poll::Ready(Ok(it)),
            Err(panic) => {
                // As a task does that panicked: what it held is dropped.
                std::task::Poll::Ready(Err(panic))
            }
        }
    })
    .await
}

fn hand() -> ManualClock {
    ManualClock::starting_at(Duration::from_secs(1_700_000_000))
}

const MINUTE: Duration = Duration::from_secs(60);
const NOW: Now = Now { monotonic: Duration::ZERO, wall: Duration::from_secs(1_700_000_000) };
