//! A store that is gone, slow, mute, mad or read-only in the middle of the work: how long decisions
//! take, that service goes on, and that it is found again.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use rratelimit::{BreakerState, Limit, Policy, RedisStore, StoreFailure, StoreTrouble};

use crate::node::Node;
use crate::server::{Server, free_port};
use crate::tests;
use crate::witness::Witness;

tests! {
    a_frozen_store_holds_nobody_up_and_is_found_again,
    a_killed_store_that_comes_back_empty_is_found_again,
    a_store_that_is_down_at_the_start_is_found,
    a_read_only_store_is_left_alone_until_it_is_not,
    a_store_that_is_slow_for_five_seconds_holds_nobody_up,
    a_store_that_is_flushed_goes_on,
    what_is_no_store_from_the_start_is_told_once_with_the_reason,
    what_answers_garbage_is_no_store,
    what_knows_half_of_the_protocol_is_no_store,
}

fn a_frozen_store_holds_nobody_up_and_is_found_again() {
    let server = Server::start();
    let node = impatient(&server.url());
    let mut work = Work::of(&node);
    work.goes_on_until(&node, 200, |_| false);
    server.freeze();
    work.goes_on_until(&node, 1_000_000, |it| it == BreakerState::Open);
    work.goes_on_until(&node, 20_000, |_| false);
    server.thaw();
    assert_found_again(&node, &mut work);
    work.was_never_held_up("frozen");
    let heard = node.heard_changes();
    // By turns, so once each. On a machine that others use, too, there may be more turns.
    assert!(heard.starts_with(&[BreakerState::Open, BreakerState::Closed]), "{heard:?}");
    assert!(heard.windows(2).all(|it| it[0] != it[1]), "{heard:?}");
}

fn a_killed_store_that_comes_back_empty_is_found_again() {
    let server = Server::start();
    let node = impatient(&server.url());
    let mut work = Work::of(&node);
    work.goes_on_until(&node, 200, |_| false);
    let port = server.kill();
    work.goes_on_until(&node, 1_000_000, |it| it == BreakerState::Open);
    work.goes_on_until(&node, 20_000, |_| false);
    let server = Server::start_at(port).expect("the port is free again");
    assert_found_again(&node, &mut work);
    work.goes_on_until(&node, 200, |_| false);
    work.was_never_held_up("killed");
    assert!(server.tell("DBSIZE") != ":0", "it is used again");
}

fn a_store_that_is_down_at_the_start_is_found() {
    let port = free_port();
    let node = Node::start(RedisStore::builder(format!("redis://127.0.0.1:{port}/")));
    let mut work = Work::of(&node);
    work.goes_on_until(&node, 20_000, |_| false);
    let _server = Server::start_at(port).expect("the port is free");
    assert_found_again(&node, &mut work);
    work.was_never_held_up("down at the start");
    assert_eq!(node.heard_changes(), [BreakerState::Open, BreakerState::Closed]);
}

fn a_read_only_store_is_left_alone_until_it_is_not() {
    let server = Server::start();
    let node = impatient(&server.url());
    let mut work = Work::of(&node);
    work.goes_on_until(&node, 200, |_| false);
    // Of a primary that is nowhere.
    assert!(server.order("REPLICAOF 127.0.0.1 1") == "+OK");
    work.goes_on_until(&node, 1_000_000, |it| it == BreakerState::Open);
    work.goes_on_until(&node, 20_000, |_| false);
    assert!(server.order("REPLICAOF NO ONE") == "+OK");
    assert_found_again(&node, &mut work);
    work.was_never_held_up("read-only");
}

fn a_store_that_is_slow_for_five_seconds_holds_nobody_up() {
    let server = Server::start();
    let node = impatient(&server.url());
    let mut work = Work::of(&node);
    work.goes_on_until(&node, 200, |_| false);
    assert!(server.order("CLIENT PAUSE 5000 ALL") == "+OK");
    let start = node.now().monotonic;
    work.goes_on_until(&node, 1_000_000, |it| it == BreakerState::Open);
    work.goes_on_until(&node, usize::MAX, |it| it == BreakerState::Closed);
    let took = node.now().monotonic - start;
    assert!(took > Duration::from_secs(4), "it was slow for {took:?} only");
    assert!(took < Duration::from_secs(5 + 2), "found again after {took:?}");
    work.was_never_held_up("slow");
}

fn a_store_that_is_flushed_goes_on() {
    let server = Server::start();
    let node = Node::connected(&server.url());
    let policy = Policy::new([Limit::calendar_day("day", 5)]).unwrap();
    assert_eq!(node.passing(&policy, "a", 9), 5);
    assert!(server.order("SCRIPT FLUSH") == "+OK");
    assert_eq!(node.passing(&policy, "a", 9), 0, "scripts are told again, counts are there");
    assert!(server.order("FLUSHALL") == "+OK");
    assert_eq!(node.passing(&policy, "a", 9), 5, "what was forgotten was forgotten");
    assert_eq!(node.store.state().failed_calls, 0);
}

