//! Decisions of the store itself, for each kind of limit.

use std::time::Duration;

use rratelimit::{BreakerState, Charge, Decision, Key, Limit, Policy, Receipt, Store, Window};

use crate::node::Node;
use crate::server::Server;
use crate::tests;

tests! {
    each_kind_of_limit_lets_pass_what_it_says_on_all_nodes_together,
    a_refusal_by_one_limit_costs_the_others_nothing,
    what_was_refunded_is_there_again,
    a_settlement_takes_what_is_missing_and_gives_back_what_is_too_much,
    what_is_added_counts_though_there_is_no_room,
    an_observed_policy_counts_and_refuses_nobody,
    permits_come_back_when_they_are_released,
    what_is_written_lapses,
    a_bucket_fills_by_the_clock_of_the_store,
    a_new_maximum_goes_on_where_the_old_one_was,
    a_cost_is_taken_whole_or_not_at_all,
    what_was_spent_is_told_over_all_nodes,
}

fn each_kind_of_limit_lets_pass_what_it_says_on_all_nodes_together() {
    let server = Server::start();
    let nodes = [(); 3].map(|()| Node::connected(&server.url()));
    for limit in kinds(5) {
        let policy = Policy::new([limit]).unwrap();
        let passed: usize = nodes.iter().map(|it| it.passing(&policy, "alice", 4)).sum();
        assert_eq!(passed, 5, "{policy:?}");
        assert_eq!(nodes[0].passing(&policy, "bob", 1), 1, "{policy:?}");
    }
}

fn a_refusal_by_one_limit_costs_the_others_nothing() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    let all = kinds(9).map(|it| Policy::new([it]).unwrap());
    let one = Policy::new([Limit::calendar_day("narrow", 2)]).unwrap();
    let key = Key::of(&["alice"]);
    let mut charges: Vec<_> = all.iter().map(|it| Charge::one(it, key)).collect();
    charges.push(Charge::one(&one, Key::of(&["everybody"])));
    let mut remaining = Vec::new();
    for expected in [true, true, false, false] {
        let decision = node.take(&charges).unwrap();
        assert_eq!(decision.is_allowed(), expected, "{decision:?}");
        remaining.push(decision.standing().limits().map(|it| it.remaining()).collect::<Vec<_>>());
        if !expected {
            let violated: Vec<_> = decision.violated().map(|it| it.name().to_string()).collect();
            assert_eq!(violated, ["narrow"]);
        }
    }
    assert_eq!(remaining[1], [7, 7, 7, 7, 7, 7, 0]);
    assert_eq!(remaining[3], remaining[1]);
}

fn what_was_refunded_is_there_again() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    for limit in rates(3) {
        let policy = Policy::new([limit]).unwrap();
        let receipts: Vec<_> = (0..3).map(|_| receipt(node.one(&policy, "a").unwrap())).collect();
        assert!(!node.passes(&policy, "a"));
        node.store.refund(&receipts[0], node.now());
        node.store.refund(&receipts[2], node.now());
        wait_until(|| left(&node, &policy, "a") == 2);
        assert_eq!(node.passing(&policy, "a", 5), 2, "{policy:?}");
    }
}

fn a_settlement_takes_what_is_missing_and_gives_back_what_is_too_much() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    for limit in rates(100) {
        let policy = Policy::new([limit]).unwrap();
        let charge = |cost| [Charge { policy: &policy, key: Key::of(&["a"]), cost }];
        let more = receipt(node.take(&charge(10)).unwrap());
        let less = receipt(node.take(&charge(10)).unwrap());
        node.store.settle(&more, 0, 40, node.now());
        wait_until(|| left(&node, &policy, "a") == 50);
        node.store.settle(&less, 0, 1, node.now());
        wait_until(|| left(&node, &policy, "a") == 59);
    }
}

fn what_is_added_counts_though_there_is_no_room() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    for limit in rates(10) {
        let policy = Policy::new([limit]).unwrap();
        let charge = |cost| [Charge { policy: &policy, key: Key::of(&["a"]), cost }];
        assert!(node.take(&charge(0)).unwrap().is_allowed());
        node.store.add(&charge(25), node.now());
        wait_until(|| left(&node, &policy, "a") == 0);
        assert!(!node.take(&charge(0)).unwrap().is_allowed(), "{policy:?}");
    }
}

fn an_observed_policy_counts_and_refuses_nobody() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    let policy = Policy::new([Limit::calendar_day("a", 2)]).unwrap().observed();
    assert_eq!(node.passing(&policy, "a", 5), 5);
    let decision = node.one(&policy, "a").unwrap();
    assert!(decision.standing().limits().all(|it| it.is_violated()));
}

fn permits_come_back_when_they_are_released() {
    let server = Server::start();
    let nodes = [(); 2].map(|()| Node::connected(&server.url()));
    let policy = Policy::new([Limit::concurrency("c", 3)]).unwrap();
    let held: Vec<_> = (0..3).map(|at| receipt(nodes[at % 2].one(&policy, "a").unwrap())).collect();
    for node in &nodes {
        assert!(!node.passes(&policy, "a"));
    }
    nodes[0].store.release(&held[0]);
    // Again: a permit comes back once.
    nodes[0].store.release(&held[0]);
    wait_until(|| nodes[1].spent(&policy, "a") == 2);
    assert_eq!(nodes[1].passing(&policy, "a", 5), 1);
}

fn what_is_written_lapses() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    let policy = Policy::new(kinds(5)).unwrap();
    assert!(node.passes(&policy, "a"));
    let names = server.tell("KEYS *");
    let names: Vec<_> = names.lines().filter(|it| it.starts_with("rr:")).collect();
    assert_eq!(names.len(), 8, "six limits, the nodes and their seed: {names:?}");
    for name in names {
        assert!(name.starts_with("rr:{-}:"), "{name}");
        let ttl: i64 = server.tell(&format!("PTTL {name}"))[1..].parse().unwrap();
        assert!((1..=31 * 86_400_000).contains(&ttl), "{name}: {ttl}");
    }
}

