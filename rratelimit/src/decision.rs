//! What was decided, and what is left.

use std::time::Duration;

use smallvec::SmallVec;

use crate::charge::Receipt;
use crate::policy::{Limit, Policy};
use crate::window::Window;

/// Whether a request passes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// It passes, and has been counted by every limit.
    Allowed {
        /// What is left after it.
        standing: Standing,
        /// What was taken, for who may want it back.
        receipt: Receipt,
    },
    /// It does not, and has been counted by none.
    Refused {
        /// How long until a caller who is alone with this key, and waits, is let through.
        /// With a cost that no wait makes room for, as with a limit of 0: the limit's window. With a
        /// concurrency limit, which cannot know: a second.
        retry_after: Duration,
        /// What is left.
        standing: Standing,
    },
}

/// What is left of each limit of the policies that were asked. Also an extension of every limited
/// response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    // Two take no more room than what says where more of them are.
    policies: SmallVec<[Policy; 2]>,
    // One for each limit of each policy, in that order.
    left: SmallVec<[Left; 3]>,
    is_degraded: bool,
}

/// What is left of one limit, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) remaining: u64,
    pub(crate) reset: u64,
    /// Until there is room for what was asked; `None` where there is.
    pub(crate) wait: Option<u64>,
}

/// What is left of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitStanding<'a> {
    policy: &'a Policy,
    limit: &'a Limit,
    left: Left,
}

impl Decision {
    /// Whether the request passes.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        match self {
            Self::Allowed { .. } => true,
            Self::Refused { .. } => false,
        }
    }

    #[cfg(feature = "redis")]
    pub(crate) const fn degraded(mut self) -> Self {
        match &mut self {
            Self::Allowed { standing, .. } | Self::Refused { standing, .. } => {
                standing.is_degraded = true;
            }
        }
        self
    }

    /// What is left of each limit.
    #[must_use]
    pub const fn standing(&self) -> &Standing {
        match self {
            Self::Allowed { standing, .. } | Self::Refused { standing, .. } => standing,
        }
    }

    /// What is left of each limit.
    #[must_use]
    pub fn into_standing(self) -> Standing {
        match self {
            Self::Allowed { standing, .. } | Self::Refused { standing, .. } => standing,
        }
    }

    /// How long to wait; `None` for a request that passes.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Allowed { .. } => None,
            Self::Refused { retry_after, .. } => Some(*retry_after),
        }
    }

    /// The limits that refused, in the order of the charges and their policies; none for a request
    /// that passes.
    pub fn violated(&self) -> impl Iterator<Item = &Limit> {
        let refused = !self.is_allowed();
        let violated =
            move |it: &LimitStanding<'_>| refused && it.is_violated() && !it.is_observed();
        self.standing().limits().filter(violated).map(|it| it.limit)
    }
}

impl Standing {
    pub(crate) fn push_policy(&mut self, policy: &Policy) {
        self.policies.push(policy.clone());
    }

    pub(crate) fn push(&mut self, left: Left) {
        self.left.push(left);
    }

    /// What the charge at `position` took has gone back: it reads as if that had not been taken. What
    /// runs at the same time still does.
    pub(crate) fn give_back(&mut self, position: usize, cost: u64) {
        let before = self.policies.iter().take(position).map(|it| it.limits().len()).sum();
        let Some(policy) = self.policies.get(position) else { return };
        for (limit, left) in policy.limits().iter().zip(self.left.iter_mut().skip(before)) {
            if limit.window() != Window::Concurrency {
                left.remaining = left.remaining.saturating_add(cost).min(limit.capacity());
            }
            if left.remaining == limit.capacity() {
                left.reset = 0;
            }
        }
    }

    #[cfg(feature = "redis")]
    pub(crate) fn lefts(&self) -> impl Iterator<Item = Left> {
        self.left.iter().copied()
    }

    /// Whether a shared store did not answer, so that each limit went by what it says for that case
    /// ([`Limit::on_store_failure`]).
    #[must_use]
    pub const fn is_degraded(&self) -> bool {
        self.is_degraded
    }