fn what_is_no_store_from_the_start_is_told_once_with_the_reason() {
    let server = Server::start();
    let at = |port| format!("redis://127.0.0.1:{port}/");
    expect_trouble(&at(free_port()), StoreTrouble::Refused);
    expect_trouble("redis+unix:///nowhere/at/all", StoreTrouble::Refused);
    expect_trouble(&at(mute()), StoreTrouble::Silent);
    expect_trouble(&at(answering(b"-ERR no\r\n")), StoreTrouble::Nonsense);
    let (url, wrong) = (server.url(), format!("redis://:wrong@127.0.0.1:{}/", server.port()));
    for (orders, expected) in [
        (&["CONFIG SET maxmemory 1"][..], StoreTrouble::Full),
        (&["CONFIG SET maxmemory 0", "SET rr:{-}:seed another"], StoreTrouble::ForeignSeed),
        (&["DEL rr:{-}:seed", "REPLICAOF 127.0.0.1 1"], StoreTrouble::ReadOnly),
        (&["CONFIG SET requirepass right"], StoreTrouble::Authentication),
    ] {
        assert!(orders.iter().all(|it| ["+OK", ":1"].contains(&&*server.order(it))));
        expect_trouble(&url, expected);
    }
    expect_trouble(&wrong, StoreTrouble::Authentication);
}

fn what_answers_garbage_is_no_store() {
    for garbage in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"\x00\x01\x02\x03\xff\xff\xff\xff\r\n\r\n",
        b"*1000000000\r\n",
        b"$9223372036854775807\r\n",
        b"-ERR no\r\n",
        b"",
    ] {
        let port = answering(garbage);
        let node = Node::start(RedisStore::builder(format!("redis://127.0.0.1:{port}/")));
        let mut work = Work::of(&node);
        work.goes_on_until(&node, 20_000, |_| false);
        work.was_never_held_up("garbage");
        node.hears(BreakerState::Open);
        assert_eq!(node.heard_changes(), [], "once: {}", garbage.escape_ascii());
    }
}

fn what_knows_half_of_the_protocol_is_no_store() {
    // Enough for a sign of life, and not for a decision.
    let port = answering(b":1\r\n");
    let node = Node::start(RedisStore::builder(format!("redis://127.0.0.1:{port}/")));
    let mut work = Work::of(&node);
    node.hears(BreakerState::Closed);
    work.goes_on_until(&node, 1_000_000, |it| it == BreakerState::Open);
    work.goes_on_until(&node, 20_000, |_| false);
    work.was_never_held_up("half of the protocol");
    // Each time after a longer pause, though probes get through.
    let opened = node.store.state().opened;
    assert!((1..=20).contains(&opened), "{opened}");
}

/// It is told once that there is no store, and why.
#[track_caller]
fn expect_trouble(url: &str, expected: StoreTrouble) {
    let node = Node::start(RedisStore::builder(url));
    let state = node.hears_of(BreakerState::Open);
    assert_eq!((state.trouble, state.failed_calls), (Some(expected), 1), "{url}");
    let start = node.now().monotonic;
    while node.now().monotonic - start < Duration::from_millis(700) {
        std::thread::yield_now();
    }
    assert_eq!((node.heard_changes(), node.store.state().trouble), (vec![], Some(expected)));
}

/// Requests, one after the other, that a limit lets pass with or without a store.
struct Work {
    policy: Policy,
    denied: Policy,
    longest: Duration,
    done: u32,
    late: u32,
    witness: Witness,
}

impl Work {
    fn of(node: &Node) -> Self {
        let limit = || Limit::sliding("a", 100_000_000, Duration::from_secs(60));
        let policy = Policy::new([limit()]).unwrap();
        let denied = limit().on_store_failure(StoreFailure::Deny);
        let denied = Policy::new([denied]).unwrap();
        _ = node;
        let witness = Witness::start();
        Self { policy, denied, longest: Duration::ZERO, done: 0, late: 0, witness }
    }

    /// So many requests, or until the breaker is in such a state.
    fn goes_on_until(
        &mut self,
        node: &Node,
        most: usize,
        is_enough: impl Fn(BreakerState) -> bool,
    ) {
        for _ in 0..most {
            let (decision, took) = node.timed(&self.policy, "a");
            assert!(decision.is_ok_and(|it| it.is_allowed()), "service goes on");
            let (_, took_to_deny) = node.timed(&self.denied, "b");
            let took = took.max(took_to_deny);
            self.longest = self.longest.max(took);
            self.late += u32::from(took > PROMISED);
            self.done += 1;
            if is_enough(node.store.state().breaker) {
                return;
            }
        }
    }

    // A machine that others use, too, may hold anybody up: when it waits, and when it goes on.
    fn was_never_held_up(self, by: &str) {
        let Self { longest, done, late, witness, .. } = self;
        let held_up = witness.held_up();
        println!(
            "    {by}: {done} pairs of decisions, {late} above {PROMISED:?}, the longest {longest:?}; \
             the machine held up {held_up:?}"
        );
        assert!(longest < PROMISED + 2 * held_up, "{longest:?}, and {held_up:?} of the machine");
    }
}

#[track_caller]
fn assert_found_again(node: &Node, work: &mut Work) {
    let start = node.now().monotonic;
    work.goes_on_until(node, usize::MAX, |it| it == BreakerState::Closed);
    let took = node.now().monotonic - start;
    println!("    found again after {took:?}");
    assert!(took < Duration::from_secs(2), "found again after {took:?}");
}

/// With the timeouts that users have.
fn impatient(url: &str) -> Node {
    let node = Node::start(RedisStore::builder(url));
    node.hears(BreakerState::Closed);
    node
}

/// Something that never answers.
fn mute() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    port
}

/// Something that answers the same to everything it is sent.
fn answering(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut buffer = [0; 65_536];
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    // One answer for each command, which is an array.
                    let commands = buffer[..read].split(|it| *it == b'\n');
                    let commands = commands.filter(|it| it.starts_with(b"*")).count();
                    let is_sent = stream.write_all(&answer.repeat(commands)).is_ok();
                    if !is_sent || answer.is_empty() {
                        return;
                    }
                }
            });
        }
    });
    port
}

const PROMISED: Duration = Duration::from_millis(50);
