//! Every order in which threads can come to the locks: loom tries them all.
//!
//! The limiter's own files, with other locks: so the crate needs no switch for it. Their unit tests
//! come along.
#![cfg(test)]
#![expect(dead_code, unreachable_pub, reason = "parts of the files are for the rest of the crate")]

#[path = "../src/bucket.rs"]
mod bucket;
#[path = "../src/calendar.rs"]
mod calendar;
#[path = "../src/capacity.rs"]
mod capacity;
#[path = "../src/charge.rs"]
mod charge;
#[path = "../src/counter.rs"]
mod counter;
#[path = "../src/decision.rs"]
mod decision;
#[path = "../src/field.rs"]
mod field;
#[path = "../src/key.rs"]
mod key;
#[path = "../src/limiter.rs"]
mod limiter;
#[path = "../src/policy.rs"]
mod policy;
#[path = "../src/shard.rs"]
mod shard;
#[path = "../src/sliding.rs"]
mod sliding;
#[path = "../src/spent.rs"]
mod spent;
#[path = "../src/table.rs"]
mod table;
#[path = "../src/take.rs"]
mod take;
#[path = "../src/threshold.rs"]
mod threshold;
#[path = "../src/time.rs"]
mod time;
#[path = "../src/told.rs"]
mod told;
#[path = "../src/window.rs"]
mod window;

mod sync {
    pub(crate) use loom::sync::{Mutex, MutexGuard};

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap()
    }
}

use std::sync::Arc;
use std::time::Duration;

use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;
use rrcore::Now;

use crate::charge::Charge;
use crate::decision::Decision;
use crate::key::Key;
use crate::limiter::Limiter;
use crate::policy::{Limit, Policy};

#[test]
fn of_two_for_the_last_one_exactly_one_gets_it() {
    for policy in [sliding(1), three(1)] {
        loom::model(move || {
            let limiter = Arc::new(Limiter::with_capacity(1_024));
            let passed = both(&limiter, {
                let policy = policy.clone();
                move |limiter, _| u64::from(limiter.check(&policy, key(0), at(0)).is_allowed())
            });
            assert_eq!(passed, 1);
            assert!(!limiter.admit(&policy, key(0), at(0)));
        });
    }
}

#[test]
fn two_who_ask_for_the_same_keys_in_other_orders_wait_for_each_other_once() {
    loom::model(|| {
        let limiter = Arc::new(Limiter::with_capacity(2_048));
        let passed = both(&limiter, |limiter, who| {
            let (policy, mut keys) = (sliding(1), [key(0), key(1)]);
            keys.rotate_left(who);
            let charges = keys.map(|it| Charge::one(&policy, it));
            u64::from(limiter.take(&charges, at(0)).is_allowed())
        });
        assert_eq!(passed, 1);
    });
}

#[test]
fn who_got_one_of_two_keys_only_has_taken_nothing() {
    loom::model(|| {
        let limiter = Arc::new(Limiter::with_capacity(2_048));
        let passed = both(&limiter, |limiter, who| {
            let policy = sliding(1);
            let charges = [Charge::one(&policy, key(0)), Charge::one(&policy, key(1))];
            let asked = if who == 0 { &charges[..] } else { &charges[1..] };
            u64::from(limiter.take(asked, at(0)).is_allowed())
        });
        assert_eq!(passed, 1);
        let spent = [0, 1].map(|it| limiter.usage(&sliding(1), key(it), at(0))[0].spent);
        assert!(spent == [1, 1] || spent == [0, 1], "{spent:?}");
    });
}

#[test]
fn permits_are_never_more_than_there_are_and_all_come_back() {
    loom::model(|| {
        let limiter = Arc::new(Limiter::with_capacity(2_048));
        let running = Arc::new(AtomicU64::new(0));
        both(&limiter, {
            let running = Arc::clone(&running);
            move |limiter, who| {
                let (running_policy, policy) = (concurrency(1), sliding(9));
                let charges =
                    [Charge::one(&running_policy, key(0)), Charge::one(&policy, key(1 + who))];
                if let Decision::Allowed { receipt, .. } = limiter.take(&charges, at(0)) {
                    assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0);
                    running.fetch_sub(1, Ordering::SeqCst);
                    limiter.release(&receipt);
                }
                0
            }
        });
        assert_eq!(limiter.usage(&concurrency(1), key(0), at(0))[0].spent, 0);
        assert!(limiter.check(&concurrency(1), key(0), at(0)).is_allowed());
    });
}

#[test]
fn what_one_gives_back_is_what_it_took_whatever_another_takes() {
    loom::model(|| {
        let limiter = Arc::new(Limiter::with_capacity(1_024));
        let passed = both(&limiter, |limiter, who| {
            let decision = limiter.take(&[Charge::one(&three(2), key(0))], at(0));
            let Decision::Allowed { receipt, .. } = decision else { return 0 };
            if who == 0 {
                limiter.refund(&receipt, at(0));
            }
            who as u64
        });
        assert_eq!(passed, 1);
        for usage in limiter.usage(&three(2), key(0), at(0)) {
            assert_eq!(usage.spent, 1, "{}", usage.limit.name());
        }
    });
}

#[test]
fn newcomers_that_sweep_a_full_table_get_no_more_than_their_limit() {
    loom::model(|| {
        let limiter = Arc::new(Limiter::with_capacity(1));
        assert!(limiter.check(&sliding(1), key(0), at(0)).is_allowed());
        // A window later that is over, and there is room for one of two.
        let passed = both(&limiter, |limiter, who| {
            let ask = || limiter.check(&sliding(1), key(1 + who), at(61)).is_allowed();
            let passed = u64::from(ask()) + u64::from(ask());
            assert!(passed <= 1);
            passed
        });
        assert!(passed >= 1);
    });
}

/// What two threads make together of `ask`, which knows which of them it is.
fn both(
    limiter: &Arc<Limiter>,
    ask: impl Fn(&Limiter, usize) -> u64 + Send + Sync + 'static,
) -> u64 {
    let ask = Arc::new(ask);
    let (other, its) = (Arc::clone(limiter), Arc::clone(&ask));
    let other = thread::spawn(move || its(&other, 1));
    let own = ask(limiter, 0);
    own + other.join().unwrap()
}

/// Keys whose parts of a table of two take turns.
fn key(which: usize) -> Key {
    let mut names = (0_u64..).map(|it| Key::of_bytes([it.to_le_bytes().as_slice()]));
    let mut last = names.by_ref().find(|it| it.halves()[0] >> 63 == 0).unwrap();
    for at in 1..=which as u64 {
        last = names.by_ref().find(|it| it.halves()[0] >> 63 == at % 2).unwrap();
    }
    last
}

fn sliding(max: u64) -> Policy {
    Policy::new([Limit::sliding("a", max, Duration::from_secs(60))]).unwrap()
}

fn concurrency(max: u64) -> Policy {
    Policy::new([Limit::concurrency("running", max)]).unwrap()
}

fn three(max: u64) -> Policy {
    let minute = Duration::from_secs(60);
    let (sliding, day) = (Limit::sliding("a", max, minute), Limit::calendar_day("b", max));
    Policy::new([sliding, day, Limit::token_bucket("c", max, minute, max)]).unwrap()
}

fn at(second: u64) -> Now {
    let now = Duration::from_secs(1_700_000_000 + second);
    Now { monotonic: now, wall: now }
}
