//! A decision, beside `governor`, in turn: what counts is how many times the first of a group.
//!
//! `cargo bench -p rratelimit --bench limits [part of a group's name]`. Both are asked by name, as a
//! service would: hashing the name is part of it. Where it says `clock`, both read theirs, too: ours
//! the monotonic and the wall clock, `governor` its own.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench that cannot go on stops, and prints"
)]

#[path = "../../benches/support/turns.rs"]
mod turns;

use std::convert::Infallible;
use std::future::{Future, ready};
use std::hint::black_box;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::{Arc, Barrier};
use std::task::{self, Poll, Waker};
use std::thread;
use std::time::Duration;

use governor::clock::FakeRelativeClock;
use governor::{Quota, RateLimiter};
use http::{Request, Response};
use rratelimit::{Charge, Key, Limit, Limiter, Policy, RateLimitLayer};
use rrcore::{Clock, Context, Now};
use tower::{Layer, Service, service_fn};

use crate::turns::{Case, measure, timed};

type Governor<C, K = String> = RateLimiter<
    K,
    governor::state::keyed::DashMapStateStore<K>,
    C,
    governor::middleware::NoOpMiddleware<<C as governor::clock::Clock>::Instant>,
>;

fn main() {
    let wanted = std::env::args().skip(1).find(|it| !it.starts_with('-')).unwrap_or_default();
    for (name, measure) in [
        ("one hot key", hot as fn(&str)),
        ("one key at hand", at_hand),
        ("one hot key, clock", hot_with_clock),
        ("a request", requests),
        ("a million keys", random),
        ("two threads", together),
    ] {
        if name.contains(&wanted) {
            measure(name);
        }
    }
}

fn hot(group: &str) {
    let (name, policies) = ("key_0".to_owned(), policies());
    let hand = FakeRelativeClock::default();
    let theirs: Governor<_> = RateLimiter::dashmap_with_clock(quota(), hand.clone());
    let mut cases = vec![passing(
        "governor",
        move |_| hand.advance(STEP),
        |_| theirs.check_key(black_box(&name)),
    )];
    for (which, policy) in &policies {
        let (limiter, name) = (Limiter::new(), &name);
        let admit = move |at| limiter.admit(policy, Key::of(&[black_box(name)]), at);
        cases.push(passing(format!("{which}: admit"), |_| (), admit));
        let limiter = Limiter::new();
        let check = move |at| limiter.check(policy, Key::of(&[black_box(name)]), at);
        cases.push(passing(format!("{which}: check"), |_| (), check));
    }
    measure(group, ROUNDS, CALLS, cases);
}

/// What is left where nobody has to hash a name: 16 bytes say who it is.
fn at_hand(group: &str) {
    let (key, policies) = (Key::of(&["key_0"]), policies());
    let (bytes, hand) = (key.to_bytes(), FakeRelativeClock::default());
    let theirs: Governor<_, [u8; 16]> = RateLimiter::dashmap_with_clock(quota(), hand.clone());
    let mut cases = vec![passing(
        "governor",
        move |_| hand.advance(STEP),
        |_| theirs.check_key(black_box(&bytes)),
    )];
    for (which, policy) in &policies {
        let limiter = Limiter::new();
        let admit = move |at| limiter.admit(policy, black_box(key), at);
        cases.push(passing(format!("{which}: admit"), |_| (), admit));
    }
    measure(group, ROUNDS, CALLS, cases);
}

/// While time passes: for both alike, and not by what is measured.
fn passing<'a, R>(
    name: impl Into<String>,
    pass: impl Fn(Now) + 'a,
    mut call: impl FnMut(Now) -> R + 'a,
) -> Case<'a> {
    let mut at = START;
    Case::custom(name, move |calls| {
        timed(|| {
            for _ in 0..calls / CALLS_A_STEP {
                at = later(at);
                pass(at);
                for _ in 0..CALLS_A_STEP {
                    black_box(call(at));
                }
            }
        })
    })
}

fn hot_with_clock(group: &str) {
    let (name, policies) = ("key_0".to_owned(), policies());
    let (theirs, clock) = (RateLimiter::keyed(quota()), Clock::system());
    let mut cases = vec![Case::new("governor", || theirs.check_key(black_box(&name)))];
    cases.push(Case::new("the clock alone", || clock.now()));
    for (which, policy) in &policies {
        let (limiter, name, clock) = (Limiter::new(), &name, &clock);
        cases.push(Case::new(format!("{which}: admit"), move || {
            limiter.admit(policy, Key::of(&[black_box(name)]), clock.now())
        }));
        let limiter = Limiter::new();
        cases.push(Case::new(format!("{which}: check"), move || {
            limiter.check(policy, Key::of(&[black_box(name)]), clock.now())
        }));
    }
    measure(group, ROUNDS, CALLS, cases);
}

/// What a whole request costs: two charges with a receipt, and the layer around a service that does
/// nothing, with and without it.
fn requests(group: &str) {
    let [_, _, (_, day), _] = policies();
    let (minute, limiter, mut at) = (one(), Limiter::new(), START);
    let nothing = service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(Response::new(()))));
    let clock = Clock::system();
    let request = || {
        let mut request = Request::new(());
        _ = Context::of(request.extensions_mut(), &clock);
        request
    };
    let mut bare = nothing;
    let mut layered = RateLimitLayer::new(one(), Arc::new(Limiter::new())).layer(nothing);
    let cases = vec![
        Case::new("no layer", || now(bare.call(request()))),
        Case::new("layer", || now(layered.call(request()))),
        Case::new("two charges", || {
            at = later(at);
            let [one, all] = ["key_0", "all"].map(|it| Key::of(&[black_box(it)]));
            limiter.take(&[Charge::one(&minute, one), Charge::one(&day, all)], at)
        }),
    ];
    measure(group, ROUNDS, CALLS, cases);
}

