//! A store that sleeps for a while: what ends, or turns out to cost less, meanwhile is free when it is
//! awake again, and is given back once.

use std::time::Duration;

use rratelimit::{
    BreakerState, Charge, Decision, Key, Limit, Policy, Receipt, RedisStore, Store, Taking,
};

use crate::exact::wait_until;
use crate::node::Node;
use crate::server::Server;
use crate::tests;

tests! {
    permits_that_end_while_the_store_sleeps_are_free_when_it_is_awake,
    what_the_store_heard_in_its_sleep_and_did_not_understand_is_told_again,
    permits_that_nobody_waited_for_are_free_when_the_store_is_awake,
    what_turns_out_to_cost_less_while_the_store_sleeps_is_given_back_once,
    what_is_given_back_after_a_short_sleep_is_given_back_once,
    what_is_added_while_the_store_sleeps_counts_once,
    what_is_given_back_after_the_store_was_killed_is_given_back,
}

fn permits_that_end_while_the_store_sleeps_are_free_when_it_is_awake() {
    let (server, node) = started();
    let policy = concurrency(4);
    let held = all_held(&node, &policy, 4);
    server.freeze();
    held.iter().for_each(|it| node.store.release(it));
    sleep_on(&node, Duration::from_secs(1));
    server.thaw();
    assert_free(&node, &policy, 4);
    assert_eq!(node.store.state().lost_updates, 0);
}

fn what_the_store_heard_in_its_sleep_and_did_not_understand_is_told_again() {
    let (server, node) = started();
    let (calls, day) = (concurrency(4), day(2_000));
    let held = all_held(&node, &calls, 4);
    let taken: Vec<_> = (0..20).map(|_| receipt(&node, &day, "b", 50)).collect();
    // What it hears is none of the scripts that it knows; it says so, and nobody waits for that.
    assert!(server.order("SCRIPT FLUSH") == "+OK");
    server.freeze();
    for it in &taken {
        node.store.settle(it, 0, 10, node.now());
        held.iter().for_each(|it| node.store.release(it));
        sleep_on(&node, Duration::from_millis(10));
    }
    sleep_on(&node, Duration::from_secs(1));
    server.thaw();
    assert_free(&node, &calls, 4);
    becomes(&node, &day, [("a", 0), ("b", 200)]);
    assert_eq!(node.store.state().lost_updates, 0);
}

fn permits_that_nobody_waited_for_are_free_when_the_store_is_awake() {
    let (server, node) = started();
    let policy = concurrency(500);
    server.freeze();
    // All are asked for at once, and given up at once; the store hears of them when it is awake.
    let key = Key::of(&["a"]);
    let ask = || match node.store.take(&[Charge::one(&policy, key)], node.now()) {
        Taking::Later(later) => node.runtime.spawn(later),
        Taking::Now(_) => panic!("it asks"),
    };
    let asked: Vec<_> = (0..500).map(|_| ask()).collect();
    let decisions = asked.into_iter().map(|it| node.runtime.block_on(it).unwrap());
    for decision in decisions {
        if let Ok(Decision::Allowed { receipt, .. }) = decision {
            node.store.release(&receipt);
        }
    }
    sleep_on(&node, Duration::from_millis(500));
    server.thaw();
    assert_free(&node, &policy, 500);
}

fn what_turns_out_to_cost_less_while_the_store_sleeps_is_given_back_once() {
    let (server, node) = started();
    let policy = day(2_000);
    let taken: Vec<_> = (0..20).map(|_| receipt(&node, &policy, "a", 50)).collect();
    let more = receipt(&node, &policy, "b", 50);
    wait_until(|| node.spent(&policy, "a") == 1_000);
    server.freeze();
    for it in &taken {
        node.store.settle(it, 0, 10, node.now());
        sleep_on(&node, Duration::from_millis(10));
    }
    node.store.settle(&more, 0, 80, node.now());
    sleep_on(&node, Duration::from_secs(1));
    server.thaw();
    node.hears(BreakerState::Closed);
    becomes(&node, &policy, [("a", 200), ("b", 80)]);
    assert_eq!(node.store.state().lost_updates, 0);
}

fn what_is_given_back_after_a_short_sleep_is_given_back_once() {
    let (server, node) = started();
    let policy = day(2_000);
    let taken: Vec<_> = (0..20).map(|_| receipt(&node, &policy, "a", 50)).collect();
    // One late answer, and the breaker does not open.
    server.freeze();
    for it in &taken {
        node.store.settle(it, 0, 10, node.now());
    }
    let start = node.now().monotonic;
    while node.now().monotonic - start < Duration::from_millis(25) {}
    server.thaw();
    becomes(&node, &policy, [("a", 200), ("b", 0)]);
}

