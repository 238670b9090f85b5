//! What was decided, and what is left.

use std::sync::Arc;
use std::time::Duration;

use crate::policy::Limit;

/// Whether a request passes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// It passes, and has been counted by every limit.
    Allowed {
        /// What is left after it.
        standing: Standing,
    },
    /// It does not, and has been counted by none.
    Refused {
        /// How long until a caller who is alone with this key, and waits, is let through.
        /// With a limit of 0, which never lets anybody through: its window.
        retry_after: Duration,
        /// What is left. The limits with nothing left are those that refused.
        standing: Standing,
    },
}

/// What is left of each limit of a policy. Also an extension of every limited response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    limits: Arc<[Limit]>,
    // As long as `limits`, and in its order.
    left: Box<[Left]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) remaining: u64,
    pub(crate) reset: Duration,
}

/// What is left of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitStanding<'a> {
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

    /// What is left of each limit.
    #[must_use]
    pub const fn standing(&self) -> &Standing {
        match self {
            Self::Allowed { standing } | Self::Refused { standing, .. } => standing,
        }
    }

    /// What is left of each limit.
    #[must_use]
    pub fn into_standing(self) -> Standing {
        match self {
            Self::Allowed { standing } | Self::Refused { standing, .. } => standing,
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

    /// The limits that refused, in the policy's order; none for a request that passes.
    pub fn violated(&self) -> impl Iterator<Item = &Limit> {
        let exhausted = |it: &LimitStanding<'_>| it.remaining() == 0 && !self.is_allowed();
        self.standing().limits().filter(exhausted).map(|it| it.limit)
    }
}

impl Standing {
    pub(crate) fn new(limits: Arc<[Limit]>, left: Box<[Left]>) -> Self {
        Self { limits, left }
    }

    /// Each limit with what is left of it, in the policy's order.
    pub fn limits(&self) -> impl Iterator<Item = LimitStanding<'_>> {
        self.limits.iter().zip(&self.left).map(|(limit, left)| LimitStanding { limit, left: *left })
    }

    /// Requests that the limit `name` still has room for; `None` if there is no such limit.
    #[must_use]
    pub fn remaining(&self, name: &str) -> Option<u64> {
        self.limits().find(|it| &**it.limit.name() == name).map(|it| it.remaining())
    }

    /// The limit with the fewest requests left; among equals, the one that holds longest.
    /// `None` only for an empty policy.
    #[must_use]
    pub fn tightest(&self) -> Option<LimitStanding<'_>> {
        self.limits().min_by(|a, b| {
            let by_remaining = a.remaining().cmp(&b.remaining());
            by_remaining.then(b.reset().cmp(&a.reset()))
        })
    }

    /// Whether more than four fifths of any limit are spent.
    #[must_use]
    pub fn nearly_exhausted(&self) -> bool {
        self.limits().any(|it| {
            let remaining = it.remaining();
            remaining == 0 || u128::from(remaining) * 5 < u128::from(it.limit.max())
        })
    }
}

impl<'a> LimitStanding<'a> {
    /// The limit.
    #[must_use]
    pub const fn limit(&self) -> &'a Limit {
        self.limit
    }

    /// Requests that it still has room for.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.left.remaining
    }

    /// How long until it has room for more than now, if nothing else passes; 0 if nothing is
    /// spent.
    #[must_use]
    pub const fn reset(&self) -> Duration {
        self.left.reset
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

    fn standing(left: &[(u64, u64)]) -> Standing {
        let limits = (0..left.len()).map(|it| Limit::calendar_day(it.to_string(), 100)).collect();
        let of = |(remaining, reset): &(u64, u64)| Left {
            remaining: *remaining,
            reset: Duration::from_secs(*reset),
        };
        Standing::new(limits, left.iter().map(of).collect())
    }
}
