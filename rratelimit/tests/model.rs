//! [`Limiter`] against a naive model: every algorithm, overlapping scopes, all or nothing.
#![cfg(test)]

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use rratelimit::{Charge, Decision, Key, Limit, Limiter, Policy, Receipt, Window};
use rrcore::Now;

/// All that was admitted, and nothing but that.
#[derive(Default)]
struct Model {
    events: Vec<Event>,
}

#[derive(Clone)]
struct Event {
    who: usize,
    policy: usize,
    at: Duration,
    cost: u64,
    running: bool,
}

type Ask = (usize, usize, u64);

impl Model {
    fn admits(&self, policies: &[Policy], asks: &[Ask], now: Duration) -> bool {
        asks.iter().enumerate().all(|(at, (who, policy, cost))| {
            let before: u64 =
                asks[..at].iter().filter(|it| (it.0, it.1) == (*who, *policy)).map(|it| it.2).sum();
            let running = asks[..at].iter().filter(|it| (it.0, it.1) == (*who, *policy)).count();
            let events = self.events.iter().filter(|it| (it.who, it.policy) == (*who, *policy));
            let events: Vec<_> = events.collect();
            policies[*policy].limits().iter().all(|limit| {
                let cost = (*cost).max(1) + before;
                match limit.window() {
                    _ if limit.max() == 0 => false,
                    Window::Concurrency => {
                        let held = events.iter().filter(|it| it.running).count() + running;
                        (held as u64) < limit.max()
                    }
                    Window::TokenBucket { per, burst } => {
                        fits_bucket(&events, limit, per, burst, cost, now)
                    }
                    window => {
                        let same = events.iter().filter(|it| counts(window, it.at, now));
                        same.map(|it| it.cost).sum::<u64>() + cost <= limit.max()
                    }
                }
            })
        })
    }

    fn admit(&mut self, asks: &[Ask], at: Duration) {
        let event = |(who, policy, cost): &Ask| Event {
            who: *who,
            policy: *policy,
            at,
            cost: *cost,
            running: true,
        };
        self.events.extend(asks.iter().map(event));
    }
}

/// The promise, word for word: of no stretch that ends now has more passed than a burst and what
/// came back in that stretch.
fn fits_bucket(
    events: &[&Event],
    limit: &Limit,
    per: Duration,
    burst: u64,
    cost: u64,
    now: Duration,
) -> bool {
    let per = per.as_nanos();
    let mut passed = u128::from(cost);
    (passed <= u128::from(burst))
        && events.iter().rev().all(|it| {
            passed += u128::from(it.cost);
            let back = u128::from(limit.max()) * (now - it.at).as_nanos();
            passed * per <= u128::from(burst) * per + back
        })
}

fn counts(window: Window, then: Duration, now: Duration) -> bool {
    let of = |length: Duration, at: Duration| at.as_nanos() / length.as_nanos();
    match window {
        Window::Sliding(length) => {
            let width = Duration::from_nanos((length.as_nanos() as u64).div_ceil(60));
            of(width, now) - of(width, then) <= 60
        }
        Window::Fixed(length) => of(length, now) == of(length, then),
        Window::CalendarDay => of(DAY, now) == of(DAY, then),
        // All of these tests lie in two months.
        Window::CalendarMonth => (now >= DECEMBER) == (then >= DECEMBER),
        Window::TokenBucket { .. } | Window::Concurrency => unreachable!(),
    }
}

fn a_window() -> impl Strategy<Value = Window> {
    let secs = |range: std::ops::Range<u64>| range.prop_map(Duration::from_secs);
    prop_oneof![
        secs(1..120).prop_map(Window::Sliding),
        secs(1..120).prop_map(Window::Fixed),
        Just(Window::CalendarDay),
        Just(Window::CalendarMonth),
        (secs(1..120), 1_u64..9).prop_map(|(per, burst)| Window::TokenBucket { per, burst }),
        Just(Window::Concurrency),
    ]
}

fn a_window_of_the_clock() -> impl Strategy<Value = Window> {
    a_window().prop_filter("windows that have an end", |it| {
        !matches!(it, Window::TokenBucket { .. } | Window::Concurrency)
    })
}

