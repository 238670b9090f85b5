//! What the store is told without anybody waiting for it.

use super::terms::Terms;

/// A change of what one key has spent of one limit.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(crate) name: Vec<u8>,
    pub(crate) terms: Terms,
    pub(crate) change: Change,
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// To be counted in the window that it is when it is told.
    Add(u64),
    /// To go back into the window they were taken from; less than none: to be taken of it too.
    GiveBack { mark: u64, units: i64 },
    /// A permit that is held no more.
    Release(Vec<u8>),
}

/// So many are told at a time.
pub(crate) const LARGEST_BATCH: usize = 128;
