//! What is known only after a request has passed, and is then more than was taken for it.

use std::time::Duration;

use rratelimit::{Charge, Decision, Key, Limit, Policy, RedisStore, Store};

use crate::exact::{rates, wait_until};
use crate::node::Node;
use crate::server::Server;
use crate::tests;

tests! {
    who_comes_after_the_one_that_crossed_the_limit_is_refused,
    what_is_on_its_way_to_the_store_counts_once,
    a_value_beyond_all_numbers_refuses_its_key_and_is_in_nobodys_way,
    what_is_on_its_way_to_the_store_counts_in_its_own_window,
    what_was_spent_beyond_a_lease_ends_it,
    nodes_with_leases_cross_a_limit_once_each,
    a_settlement_is_paid_by_what_is_leased,
}

fn who_comes_after_the_one_that_crossed_the_limit_is_refused() {
    let server = Server::start();
    let nodes = [Node::connected(&server.url()), leasing(&server, 100)];
    for (at, node) in nodes.iter().enumerate() {
        for limit in rates(1_000) {
            let policy = Policy::new([limit]).unwrap();
            for round in 0..40 {
                let key = format!("{at} {round}");
                assert!(pays(node, &policy, &key, 1_500), "{policy:?}");
                assert!(!pays(node, &policy, &key, 1), "{policy:?}, round {round}");
            }
        }
    }
}

fn what_is_on_its_way_to_the_store_counts_once() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    for limit in rates(1_000) {
        let policy = Policy::new([limit]).unwrap();
        // Ten times a hundred, each asked for at once: as many as there would be if nobody hurried.
        let paid = (0..15).filter(|_| pays(&node, &policy, "a", 100)).count();
        assert_eq!(paid, 10, "{policy:?}");
    }
}

fn a_value_beyond_all_numbers_refuses_its_key_and_is_in_nobodys_way() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    for limit in rates(1_000) {
        let policy = Policy::new([limit]).unwrap();
        node.store.add(&[charge(&policy, "a", u64::MAX)], node.now());
        // What is counted meanwhile, and what is told after it.
        _ = node.take(&[charge(&policy.clone().observed(), "a", 1)]);
        node.store.add(&[charge(&policy, "b", 300)], node.now());
        let spent = |key| {
            let asked = [(&policy, Key::of(&[key]))];
            node.store.usage(&asked, node.now()).map_or(0, |it| it[0][0].spent)
        };
        wait_until(|| spent("b") == 300);
        let refused = node.one(&policy, "a").unwrap();
        let wait = refused.retry_after().unwrap();
        assert!(spent("a") >= 1_000 && wait <= Duration::from_secs(367 * 86_400), "{policy:?}");
        let resets_at = node.store.usage(&[(&policy, Key::of(&["a"]))], node.now()).unwrap()[0][0]
            .resets_at
            .unwrap();
        let resets_in = resets_at - node.now().wall;
        assert!(wait.abs_diff(resets_in) < Duration::from_secs(4_000), "{wait:?} {resets_in:?}");
    }
    assert_eq!(node.store.state().failed_calls, 0);
}

fn what_is_on_its_way_to_the_store_counts_in_its_own_window() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    let policy = Policy::new([Limit::fixed("second", 10, Duration::from_secs(1))]).unwrap();
    let taken = node.take(&[charge(&policy, "a", 1)]).unwrap();
    let Decision::Allowed { receipt, .. } = taken else { panic!("{taken:?}") };
    let start = node.now().monotonic;
    while node.now().monotonic - start < Duration::from_millis(1_001) {
        std::thread::yield_now();
    }
    node.store.settle(&receipt, 0, 100, node.now());
    assert!(node.passes(&policy, "a"), "that second is over");
}

fn what_was_spent_beyond_a_lease_ends_it() {
    let server = Server::start();
    let node = leasing(&server, 100);
    for limit in rates(1_000) {
        let policy = Policy::new([limit]).unwrap();
        let paid = (0..50).filter(|_| pays(&node, &policy, "a", 150)).count();
        assert_eq!(paid, 7, "{policy:?}");
        // Also where the value is what a lease has room for.
        let paid = (0..500).filter(|_| pays(&node, &policy, "b", 10)).count();
        assert_eq!(paid, 100, "{policy:?}");
    }
}

fn nodes_with_leases_cross_a_limit_once_each() {
    let server = Server::start();
    let nodes = [(); 2].map(|()| leasing(&server, 100));
    for limit in rates(1_000) {
        let policy = Policy::new([limit]).unwrap();
        let mut spent = 0;
        for at in 0..100 {
            spent += 150 * u64::from(pays(&nodes[at % 2], &policy, "a", 150));
        }
        // Each may hold a slice, and cross it by what one request costs.
        assert!((700..=1_000 + 2 * 150).contains(&spent), "{spent} of {policy:?}");
    }
}

fn a_settlement_is_paid_by_what_is_leased() {
    let server = Server::start();
    let node = leasing(&server, 100);
    let policy = Policy::new([Limit::calendar_day("day", 1_000)]).unwrap();
    let taken = node.take(&[charge(&policy, "a", 10)]).unwrap();
    let Decision::Allowed { receipt, .. } = taken else { panic!("{taken:?}") };
    assert_eq!(node.store.state().outstanding_leases, 100);
    node.store.settle(&receipt, 0, 50, node.now());
    assert_eq!(node.store.state().outstanding_leases, 60);
    node.store.settle(&receipt, 0, 1_010, node.now());
    assert_eq!(node.store.state().outstanding_leases, 0);
    assert!(!node.passes(&policy, "a"));
}

/// One request whose cost is known when it has passed, and at once; whether it did.
fn pays(node: &Node, policy: &Policy, key: &str, cost: u64) -> bool {
    let passes = node.take(&[charge(policy, key, 0)]).unwrap().is_allowed();
    if passes {
        node.store.add(&[charge(policy, key, cost)], node.now());
    }
    passes
}

fn charge<'a>(policy: &'a Policy, key: &str, cost: u64) -> Charge<'a> {
    Charge { policy, key: Key::of(&[key]), cost }
}

fn leasing(server: &Server, slice: u64) -> Node {
    let builder = RedisStore::builder(server.url()).timeout(Duration::from_millis(500));
    let node = Node::start(builder.leases(slice, Duration::from_secs(60)));
    node.hears(rratelimit::BreakerState::Closed);
    node
}