fn policies(of: impl Strategy<Value = Window>) -> impl Strategy<Value = Vec<Policy>> {
    let limits = vec((of, 0_u64..12), 1..4);
    let policy = limits.prop_map(|limits| {
        let limit = |(at, (window, max))| Limit::new(format!("{at}"), max, window);
        Policy::new(limits.into_iter().enumerate().map(limit)).unwrap()
    });
    vec(policy, POLICIES)
}

/// How long after the one before, and what is asked for at once.
fn requests() -> impl Strategy<Value = Vec<(u64, Vec<Ask>, Index)>> {
    let ask = (0..3_usize, 0..POLICIES, 0_u64..4);
    vec((0_u64..40_000, vec(ask, 1..4), any::<Index>()), 1..120)
}

proptest! {
    #[test]
    fn a_request_is_admitted_if_and_only_if_all_that_it_is_charged_to_have_room(
        policies in policies(a_window()),
        requests in requests(),
    ) {
        let (limiter, mut model, mut clock) = (Limiter::new(), Model::default(), START);
        let mut running: Vec<(Receipt, std::ops::Range<usize>)> = Vec::new();
        for (pause, asks, which) in requests {
            clock += Duration::from_millis(pause);
            let expected = model.admits(&policies, &asks, clock);
            let foreseen = limiter.foresee(&charges(&policies, &asks), at(clock));
            let decision = limiter.take(&charges(&policies, &asks), at(clock));
            prop_assert_eq!(foreseen.standing(), decision.standing());
            prop_assert_eq!(decision.is_allowed(), expected, "{:?} at {:?}", asks, clock - START);
            if let Decision::Allowed { receipt, .. } = decision {
                let from = model.events.len();
                model.admit(&asks, clock);
                running.push((receipt, from..model.events.len()));
            }
            if pause % 2 == 0 && !running.is_empty() {
                let (receipt, events) = running.swap_remove(which.index(running.len()));
                limiter.release(&receipt);
                model.events[events].iter_mut().for_each(|it| it.running = false);
            }
        }
    }

    #[test]
    fn what_goes_back_goes_back_into_its_window_and_what_is_added_counts(
        policies in policies(a_window_of_the_clock()),
        requests in requests(),
    ) {
        let (limiter, mut model, mut clock) = (Limiter::new(), Model::default(), START);
        let mut receipts: Vec<(Receipt, usize)> = Vec::new();
        for (pause, asks, which) in requests {
            clock += Duration::from_millis(pause);
            if pause % 5 == 0 {
                limiter.add(&charges(&policies, &asks), at(clock));
                model.admit(&asks, clock);
                continue;
            }
            let expected = model.admits(&policies, &asks, clock);
            let decision = limiter.take(&charges(&policies, &asks), at(clock));
            prop_assert_eq!(decision.is_allowed(), expected, "{:?} at {:?}", asks, clock - START);
            if let Decision::Allowed { receipt, .. } = decision {
                receipts.push((receipt, model.events.len()));
                model.admit(&asks, clock);
            }
            if pause % 3 == 0 && !receipts.is_empty() {
                let (receipt, first) = receipts.swap_remove(which.index(receipts.len()));
                let charges = receipt.charges().len();
                let events = &mut model.events[first..first + charges];
                if pause % 2 == 0 {
                    limiter.refund(&receipt, at(clock));
                    events.iter_mut().for_each(|it| it.cost = 0);
                } else {
                    let (position, actual) = (which.index(charges), pause % 7);
                    limiter.settle(&receipt, position, actual, at(clock));
                    events[position].cost = actual;
                }
            }
        }
    }

    #[test]
    fn a_bucket_that_gets_something_back_still_never_lets_more_pass_than_it_says(
        max in 1_u64..20,
        per in 1_u64..60,
        burst in 1_u64..20,
        steps in vec((0_u64..3_000, 0_u64..4, any::<Index>()), 1..200),
    ) {
        let per = Duration::from_secs(per);
        let policy = Policy::new([Limit::token_bucket("a", max, per, burst)]).unwrap();
        let (limiter, mut model, mut clock) = (Limiter::new(), Model::default(), START);
        let mut receipts = Vec::new();
        for (pause, cost, which) in steps {
            clock += Duration::from_millis(pause);
            let asks = [(0, 0, cost + 1)];
            let policies = [policy.clone()];
            let decision = limiter.take(&charges(&policies, &asks), at(clock));
            if let Decision::Allowed { receipt, .. } = decision {
                prop_assert!(model.admits(&policies, &asks, clock), "at {:?}", clock - START);
                receipts.push((receipt, model.events.len()));
                model.admit(&asks, clock);
            }
            if pause % 3 == 0 && !receipts.is_empty() {
                let (receipt, event) = receipts.swap_remove(which.index(receipts.len()));
                limiter.refund(&receipt, at(clock));
                model.events[event].cost = 0;
            }
        }
    }

    #[test]
    fn who_waits_as_told_never_meets_another_refusal(
        policies in policies(a_window().prop_filter("none can say when", |it| *it != Window::Concurrency)),
        requests in requests(),
    ) {
        let (limiter, mut clock) = (Limiter::new(), START);
        for (pause, asks, _) in requests {
            clock += Duration::from_millis(pause);
            let charges = charges(&policies, &asks);
            let Some(wait) = limiter.take(&charges, at(clock)).retry_after() else { continue };
            // What costs more than can ever be there, no wait makes room for.
            let mut never = false;
            for (at, charge) in charges.iter().enumerate() {
                let same = charges[..=at].iter().filter(|it| it.key == charge.key && it.policy == charge.policy);
                let cost: u64 = same.map(|it| it.cost).sum();
                never |= charge.policy.limits().iter().any(|it| it.capacity() < cost.max(1));
                let before = charges[..at].iter().filter(|it| it.key == charge.key && it.policy == charge.policy);
                let need = before.map(|it| it.cost).sum::<u64>() + charge.cost.max(1);
                never |= charge.policy.limits().iter().any(|it| it.capacity() < need);
            }
            if never {
                continue;
            }
            let moment = Duration::from_nanos(1);
            prop_assert!(!limiter.foresee(&charges, at(clock + wait - moment)).is_allowed());
            clock += Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
            prop_assert!(limiter.take(&charges, at(clock)).is_allowed(), "{:?}", charges);
        }
    }
}