fn what_is_added_while_the_store_sleeps_counts_once() {
    let (server, node) = started();
    let policy = day(2_000);
    server.freeze();
    for _ in 0..20 {
        node.store.add(&[charge(&policy, "a", 10)], node.now());
        sleep_on(&node, Duration::from_millis(10));
    }
    server.thaw();
    node.hears(BreakerState::Closed);
    becomes(&node, &policy, [("a", 200), ("b", 0)]);
}

fn what_is_given_back_after_the_store_was_killed_is_given_back() {
    let (server, node) = started();
    let policy = day(2_000);
    let taken = receipt(&node, &policy, "a", 50);
    let port = server.kill();
    node.hears(BreakerState::Open);
    node.store.settle(&taken, 0, 10, node.now());
    let server = Server::start_at(port).unwrap();
    node.hears(BreakerState::Closed);
    // It has forgotten all: there is nothing to give back to.
    becomes(&node, &policy, [("a", 0), ("b", 0)]);
    let taken = receipt(&node, &policy, "a", 50);
    node.store.settle(&taken, 0, 10, node.now());
    becomes(&node, &policy, [("a", 10), ("b", 0)]);
    drop(server);
}

/// With the timeouts that users have; the store knows all scripts.
fn started() -> (Server, Node) {
    let server = Server::start();
    let node = Node::start(RedisStore::builder(server.url()));
    node.hears(BreakerState::Closed);
    let (calls, day) = (concurrency(9), day(9));
    node.store.release(&receipt(&node, &calls, "first", 1));
    node.store.refund(&receipt(&node, &day, "first", 1), node.now());
    while [&calls, &day].iter().any(|it| node.spent(it, "first") > 0) {}
    (server, node)
}

/// Others go on asking.
fn sleep_on(node: &Node, time: Duration) {
    let (start, policy) = (node.now().monotonic, day(1_000_000));
    while node.now().monotonic - start < time {
        assert!(node.passes(&policy, "somebody"), "service goes on");
        std::thread::yield_now();
    }
}

/// In two seconds, and it stays so.
#[track_caller]
fn assert_free(node: &Node, policy: &Policy, permits: usize) {
    node.hears(BreakerState::Closed);
    all_held(node, policy, permits).iter().for_each(|it| node.store.release(it));
}

/// All permits that there are: so many, and no more.
#[track_caller]
fn all_held(node: &Node, policy: &Policy, permits: usize) -> Vec<Receipt> {
    // Others use this machine, too. What the store does not answer in time passes by this node's
    // share, and says nothing of the store.
    for _ in 0..20 {
        becomes_free(node, policy);
        let late = node.store.state().failed_calls;
        let asked: Vec<_> = (0..=permits).map(|_| node.one(policy, "a").unwrap()).collect();
        let is_decided_by_store = node.store.state().failed_calls == late;
        let held: Vec<_> = asked.into_iter().filter_map(permit).collect();
        if is_decided_by_store {
            assert_eq!(held.len(), permits, "so many, and no more");
            return held;
        }
        held.iter().for_each(|it| node.store.release(it));
    }
    panic!("the store is too slow, or what holds it up never ends");
}

fn permit(decision: Decision) -> Option<Receipt> {
    match decision {
        Decision::Allowed { receipt, .. } => Some(receipt),
        Decision::Refused { .. } => None,
    }
}

#[track_caller]
fn becomes_free(node: &Node, policy: &Policy) {
    let start = node.now().monotonic;
    while node.spent(policy, "a") > 0 {
        let took = node.now().monotonic - start;
        assert!(took < Duration::from_secs(2), "{} are held", node.spent(policy, "a"));
    }
}

/// Soon, and stays so.
#[track_caller]
fn becomes(node: &Node, policy: &Policy, expected: [(&str, u64); 2]) {
    let seen = || expected.map(|(key, _)| (key, node.spent(policy, key)));
    let start = node.now().monotonic;
    while seen() != expected {
        assert!(node.now().monotonic - start < Duration::from_secs(2), "{:?}", seen());
    }
    while node.now().monotonic - start < Duration::from_millis(500) {
        assert_eq!(seen(), expected, "once");
    }
}

#[track_caller]
fn receipt(node: &Node, policy: &Policy, key: &str, cost: u64) -> Receipt {
    match node.take(&[charge(policy, key, cost)]) {
        Ok(Decision::Allowed { receipt, .. }) => receipt,
        other => panic!("{other:?}"),
    }
}

fn charge<'a>(policy: &'a Policy, key: &str, cost: u64) -> Charge<'a> {
    Charge { policy, key: Key::of(&[key]), cost }
}

fn concurrency(most: u64) -> Policy {
    Policy::new([Limit::concurrency("c", most)]).unwrap()
}

fn day(max: u64) -> Policy {
    Policy::new([Limit::calendar_day("day", max)]).unwrap()
}
