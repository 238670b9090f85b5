//! Many at once: what is admitted is what the limits allow, exactly.
//!
//! `RRATELIMIT_REQUESTS=1000000` makes it as many as that; CI makes do with fewer.
#![cfg(test)]

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rratelimit::{Charge, Decision, Key, Limit, Limiter, Policy};
use rrcore::{Clock, Now};

#[test]
fn tasks_that_race_for_overlapping_scopes_get_exactly_what_all_of_them_allow() {
    let each = requests() / TASKS / PHASES;
    // All share one, four share one of sixteen, and each has one of its own.
    let whole = policy("whole", each * TASKS / 2);
    let four = policy("four", each * 3);
    let own = policy("own", each * 9 / 10);
    let limiter = Limiter::new();
    let (start, admitted) = (Barrier::new(TASKS as usize), AtomicU64::new(0));
    let mut by_own = vec![0; TASKS as usize];
    thread::scope(|scope| {
        for (task, mine) in by_own.iter_mut().enumerate() {
            let (limiter, start, admitted) = (&limiter, &start, &admitted);
            let (whole, four, own) = (&whole, &four, &own);
            scope.spawn(move || {
                let charges = [
                    Charge::one(own, Key::of(&["own", &task.to_string()])),
                    Charge::one(whole, Key::of(&["whole"])),
                    Charge::one(four, Key::of(&["four", &(task % 16).to_string()])),
                ];
                for phase in 0..PHASES {
                    start.wait();
                    // A window later: all is over, and time has gone on for everybody.
                    let now = at(START + Duration::from_secs(61 * phase));
                    for _ in 0..each {
                        let allowed = limiter.take(&charges, now).is_allowed();
                        *mine += u64::from(allowed);
                        admitted.fetch_add(u64::from(allowed), Ordering::Relaxed);
                    }
                    start.wait();
                    let expected = (phase + 1) * (each * TASKS / 2);
                    assert_eq!(admitted.load(Ordering::Relaxed), expected, "phase {phase}");
                }
            });
        }
    });
    for four_of_them in 0..16 {
        let together: u64 = by_own.iter().skip(four_of_them).step_by(16).sum();
        assert!(together <= PHASES * each * 3, "{four_of_them}: {together}");
    }
    assert!(by_own.iter().all(|it| *it <= PHASES * (each * 9 / 10)));
}

#[test]
fn in_real_time_no_algorithm_lets_more_pass_than_it_says() {
    let second = Duration::from_secs(1);
    let bucket = Limit::token_bucket("bucket", 10_000, second, 500);
    let sliding = Limit::sliding("sliding", 1_000, Duration::from_secs(3_600));
    let policies = [bucket, sliding].map(|it| Policy::new([it]).unwrap());
    let (limiter, clock, each) = (Limiter::new(), Clock::system(), requests() / TASKS);
    let start = Barrier::new(TASKS as usize);
    let passed = policies.each_ref().map(|_| AtomicU64::new(0));
    let began = clock.monotonic();
    thread::scope(|scope| {
        for _ in 0..TASKS {
            scope.spawn(|| {
                start.wait();
                for _ in 0..each {
                    for (policy, passed) in policies.iter().zip(&passed) {
                        let key = Key::of(&[policy.limits()[0].name()]);
                        let allowed = limiter.check(policy, key, clock.now()).is_allowed();
                        passed.fetch_add(u64::from(allowed), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let elapsed = (clock.monotonic() - began).as_nanos();
    let [bucket, sliding] = passed.map(AtomicU64::into_inner);
    let most = 500 + elapsed * 10_000 / 1_000_000_000;
    assert!(u128::from(bucket) <= most, "{bucket} in {elapsed} ns");
    assert_eq!(sliding, 1_000.min(each * TASKS));
}

#[test]
fn permits_that_many_take_and_give_back_are_all_there_in_the_end() {
    let policy = Policy::new([Limit::concurrency("running", 7)]).unwrap();
    let other = Policy::new([Limit::calendar_day("day", u64::MAX)]).unwrap();
    let limiter = Limiter::new();
    let (running, key) = (AtomicU64::new(0), Key::of(&["a"]));
    thread::scope(|scope| {
        for task in 0..TASKS {
            let (limiter, running, policy, other) = (&limiter, &running, &policy, &other);
            scope.spawn(move || {
                let others = Key::of(&["other", &task.to_string()]);
                let charges = [Charge::one(policy, key), Charge::one(other, others)];
                for _ in 0..requests() / TASKS / 10 {
                    let decision = limiter.take(&charges, at(START));
                    if let Decision::Allowed { receipt, .. } = decision {
                        assert!(running.fetch_add(1, Ordering::SeqCst) < 7);
                        running.fetch_sub(1, Ordering::SeqCst);
                        limiter.release(&receipt);
                    }
                }
            });
        }
    });
    let left = limiter.peek(&policy, key, at(START));
    assert_eq!(left.standing().remaining("running"), Some(6));
}

fn policy(name: &'static str, max: u64) -> Policy {
    Policy::new([Limit::sliding(name, max, Duration::from_secs(60))]).unwrap()
}

fn requests() -> u64 {
    let asked = std::env::var("RRATELIMIT_REQUESTS").ok();
    asked.map_or(64_000, |it| it.parse().unwrap())
}

fn at(now: Duration) -> Now {
    Now { monotonic: now, wall: now }
}

const TASKS: u64 = 64;
const PHASES: u64 = 5;
const START: Duration = Duration::from_secs(1_700_000_000);
