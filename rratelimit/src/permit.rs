//! What is given back however a request ends.

use crate::charge::Receipt;
use crate::store::Store;

/// Holds what concurrency limits count for one request, and gives it back when it is dropped: at
/// the end of a response's body, when a client leaves, when a future is given up, in a panic.
#[derive(Debug)]
#[must_use]
pub struct Permit<St: Store> {
    store: St,
    receipt: Receipt,
}

impl<St: Store> Permit<St> {
    /// Holds what `receipt` says, for `store`. `None` where no limit counts what is running.
    pub fn of(store: &St, receipt: &Receipt) -> Option<Self> {
        let held = || Self { store: store.clone(), receipt: receipt.clone() };
        receipt.holds_permits().then(held)
    }
}

impl<St: Store> Drop for Permit<St> {
    fn drop(&mut self) {
        self.store.release(&self.receipt);
    }
}