/// The name is written down for each call, as a request brings it: what is read from memory is what
/// the limiters remember. Where it says `names afar`, a million names lie ready, all over the memory,
/// which costs more than both.
fn random(group: &str) {
    let with_clock = RateLimiter::keyed(quota());
    let without: Governor<_> =
        RateLimiter::dashmap_with_clock(quota(), FakeRelativeClock::default());
    let (policy, limiter) = (one(), Limiter::with_capacity(1_100_000));
    let clock = Clock::system();
    let names: Vec<String> = (0..KEYS).map(|it| format!("key_{it}")).collect();
    for name in &names {
        _ = (with_clock.check_key(name), without.check_key(name));
        _ = limiter.admit(&policy, Key::of(&[name]), clock.now());
    }
    let at = clock.now();
    // From far apart, so that no case meets what another has just brought into the cache.
    let mut far = (0..).map(|it| Names::from(it << 20));
    let mut next = || far.next().unwrap();
    let [mut a, mut b, mut c, mut d, mut e, mut f] = std::array::from_fn(|_| next());
    let cases = vec![
        Case::new("governor", || without.check_key(a.next())),
        Case::new("admit", || limiter.admit(&policy, Key::of(&[b.next()]), at)),
        Case::new("governor, clock", || with_clock.check_key(c.next())),
        Case::new("admit, clock", || limiter.admit(&policy, Key::of(&[d.next()]), clock.now())),
        Case::new("governor, names afar", || without.check_key(&names[e.at()])),
        Case::new("admit, names afar", || limiter.admit(&policy, Key::of(&[&names[f.at()]]), at)),
    ];
    measure(group, ROUNDS / 8, CALLS, cases);
}

/// Names of keys that are far apart in memory.
struct Names {
    calls: u64,
    name: String,
}

impl Names {
    fn from(calls: u64) -> Self {
        Self { calls, name: String::new() }
    }

    fn at(&mut self) -> usize {
        self.calls += 1;
        scattered(self.calls, KEYS)
    }

    fn next(&mut self) -> &String {
        let at = self.at();
        self.name.clear();
        self.name.push_str("key_");
        self.name.push_str(itoa::Buffer::new().format(at));
        &self.name
    }
}

/// The time that each of several threads takes for so many decisions about one key, by the number of
/// threads: what all of them decide in a time must not become less.
fn together(group: &str) {
    let theirs = RateLimiter::keyed(quota());
    let (policy, limiter, clock) = (one(), Limiter::new(), Clock::system());
    let ours = |name: &String| _ = limiter.admit(&policy, Key::of(&[name]), clock.now());
    let governor = |name: &String| _ = black_box(theirs.check_key(name));
    let cases = vec![
        Case::custom("ours, one thread", |all| race(1, all, ours)),
        Case::custom("ours, two", |all| race(2, all, ours)),
        Case::custom("governor, one thread", |all| race(1, all, governor)),
        Case::custom("governor, two", |all| race(2, all, governor)),
    ];
    // Long enough that starting the threads is nothing.
    measure(group, ROUNDS / 8, CALLS * 20, cases);
}

fn race(threads: u32, all: u32, decide: impl Fn(&String) + Sync) -> Duration {
    let (start, name) = (Barrier::new(threads as usize + 1), "key_0".to_owned());
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    (0..all / threads).for_each(|_| decide(&name));
                })
            })
            .collect();
        timed(|| {
            start.wait();
            running.into_iter().for_each(|it| it.join().unwrap());
        })
    })
}

fn now<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut task::Context::from_waker(Waker::noop()))
}

fn policies() -> [(&'static str, Policy); 4] {
    let minute = Duration::from_secs(60);
    let bucket = Limit::token_bucket("bucket", PLENTY, minute, PLENTY);
    let three = [
        Limit::sliding("perMinute", PLENTY, minute),
        Limit::fixed("perHour", PLENTY, Duration::from_secs(3_600)),
        Limit::calendar_day("perDay", PLENTY),
    ];
    [
        ("one sliding window", one()),
        ("one token bucket", Policy::new([bucket]).unwrap()),
        ("one day", Policy::new([Limit::calendar_day("perDay", PLENTY)]).unwrap()),
        ("three limits", Policy::new(three).unwrap()),
    ]
}

fn one() -> Policy {
    Policy::per_minute(PLENTY)
}

fn quota() -> Quota {
    Quota::per_second(NonZeroU32::MAX)
}

fn later(Now { monotonic, wall }: Now) -> Now {
    Now { monotonic: monotonic + STEP, wall: wall + STEP }
}

const START: Now = Now { monotonic: Duration::ZERO, wall: Duration::from_secs(1_800_000_000) };

/// Some index below `len`: neighbouring calls are far apart in memory.
fn scattered(call: u64, len: usize) -> usize {
    // Fibonacci hashing; the high bits, scaled.
    ((u128::from(call.wrapping_mul(0x9E37_79B9_7F4A_7C15)) * len as u128) >> 64) as usize
}

const KEYS: usize = 1_000_000;

/// Never reached.
const PLENTY: u64 = 1_000_000_000_000;

const STEP: Duration = Duration::from_micros(5);
const CALLS_A_STEP: u32 = 100;
const ROUNDS: usize = 400;
const CALLS: u32 = 10_000;
