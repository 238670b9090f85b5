//! What limits do while the store is gone.

use std::time::Duration;

use rratelimit::{
    BreakerState, Charge, Decision, Key, Limit, Policy, RateLimitLayer, RedisStore, Store,
    StoreFailure, Taking, Threshold,
};
use rrcore::{Clock, Code, Context, Fact, Refusal};
use tower::{Layer, ServiceExt};

use crate::node::Node;
use crate::server::{Server, free_port};
use crate::tests;

tests! {
    what_is_denied_is_unavailable_and_says_which_limit,
    what_is_allowed_passes_and_is_counted,
    a_share_is_the_limit_by_the_nodes_that_were_alive_less_what_passed_before,
    a_share_of_what_runs_at_the_same_time_is_registered_when_the_store_is_back,
    leased_units_are_spent_before_anything_is_denied,
    one_limit_that_denies_costs_the_others_nothing,
    who_comes_back_when_the_time_is_over_does_not_wait_again,
    a_node_that_never_reached_its_store_goes_by_what_it_was_told,
    what_was_added_while_the_store_was_gone_is_told_when_it_is_back,
    thresholds_are_told_once_over_all_nodes,
    the_layer_answers_503_and_tells_of_a_degraded_decision,
    what_is_foreseen_is_what_the_store_would_answer,
    what_is_foreseen_with_leases_is_what_comes,
    what_is_foreseen_without_the_store_is_what_each_limit_says,
}

fn what_is_denied_is_unavailable_and_says_which_limit() {
    let node = gone(1);
    let policy = day(10, StoreFailure::Deny);
    let unavailable = node.one(&policy, "a").unwrap_err();
    assert_eq!(&**unavailable.limit(), "day");
    assert_eq!(node.store.state().denials, 1);
    let observed = policy.observed();
    assert!(node.passes(&observed, "a"), "what only counts denies nothing");
}

fn what_is_allowed_passes_and_is_counted() {
    let node = gone(1);
    assert_eq!(node.passing(&day(10, StoreFailure::Allow), "a", 50), 50);
    assert_eq!(node.store.state().fail_opens, 50);
}

fn a_share_is_the_limit_by_the_nodes_that_were_alive_less_what_passed_before() {
    let server = Server::start();
    let nodes = [(); 2].map(|()| Node::connected(&server.url()));
    let policy = day(100, StoreFailure::LeaseThenShare);
    assert_eq!(nodes[0].passing(&policy, "a", 10), 10);
    // The first has heard of the second when it says again that it is alive.
    while nodes[0].store.state().live_nodes < 2 {
        std::thread::yield_now();
    }
    server.kill();
    for (node, expected) in nodes.iter().zip([40, 50]) {
        node.hears(BreakerState::Open);
        assert_eq!(node.passing(&policy, "a", 100), expected);
        let refused = node.one(&policy, "a").unwrap();
        assert!(refused.standing().is_degraded());
        assert!(refused.retry_after().is_some_and(|it| it > Duration::ZERO));
        assert_eq!(node.store.state().live_nodes, 2, "as last known");
    }
}

fn a_share_of_what_runs_at_the_same_time_is_registered_when_the_store_is_back() {
    let port = free_port();
    let node = Node::start(RedisStore::builder(format!("redis://127.0.0.1:{port}/")).nodes(2));
    let policy = Policy::new([Limit::concurrency("c", 4)]).unwrap();
    let held: Vec<_> = (0..5).filter_map(|_| receipt(node.one(&policy, "a"))).collect();
    assert_eq!(held.len(), 2, "half of four");
    node.store.release(&held[0]);
    assert!(node.passes(&policy, "a"), "one was given back");

    let server = Server::start_at(port).unwrap();
    node.hears(BreakerState::Closed);
    let other = Node::connected(&server.url());
    let seen = |left| {
        let looking = policy.clone().observed();
        let decision = other.one(&looking, "a");
        let remaining = decision.as_ref().unwrap().standing().remaining("c");
        other.store.release(&receipt(decision).unwrap());
        remaining == Some(left)
    };
    // Two of the first node, and the one that looks.
    assert!((0..10_000).any(|_| seen(1)), "the store has heard of the two");
}

