//! Several filters say one thing to a value.

use super::stage::Verdict;

/// What the stages say to a value together.
pub(super) struct Together {
    /// So many see it, and look at what is in it.
    pub(super) alive: usize,
    pub(super) is_dropped: bool,
    /// The last stage that replaces it.
    pub(super) replaced: Option<usize>,
    /// Some stage has to look at what is in it.
    pub(super) looks: bool,
    /// Nothing is said to it.
    pub(super) passes: bool,
}

impl Together {
    /// What the only stage says.
    #[inline(always)]
    pub(super) fn alone(verdict: Verdict) -> Self {
        let is_dropped = matches!(verdict, Verdict::Destroy(_) | Verdict::Drop);
        let is_replaced = matches!(verdict, Verdict::Replace(_));
        Self {
            alive: 1,
            is_dropped,
            replaced: is_replaced.then_some(0),
            looks: verdict == Verdict::Look,
            passes: verdict == Verdict::Pass,
        }
    }
}