#[test]
fn one_more_key_than_there_is_room_for_does_not_undo_all_or_nothing() {
    let policy = Policy::new([Limit::calendar_day("a", 1)]).unwrap();
    let limiter = Limiter::with_capacity(1);
    let key = |name| Key::of(&[name]);
    let both = [Charge::one(&policy, key("a")), Charge::one(&policy, key("b"))];
    assert!(limiter.take(&both, at(START)).is_allowed());
    // The one with a place of its own, and those without.
    assert!(!limiter.take(&both[..1], at(START)).is_allowed());
    let others = [Charge::one(&policy, key("c")), Charge::one(&policy, key("d"))];
    assert!(!limiter.take(&others, at(START)).is_allowed());
    let limiter = Limiter::with_capacity(0);
    assert!(!limiter.take(&others, at(START)).is_allowed(), "two share what is there for one");
    assert!(limiter.take(&others[..1], at(START)).is_allowed());
}

fn charges<'a>(policies: &'a [Policy], asks: &[Ask]) -> Vec<Charge<'a>> {
    let charge = |(who, policy, cost): &Ask| Charge {
        policy: &policies[*policy],
        // Each policy has its own counts, as the gateway's proxies and meters do.
        key: Key::of(&[&who.to_string(), &policy.to_string()]),
        cost: *cost,
    };
    asks.iter().map(charge).collect()
}

fn at(now: Duration) -> Now {
    Now { monotonic: now, wall: now }
}

const POLICIES: usize = 3;
const DAY: Duration = Duration::from_secs(86_400);
// A quarter of an hour before a month ends.
const START: Duration = Duration::from_secs(20_788 * 86_400 - 900);
const DECEMBER: Duration = Duration::from_secs(20_788 * 86_400);
