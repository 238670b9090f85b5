//! What the store is told without anybody waiting for it.

use super::script::Run;
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
    /// To be counted in the window that it is now.
    Add(u64),
    /// To go back into the window they were taken from; less than none: to be taken of it too.
    GiveBack { mark: u64, units: i64 },
    /// A permit that is held no more.
    Release(Vec<u8>),
}

/// As few runs of the two scripts as say all of `updates`.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// For `take.lua`, with the number of its limits.
    pub(crate) adds: Run,
    /// For `refund.lua`.
    pub(crate) returns: Run,
}

impl Batch {
    pub(crate) fn of(updates: impl IntoIterator<Item = Update>) -> Self {
        let mut batch = Self::default();
        batch.adds.number(1);
        batch.adds.text("");
        for Update { name, terms, change } in updates {
            match change {
                Change::Add(units) => {
                    batch.adds.keys.push(name);
                    terms.push_on(&mut batch.adds, units, false, 0, 1);
                }
                Change::GiveBack { mark, units } => {
                    let run = &mut batch.returns;
                    run.keys.push(name);
                    terms.push_short_on(run);
                    run.number(mark);
                    run.signed(units);
                }
                Change::Release(permit) => {
                    let run = &mut batch.returns;
                    run.keys.push(name);
                    terms.push_short_on(run);
                    run.name(permit);
                    run.number(1);
                }
            }
        }
        batch
    }
}
