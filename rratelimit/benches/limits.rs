//! A decision, beside `governor` in the same run: compare ratios, not times.
//!
//! Both are asked by name, as a service would: hashing the name is part of it. Where it says
//! `clock`, both read theirs, too: ours the monotonic and the wall clock, `governor` its own.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that cannot go on stops"
)]

use std::convert::Infallible;
use std::future::{Future, ready};
use std::hint::black_box;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::{Arc, Barrier};
use std::task::{self, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use governor::clock::FakeRelativeClock;
use governor::{Quota, RateLimiter};
use http::{Request, Response};
use rratelimit::{Charge, Key, Limit, Limiter, Policy, RateLimitLayer};
use rrcore::{Clock, Context, Now};
use tower::{Layer, Service, service_fn};

type Governor<C> = RateLimiter<
    String,
    governor::state::keyed::DashMapStateStore<String>,
    C,
    governor::middleware::NoOpMiddleware<<C as governor::clock::Clock>::Instant>,
>;

fn hot(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hot");
    let name = "key_0".to_owned();
    let theirs = RateLimiter::keyed(quota());
    group.bench_function("governor, clock", |it| it.iter(|| theirs.check_key(black_box(&name))));
    let theirs: Governor<_> =
        RateLimiter::dashmap_with_clock(quota(), FakeRelativeClock::default());
    group.bench_function("governor", |it| it.iter(|| theirs.check_key(black_box(&name))));
    let clock = Clock::system();
    for (which, policy) in policies() {
        let limiter = Limiter::new();
        group.bench_function(format!("ours, {which}, clock"), |it| {
            it.iter(|| limiter.check(&policy, Key::of(&[black_box(&name)]), clock.now()));
        });
        let limiter = Limiter::new();
        group.bench_function(format!("ours, {which}, whether, clock"), |it| {
            it.iter(|| limiter.admit(&policy, Key::of(&[black_box(&name)]), clock.now()));
        });
        let (limiter, mut at) = (Limiter::new(), START);
        group.bench_function(format!("ours, {which}, whether"), |it| {
            it.iter(|| {
                at = later(at);
                limiter.admit(&policy, Key::of(&[black_box(&name)]), at)
            });
        });
        let (limiter, mut at) = (Limiter::new(), START);
        group.bench_function(format!("ours, {which}"), |it| {
            it.iter(|| {
                at = later(at);
                limiter.check(&policy, Key::of(&[black_box(&name)]), at)
            });
        });
    }
    group.finish();
}

/// What a whole request costs: two charges with a receipt, and the layer around a service that does
/// nothing, with and without it.
fn requests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a request");
    let [_, _, (_, day), _] = policies();
    let (minute, limiter, mut at) = (one(), Limiter::new(), START);
    group.bench_function("two charges", |it| {
        it.iter(|| {
            at = later(at);
            let [one, all] = ["key_0", "all"].map(|it| Key::of(&[black_box(it)]));
            limiter.take(&[Charge::one(&minute, one), Charge::one(&day, all)], at)
        });
    });
    let nothing = service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(Response::new(()))));
    let clock = Clock::system();
    let request = || {
        let mut request = Request::new(());
        _ = Context::of(request.extensions_mut(), &clock);
        request
    };
    let mut bare = nothing;
    group.bench_function("no layer", |it| it.iter(|| now(bare.call(request()))));
    let mut layered = RateLimitLayer::new(one(), Arc::new(Limiter::new())).layer(nothing);
    group.bench_function("layer", |it| it.iter(|| now(layered.call(request()))));
    group.finish();
}

fn random(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a million keys");
    let names: Vec<String> = (0..1_000_000).map(|it| format!("key_{it}")).collect();
    let theirs = RateLimiter::keyed(quota());
    names.iter().for_each(|it| _ = theirs.check_key(it));
    let mut call = 0;
    group.bench_function("governor, clock", |it| {
        it.iter(|| {
            call += 1;
            theirs.check_key(&names[scattered(call, names.len())])
        });
    });
    drop(theirs);
    let theirs: Governor<_> =
        RateLimiter::dashmap_with_clock(quota(), FakeRelativeClock::default());
    names.iter().for_each(|it| _ = theirs.check_key(it));
    let mut call = 0;
    group.bench_function("governor", |it| {
        it.iter(|| {
            call += 1;
            theirs.check_key(&names[scattered(call, names.len())])
        });
    });
    drop(theirs);
    let (policy, limiter) = (one(), Limiter::with_capacity(1_100_000));
    let clock = Clock::system();
    names.iter().for_each(|it| _ = limiter.check(&policy, Key::of(&[it]), clock.now()));
    let mut call = 0;
    group.bench_function("ours, clock", |it| {
        it.iter(|| {
            call += 1;
            let name = &names[scattered(call, names.len())];
            limiter.admit(&policy, Key::of(&[name]), clock.now())
        });
    });
    let (mut call, mut at) = (0, clock.now());
    group.bench_function("ours", |it| {
        it.iter(|| {
            (call, at) = (call + 1, later(at));
            limiter.admit(&policy, Key::of(&[&names[scattered(call, names.len())]]), at)
        });
    });
    group.finish();
}

/// The time that each of several threads takes for so many decisions about one key, by the number of
/// threads: what all of them decide in a time must not become less.
fn together(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one key, per decision of all threads");
    for threads in [1, 2] {
        let theirs = RateLimiter::keyed(quota());
        group.bench_function(format!("governor, {threads}"), |it| {
            it.iter_custom(|each| {
                race(threads, each, |name| _ = black_box(theirs.check_key(name)))
            });
        });
        let (policy, limiter, clock) = (one(), Limiter::new(), Clock::system());
        group.bench_function(format!("ours, {threads}"), |it| {
            it.iter_custom(|each| {
                race(threads, each, |name| {
                    _ = black_box(limiter.admit(&policy, Key::of(&[name]), clock.now()));
                })
            });
        });
    }
    group.finish();
}

#[expect(clippy::disallowed_methods, reason = "this is what a clock is for")]
fn race(threads: u64, all: u64, decide: impl Fn(&String) + Sync) -> Duration {
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
        start.wait();
        let began = Instant::now();
        running.into_iter().for_each(|it| it.join().unwrap());
        began.elapsed()
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
    const STEP: Duration = Duration::from_nanos(100);
    Now { monotonic: monotonic + STEP, wall: wall + STEP }
}

const START: Now = Now { monotonic: Duration::ZERO, wall: Duration::from_secs(1_800_000_000) };

/// Some index below `len`: neighbouring calls are far apart in memory.
fn scattered(call: u64, len: usize) -> usize {
    // Fibonacci hashing; the high bits, scaled.
    ((u128::from(call.wrapping_mul(0x9E37_79B9_7F4A_7C15)) * len as u128) >> 64) as usize
}

/// Never reached.
const PLENTY: u64 = 1_000_000_000_000;

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    targets = hot, requests, random, together
}
criterion_main!(benches);
