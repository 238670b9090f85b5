//! [`Limiter`] against naive models of what it promises.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use rratelimit::{Decision, Key, Limit, Limiter, Policy};
use rrcore::Now;

proptest! {
    #[test]
    fn no_interval_of_a_windows_length_has_more_than_max(
        limits in vec((1_u64..20, 1_u64..100), 1..4),
        steps in vec((0_u64..3_000, 0_u64..2_000), 1..400),
    ) {
        let policy = sliding(&limits);
        let limiter = Limiter::with_capacity(8);
        let mut passed: Vec<Duration> = Vec::new();
        let (mut clock, mut newest) = (START, Duration::ZERO);
        for (pause, late) in steps {
            clock += Duration::from_millis(pause);
            let arrived = clock - Duration::from_millis(late);
            newest = newest.max(arrived);
            let since = |from: Duration| passed.iter().filter(|it| **it >= from).count() as u64;

            let allowed = limiter.check(&policy, key(), at(arrived)).is_allowed();
            let full = limits.iter().any(|(max, secs)| {
                since(newest.saturating_sub(Duration::from_secs(*secs))) >= *max
            });
            let full_with_the_oldest_bucket_whole = limits.iter().any(|(max, secs)| {
                since(newest.saturating_sub(Duration::from_secs(*secs) * 61 / 60)) >= *max
            });
            prop_assert!(!(allowed && full), "too many at {newest:?}: {passed:?}");
            prop_assert!(allowed || full_with_the_oldest_bucket_whole, "too few at {newest:?}");
            if allowed {
                passed.push(newest);
            }
        }
    }

    #[test]
    fn who_waits_as_told_is_let_through_and_not_a_moment_earlier(
        limits in vec((1_u64..20, 1_u64..10_000), 0..3),
        per_day in 1_u64..50,
        steps in vec(0_u64..100_000, 1..200),
    ) {
        let day = Limit::calendar_day("day", per_day);
        let policy = Policy::new(sliding(&limits).limits().iter().cloned().chain([day])).unwrap();
        let limiter = Limiter::with_capacity(8);
        let mut clock = START;
        for pause in steps {
            clock += Duration::from_millis(pause);
            let Decision::Refused { retry_after, .. } = limiter.check(&policy, key(), at(clock))
            else { continue };
            let moment = Duration::from_nanos(1);
            prop_assert!(!limiter.peek(&policy, key(), at(clock + retry_after - moment)).is_allowed());
            clock += Duration::from_secs(retry_after.as_secs_f64().ceil() as u64);
            prop_assert!(limiter.check(&policy, key(), at(clock)).is_allowed());
        }
    }

    #[test]
    fn peek_foresees_what_check_answers(steps in vec((0_u64..5, 0_u64..20_000), 1..200)) {
        let policy = sliding(&[(3, 10), (5, 60)]);
        let limiter = Limiter::with_capacity(3);
        let mut clock = START;
        for (who, pause) in steps {
            clock += Duration::from_millis(pause);
            let key = Key::of(&[&who.to_string()]);
            let foreseen = limiter.peek(&policy, key, at(clock));
            let decision = limiter.check(&policy, key, at(clock));
            prop_assert_eq!(foreseen.retry_after(), decision.retry_after());
            prop_assert_eq!(foreseen.standing(), decision.standing());
        }
    }

    #[test]
    fn a_full_table_never_lets_a_key_pass_too_often(
        steps in vec((0_u64..12, 0_u64..8_000), 1..500),
    ) {
        let policy = sliding(&[(2, 30)]);
        let limiter = Limiter::with_capacity(4);
        let mut passed: Vec<(u64, Duration)> = Vec::new();
        let mut clock = START;
        for (who, pause) in steps {
            clock += Duration::from_millis(pause);
            if limiter.check(&policy, Key::of(&[&who.to_string()]), at(clock)).is_allowed() {
                let from = clock - Duration::from_secs(30);
                let before = passed.iter().filter(|it| it.0 == who && it.1 >= from).count();
                prop_assert!(before < 2, "{who} at {clock:?}");
                passed.push((who, clock));
            }
        }
    }

    #[test]
    fn a_wall_clock_that_wavers_gives_no_more_than_one_quota_a_day(
        steps in vec((0_u64..10_800, -1_800_i64..=1_800), 1..300),
    ) {
        let policy = Policy::new([Limit::calendar_day("day", 3)]).unwrap();
        let limiter = Limiter::with_capacity(8);
        let (mut clock, mut passed) = (START, 0);
        let mut days = Vec::new();
        for (pause, wavers) in steps {
            clock += Duration::from_secs(pause);
            let wall = Duration::from_secs(clock.as_secs().checked_add_signed(wavers).unwrap());
            days.push(wall.as_secs() / 86_400);
            let now = Now { monotonic: clock, wall };
            passed += u64::from(limiter.check(&policy, key(), now).is_allowed());
        }
        let spanned = days.iter().max().unwrap() - days.iter().min().unwrap() + 1;
        prop_assert!(passed <= 3 * spanned, "{passed} in {spanned} days");
    }

    #[test]
    fn no_history_of_the_wall_clock_locks_a_caller_out_for_more_than_25_hours(
        steps in vec((0_u64..100_000, 0_u64..10_000_000_000), 1..50),
    ) {
        let policy = Policy::new([Limit::calendar_day("day", 1)]).unwrap();
        let limiter = Limiter::with_capacity(8);
        let mut now = at(START);
        for (pause, wall) in steps {
            now = Now { monotonic: now.monotonic + Duration::from_secs(pause), wall: Duration::from_secs(wall) };
            _ = limiter.check(&policy, key(), now);
        }
        let wait = Duration::from_secs(25 * 3_600);
        let later = Now { monotonic: now.monotonic + wait, wall: now.wall + wait };
        prop_assert!(limiter.peek(&policy, key(), later).is_allowed());
    }

    #[test]
    fn no_reading_of_a_clock_and_no_maximum_panics(
        readings in vec((any::<u64>(), any::<u64>(), 0_u32..1_000_000_000), 1..50),
        max in prop_oneof![0_u64..3, Just(u64::MAX)],
        secs in prop_oneof![1_u64..3, Just(366 * 86_400)],
    ) {
        let limits = [Limit::sliding("a", max, Duration::from_secs(secs)), Limit::calendar_day("b", max)];
        let policy = Policy::new(limits).unwrap();
        let limiter = Limiter::with_capacity(2);
        for (who, (monotonic, wall, nanos)) in readings.into_iter().enumerate() {
            let now = Now { monotonic: Duration::new(monotonic, nanos), wall: Duration::new(wall, nanos) };
            let key = Key::of(&[&(who % 3).to_string()]);
            let foreseen = limiter.peek(&policy, key, now);
            let decision = limiter.check(&policy, key, now);
            prop_assert_eq!(foreseen.retry_after(), decision.retry_after());
            prop_assert_eq!(foreseen.standing(), decision.standing());
        }
    }
}

