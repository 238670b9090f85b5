//! Several processes that spend together.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rratelimit::{BreakerState, Charge, Key, Limit, Policy, RedisStore, Seed, Store, Taking};

use crate::node::Node;
use crate::server::Server;
use crate::tests;

tests! {
    four_processes_pass_exactly_what_the_limit_is,
    a_process_with_another_seed_is_kept_out,
    four_processes_with_leases_pass_no_more_than_the_limit_and_what_is_leased,
    a_window_that_slides_has_no_more_in_it_than_the_limit_and_what_is_leased,
}

fn four_processes_pass_exactly_what_the_limit_is() {
    let server = Server::start();
    let told = processes(&server, "exact");
    assert_eq!(sum(&told, "hot"), 2_000);
    // Each charges two keys: its third of the keys, and one for all.
    assert_eq!(sum(&told, "key0") + sum(&told, "key1") + sum(&told, "key2"), 1_500);
    for key in ["key0", "key1", "key2"] {
        assert!(sum(&told, key) <= 600, "{told:?}");
    }
    assert_eq!(sum(&told, "outstanding"), 0);
}

fn a_process_with_another_seed_is_kept_out() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    assert!(!node.store.state().has_foreign_seed);
    let told = processes(&server, "stranger");
    assert_eq!(sum(&told, "foreign"), 4);
    assert_eq!(node.store.state().live_nodes, 1);
}

fn four_processes_with_leases_pass_no_more_than_the_limit_and_what_is_leased() {
    let server = Server::start();
    let told = processes(&server, "leases");
    // The window is a day, and none of what is leased was leased in another.
    let hot = sum(&told, "hot");
    assert!((1_500..=2_000).contains(&hot), "{told:?}");
    let keys = sum(&told, "key0") + sum(&told, "key1") + sum(&told, "key2");
    assert!((1_000..=1_500).contains(&keys), "{told:?}");
    let outstanding = sum(&told, "outstanding");
    println!("    hot {hot} of 2000, keys {keys} of 1500, at the most {outstanding} on lease");
    assert!((1..=4 * 6 * SLICE).contains(&outstanding), "{told:?}");
}

fn a_window_that_slides_has_no_more_in_it_than_the_limit_and_what_is_leased() {
    let server = Server::start();
    let told = processes(&server, "sliding");
    let mut passed: Vec<u64> =
        told.iter().filter(|(name, _)| name == "at").map(|(_, micros)| *micros).collect();
    passed.sort_unstable();
    let window = 2_000_000;
    let in_window = |(at, first): (usize, &u64)| {
        passed[at..].iter().take_while(|it| **it < first + window).count()
    };
    let most = passed.iter().enumerate().map(in_window).max().unwrap();
    let bound = usize::try_from(SLIDING + 4 * SLICE).unwrap();
    println!("    {} passed, at most {most} in a window of {SLIDING}, bound {bound}", passed.len());
    assert!(most <= bound, "{most}");
    assert!(passed.len() > usize::try_from(SLIDING).unwrap(), "it slid");
}

fn processes(server: &Server, mode: &str) -> Vec<(String, u64)> {
    let start = |_| {
        Command::new(std::env::current_exe().unwrap())
            .env(ASKED, mode)
            .env(URL, server.url())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let running: Vec<_> = (0..4).map(start).collect();
    let mut told = Vec::new();
    for process in running {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let (name, number) = line.split_once(' ').unwrap();
            told.push((name.to_owned(), number.parse().unwrap()));
        }
    }
    told
}

fn sum(told: &[(String, u64)], name: &str) -> u64 {
    told.iter().filter(|(it, _)| it == name).map(|(_, number)| number).sum()
}

pub(crate) fn is_asked_for() -> bool {
    std::env::var_os(ASKED).is_some()
}

/// What each process does: it spends, and says how much of what has passed.
pub(crate) fn run() {
    Seed::new([7; 16]).install().unwrap();
    let mode = std::env::var(ASKED).unwrap();
    // Patient: here it is about counts.
    let builder = RedisStore::builder(std::env::var(URL).unwrap()).timeout(Duration::from_secs(10));
    if mode == "stranger" {
        let store = builder.start().unwrap();
        while !store.state().has_foreign_seed {
            std::thread::yield_now();
        }
        println!("foreign {}", u64::from(store.state().breaker != BreakerState::Closed));
        return;
    }
    let slice = if mode == "exact" { 0 } else { SLICE };
    let node = Node::start(builder.leases(slice, Duration::from_millis(500)));
    node.hears(BreakerState::Closed);
    // With all four, or shares of leases would be too large.
    while node.store.state().live_nodes < 4 {
        std::thread::yield_now();
    }
    if mode == "sliding" {
        slide(&node)
    } else {
        spend(&node)
    }
    println!("outstanding {}", node.store.state().most_outstanding_leases);
    assert_eq!(node.store.state().failed_calls, 0);
}

fn spend(node: &Node) {
    let tasks = tokio::task::LocalSet::new();
    let mut passed = HashMap::<String, u64>::new();
    let results = node.runtime.block_on(tasks.run_until(async {
        let started: Vec<_> =
            (0..16).map(|at| tokio::task::spawn_local(task(node.store.clone(), at))).collect();
        let mut results = Vec::new();
        for it in started {
            results.extend(it.await.unwrap());
        }
        results
    }));
    for name in results {
        *passed.entry(name).or_default() += 1;
    }
    for (name, number) in passed {
        println!("{name} {number}");
    }
}

async fn task(store: RedisStore, at: usize) -> Vec<String> {
    let hot = Arc::new(Policy::new([Limit::calendar_day("hot", 2_000)]).unwrap());
    let all = Policy::new([
        Limit::sliding("all", 1_500, Duration::from_secs(3_600)),
        Limit::token_bucket("bucket", 1, Duration::from_secs(86_400 * 300), 1_500),
    ]);
    let (all, each) = (all.unwrap(), Policy::new([Limit::calendar_month("each", 600)]).unwrap());
    let mut passed = Vec::new();
    for round in 0..120 {
        let charge = [Charge::one(&hot, Key::of(&["hot"]))];
        passed.extend(take(&store, &charge).await.then(|| "hot".to_owned()));
        let name = format!("key{}", (round + at) % 3);
        let charges =
            [Charge::one(&each, Key::of(&[&name])), Charge::one(&all, Key::of(&["everybody"]))];
        passed.extend(take(&store, &charges).await.then_some(name));
    }
    passed
}

/// Asks all the time, for three windows.
fn slide(node: &Node) {
    let policy = Policy::new([Limit::sliding("a", SLIDING, Duration::from_secs(2))]).unwrap();
    let start = node.now().monotonic;
    while node.now().monotonic - start < Duration::from_secs(6) {
        if node.passes(&policy, "a") {
            println!("at {}", node.now().wall.as_micros());
        }
    }
}

async fn take(store: &RedisStore, charges: &[Charge<'_>]) -> bool {
    let decision = match store.take(charges, rrcore::Clock::system().now()) {
        Taking::Now(decision) => decision,
        Taking::Later(later) => later.await,
    };
    decision.unwrap().is_allowed()
}

const ASKED: &str = "RR_TEST_HAMMER";
const URL: &str = "RR_TEST_HAMMER_URL";
const SLICE: u64 = 20;
const SLIDING: u64 = 200;
