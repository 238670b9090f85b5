//! [`MeterLayer`] seen from outside.

#![cfg(test)]

use std::collections::VecDeque;
use std::future::{pending, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use rratelimit::{
    Admission, Charge, Decision, Estimate, Extraction, Key, Limit, Limiter, Meter, MeterLayer,
    Policy, RateLimitLayer, Tokens,
};
use rrcore::{BufferedBody, Clock, Code, Context, Fact, ManualClock, ReadOutcome, Refusal};
use tokio_test::assert_pending;
use tower::{Layer, Service, ServiceExt};

#[tokio::test]
async fn a_header_counts_before_the_body_is_read() {
    let world = World::new(header_meter());
    let response = world.call(Frames::of([b"hello"]).header("x-tokens", "7")).await;
    assert_eq!(world.spent(), 7);
    assert_eq!(body_of(response).await.unwrap(), "hello");
    assert_eq!((world.spent(), world.facts()), (7, vec![(7, "value")]));
}

#[tokio::test]
async fn a_trailer_counts_where_there_is_no_header() {
    let world = World::new(header_meter());
    let mut frames = Frames::of([b"hello"]);
    let trailers = HeaderMap::from_iter([(X_TOKENS, "8".parse().unwrap())]);
    frames.left.push_back(Ok(Frame::trailers(trailers)));
    let response = world.call(frames).await;
    assert_eq!(world.spent(), 0);
    body_of(response).await.unwrap();
    assert_eq!((world.spent(), world.facts()), (8, vec![(8, "value")]));
}

#[tokio::test]
async fn a_document_counts_as_soon_as_it_says_so_and_passes_untouched() {
    let world = World::new(json_meter("$.usage.total_tokens"));
    let pieces: [&[u8]; 3] = [b"{ \"usage\":{\"total_", b"tokens\":12,", b"\"x\":1}} trailing"];
    let mut body = world.call(Frames::of(pieces)).await.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!((&*first, world.spent()), (pieces[0], 0));
    body.frame().await.unwrap().unwrap();
    assert_eq!(world.spent(), 12);
    let rest = body.collect().await.unwrap().to_bytes();
    assert_eq!((&*rest, world.facts()), (pieces[2], vec![(12, "value")]));
}

#[tokio::test]
async fn an_event_stream_counts_once_it_is_over() {
    let world = World::new(token_meter());
    let frames = Frames::of(ANTHROPIC).header("content-type", "text/event-stream");
    let response = world.call(frames).await;
    assert_eq!(body_of(response).await.unwrap(), ANTHROPIC.concat());
    assert_eq!((world.spent(), world.facts()), (40, vec![(40, "value")]));
}

#[tokio::test]
async fn a_client_that_leaves_pays_for_what_was_seen() {
    for frames in 1..=2 {
        let world = World::new(token_meter());
        let stream = Frames::of(ANTHROPIC).header("content-type", "text/event-stream");
        let mut body = world.call(stream).await.into_body();
        for _ in 0..frames {
            body.frame().await.unwrap().unwrap();
        }
        assert_eq!(world.spent(), 0);
        drop(body);
        assert_eq!((world.spent(), world.facts()), (26, vec![(26, "value")]), "{frames}");
    }
}

#[tokio::test]
async fn an_upstream_that_breaks_off_is_paid_for_what_was_seen() {
    let world = World::new(token_meter());
    let mut frames = Frames::of([ANTHROPIC[0]]).header("content-type", "text/event-stream");
    frames.left.push_back(Err("reset"));
    frames.left.push_back(Ok(Frame::data(Bytes::from_static(ANTHROPIC[2].as_bytes()))));
    let response = world.call(frames).await;
    assert_eq!(body_of(response).await.unwrap_err(), "reset");
    assert_eq!((world.spent(), world.facts()), (26, vec![(26, "value")]));
}

#[tokio::test]
async fn what_says_nothing_counts_as_told() {
    let meter = || json_meter("$.n").on_missing(5);
    check(meter(), Frames::of(["{}"]), 5, "missing").await;
    check(meter(), Frames::of([r#"{"n":null}"#]), 5, "missing").await;
    check(meter(), Frames::of([r#"{"n":"7"}"#]), 5, "unusable").await;
    check(meter(), Frames::of([r#"{"n":-7}"#]), 5, "unusable").await;
    check(meter(), Frames::of([r#"{"n":1e308}"#]), u64::MAX, "value").await;
    check(meter(), Frames::of([r#"{"n":1,"n":2}"#]), 1, "value").await;
    check(meter(), Frames::of([""; 0]), 5, "missing").await;
    check(meter(), Frames::of([""; 0]).header("content-encoding", "br"), 5, "missing").await;
    check(meter(), Frames::of(["{"]).header("content-encoding", "x"), 5, "unreadable").await;
    check(meter(), Frames::of(["{"]).header("content-encoding", "gzip"), 5, "unreadable").await;
    check(json_meter("$.n"), Frames::of(["{}"]), 0, "missing").await;
    let meter = || header_meter().on_missing(5);
    for (value, counted, how) in [
        ("7", 7, "value"),
        (" 7 ", 7, "value"),
        ("0.1", 1, "value"),
        ("1e308", u64::MAX, "value"),
        ("-1", 5, "unusable"),
        ("seven", 5, "unusable"),
        ("", 5, "unusable"),
    ] {
        check(meter(), Frames::of(["x"]).header("x-tokens", value), counted, how).await;
    }
    check(meter(), Frames::of(["x"]), 5, "missing").await;
}

#[tokio::test]
async fn the_request_that_crosses_the_limit_completes_and_the_next_is_refused() {
    let world = World::new(header_meter());
    for (cost, left) in [("60", Some(40)), ("39", Some(1)), ("500", None)] {
        world.admit().unwrap();
        let response = world.call(Frames::of(["x"]).header("x-tokens", cost)).await;
        assert_eq!(body_of(response).await.unwrap(), "x");
        assert_eq!(world.left(), left.unwrap_or(0));
    }
    let wait = world.admit().unwrap_err();
    world.hand.advance(wait);
    world.admit().unwrap();
}

#[tokio::test]
async fn an_estimate_is_taken_at_first_and_settled_in_the_end() {
    for (said, spent, how) in [
        ("3", 3, "value"),
        ("10", 10, "value"),
        ("25", 25, "value"),
        ("0", 0, "value"),
        ("none", 10, "unusable"),
    ] {
        let world = World::new(header_meter().estimate(Estimate::fixed(10)));
        let request = world.admitted();
        assert_eq!(world.spent(), 10);
        let frames = Frames::of(["x"]).header("x-tokens", said);
        body_of(world.call_with(request, frames).await).await.unwrap();
        assert_eq!((world.spent(), world.facts()), (spent, vec![(spent, how)]), "{said}");
    }
}

#[tokio::test]
async fn what_was_told_beats_what_was_estimated_where_nothing_is_said() {
    let world = World::new(header_meter().estimate(Estimate::fixed(10)).on_missing(2));
    let request = world.admitted();
    body_of(world.call_with(request, Frames::of(["x"])).await).await.unwrap();
    assert_eq!((world.spent(), world.facts()), (2, vec![(2, "missing")]));
}

#[tokio::test]
async fn an_excess_counts_now_though_the_window_of_the_estimate_is_over() {
    let world = World::new(token_meter().estimate(Estimate::fixed(1)));
    let request = world.admitted();
    let stream = Frames::of(ANTHROPIC).header("content-type", "text/event-stream");
    let response = world.call_with(request, stream).await;
    world.hand.advance(Duration::from_secs(600));
    assert_eq!(world.spent(), 0);
    body_of(response).await.unwrap();
    assert_eq!(world.spent(), 39);
}

#[tokio::test]
async fn a_refund_across_a_windows_edge_gives_nobody_more_than_the_limit() {
    let world = World::new(header_meter().estimate(Estimate::fixed(50)));
    let request = world.admitted();
    let response = world.call_with(request, Frames::of(["x"])).await;
    world.hand.advance(Duration::from_secs(600));
    body_of(response).await.unwrap();
    assert_eq!((world.spent(), world.left()), (0, 100));
}

#[tokio::test]
async fn no_reservation_leaks_on_errors_panics_and_timeouts() {
    let world = World::new(token_meter().estimate(Estimate::fixed(10)));
    for turn in 0..1_000 {
        let request = world.admitted();
        assert_eq!(world.spent(), 10, "{turn}");
        match turn % 3 {
            0 => {
                let mut service = world.layer.layer(tower::service_fn(|_: Request<()>| {
                    ready(Err::<Response<Frames>, _>("refused"))
                }));
                assert_eq!(
                    service.ready().await.unwrap().call(request).await.unwrap_err(),
                    "refused"
                );
            }
            1 => {
                let never = |_: Request<()>| pending::<Result<Response<Frames>, &str>>();
                let mut service = world.layer.layer(tower::service_fn(never));
                let mut waiting =
                    tokio_test::task::spawn(service.ready().await.unwrap().call(request));
                assert_pending!(waiting.poll());
            }
            _ => {
                let dies = |_: Request<()>| async {
                    assert!(std::hint::black_box(false), "on purpose");
                    Err::<Response<Frames>, &str>("")
                };
                let service = world.layer.layer(tower::service_fn(dies));
                tokio::spawn(service.oneshot(request)).await.unwrap_err();
            }
        }
        assert_eq!((world.spent(), world.facts()), (0, vec![(0, "noResponse")]), "{turn}");
    }
}

#[tokio::test]
async fn who_never_got_an_answer_is_not_charged_for_its_missing_value() {
    for (code, expected) in [
        (Code::UpstreamUnreachable, (0, "noResponse")),
        (Code::UpstreamTimeout, (0, "noResponse")),
        (Code::CredentialUnavailable, (0, "noResponse")),
        (Code::RequestTimeout, (0, "noResponse")),
        // There was one, which a stage in between has refused.
        (Code::ResponseTooLarge, (50, "missing")),
    ] {
        let meter = token_meter().estimate(Estimate::fixed(10)).on_missing(50);
        let world = World::new(meter);
        let request = world.admitted();
        let mut service = world.layer.layer(tower::service_fn(move |mut request: Request<()>| {
            let context = Context::of(request.extensions_mut(), &Clock::system());
            let refused = context.refuse(Refusal::new(code));
            ready(Ok::<_, &str>(refused.map(|_| Frames::of(["{}"]))))
        }));
        let response = service.ready().await.unwrap().call(request).await.unwrap();
        body_of(response).await.unwrap();
        assert_eq!((world.spent(), world.facts()), (expected.0, vec![expected]), "{code:?}");
    }
}

#[tokio::test]
async fn a_service_that_panics_when_it_is_called_costs_nothing() {
    let world = World::new(token_meter().estimate(Estimate::fixed(10)));
    let request = world.admitted();
    let dies = |_: Request<()>| {
        assert!(std::hint::black_box(false), "on purpose");
        ready(Err::<Response<Frames>, &str>(""))
    };
    let mut service = world.layer.layer(tower::service_fn(dies));
    tokio::spawn(async move { drop(service.call(request).await) }).await.unwrap_err();
    assert_eq!(world.spent(), 0);
}

#[tokio::test]
async fn who_hangs_up_before_the_numbers_come_keeps_the_estimate() {
    let world = World::new(token_meter().estimate(Estimate::fixed(10)));
    let request = world.admitted();
    let frames = Frames::of(["data: {}\n\n"; 3]).header("content-type", "text/event-stream");
    let mut body = world.call_with(request, frames).await.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert_eq!((world.spent(), world.facts()), (10, vec![(10, "cut")]));
}

#[tokio::test]
async fn who_stops_at_the_last_byte_has_the_whole_body() {
    let world = World::new(json_meter("$"));
    let mut body = world.call(Frames::of(["4", "2"]).knowing_its_end()).await.into_body();
    body.frame().await.unwrap().unwrap();
    body.frame().await.unwrap().unwrap();
    assert!(body.is_end_stream());
    drop(body);
    assert_eq!(world.facts(), [(42, "value")]);
}

#[tokio::test]
async fn a_number_that_was_cut_is_none() {
    let world = World::new(json_meter("$.n"));
    let mut body = world.call(Frames::of([r#"{"n":12"#, "34}"])).await.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert_eq!((world.spent(), world.facts()), (0, vec![(0, "cut")]));
}

#[tokio::test]
async fn a_request_that_says_several_costs_is_charged_the_most_that_it_may_be_read_to_say() {
    for (path, body, expected) in [
        ("$.n", r#"{"n":1,"n":500}"#, 500),
        ("$.n", r#"{"n":500,"n":1}"#, 500),
        ("$.n", r#"{"n":1,"\u006e":500}"#, 500),
        ("$.n", r#"{"n":1,"n":"500"}"#, 10),
        ("$.n", r#"{"n":1,"n":null}"#, 10),
        ("$.n", r#"{"n":40,"n":null}"#, 40),
        ("$.n", r#"{"n":null,"n":1}"#, 10),
        ("$.n", r#"{"n":1,"n":{}}"#, 10),
        ("$.n", r#"{"n":1,"n":-5}"#, 10),
        ("$.n", r#"{"n":1,"n":"#, 10),
        ("$.n", r#"{"n":1,'n':500}"#, 10),
        ("$.n", r#"{"n":1,"m":2,"m":3}"#, 1),
        ("$.a.n", r#"{"a":{"n":1},"a":{"n":500}}"#, 500),
        ("$.a.n", r#"{"a":{"n":1,"n":2},"\u0061":{"n":3}}"#, 3),
        ("$.a.n", r#"{"a":{"n":1},"a":{}}"#, 10),
        ("$.a.n", r#"{"a":{"n":1},"a":{"m":{}}}"#, 10),
        ("$.a.n", r#"{"a":{"n":1},"a":7}"#, 10),
        ("$.a.n", r#"{"a":{"n":1},"a":"x"}"#, 10),
        ("$.a.n", r#"{"a":null,"a":{"n":1}}"#, 10),
        ("$.a.n", r#"{"a":{"n":1},"a":[]}"#, 10),
        ("$.a.n", r#"{"a":{"n":1},"b":{},"b":{}}"#, 1),
        ("$.a[1]", r#"{"a":[7,1,8],"a":[7,500]}"#, 500),
        ("$.a[1]", r#"{"a":[7,1,8],"a":[7]}"#, 10),
        ("$.a[1]", r#"{"a":[7,1],"a":[]}"#, 10),
    ] {
        let meter = token_meter().estimate(Estimate::json(&path.parse().unwrap(), 10));
        let request = Request::new(http_body_util::Full::new(Bytes::from(body)));
        let ReadOutcome::Whole(request) = BufferedBody::read(request, 1_000).await else {
            panic!()
        };
        assert_eq!(meter.charge(&request.into_parts().0).unwrap().cost, expected, "{path} {body}");
    }
    let name = HeaderName::from_static("x-budget");
    let meter = token_meter().estimate(Estimate::header(name, 10));
    for (values, expected) in [(["1", "500"], 500), (["1", "x"], 10), (["40", "x"], 40)] {
        let [one, other] = values;
        let request = Request::builder().header("x-budget", one).header("x-budget", other);
        let head = request.body(()).unwrap().into_parts().0;
        assert_eq!(meter.charge(&head).unwrap().cost, expected, "{values:?}");
    }
}

#[tokio::test]
async fn an_estimate_comes_from_a_header_or_the_body_or_is_fixed() {
    let header = Estimate::header(HeaderName::from_static("x-budget"), 10);
    let body = Estimate::json(&"$.max_tokens".parse().unwrap(), 10);
    for (estimate, header, body, expected) in [
        (&header, "30", "{}", 30),
        (&header, "29.5", "{}", 30),
        (&header, "-3", "{}", 10),
        (&header, "lots", "{}", 10),
        (&body, "1", r#"{"messages":[{"max_tokens":9}],"max_tokens":40}"#, 40),
        (&body, "1", r#"{"max_tokens":"40"}"#, 10),
        (&body, "1", r#"{"max_tokens":-40}"#, 10),
        (&body, "1", r#"{"max_tokens":1e308}"#, u64::MAX),
        (&body, "1", "not JSON", 10),
        (&Estimate::fixed(3), "1", "{}", 3),
    ] {
        let meter = token_meter().estimate(estimate.clone());
        let request = Request::builder().header("x-budget", header);
        let request = request.body(http_body_util::Full::new(Bytes::from(body))).unwrap();
        let ReadOutcome::Whole(request) = BufferedBody::read(request, 1_000).await else {
            panic!()
        };
        let (head, _) = request.into_parts();
        assert_eq!(meter.charge(&head).unwrap().cost, expected, "{header} {body}");
    }
    let head = Request::new(()).into_parts().0;
    assert_eq!(token_meter().estimate(body).charge(&head).unwrap().cost, 10, "it was not read");
    assert_eq!(token_meter().charge(&head).unwrap().cost, 0);
}

#[tokio::test]
async fn only_requests_that_it_is_about_are_counted() {
    let meter = header_meter().when(|head| head.uri.path().starts_with("/v1/chat"));
    for (path, expected) in [("/v1/chat/completions", 7), ("/v1/models", 0)] {
        let world = World::new(meter.clone());
        let request = world.request(path);
        let frames = Frames::of(["x"]).header("x-tokens", "7");
        body_of(world.call_with(request, frames).await).await.unwrap();
        assert_eq!(world.spent(), expected, "{path}");
    }
}

#[tokio::test]
async fn what_was_admitted_is_counted_whatever_the_head_says_by_then() {
    let meter = || header_meter().when(|head| head.uri.path() == "/outside");
    for (admitted_only, was_admitted, path, expected) in [
        (false, true, "/inside", 7),
        (true, true, "/inside", 7),
        (true, false, "/outside", 0),
        (false, false, "/outside", 7),
        (false, false, "/inside", 0),
    ] {
        let mut world = World::new(meter());
        if admitted_only {
            world.layer = world.layer.admitted_only();
        }
        let mut request = if was_admitted { world.admitted() } else { world.request("/outside") };
        *request.uri_mut() = path.parse().unwrap();
        let frames = Frames::of(["x"]).header("x-tokens", "7");
        body_of(world.call_with(request, frames).await).await.unwrap();
        assert_eq!(world.spent(), expected, "{admitted_only} {was_admitted} {path}");
    }
}

#[tokio::test]
async fn a_meter_that_observes_counts_and_refuses_nobody() {
    let policy = policy().observed();
    let world =
        World::new(Meter::new("tokens", Extraction::header(X_TOKENS), policy).key(|_| key()));
    for turn in 1..=3 {
        world.admit().unwrap();
        let frames = Frames::of(["x"]).header("x-tokens", "100");
        body_of(world.call(frames).await).await.unwrap();
        assert_eq!(world.spent(), turn * 100);
    }
}

#[tokio::test]
async fn several_meters_read_one_body() {
    let clock = hand();
    let limiter = Arc::new(Limiter::new());
    let meter = |which, name| {
        let policy = Policy::new([Limit::calendar_day(name, 1_000)]).unwrap();
        Meter::new(name, Extraction::tokens(which), policy).key(|_| key())
    };
    let meters = [
        meter(Tokens::Total, "total"),
        meter(Tokens::Input, "input"),
        meter(Tokens::Output, "output"),
    ];
    let layer = MeterLayer::new(meters.clone(), Arc::clone(&limiter)).clock(clock.clock());
    let frames = Frames::of(ANTHROPIC).header("content-type", "text/event-stream");
    body_of(send(&layer, Request::new(()), frames).await).await.unwrap();
    let spent = meters.map(|it| limiter.usage(it.policy(), key(), clock.clock().now())[0].spent);
    assert_eq!(spent, [40, 25, 15]);
}

#[tokio::test]
async fn an_estimate_goes_back_whoever_answers_in_place_of_what_is_metered() {
    for (counts_refused, answer, expected) in [
        (true, "relays", 40),
        (false, "relays", 40),
        (true, "refuses", 0),
        (false, "refuses", 0),
        (true, "fails", 0),
        (true, "waits", 0),
    ] {
        let world = World::new(token_meter().estimate(Estimate::fixed(10)));
        let metered = world.layer.layer(tower::service_fn(|_: Request<()>| {
            let mut response = Response::new(Frames::of(ANTHROPIC));
            response.headers_mut().insert(CONTENT_TYPE, "text/event-stream".parse().unwrap());
            ready(Ok::<_, &str>(response))
        }));
        let gate = tower::service_fn(move |mut request: Request<()>| {
            let metered = metered.clone();
            async move {
                let context = Context::of(request.extensions_mut(), &Clock::system());
                match answer {
                    "relays" => Ok(metered.oneshot(request).await?.map(rrcore::Body::inner)),
                    "refuses" => {
                        let refusal = Refusal::new(Code::RuleDenied);
                        Ok(context.refuse(refusal).map(rrcore::Body::own))
                    }
                    "fails" => Err("down"),
                    _ => pending().await,
                }
            }
        });
        let limits = RateLimitLayer::with(world.meter.quota(), Arc::clone(&world.limiter))
            .counts_refused(counts_refused);
        let mut service = limits.layer(gate);
        let called = service.ready().await.unwrap().call(world.request("/"));
        assert_eq!(world.spent(), 10);
        let mut called = tokio_test::task::spawn(called);
        if let Poll::Ready(Ok(response)) = called.poll() {
            body_of(response).await.unwrap();
        }
        drop(called);
        assert_eq!(world.spent(), expected, "{answer} {counts_refused}");
    }
}

#[tokio::test]
async fn whom_the_meter_has_nothing_left_for_is_refused_by_its_name() {
    let world = World::new(header_meter());
    let metered = world.layer.layer(tower::service_fn(|_: Request<()>| {
        let mut response = Response::new(Frames::of(["x"]));
        response.headers_mut().insert(X_TOKENS, "150".parse().unwrap());
        ready(Ok::<_, &str>(response))
    }));
    let limits = RateLimitLayer::with(world.meter.quota(), Arc::clone(&world.limiter));
    let mut service = limits.layer(metered);
    let mut call = async |request| service.ready().await.unwrap().call(request).await.unwrap();
    let crossing = call(world.request("/")).await;
    assert_eq!(crossing.status(), StatusCode::OK);
    assert_eq!(body_of(crossing).await.unwrap(), "x");
    let refused = call(world.request("/")).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers()["ratelimit"].to_str().unwrap().starts_with("\"tokens.minute\";r=0;"));
    world.hand.advance(Duration::from_secs(
        refused.headers()["retry-after"].to_str().unwrap().parse().unwrap(),
    ));
    assert_eq!(call(world.request("/")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_client_cannot_ask_for_what_cannot_be_read() {
    let world = World::new(token_meter());
    let seen = |mut request: Request<()>| {
        let headers = std::mem::take(request.headers_mut());
        let mut response = Response::new(Frames::of([""; 0]));
        response.headers_mut().extend(headers);
        ready(Ok::<_, &str>(response))
    };
    let mut request = world.request("/");
    request.headers_mut().insert("accept-encoding", "gzip, dcz".parse().unwrap());
    request.headers_mut().insert("range", "bytes=0-1".parse().unwrap());
    request.headers_mut().insert("x-other", "1".parse().unwrap());
    let response = world.layer.layer(tower::service_fn(seen)).oneshot(request).await.unwrap();
    assert_eq!(response.headers()["accept-encoding"], "gzip");
    assert!(!response.headers().contains_key("range"));
    assert_eq!(response.headers()["x-other"], "1");
}

#[tokio::test]
async fn readiness_is_the_inner_services_own() {
    let world = World::new(token_meter());
    let (mut service, mut upstream) =
        tower_test::mock::spawn_layer::<Request<()>, Response<Frames>, _>(world.layer.clone());
    upstream.allow(0);
    assert_pending!(service.poll_ready());
    upstream.allow(1);
    tokio_test::assert_ready_ok!(service.poll_ready());
    let answer = service.call(world.request("/"));
    upstream.next_request().await.unwrap().1.send_error("boom");
    assert_eq!(answer.await.unwrap_err().to_string(), "boom");
}

#[test]
fn layers_and_services_are_shared_by_threads() {
    fn check<T: Clone + Send + Sync + 'static>(_: &T) {}
    let layer = World::new(token_meter()).layer;
    let service = layer.layer(tower::service_fn(|_: Request<()>| {
        ready(Ok::<_, &str>(Response::new(Frames::of(["x"]))))
    }));
    check(&layer);
    check(&service);
    let body = size_of::<rratelimit::MeteredBody<Frames>>();
    assert!(body <= size_of::<Frames>() + size_of::<usize>(), "{body}");
}

#[track_caller]
fn check(
    meter: Meter,
    frames: Frames,
    counted: u64,
    how: &'static str,
) -> impl Future<Output = ()> {
    let at = std::panic::Location::caller();
    async move {
        let world = World::new(meter);
        body_of(world.call(frames).await).await.unwrap();
        assert_eq!(world.facts(), [(counted, how)], "{at}");
        assert_eq!(world.spent(), counted, "{at}");
    }
}

/// One meter with 100 a minute, and all requests on one account.
struct World {
    hand: ManualClock,
    limiter: Arc<Limiter>,
    meter: Meter,
    layer: MeterLayer,
    context: std::sync::Mutex<Option<Context>>,
}

impl World {
    fn new(meter: Meter) -> Self {
        let (hand, limiter) = (hand(), Arc::new(Limiter::new()));
        let layer = MeterLayer::new([meter.clone()], Arc::clone(&limiter)).clock(hand.clock());
        Self { hand, limiter, meter, layer, context: None.into() }
    }

    fn request(&self, path: &str) -> Request<()> {
        let mut request = Request::get(path).body(()).unwrap();
        let context = Context::of(request.extensions_mut(), &self.hand.clock());
        *self.context.lock().unwrap() = Some(context);
        request
    }

    /// A request that was let in.
    fn admitted(&self) -> Request<()> {
        let (mut head, ()) = self.request("/outside").into_parts();
        let charge = self.meter.charge(&head).unwrap();
        let Decision::Allowed { receipt, .. } = self.limiter.take(&[charge], self.now()) else {
            panic!("nothing is left")
        };
        head.extensions.insert(Arc::new(Admission::new(
            Arc::clone(&self.limiter),
            receipt,
            self.hand.clock(),
        )));
        Request::from_parts(head, ())
    }

    async fn call(
        &self,
        frames: Frames,
    ) -> Response<impl Body<Data = Bytes, Error = &'static str>> {
        self.call_with(self.request("/"), frames).await
    }

    async fn call_with(
        &self,
        request: Request<()>,
        frames: Frames,
    ) -> Response<impl Body<Data = Bytes, Error = &'static str> + use<>> {
        send(&self.layer, request, frames).await
    }

    /// Asks whether a request would be let in; or how long to wait.
    fn admit(&self) -> Result<(), Duration> {
        let charge = Charge { policy: self.meter.policy(), key: key(), cost: 0 };
        self.limiter.take(&[charge], self.now()).retry_after().map_or(Ok(()), Err)
    }

    fn spent(&self) -> u64 {
        self.limiter.usage(self.meter.policy(), key(), self.now())[0].spent
    }

    fn left(&self) -> u64 {
        let charge = Charge { policy: self.meter.policy(), key: key(), cost: 0 };
        self.limiter.foresee(&[charge], self.now()).standing().remaining("tokens.minute").unwrap()
    }

    /// What was said of the last request: how much was counted, and how that was known.
    fn facts(&self) -> Vec<(u64, &'static str)> {
        let context = self.context.lock().unwrap().clone().unwrap();
        let fact = |it: &Fact| match it {
            Fact::Meter { counted, how, .. } => Some((*counted, *how)),
            _ => None,
        };
        context.trail().facts().filter_map(fact).collect()
    }

    fn now(&self) -> rrcore::Now {
        self.hand.clock().now()
    }
}

async fn send(
    layer: &MeterLayer,
    request: Request<()>,
    frames: Frames,
) -> Response<impl Body<Data = Bytes, Error = &'static str> + use<>> {
    let mut frames = Some(frames);
    let answer = move |_: Request<()>| {
        let mut frames = frames.take().unwrap();
        let headers = std::mem::take(&mut frames.headers);
        let mut response = Response::new(frames);
        response.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
        response.headers_mut().extend(headers);
        ready(Ok::<_, &str>(response))
    };
    let mut service = layer.layer(tower::service_fn(answer));
    service.ready().await.unwrap().call(request).await.unwrap()
}

async fn body_of<B: Body<Data = Bytes, Error = &'static str>>(
    response: Response<B>,
) -> Result<Bytes, &'static str> {
    Ok(response.into_body().collect().await?.to_bytes())
}

/// A body of these frames.
#[derive(Default)]
struct Frames {
    left: VecDeque<Result<Frame<Bytes>, &'static str>>,
    headers: HeaderMap,
    knows_its_end: bool,
}

impl Frames {
    fn of<T: AsRef<[u8]> + ?Sized + 'static>(pieces: impl IntoIterator<Item = &'static T>) -> Self {
        let frame = |it: &'static T| Ok(Frame::data(Bytes::from_static(it.as_ref())));
        Self { left: pieces.into_iter().map(frame).collect(), ..Self::default() }
    }

    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    fn knowing_its_end(mut self) -> Self {
        self.knows_its_end = true;
        self
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Task<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(self.left.pop_front())
    }

    fn is_end_stream(&self) -> bool {
        self.knows_its_end && self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

fn header_meter() -> Meter {
    Meter::new("tokens", Extraction::header(X_TOKENS), policy()).key(|_| key())
}

fn json_meter(path: &str) -> Meter {
    Meter::new("tokens", Extraction::json(path.parse().unwrap()), policy()).key(|_| key())
}

fn token_meter() -> Meter {
    Meter::new("tokens", Extraction::tokens(Tokens::Total), policy()).key(|_| key())
}

fn policy() -> Policy {
    Policy::new([Limit::sliding("tokens.minute", 100, Duration::from_secs(60))]).unwrap()
}

fn key() -> Key {
    Key::of(&["alice"])
}

fn hand() -> ManualClock {
    ManualClock::starting_at(Duration::from_secs(1_800_000_000))
}

const X_TOKENS: HeaderName = HeaderName::from_static("x-tokens");
const ANTHROPIC: [&str; 3] = [
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":25,\
     \"output_tokens\":1}}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\"}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":15}}\n\n",
];