    /// Each limit with what is left of it, in the order of the charges and their policies.
    pub fn limits(&self) -> impl Iterator<Item = LimitStanding<'_>> {
        let limits = |policy| Policy::limits(policy).iter().map(move |limit| (policy, limit));
        let limits = self.policies.iter().flat_map(limits);
        limits.zip(&self.left).map(|((policy, limit), left)| LimitStanding {
            policy,
            limit,
            left: *left,
        })
    }

    /// The policies that were asked, in the order of the charges.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.policies.iter()
    }

    /// What the limit `name` still has room for; `None` if there is no such limit.
    #[must_use]
    pub fn remaining(&self, name: &str) -> Option<u64> {
        self.limits().find(|it| &**it.limit.name() == name).map(|it| it.remaining())
    }

    /// The limit to run into first: one that refused before one that did not, then that with the
    /// least left, then that which holds longest. A concurrency limit only where nothing else can be
    /// named, as what is left of it is as short-lived as requests are; an observed one never.
    #[must_use]
    pub fn tightest(&self) -> Option<LimitStanding<'_>> {
        let rank = |it: &LimitStanding<'_>| {
            let is_concurrency = it.limit.window() == Window::Concurrency;
            let holds = u64::MAX - it.left.reset;
            (!it.is_violated(), is_concurrency, it.remaining(), holds)
        };
        self.limits().filter(|it| !it.is_observed()).min_by_key(rank)
    }

    /// Whether more than four fifths of any limit are spent.
    #[must_use]
    pub fn nearly_exhausted(&self) -> bool {
        self.limits().filter(|it| !it.is_observed()).any(|it| {
            let remaining = it.remaining();
            remaining == 0 || u128::from(remaining) * 5 < u128::from(it.limit.capacity())
        })
    }
}

impl<'a> LimitStanding<'a> {
    /// The limit.
    #[must_use]
    pub const fn limit(&self) -> &'a Limit {
        self.limit
    }

    /// The policy that the limit is of.
    #[must_use]
    pub const fn policy(&self) -> &'a Policy {
        self.policy
    }

    /// What it still has room for.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.left.remaining
    }

    /// How long until it has room for more than now, if nothing else passes; 0 if nothing is
    /// spent, and of a concurrency limit, which cannot know.
    #[must_use]
    pub const fn reset(&self) -> Duration {
        Duration::from_nanos(self.left.reset)
    }

    /// Whether it had no room for what was asked. Also true of an observed limit that would have
    /// refused.
    #[must_use]
    pub const fn is_violated(&self) -> bool {
        self.left.wait.is_some()
    }

    /// Whether it only counts, and refuses nobody.
    #[must_use]
    pub fn is_observed(&self) -> bool {
        self.policy.is_observed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_is_the_one_to_run_into_first() {
        let tightest = |left: &[(u64, u64)]| {
            let standing = standing(left);
            standing.tightest().map(|it| it.limit().name().to_string())
        };
        assert_eq!(tightest(&[(5, 1), (4, 1)]).as_deref(), Some("1"));
        assert_eq!(tightest(&[(0, 9), (0, 90), (0, 8)]).as_deref(), Some("1"));
        assert_eq!(tightest(&[(3, 7), (3, 7)]).as_deref(), Some("0"));
        assert_eq!(tightest(&[]), None);
    }

    #[test]
    fn nearly_exhausted_begins_above_80_percent() {
        for (left, expected) in [
            (vec![20], false),
            (vec![19], true),
            (vec![100, 0], true),
            (vec![100, 100], false),
            (vec![], false),
        ] {
            let left: Vec<_> = left.into_iter().map(|it| (it, 1)).collect();
            assert_eq!(standing(&left).nearly_exhausted(), expected, "{left:?}");
        }
    }

    #[test]
    fn what_went_back_is_left_again() {
        let minute = Duration::from_secs(60);
        let first = Policy::new([Limit::calendar_day("a", 9)]).unwrap();
        let bucket = Limit::token_bucket("b", 1, minute, 9);
        let second = [bucket, Limit::concurrency("c", 9), Limit::sliding("d", 9, minute)];
        let mut standing = Standing::default();
        standing.push_policy(&first);
        standing.push_policy(&Policy::new(second).unwrap());
        for remaining in [3, 4, 5, 8] {
            standing.push(Left { remaining, reset: 7, wait: None });
        }
        standing.give_back(1, 2);
        let left: Vec<_> = standing.left.iter().map(|it| (it.remaining, it.reset)).collect();
        assert_eq!(left, [(3, 7), (6, 7), (5, 7), (9, 0)]);
    }

    fn standing(left: &[(u64, u64)]) -> Standing {
        let limits = (0..left.len()).map(|it| Limit::calendar_day(it.to_string(), 100));
        let mut standing = Standing::default();
        standing.push_policy(&Policy::new(limits).unwrap());
        for (remaining, reset) in left {
            standing.push(Left { remaining: *remaining, reset: *reset, wait: None });
        }
        standing
    }
}
