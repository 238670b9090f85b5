//! What the store is told without anybody waiting for it.

use super::terms::Terms;

/// A change of what one key has spent of one limit.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(crate) name: Vec<u8>,
    pub(crate) terms: Terms,
    pub(crate) change: Change,
    /// Which it is of those that spend, in the order in which they are told; 0 of others.
    pub(crate) number: u64,
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

impl Change {
    /// How much it spends, and of which window, if not of the one that it is when it is told; `None`
    /// if nothing.
    pub(crate) fn spent(&self) -> Option<(u64, Option<u64>)> {
        match self {
            Self::Add(units) => Some((*units, None)),
            Self::GiveBack { mark, units } if *units < 0 => {
                Some((units.unsigned_abs(), Some(*mark)))
            }
            Self::GiveBack { .. } | Self::Release(_) => None,
        }
    }

    /// The same of so many units that are spent.
    pub(crate) fn of(self, units: u64) -> Self {
        let spent = 0_i64.saturating_sub_unsigned(units);
        match self {
            Self::Add(_) => Self::Add(units),
            Self::GiveBack { mark, .. } => Self::GiveBack { mark, units: spent },
            Self::Release(_) => self,
        }
    }
}

/// So many are told at a time.
pub(crate) const LARGEST_BATCH: usize = 128;
