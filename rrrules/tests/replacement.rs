//! Rules that are replaced while a built service runs.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use http::{Request, Response, StatusCode};
use rrcore::{Body, Code, Handle, Refusal, Scope};
use rrrules::{Effect, Presence, QueryCheck, QueryName, Rule, RuleSet, RulesLayer};
use tokio_test::block_on;
use tower::util::ServiceFn;
use tower::{Layer, ServiceExt, service_fn};

#[test]
fn the_next_request_of_a_built_service_is_judged_by_the_new_rules() {
    let handle = Handle::new(RuleSet::allow_all());
    let service = RulesLayer::new().scope(Scope::Target, handle.clone()).layer(upstream());
    let send = || block_on(service.clone().oneshot(request("/"))).unwrap();

    assert_eq!(send().status(), StatusCode::OK);
    handle.set(only(Rule::new("rul_1", Effect::Deny)));
    assert_eq!(denied_by(&send()), "rul_1");
    handle.set(only(Rule::new("rul_2", Effect::Deny)));
    assert_eq!(denied_by(&send()), "rul_2");
    handle.set(RuleSet::allow_all());
    assert_eq!(send().status(), StatusCode::OK);
}

// The first set makes a malformed query an error, and if it did not, `rul_looks` would deny it.
#[test]
fn no_request_is_judged_by_parts_of_two_sets() {
    let name = QueryName::exact("a");
    let check = QueryCheck { name, value: None, presence: Presence::Present };
    let looks = || only(Rule::new("rul_looks", Effect::Deny).query(check.clone()));
    let looks_not = || only(Rule::new("rul_looks_not", Effect::Deny));
    let handle = Handle::new(looks());
    let service = RulesLayer::new().scope(Scope::Proxy, handle.clone()).layer(upstream());

    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                handle.set(looks_not());
                handle.set(looks());
            }
        });
        let judge = || {
            let response = block_on(service.clone().oneshot(request("/?a=%zz"))).unwrap();
            let refusal = response.extensions().get::<Refusal>().unwrap();
            match refusal.code() {
                Code::MalformedRequest => true,
                _ => denied_by(&response) == "rul_looks_not",
            }
        };
        let judged: Vec<_> = (0..5_000).map(|_| judge()).collect();
        is_done.store(true, Ordering::Relaxed);
        assert!(judged.into_iter().all(|it| it));
    });
}

fn only(rule: Rule) -> RuleSet {
    RuleSet::new(vec![rule], Effect::Allow).unwrap()
}

fn request(target: &str) -> Request<()> {
    Request::get(target).body(()).unwrap()
}

type Answer = Result<Response<String>, Infallible>;

fn upstream() -> ServiceFn<fn(Request<()>) -> Ready<Answer>> {
    service_fn(|_| ready(Ok(Response::new(String::new()))))
}

fn denied_by(response: &Response<Body<String>>) -> String {
    let refusal = response.extensions().get::<Refusal>().unwrap();
    refusal.get_member("rule").unwrap()["id"].as_str().unwrap().to_owned()
}
