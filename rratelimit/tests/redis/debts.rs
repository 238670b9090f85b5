//! What passed while the store was gone: it counts when the store is back, once, where it is not over.

use std::time::Duration;

use rratelimit::{BreakerState, Charge, Decision, Key, Limit, Policy, Store, StoreFailure};

use crate::node::Node;
use crate::server::Server;
use crate::tests;

tests! {
    what_passed_without_the_store_counts_when_it_is_back,
    what_the_store_may_have_heard_is_not_told_to_it,
    what_is_over_by_then_does_not_count,
    a_bucket_is_told_what_has_not_come_back,
    what_turned_out_to_cost_less_counts_as_less,
}

fn what_passed_without_the_store_counts_when_it_is_back() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    let (shared, open) = (day(10), day(10).on_store_failure(StoreFailure::Allow));
    assert_eq!(node.passing(&shared, "a", 3), 3);
    lose(&server, &node);
    assert_eq!(node.passing(&shared, "a", 4), 4);
    assert_eq!(node.passing(&shared, "b", 20), 10);
    assert_eq!(node.passing(&open, "c", 25), 25);
    find(&server, &node);
    let spent = || ["a", "b", "c"].map(|key| spent(&node, &shared, key));
    assert_eq!(spent(), [7, 10, 25]);
    // Whatever there was to tell has long been told by then.
    let start = node.now().monotonic;
    while node.now().monotonic - start < Duration::from_millis(500) {
        assert_eq!(spent(), [7, 10, 25], "once");
    }
    let passing = ["a", "b", "c"].map(|key| node.passing(&shared, key, 9));
    assert_eq!((passing, node.store.state().lost_updates), ([3, 0, 0], 0));
}

fn what_the_store_may_have_heard_is_not_told_to_it() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    let asked = lose(&server, &node);
    find(&server, &node);
    // It executes what it was sent before it slept, though nobody waits for the answers.
    let counted = spent(&node, &day(1_000_000), "somebody");
    assert!(counted <= asked, "{counted} of {asked}");
}

fn what_is_over_by_then_does_not_count() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    let second = Duration::from_secs(1);
    let limits = [
        Limit::sliding("slides", 100, second),
        Limit::fixed("fixed", 100, second),
        Limit::calendar_day("day", 100),
    ];
    let policy = Policy::new(limits).unwrap();
    lose(&server, &node);
    assert_eq!(node.passing(&policy, "a", 5), 5);
    let start = node.now().monotonic;
    while node.now().monotonic - start < second * 5 / 4 {
        assert!(node.passes(&day(1_000_000), "somebody"), "service goes on");
    }
    find(&server, &node);
    assert_eq!(all_spent(&node, &policy, "a"), [0, 0, 5]);
}

fn a_bucket_is_told_what_has_not_come_back() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    let minute = Duration::from_secs(60);
    let limits = [
        Limit::token_bucket("slow", 1, minute, 5),
        Limit::token_bucket("fast", 60, minute, 100),
        Limit::token_bucket("open", 1, minute, 5).on_store_failure(StoreFailure::Allow),
    ];
    let [slow, fast, open] = limits.map(|it| Policy::new([it]).unwrap());
    lose(&server, &node);
    assert_eq!(node.passing(&slow, "a", 9), 5);
    assert_eq!(node.passing(&fast, "a", 50), 50);
    assert_eq!(node.passing(&open, "a", 50), 50);
    let start = node.now().monotonic;
    while node.now().monotonic - start < Duration::from_secs(3) {
        assert!(node.passes(&day(1_000_000), "somebody"), "service goes on");
    }
    find(&server, &node);
    assert_eq!(spent(&node, &slow, "a"), 5);
    assert_eq!(spent(&node, &open, "a"), 5, "no emptier than empty");
    let fast = spent(&node, &fast, "a");
    assert!((1..=49).contains(&fast), "{fast}");
}

fn what_turned_out_to_cost_less_counts_as_less() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    let policy = day(100);
    lose(&server, &node);
    let cost = |cost, key| {
        let charge = Charge { policy: &policy, key: Key::of(&[key]), cost };
        let Ok(Decision::Allowed { receipt, .. }) = node.take(&[charge]) else { panic!("refused") };
        receipt
    };
    let (less, more, back) = (cost(50, "less"), cost(5, "more"), cost(50, "back"));
    let late = cost(5, "late");
    node.store.settle(&less, 0, 20, node.now());
    node.store.settle(&more, 0, 30, node.now());
    node.store.refund(&back, node.now());
    find(&server, &node);
    let spent = || ["less", "more", "back", "late"].map(|key| spent(&node, &policy, key));
    assert_eq!(spent(), [20, 30, 0, 5]);
    node.store.settle(&late, 0, 8, node.now());
    while spent() != [20, 30, 0, 8] {}
}

/// Takes the store away; says how often it was asked in vain.
fn lose(server: &Server, node: &Node) -> u64 {
    server.freeze();
    let mut asked = 0;
    while node.store.state().breaker == BreakerState::Closed {
        assert!(node.passes(&day(1_000_000), "somebody"), "service goes on");
        asked += 1;
    }
    asked
}

fn find(server: &Server, node: &Node) {
    server.thaw();
    node.hears(BreakerState::Closed);
}

fn spent(node: &Node, policy: &Policy, key: &str) -> u64 {
    let all = all_spent(node, policy, key);
    *all.first().expect("a limit")
}

/// As the store has it.
fn all_spent(node: &Node, policy: &Policy, key: &str) -> Vec<u64> {
    let asked = [(policy, Key::of(&[key]))];
    let usage = (0..100).find_map(|_| node.store.usage(&asked, node.now())).expect("an answer");
    usage.concat().iter().map(|it| it.spent).collect()
}

fn day(max: u64) -> Policy {
    Policy::new([Limit::calendar_day("day", max)]).unwrap()
}
