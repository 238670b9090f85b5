//! What one key has spent, and the decision about its next request.

use std::sync::Arc;
use std::time::Duration;

use crate::counter::Counter;
use crate::decision::{Decision, Left, Standing};
use crate::policy::{Limit, Policy};
use crate::time::Time;

/// All that is remembered of one key.
///
/// Knows limits by name and window only, so it outlives the policies it is decided by. A count
/// that no present limit asks for is kept until it is over: another policy may share this key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spent {
    counters: Box<[Counter]>,
}

impl Spent {
    /// Takes one request from every limit of `policy`, or from none.
    pub(crate) fn decide(&mut self, policy: &Policy, time: Time) -> Decision {
        if policy.limits().iter().any(|it| self.left(it, time).remaining == 0) {
            let standing = self.standing(policy, time);
            let violated = standing.limits().filter(|it| it.remaining() == 0);
            let retry_after = violated.map(|it| it.reset()).max().unwrap_or_default();
            return Decision::Refused { retry_after, standing };
        }
        self.make_room(policy, time);
        for limit in policy.limits() {
            if let Some(counter) = self.counters.iter_mut().find(|it| it.is_of(limit)) {
                counter.take(limit, time);
            }
        }
        Decision::Allowed { standing: self.standing(policy, time) }
    }

    /// Whether nothing of this counts any more: it then equals what a new key has spent.
    pub(crate) fn is_over(&self, time: Time) -> bool {
        self.counters.iter().all(|it| it.is_over(time))
    }

    /// Sees to it that every limit of `policy` has its counter.
    fn make_room(&mut self, policy: &Policy, time: Time) {
        let limits = policy.limits();
        if limits.iter().all(|it| self.counter(it).is_some()) {
            return;
        }
        let mut counters = std::mem::take(&mut self.counters).into_vec();
        counters.retain(|it| !it.is_over(time));
        counters.reserve_exact(limits.len());
        for limit in limits {
            if !counters.iter().any(|it| it.is_of(limit)) {
                counters.push(Counter::new(limit));
            }
        }
        self.counters = counters.into_boxed_slice();
    }

    fn counter(&self, limit: &Limit) -> Option<&Counter> {
        self.counters.iter().find(|it| it.is_of(limit))
    }

    fn standing(&self, policy: &Policy, time: Time) -> Standing {
        let left = policy.limits().iter().map(|it| self.left(it, time)).collect();
        Standing::new(Arc::clone(policy.shared_limits()), left)
    }

    fn left(&self, limit: &Limit, time: Time) -> Left {
        let max = limit.max();
        if max == 0 {
            return Left { remaining: 0, reset: limit.window().length() };
        }
        let Some(counter) = self.counter(limit) else {
            return Left { remaining: max, reset: Duration::ZERO };
        };
        let count = counter.count(time);
        // A maximum that was lowered may lie far below what was spent before.
        let reset = counter.falls_below(count.min(max), time);
        Left { remaining: max.saturating_sub(count), reset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rrcore::Now;

    #[test]
    fn a_refusal_by_one_limit_costs_the_others_nothing() {
        let policy = policy([("a", 3), ("b", 1)]);
        let mut spent = Spent::default();
        let expect = [(true, [2, 0]), (false, [2, 0]), (false, [2, 0])];
        for (allowed, left) in expect {
            check(&mut spent, &policy, allowed, &left);
        }
    }

    #[test]
    fn what_was_spent_survives_new_maxima() {
        let mut spent = Spent::default();
        check(&mut spent, &policy([("a", 5)]), true, &[4]);
        check(&mut spent, &policy([("a", 5)]), true, &[3]);
        check(&mut spent, &policy([("a", 1)]), false, &[0]);
        check(&mut spent, &policy([("b", 9), ("a", 3)]), true, &[8, 0]);
        check(&mut spent, &policy([("a", 3), ("b", 9)]), false, &[0, 8]);
    }

    #[test]
    fn two_policies_on_one_key_do_not_forget_each_others_counts() {
        let mut spent = Spent::default();
        for left in [2, 1, 0] {
            check(&mut spent, &policy([("a", 3)]), true, &[left]);
            check(&mut spent, &policy([("b", 3)]), true, &[left]);
        }
        check(&mut spent, &policy([("a", 3)]), false, &[0]);
    }

    #[test]
    fn the_extremes_of_a_maximum_hold() {
        let mut spent = Spent::default();
        check(&mut spent, &policy([("a", u64::MAX), ("b", 0)]), false, &[u64::MAX, 0]);
        check(&mut spent, &policy([("a", u64::MAX)]), true, &[u64::MAX - 1]);
        let decision = spent.decide(&policy([("b", 0)]), noon());
        assert_eq!(decision.retry_after(), Some(Duration::from_secs(86_400)));
    }

    #[test]
    fn who_waits_waits_for_the_last_of_the_limits_that_refused() {
        let minute = Limit::sliding("minute", 1, Duration::from_secs(60));
        let policy = Policy::new([minute, Limit::calendar_day("day", 1)]).unwrap();
        let mut spent = Spent::default();
        assert!(spent.decide(&policy, noon()).is_allowed());
        let refused = spent.decide(&policy, noon());
        assert_eq!(refused.retry_after(), Some(Duration::from_secs(12 * 3_600)));
        assert_eq!(refused.violated().count(), 2);
    }

    #[track_caller]
    fn check(spent: &mut Spent, policy: &Policy, allowed: bool, left: &[u64]) {
        let decision = spent.decide(policy, noon());
        assert_eq!(decision.is_allowed(), allowed, "{decision:?}");
        let remaining: Vec<_> = decision.standing().limits().map(|it| it.remaining()).collect();
        assert_eq!(remaining, left);
    }

    fn policy<const N: usize>(limits: [(&str, u64); N]) -> Policy {
        Policy::new(limits.map(|(name, max)| Limit::calendar_day(name, max))).unwrap()
    }

    fn noon() -> Time {
        let now = Duration::from_secs(12 * 3_600);
        Time::default().advance(Now { monotonic: now, wall: now })
    }
}
