//! Who hears that a limit is nearly spent, or spent.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::charge::Charge;
use crate::key::Key;
use crate::policy::{Limit, Policy};

/// A mark that what was spent has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Threshold {
    /// More than 80 % are spent.
    NearlySpent,
    /// Nothing is left.
    Spent,
}

/// A limit has passed a threshold. Told once in a window, not for each request; of a bucket, and
/// of what runs at the same time, once until less than half is spent again.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Crossing<'a> {
    /// What the limit is of; see [`Policy::label`].
    pub policy: &'a Policy,
    /// The limit.
    pub limit: &'a Limit,
    /// Whose counts.
    pub key: Key,
    /// What was passed.
    pub threshold: Threshold,
}

/// Hears of crossings, on the path of the request: count, send or note, but do not wait.
pub(crate) type Observer = Arc<dyn Fn(&Crossing<'_>) + Send + Sync>;

/// The crossings of one decision: which limit of which charge. Nearly always none.
pub(crate) type Crossed = SmallVec<[(usize, usize, Threshold); 1]>;

/// Tells `observer`; not under a lock.
pub(crate) fn tell(observer: Option<&Observer>, charges: &[Charge<'_>], crossed: &Crossed) {
    let Some(observer) = observer else { return };
    for (charge, limit, threshold) in crossed {
        let Some(charge) = charges.get(*charge) else { continue };
        let Some(limit) = charge.policy.limits().get(*limit) else { continue };
        let (policy, key) = (charge.policy, charge.key);
        observer(&Crossing { policy, limit, key, threshold: *threshold });
    }
}
