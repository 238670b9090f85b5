//! What a [`Limiter`] keeps, tells, and takes over.
#![cfg(test)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use rratelimit::{
    Charge, Decision, Key, Limit, Limiter, OnCapacity, Policy, Record, Threshold, Window,
};
use rrcore::Now;

#[test]
fn counts_of_days_and_months_outlive_a_restart_and_others_do_not() {
    let policy = Policy::new([
        Limit::calendar_day("day", 10),
        Limit::calendar_month("month", 10),
        Limit::sliding("minute", 10, MINUTE),
    ]);
    let (policy, alice, bob) = (policy.unwrap(), Key::of(&["alice"]), Key::of(&["bob"]));
    let before = Limiter::new().durable();
    for key in [alice, alice, bob] {
        assert!(before.check(&policy, key, at(START)).is_allowed());
    }
    let records: Vec<_> = before.changes().iter().map(stored).collect();
    assert_eq!(records.len(), 4, "a day and a month of each");
    assert_eq!(before.changes(), []);

    let later = at(START + Duration::from_secs(3_600));
    let after = Limiter::new().durable();
    assert_eq!(after.restore(records.iter().copied(), later), 4);
    assert_eq!(after.restore(records.iter().copied(), later), 0, "each once");
    for (key, expected) in [(alice, [2, 2, 0]), (bob, [1, 1, 0])] {
        let spent: Vec<_> = after.usage(&policy, key, later).iter().map(|it| it.spent).collect();
        assert_eq!(spent, expected);
    }
    assert!(after.check(&policy, alice, later).is_allowed());
    let changed: Vec<_> = after.changes().iter().map(Record::id).collect();
    assert_eq!(changed.len(), 2, "only what has changed since");

    let tomorrow = at(START + Duration::from_secs(86_400));
    let late = Limiter::new();
    assert_eq!(late.restore(records, tomorrow), 2, "the months");
    let spent: Vec<_> = late.usage(&policy, alice, tomorrow).iter().map(|it| it.spent).collect();
    assert_eq!(spent, [0, 2, 0]);
}

#[test]
fn a_record_of_a_clock_that_was_ahead_locks_nobody_out_for_longer_than_a_day() {
    let policy = Policy::new([Limit::calendar_day("day", 1)]).unwrap();
    let (key, before) = (Key::of(&["a"]), Limiter::new().durable());
    let years = Duration::from_secs(3_650 * 86_400);
    assert!(before.check(&policy, key, at(START + years)).is_allowed());
    let after = Limiter::new();
    assert_eq!(after.restore(before.changes(), at(START)), 1);
    assert!(!after.peek(&policy, key, at(START)).is_allowed());
    let later = at(START + Duration::from_secs(25 * 3_600));
    assert!(after.check(&policy, key, later).is_allowed());
}

#[test]
fn a_record_of_a_clock_that_was_ahead_is_one_of_today_from_then_on() {
    let years = Duration::from_secs(3_650 * 86_400);
    let noon = NOW + Duration::from_secs(43_200);
    for (limit, days) in [(Limit::calendar_day("a", 2), 1), (Limit::calendar_month("a", 2), 31)] {
        let policy = Policy::new([limit]).unwrap();
        let (key, before) = (Key::of(&["a"]), Limiter::new().durable());
        assert!(before.check(&policy, key, at(NOW + years)).is_allowed());
        let ahead = before.changes();
        let after = Limiter::new().durable();
        assert_eq!(after.restore(ahead.iter().copied(), at(noon)), 1);
        let usage = &after.usage(&policy, key, at(noon))[0];
        assert_eq!(usage.spent, 1, "it is no fresh start");
        assert!(usage.resets_at.unwrap() <= NOW + Duration::from_secs(days * 86_400));
        let written = after.changes();
        assert_eq!(written[0].id(), ahead[0].id());
        assert!(written[0].expires_at() <= NOW + Duration::from_secs(days * 86_400));
        assert!(after.check(&policy, key, at(noon)).is_allowed());
        assert!(!after.check(&policy, key, at(noon)).is_allowed());

        // Not after the window that it was taken for.
        let later = at(noon + Duration::from_secs(days * 86_400));
        assert_eq!(Limiter::new().restore(written, later), 0);
        // A clock that is surely wrong says nothing about others.
        let at_start = Limiter::new().durable();
        assert_eq!(at_start.restore(ahead, at(Duration::from_secs(60))), 1);
        assert_eq!(at_start.changes(), []);
    }
}

