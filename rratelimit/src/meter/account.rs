//! Where what was counted goes.

use std::fmt;
use std::sync::Arc;

use http::Extensions;
use rrcore::Now;

use crate::admission::Admission;
use crate::charge::Charge;
use crate::key::Key;
use crate::policy::Policy;
use crate::store::Store;

/// A store, whatever its type.
pub(crate) trait Ledger: Send + Sync {
    /// What was taken by the policy with this label for the request with these extensions.
    fn admitted(&self, extensions: &Extensions, label: &str) -> Option<Account>;

    /// Adds to what was spent.
    fn add(&self, charge: Charge<'_>, now: Now);
}

/// What was taken in advance, if anything, and from whom.
pub(crate) struct Account {
    policy: Policy,
    key: Key,
    // The admission, and where in it.
    reserved: Option<(Arc<dyn Settle>, usize)>,
    amount: u64,
}

trait Settle: Send + Sync {
    /// Says whether that was still to be told.
    fn settle(&self, position: usize, actual: u64, now: Now) -> bool;
}

impl Account {
    /// Nothing was taken.
    pub(crate) fn of(charge: Charge<'_>) -> Self {
        let Charge { policy, key, .. } = charge;
        Self { policy: policy.clone(), key, reserved: None, amount: 0 }
    }

    /// How much was taken.
    pub(crate) const fn reserved(&self) -> u64 {
        self.amount
    }

    /// It turns out to cost `counted`.
    ///
    /// What was taken in excess goes back into its window. What was not foreseen is spent now, in the
    /// window that is now: the other may be over, and it would cost nothing.
    pub(crate) fn settle(&self, ledger: &dyn Ledger, counted: u64, now: Now) {
        let Self { policy, key, amount, .. } = self;
        let settled = self.reserved.as_ref().is_some_and(|(admission, position)| {
            admission.settle(*position, counted.min(*amount), now)
        });
        let paid = if settled { *amount } else { 0 };
        let cost = counted.saturating_sub(paid);
        if cost > 0 {
            ledger.add(Charge { policy, key: *key, cost }, now);
        }
    }
}

impl<St: Store> Ledger for St {
    fn admitted(&self, extensions: &Extensions, label: &str) -> Option<Account> {
        let admission = extensions.get::<Arc<Admission<St>>>()?;
        let (position, charge) = admission.charge(label)?;
        let settle = || (Arc::clone(admission) as Arc<dyn Settle>, position);
        let reserved = (charge.cost > 0).then(settle);
        Some(Account { reserved, amount: charge.cost, ..Account::of(charge) })
    }

    fn add(&self, charge: Charge<'_>, now: Now) {
        Store::add(self, &[charge], now);
    }
}

impl<St: Store> Settle for Admission<St> {
    fn settle(&self, position: usize, actual: u64, now: Now) -> bool {
        Self::settle(self, position, actual, now)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("key", &self.key).field("amount", &self.amount).finish()
    }
}