fn leased_units_are_spent_before_anything_is_denied() {
    let server = Server::start();
    let url = server.url();
    let builder = RedisStore::builder(url).leases(10, Duration::from_secs(60));
    let node = Node::start(builder.timeout(Duration::from_millis(500)));
    node.hears(BreakerState::Closed);
    let policy = day(1_000, StoreFailure::Deny);
    assert!(node.passes(&policy, "a"));
    assert_eq!(node.store.state().outstanding_leases, 10);
    server.kill();
    node.hears(BreakerState::Open);
    assert_eq!(node.passing(&policy, "a", 50), 10);
    assert!(node.one(&policy, "a").is_err());
    assert_eq!(node.store.state().outstanding_leases, 0);
}

fn one_limit_that_denies_costs_the_others_nothing() {
    let node = gone(1);
    let shared = day(3, StoreFailure::LeaseThenShare);
    let denied = day(3, StoreFailure::Deny);
    let (a, b) = (Key::of(&["a"]), Key::of(&["b"]));
    for _ in 0..10 {
        assert!(node.take(&[Charge::one(&shared, a), Charge::one(&denied, b)]).is_err());
    }
    assert_eq!(node.passing(&shared, "a", 9), 3);
}

fn who_comes_back_when_the_time_is_over_does_not_wait_again() {
    let server = Server::start();
    let node = Node::start(RedisStore::builder(server.url()));
    node.hears(BreakerState::Closed);
    let policy = day(10, StoreFailure::Deny);
    let start = node.now();
    let Taking::Later(later) = node.store.take(&[Charge::one(&policy, Key::of(&["a"]))], start)
    else {
        panic!("it asks")
    };
    while node.now().monotonic - start.monotonic < Duration::from_millis(20) {
        std::thread::yield_now();
    }
    assert!(node.runtime.block_on(later).is_err(), "decided without the store");
    let state = node.store.state();
    assert_eq!((state.failed_calls, state.breaker), (0, BreakerState::Closed), "nobody's fault");
}

fn a_node_that_never_reached_its_store_goes_by_what_it_was_told() {
    let node = gone(4);
    assert_eq!(node.passing(&day(100, StoreFailure::LeaseThenShare), "a", 200), 25);
    assert_eq!(node.passing(&day(3, StoreFailure::LeaseThenShare), "b", 9), 1, "at least one");
    assert_eq!(node.passing(&day(0, StoreFailure::LeaseThenShare), "c", 9), 0);
}

fn what_was_added_while_the_store_was_gone_is_told_when_it_is_back() {
    let port = free_port();
    let node = Node::start(RedisStore::builder(format!("redis://127.0.0.1:{port}/")));
    let policy = day(100, StoreFailure::LeaseThenShare);
    node.store.add(&[Charge { policy: &policy, key: Key::of(&["a"]), cost: 70 }], node.now());
    let server = Server::start_at(port).unwrap();
    node.hears(BreakerState::Closed);
    let other = Node::connected(&server.url());
    let looking = |_| {
        let charge = Charge { policy: &policy, key: Key::of(&["a"]), cost: 0 };
        other.take(&[charge]).unwrap().standing().remaining("day") == Some(30)
    };
    assert!((0..10_000).any(looking));
    assert_eq!(node.store.state().lost_updates, 0);
}

fn thresholds_are_told_once_over_all_nodes() {
    let server = Server::start();
    let (tell, told) = std::sync::mpsc::channel();
    let nodes = [(); 2].map(|()| {
        let tell = tell.clone();
        let builder = RedisStore::builder(server.url()).timeout(Duration::from_millis(500));
        let builder = builder.on_threshold(move |it| _ = tell.send(it.threshold));
        let node = Node::start(builder);
        node.hears(BreakerState::Closed);
        node
    });
    let policy = day(10, StoreFailure::Deny);
    for at in 0..30 {
        _ = nodes[at % 2].passes(&policy, "a");
    }
    let told: Vec<_> = told.try_iter().collect();
    assert_eq!(told, [Threshold::NearlySpent, Threshold::Spent]);
}

fn the_layer_answers_503_and_tells_of_a_degraded_decision() {
    let node = gone(1);
    for (then, status) in [(StoreFailure::Deny, 503), (StoreFailure::LeaseThenShare, 200)] {
        let layer = RateLimitLayer::new(day(9, then), node.store.clone());
        let inner = tower::service_fn(async |_: http::Request<String>| {
            Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
        });
        let mut request = http::Request::<String>::default();
        let context = Context::of(request.extensions_mut(), &Clock::system());
        let response = node.runtime.block_on(layer.layer(inner).oneshot(request)).unwrap();
        assert_eq!(response.status(), status);
        let code = response.extensions().get::<Refusal>().map(Refusal::code);
        assert_eq!(code, (status == 503).then_some(Code::LimitUnavailable));
        assert_eq!(response.headers().contains_key("ratelimit"), status == 200);
        let trail = context.trail();
        assert!(trail.facts().any(|it| matches!(it, Fact::LimitsDegraded)), "{status}");
    }
}

