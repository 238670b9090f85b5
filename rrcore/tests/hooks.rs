//! What an embedder hangs on requests reaches every stage behind the layer.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use rrcore::{
    ClientAddress, Code, Context, ContextLayer, Entry, ManualClock, Outcome, Refusal, Stage,
};
use tower::{Layer, ServiceExt, service_fn};

#[tokio::test]
async fn an_embedder_renders_refusals_and_the_reason_still_rides_along() {
    let layer = ContextLayer::new().render(|refusal: &Refusal, context: &Context| {
        let text = format!("{} {}", refusal.code().as_str(), context.id());
        Response::builder().status(StatusCode::OK).body(Bytes::from(text)).unwrap()
    });
    let response = layer.layer(service_fn(refuse)).oneshot(Request::new(())).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.body().starts_with(b"rule-denied req_"));
    assert_eq!(response.extensions().get::<Refusal>().unwrap().code(), Code::RuleDenied);
}

#[tokio::test]
async fn a_request_that_asks_for_nothing_else_gets_a_problem_document() {
    let layer = ContextLayer::new().render_by(|_| None);
    let response = layer.layer(service_fn(refuse)).oneshot(Request::new(())).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn an_observer_hears_each_decision_once_and_may_read_the_trail() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = Arc::clone(&heard);
    let layer = ContextLayer::new().observe(move |context: &Context, entry: &Entry| {
        let length = context.trail().entries().len();
        hearing.lock().unwrap().push((entry.stage, entry.outcome, length));
    });
    layer.layer(service_fn(refuse)).oneshot(Request::new(())).await.unwrap();
    let expected =
        [(Stage::Limit, Outcome::Passed, 1), (Stage::Rules, Outcome::Refused(Code::RuleDenied), 2)];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[tokio::test]
async fn clock_and_address_are_the_embedders() {
    let hand = ManualClock::starting_at(Duration::from_secs(7));
    let address = ClientAddress::of_peer("192.0.2.7".parse().unwrap());
    let layer = ContextLayer::new().clock(hand.clock()).address(move |_| Some(address));
    let service = layer.layer(service_fn(async |mut request: Request<()>| {
        let context = Context::of(request.extensions_mut(), &rrcore::Clock::system());
        Ok::<_, Infallible>((context.now().wall, context.address()))
    }));
    let seen = service.oneshot(Request::new(())).await.unwrap();
    assert_eq!(seen, (Duration::from_secs(7), Some(address)));
}

#[tokio::test]
async fn a_context_that_is_there_stays_and_gets_an_address_where_it_has_none() {
    let heard = Arc::new(Mutex::new(0));
    let hearing = Arc::clone(&heard);
    let outer = ContextLayer::new().observe(move |_: &Context, _: &Entry| {
        *hearing.lock().unwrap() += 1;
    });
    let address = ClientAddress::of_peer("192.0.2.7".parse().unwrap());
    let inner = ContextLayer::new().render_by(|_| None).address(move |_| Some(address));
    let service = outer.layer(inner.layer(service_fn(async |mut request: Request<()>| {
        let context = Context::of(request.extensions_mut(), &rrcore::Clock::system());
        context.passed(Stage::Rules);
        Ok::<_, Infallible>(context.address())
    })));
    assert_eq!(service.oneshot(Request::new(())).await.unwrap(), Some(address));
    assert_eq!(*heard.lock().unwrap(), 1);
}

async fn refuse(mut request: Request<()>) -> Result<Response<Bytes>, Infallible> {
    let context = Context::of(request.extensions_mut(), &rrcore::Clock::system());
    context.passed(Stage::Limit);
    Ok(context.refuse(Refusal::new(Code::RuleDenied)))
}