#[test]
fn at_the_end_of_time_limits_still_hold() {
    let policy = sliding(&[(2, 1)]);
    let limiter = Limiter::new();
    let passed = (0..10).filter(|_| limiter.check(&policy, key(), at(Duration::MAX)).is_allowed());
    assert_eq!(passed.count(), 2);
}

#[test]
fn threads_that_race_for_one_key_get_exactly_max() {
    let policy = sliding(&[(1_000, 60), (1_500, 3_600)]);
    let limiter = Limiter::new();
    let (passed, start) = (AtomicUsize::new(0), Barrier::new(64));
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                start.wait();
                for _ in 0..100 {
                    let allowed = limiter.check(&policy, key(), at(START)).is_allowed();
                    passed.fetch_add(usize::from(allowed), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(passed.into_inner(), 1_000);
    let left = limiter.peek(&policy, key(), at(START));
    assert_eq!(left.standing().remaining("1"), Some(500));
}

#[test]
fn the_cap_on_keys_is_never_exceeded() {
    let policy = sliding(&[(1, 60)]);
    for (capacity, expected) in [(0, 1), (1, 2), (100, 101), (5_000, 5_004)] {
        let limiter = Limiter::with_capacity(capacity);
        let passed = (0..20_000).filter(|it| {
            limiter.check(&policy, Key::of(&[&it.to_string()]), at(START)).is_allowed()
        });
        // One for each key with an entry, and one for each part of the table without.
        assert_eq!(passed.count(), expected, "{capacity}");
    }
}

fn sliding(limits: &[(u64, u64)]) -> Policy {
    let limit = |(at, (max, secs)): (usize, &(u64, u64))| {
        Limit::sliding(at.to_string(), *max, Duration::from_secs(*secs))
    };
    Policy::new(limits.iter().enumerate().map(limit)).unwrap()
}

fn key() -> Key {
    Key::of(&["alice"])
}

fn at(now: Duration) -> Now {
    Now { monotonic: now, wall: now }
}

const START: Duration = Duration::from_secs(1_700_000_000);