fn what_is_foreseen_is_what_the_store_would_answer() {
    let server = Server::start();
    let [node, other] = [(); 2].map(|()| Node::connected(&server.url()));
    let limits = [
        Limit::calendar_day("day", 3),
        Limit::sliding("slides", 9, Duration::from_secs(60)),
        Limit::token_bucket("bucket", 9, Duration::from_secs(60), 5),
        Limit::concurrency("c", 4),
    ];
    let policy = Policy::new(limits).unwrap();
    let charge = Charge::one(&policy, Key::of(&["a"]));
    for expected in [Some([2, 8, 4, 3]), Some([1, 7, 3, 2]), Some([0, 6, 2, 1]), None] {
        for _ in 0..3 {
            let foreseen = node.store.foresee(&[charge], node.now()).unwrap();
            let left = foreseen.standing().limits().map(|it| it.remaining()).collect::<Vec<_>>();
            assert_eq!(foreseen.is_allowed().then_some(left), expected.map(|it| it.to_vec()));
        }
        let real = other.take(&[charge]).unwrap();
        assert_eq!(real.is_allowed(), expected.is_some());
    }
    let foreseen = node.store.foresee(&[charge], node.now()).unwrap();
    let violated: Vec<_> = foreseen.violated().map(|it| it.name().to_string()).collect();
    assert_eq!(violated, ["day"]);
    assert!(foreseen.retry_after().is_some_and(|it| it > Duration::from_millis(1)));
}

fn what_is_foreseen_with_leases_is_what_comes() {
    let server = Server::start();
    let builder = RedisStore::builder(server.url()).leases(10, Duration::from_secs(60));
    let node = Node::start(builder.timeout(Duration::from_millis(500)));
    node.hears(BreakerState::Closed);
    let policy = day(20, StoreFailure::Deny);
    let charge = Charge::one(&policy, Key::of(&["a"]));
    for left in (0..20).rev() {
        let foreseen = node.store.foresee(&[charge], node.now()).unwrap();
        assert_eq!(
            (foreseen.is_allowed(), foreseen.standing().remaining("day")),
            (true, Some(left))
        );
        assert!(node.passes(&policy, "a"));
    }
    assert!(!node.store.foresee(&[charge], node.now()).unwrap().is_allowed());
}

fn what_is_foreseen_without_the_store_is_what_each_limit_says() {
    let node = gone(2);
    let foresee = |policy: &Policy| {
        let foreseen = node.store.foresee(&[Charge::one(policy, Key::of(&["a"]))], node.now());
        foreseen.map(|it| (it.is_allowed(), it.standing().is_degraded()))
    };
    let denied = day(9, StoreFailure::Deny);
    assert_eq!(&**foresee(&denied).unwrap_err().limit(), "day");
    assert_eq!(foresee(&denied.clone().observed()), Ok((true, true)));
    let open = day(1, StoreFailure::Allow);
    let shared = day(4, StoreFailure::LeaseThenShare);
    let concurrency = Policy::new([Limit::concurrency("c", 4)]).unwrap();
    for passes in [true, true, false] {
        for policy in [&shared, &concurrency] {
            assert_eq!(foresee(policy), Ok((passes, true)));
            assert_eq!(node.passes(policy, "a"), passes);
        }
        assert_eq!(foresee(&open), Ok((true, true)));
    }
    let layer = RateLimitLayer::new(denied, node.store.clone());
    let (head, ()) = http::Request::new(()).into_parts();
    let (decision, refusal) = layer.explain(&head, node.now());
    assert!(!decision.is_allowed());
    assert_eq!(refusal.map(|it| it.code()), Some(Code::LimitUnavailable));
}

/// A node whose store nobody will ever reach, one of so many as it was told.
fn gone(nodes: u64) -> Node {
    let url = format!("redis://127.0.0.1:{}/", free_port());
    Node::start(RedisStore::builder(url).nodes(nodes))
}

fn day(max: u64, then: StoreFailure) -> Policy {
    Policy::new([Limit::calendar_day("day", max).on_store_failure(then)]).unwrap()
}

fn receipt(decision: Result<Decision, rratelimit::Unavailable>) -> Option<rratelimit::Receipt> {
    match decision.unwrap() {
        Decision::Allowed { receipt, .. } => Some(receipt),
        Decision::Refused { .. } => None,
    }
}