fn a_bucket_fills_by_the_clock_of_the_store() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    let policy = Policy::new([Limit::token_bucket("b", 20, Duration::from_secs(1), 5)]).unwrap();
    let start = node.now().monotonic;
    let mut passed = 0;
    while node.now().monotonic - start < Duration::from_secs(1) {
        passed += node.passing(&policy, "a", 1);
    }
    let elapsed = (node.now().monotonic - start).as_secs_f64();
    assert!(passed as f64 <= 5.0 + 20.0 * elapsed, "{passed} in {elapsed} s");
    assert!(passed >= 20, "{passed} in {elapsed} s");
}

fn a_new_maximum_goes_on_where_the_old_one_was() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    for (five, eight) in rates(5).into_iter().zip(rates(8)) {
        let (five, eight) = (Policy::new([five]).unwrap(), Policy::new([eight]).unwrap());
        assert_eq!(node.passing(&five, "a", 9), 5);
        assert_eq!(node.passing(&eight, "a", 9), 3, "{eight:?}");
        assert_eq!(node.passing(&five, "a", 1), 0);
    }
}

fn a_cost_is_taken_whole_or_not_at_all() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    for limit in rates(10) {
        let policy = Policy::new([limit]).unwrap();
        let cost = |cost| {
            let charge = Charge { policy: &policy, key: Key::of(&["a"]), cost };
            node.take(&[charge]).unwrap()
        };
        assert!(cost(7).is_allowed());
        assert!(!cost(4).is_allowed());
        assert!(cost(3).is_allowed());
        let refused = cost(1);
        assert!(refused.retry_after().is_some_and(|it| it > Duration::ZERO), "{refused:?}");
        assert_eq!(cost(11).retry_after(), Some(policy.limits()[0].window().length()));
    }
}

fn what_was_spent_is_told_over_all_nodes() {
    let server = Server::start();
    let nodes = [(); 2].map(|()| Node::connected(&server.url()));
    let policy = Policy::new(kinds(9)).unwrap();
    for node in &nodes {
        assert_eq!(node.passing(&policy, "a", 2), 2);
    }
    // More than there is: an answer may cost what nobody foresaw.
    let day = Policy::new([Limit::calendar_day("d", 3)]).unwrap();
    nodes[0].store.add(&[Charge { policy: &day, key: Key::of(&["b"]), cost: 7 }], nodes[0].now());
    wait_until(|| left(&nodes[0], &day, "b") == 0);
    let [a, b, nobody] = ["a", "b", "nobody"].map(|it| Key::of(&[it]));
    let now = nodes[1].now();
    let usage = nodes[1].store.usage(&[(&policy, a), (&day, b), (&day, nobody)], now).unwrap();
    for it in &usage[0] {
        assert_eq!(it.spent, 4, "{it:?}");
        let left = it.resets_at.map(|at| at.saturating_sub(now.wall));
        let is_concurrency = it.limit.window() == Window::Concurrency;
        assert_eq!(left.is_none(), is_concurrency, "{it:?}");
        assert!(left.is_none_or(|it| it <= Duration::from_secs(31 * 86_400 * 10)), "{it:?}");
    }
    assert_eq!((usage[1][0].spent, usage[2][0].spent), (7, 0));
    assert_eq!(usage[2][0].resets_at, None);
    let many: Vec<_> = (0..500).map(|_| (&policy, a)).collect();
    let usage = nodes[0].store.usage(&many, now).unwrap();
    assert!(usage.len() == 500 && usage.iter().all(|it| it.len() == 6 && it[0].spent == 4));
    server.kill();
    nodes[1].hears(BreakerState::Open);
    assert!(nodes[1].store.usage(&many, now).is_none());
}

/// One limit of each kind, of `max`.
pub(crate) fn kinds(max: u64) -> [Limit; 6] {
    let [a, b, c, d, e] = rates(max);
    [a, b, c, d, e, Limit::concurrency("concurrency", max)]
}

pub(crate) fn rates(max: u64) -> [Limit; 5] {
    let hour = Duration::from_secs(3_600);
    [
        Limit::sliding("sliding", max, hour),
        Limit::fixed("fixed", max, 24 * hour),
        Limit::calendar_day("day", max),
        Limit::calendar_month("month", max),
        // So slow that it does not fill while a test runs.
        Limit::token_bucket("bucket", max, 1_000 * hour, max),
    ]
}

fn receipt(decision: Decision) -> Receipt {
    match decision {
        Decision::Allowed { receipt, .. } => receipt,
        Decision::Refused { .. } => panic!("{decision:?}"),
    }
}

/// What is left, as the store has it.
pub(crate) fn left(node: &Node, policy: &Policy, key: &str) -> u64 {
    let looking = policy.clone().observed();
    let charge = Charge { policy: &looking, key: Key::of(&[key]), cost: 0 };
    let decision = node.take(&[charge]).unwrap();
    if let Decision::Allowed { receipt, .. } = &decision {
        node.store.release(receipt);
    }
    let remaining = decision.standing().limits().next().unwrap().remaining();
    remaining + u64::from(receipt_holds(&decision))
}

fn receipt_holds(decision: &Decision) -> bool {
    matches!(decision, Decision::Allowed { receipt, .. } if receipt.holds_permits())
}

/// What nobody waits for takes its time.
#[track_caller]
pub(crate) fn wait_until(mut is_so: impl FnMut() -> bool) {
    assert!((0..10_000).any(|_| is_so()), "it did not come to be");
}
