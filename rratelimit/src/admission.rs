//! What let a request in, for stages further inside.

use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;

use rrcore::{Clock, Now};
use smallvec::SmallVec;

use crate::charge::{Charge, Charged, Receipt};
use crate::store::Store;

/// What a [`RateLimitLayer`](crate::RateLimitLayer) took for a request: it is in the request's
/// extensions, as an `Arc<Admission<St>>`. Of several such layers, the innermost one's.
///
/// Each charge is settled or refunded once, whoever comes first. An estimate that nobody settles is
/// given back when the last handle on this is dropped: the request never came to where its cost is
/// known.
pub struct Admission<St: Store> {
    store: St,
    receipt: Receipt,
    clock: Clock,
    // Which charges are settled. Held for a moment, by the one request that it is about.
    settled: Mutex<SmallVec<[bool; 4]>>,
}

impl<St: Store> Admission<St> {
    /// What `receipt` says was taken from `store`, which is asked by the time of `clock`.
    pub fn new(store: St, receipt: Receipt, clock: Clock) -> Self {
        let settled = receipt.charges().map(|_| false).collect();
        Self { store, receipt, clock, settled: Mutex::new(settled) }
    }

    /// What was taken.
    pub const fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Where it was taken.
    pub const fn store(&self) -> &St {
        &self.store
    }

    /// The charge of the policy with this [label](crate::Policy::label), and its position.
    #[must_use]
    pub fn charge(&self, label: &str) -> Option<(usize, Charge<'_>)> {
        let position = self.receipt.position(label)?;
        Some((position, self.receipt.charges().nth(position)?))
    }

    /// The charge at `position` turns out to cost `actual`; see
    /// [`Limiter::settle`](crate::Limiter::settle). Says whether it was still open: settled
    /// charges stay as they are.
    pub fn settle(&self, position: usize, actual: u64, now: Now) -> bool {
        let is_open = self.close(position);
        if is_open {
            self.store.settle(&self.receipt, position, actual, now);
        }
        is_open
    }

    /// Puts back every charge that is still open.
    pub fn refund(&self, now: Now) {
        self.give_back(now);
    }

    /// As [`refund`](Self::refund); says which charges that were.
    pub(crate) fn give_back(&self, now: Now) -> SmallVec<[usize; 4]> {
        let open: SmallVec<[usize; 4]> =
            (0..self.receipt.charges.len()).filter(|it| self.close(*it)).collect();
        if open.len() == self.receipt.charges.len() {
            self.store.refund(&self.receipt, now);
        } else {
            open.iter().for_each(|it| self.store.settle(&self.receipt, *it, 0, now));
        }
        open
    }

    fn close(&self, position: usize) -> bool {
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        settled.get_mut(position).is_some_and(|it| !std::mem::replace(it, true))
    }
}

impl<St: Store> Drop for Admission<St> {
    fn drop(&mut self) {
        for position in 0..self.receipt.charges.len() {
            let is_estimate = |it: &Charged| it.policy.is_estimated() && it.cost > 0;
            if self.receipt.charges.get(position).is_some_and(is_estimate) {
                self.settle(position, 0, self.clock.now());
            }
        }
    }
}

impl<St: Store> fmt::Debug for Admission<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("receipt", &self.receipt).finish_non_exhaustive()
    }
}
