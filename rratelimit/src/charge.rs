//! What a request costs, and what it was charged.

use smallvec::SmallVec;

use crate::key::Key;
use crate::policy::Policy;
use crate::window::Mark;

/// So much, from what `key` may spend by `policy`.
#[derive(Clone, Copy, Debug)]
pub struct Charge<'a> {
    /// How much may be spent.
    pub policy: &'a Policy,
    /// Whose counts.
    pub key: Key,
    /// How much this takes of each limit of the policy; 1 for a request that counts as one. A
    /// concurrency limit is always charged with 1. With 0, nothing is taken, but a limit with
    /// nothing left refuses.
    pub cost: u64,
}

/// What was taken, and of which windows: so that it can go back into these and no others.
///
/// Outlives the policy that was in force. Losing it changes nothing: what was taken stays taken;
/// but what a concurrency limit counted stays counted until [`Limiter::release`] gets the receipt.
///
/// [`Limiter::release`]: crate::Limiter::release
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Receipt {
    pub(crate) charges: SmallVec<[Charged; 1]>,
    // One for each limit of each policy, in that order: what its counter calls the window.
    pub(crate) marks: SmallVec<[Mark; 3]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charged {
    pub(crate) policy: Policy,
    pub(crate) key: Key,
    pub(crate) cost: u64,
    /// Taken of what those share who found no room.
    pub(crate) is_shared: bool,
}

impl<'a> Charge<'a> {
    /// One request of `key`.
    #[must_use]
    pub const fn one(policy: &'a Policy, key: Key) -> Self {
        Self { policy, key, cost: 1 }
    }
}

impl Receipt {
    /// What was charged, in the order of the charges.
    pub fn charges(&self) -> impl ExactSizeIterator<Item = Charge<'_>> {
        self.charges.iter().map(|it| Charge { policy: &it.policy, key: it.key, cost: it.cost })
    }

    /// Where among the charges that of the policy with this label is.
    #[must_use]
    pub fn position(&self, label: &str) -> Option<usize> {
        self.charges.iter().position(|it| &**it.policy.get_label() == label)
    }

    /// Whether something is to be released: whether a limit counts what runs at the same time.
    #[must_use]
    pub fn holds_permits(&self) -> bool {
        self.charges.iter().any(|it| it.policy.has_concurrency())
    }

    /// Each charge with the marks of its limits.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&Charged, &[Mark])> {
        let mut rest = &*self.marks;
        self.charges.iter().map(move |it| {
            let (marks, others) =
                rest.split_at_checked(it.policy.limits().len()).unwrap_or((rest, &[]));
            rest = others;
            (it, marks)
        })
    }
}