#[test]
fn a_record_of_a_clock_that_was_just_set_back_is_one_of_tomorrow() {
    let policy = Policy::new([Limit::calendar_day("a", 1)]).unwrap();
    let (key, before) = (Key::of(&["a"]), Limiter::new().durable());
    assert!(before.check(&policy, key, at(NOW)).is_allowed());
    let after = Limiter::new().durable();
    let earlier = at(NOW - Duration::from_secs(1_800));
    assert_eq!(after.restore(before.changes(), earlier), 1);
    assert_eq!(after.changes(), []);
    let midday = at(NOW + Duration::from_secs(43_200));
    assert!(!after.check(&policy, key, midday).is_allowed(), "that day began once");
}

#[test]
fn a_full_table_refuses_newcomers_where_that_is_said_and_forgets_nobody() {
    let policy = Policy::new([Limit::sliding("a", 2, MINUTE)]).unwrap();
    let limiter = Limiter::with_capacity(2).on_capacity(OnCapacity::Refuse);
    let check = |name: &str, secs| {
        let now = at(START + Duration::from_secs(secs));
        limiter.check(&policy, Key::of(&[name]), now).is_allowed()
    };
    assert!(check("a", 0) && check("b", 0));
    assert!(!check("c", 0) && !check("d", 0));
    assert!(check("a", 0) && !check("a", 0));
    // Until there is room.
    assert!((0..9).any(|_| check("c", 61)) && check("c", 61) && !check("c", 61));
}

#[test]
fn newcomers_beside_one_who_is_known_find_the_room_of_those_who_are_over() {
    let policy = Policy::new([Limit::sliding("a", 1_000_000, MINUTE)]).unwrap();
    let limiter = Limiter::with_capacity(64).on_capacity(OnCapacity::Refuse);
    let known = Key::of(&["known"]);
    // One new key in two seconds: thirty or so count at any time.
    for second in (0..4_000).step_by(2) {
        let new = Key::of(&["new", &second.to_string()]);
        let charges = [Charge::one(&policy, known), Charge::one(&policy, new)];
        let now = at(START + Duration::from_secs(second));
        assert!(limiter.take(&charges, now).is_allowed(), "{second}");
    }
}

#[test]
fn what_runs_among_those_without_a_place_comes_back_to_them() {
    let policy = Policy::new([Limit::concurrency("running", 1)]).unwrap();
    let day = Policy::new([Limit::calendar_day("day", 9)]).unwrap();
    let limiter = Limiter::with_capacity(1);
    let key = |name| Key::of(&[name]);
    let take = |name| match limiter.check(&policy, key(name), at(START)) {
        Decision::Allowed { receipt, .. } => Some(receipt),
        Decision::Refused { .. } => None,
    };
    let own = take("a").unwrap();
    let shared = take("b").unwrap();
    assert!(take("c").is_none(), "b has what they share");
    limiter.release(&own);
    // There is room again, but b may be among the newcomers.
    assert!(take("d").is_none() && take("b").is_none());
    limiter.release(&shared);
    assert!(take("d").is_some() && take("d").is_none());
    _ = limiter.check(&day, key("e"), at(START));
}

#[test]
fn thresholds_are_told_once_in_a_window() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    let limiter = Limiter::new().on_threshold(move |it| {
        hears.lock().unwrap().push((
            it.policy.get_label().to_string(),
            it.limit.name().to_string(),
            it.threshold,
        ));
    });
    let told = || std::mem::take(&mut *heard.lock().unwrap());
    let nearly = |name: &str| ("meter".to_owned(), name.to_owned(), Threshold::NearlySpent);
    let spent = |name: &str| ("meter".to_owned(), name.to_owned(), Threshold::Spent);
    for window in [Window::Sliding(MINUTE), Window::Fixed(MINUTE), Window::CalendarDay] {
        let policy = Policy::new([Limit::new("a", 10, window)]).unwrap().label("meter");
        let key = Key::of(&[&format!("{window:?}")]);
        let charge = |cost| Charge { policy: &policy, key, cost };
        let (now, later) = (at(START), at(START + 2 * window.length()));
        let Decision::Allowed { receipt, .. } = limiter.take(&[charge(8)], now) else { panic!() };
        assert_eq!(told(), [], "{window:?}: 80 % are not more than 80 %");
        limiter.settle(&receipt, 0, 9, now);
        assert_eq!(told(), [nearly("a")], "{window:?}");
        limiter.settle(&receipt, 0, 7, now);
        _ = limiter.check(&policy, key, now);
        assert_eq!(told(), [], "{window:?}: once");
        limiter.add(&[charge(5)], now);
        assert_eq!(told(), [spent("a")], "{window:?}");
        assert!(!limiter.take(&[charge(1)], now).is_allowed());
        assert_eq!(told(), [], "{window:?}: a refusal passes nothing");
        limiter.add(&[charge(9)], later);
        assert_eq!(told(), [nearly("a")], "{window:?}: a new window");
    }
}

#[test]
fn a_key_that_is_forgotten_starts_anew() {
    let policy = Policy::new([Limit::calendar_day("day", 1)]).unwrap();
    let (limiter, key) = (Limiter::new(), Key::of(&["a"]));
    assert!(limiter.admit(&policy, key, at(START)) && !limiter.admit(&policy, key, at(START)));
    limiter.forget(key);
    assert!(limiter.admit(&policy, key, at(START)));
}

#[test]
fn usage_says_when_there_is_room_again() {
    let day = Limit::calendar_day("day", 5);
    let policy = Policy::new([day, Limit::concurrency("running", 5)]).unwrap();
    let (limiter, key) = (Limiter::new(), Key::of(&["a"]));
    let usage = |limiter: &Limiter| {
        let usage = limiter.usage(&policy, key, at(START));
        usage.iter().map(|it| (it.spent, it.resets_at)).collect::<Vec<_>>()
    };
    assert_eq!(usage(&limiter), [(0, None), (0, None)]);
    assert!(limiter.check(&policy, key, at(START)).is_allowed());
    let midnight = Duration::from_secs(START.as_secs().next_multiple_of(86_400));
    assert_eq!(usage(&limiter), [(1, Some(midnight)), (1, None)]);
}

proptest! {
    #[test]
    fn a_wall_clock_that_steps_gives_no_burst_within_a_window(
        steps in vec((0_u64..70, -3_600_i64..=3_600), 1..200),
    ) {
        // Monotonic windows do not know that clock.
        let sliding = Policy::new([Limit::sliding("a", 3, MINUTE)]).unwrap();
        let bucket = Policy::new([Limit::token_bucket("a", 3, MINUTE, 3)]).unwrap();
        let limiter = Limiter::new();
        let (mut clock, mut passed) = (START, Vec::new());
        for (pause, jump) in steps {
            clock += Duration::from_secs(pause);
            let wall = Duration::from_secs(clock.as_secs().checked_add_signed(jump).unwrap());
            let now = Now { monotonic: clock, wall };
            if limiter.admit(&sliding, Key::of(&["sliding"]), now) {
                let since = clock - MINUTE;
                prop_assert!(passed.iter().filter(|it| **it >= since).count() < 3);
                passed.push(clock);
            }
            let asked = limiter.check(&bucket, Key::of(&["bucket"]), now);
            prop_assert!(asked.retry_after().unwrap_or_default() <= Duration::from_secs(20));
        }
    }

    #[test]
    fn a_fixed_window_is_never_locked_for_longer_than_itself_and_a_little(
        steps in vec((0_u64..70, 0_u64..10_000_000), 1..50),
    ) {
        let policy = Policy::new([Limit::fixed("a", 1, MINUTE)]).unwrap();
        let (limiter, key, mut now) = (Limiter::new(), Key::of(&["a"]), at(START));
        for (pause, wall) in steps {
            now = Now { monotonic: now.monotonic + Duration::from_secs(pause), wall: Duration::from_secs(wall) };
            _ = limiter.admit(&policy, key, now);
        }
        let wait = Duration::from_millis(62_500);
        let later = Now { monotonic: now.monotonic + wait, wall: now.wall + wait };
        prop_assert!(limiter.peek(&policy, key, later).is_allowed());
    }
}

/// As it comes back from where it was written down.
fn stored(record: &Record) -> Record {
    Record::parse(&record.id(), &record.value()).unwrap()
}

fn at(now: Duration) -> Now {
    Now { monotonic: now, wall: now }
}

const MINUTE: Duration = Duration::from_secs(60);
// Noon, in the middle of a month.
// The midnight with which January 2027 begins.
const NOW: Duration = Duration::from_secs(1_798_761_600);
const START: Duration = Duration::from_secs(20_772 * 86_400 + 43_200);
