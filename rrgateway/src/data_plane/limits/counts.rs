//! Where requests are counted: in this process, or where several gateways look.

use std::sync::Arc;
use std::time::Duration;

#[cfg(not(feature = "redis"))]
use rratelimit::Never as Later;
#[cfg(feature = "redis")]
use rratelimit::{Asking as Later, RedisStore};
use rratelimit::{Charge, Decision, Key, Limiter, Policy, Receipt, Store, Taking, Unavailable};
use rrcore::Now;

/// What was spent. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Counts {
    /// By this process.
    Local(Arc<Limiter>),
    /// By all gateways that share a store.
    #[cfg(feature = "redis")]
    Shared(RedisStore),
}

/// What was spent of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    pub spent: u64,
    /// When all of it counts no more (time since the Unix epoch).
    pub resets_at: Option<Duration>,
}

impl Counts {
    /// Whether other gateways count there, too.
    pub const fn are_shared(&self) -> bool {
        match self {
            Self::Local(_) => false,
            #[cfg(feature = "redis")]
            Self::Shared(_) => true,
        }
    }

    /// What `key` has spent of each limit of `policy`; of a shared store, as far as this gateway has
    /// let it pass: the store is not asked.
    pub fn usage(&self, policy: &Policy, key: Key, now: Now) -> Vec<Tally> {
        let usage = match self {
            Self::Local(limiter) => limiter.usage(policy, key, now),
            #[cfg(feature = "redis")]
            Self::Shared(store) => store.usage_here(policy, key, now),
        };
        usage.iter().map(|it| Tally { spent: it.spent, resets_at: it.resets_at }).collect()
    }
}

#[cfg(feature = "redis")]
impl Counts {
    /// What each has spent of each limit of its policy on all gateways; `None` where there is no
    /// store that they share, or it does not say in time.
    pub fn usage_of_all(&self, asked: &[(&Policy, Key)], now: Now) -> Option<Vec<Vec<Tally>>> {
        let Self::Shared(store) = self else { return None };
        let tally = |it: &rratelimit::Usage<'_>| Tally { spent: it.spent, resets_at: it.resets_at };
        let usage = store.usage(asked, now)?;
        Some(usage.iter().map(|it| it.iter().map(tally).collect()).collect())
    }
}

#[cfg(not(feature = "redis"))]
impl Counts {
    /// Gateways share nothing.
    pub const fn usage_of_all(&self, _: &[(&Policy, Key)], _: Now) -> Option<Vec<Vec<Tally>>> {
        None
    }
}

impl Store for Counts {
    type Later = Later;

    fn take(&self, charges: &[Charge<'_>], now: Now) -> Taking<Later> {
        match self {
            Self::Local(limiter) => Taking::Now(Ok(Limiter::take(limiter, charges, now))),
            #[cfg(feature = "redis")]
            Self::Shared(store) => store.take(charges, now),
        }
    }

    fn foresee(&self, charges: &[Charge<'_>], now: Now) -> Result<Decision, Unavailable> {
        match self {
            Self::Local(limiter) => Ok(Limiter::foresee(limiter, charges, now)),
            #[cfg(feature = "redis")]
            Self::Shared(store) => store.foresee(charges, now),
        }
    }

    fn add(&self, charges: &[Charge<'_>], now: Now) {
        match self {
            Self::Local(limiter) => limiter.add(charges, now),
            #[cfg(feature = "redis")]
            Self::Shared(store) => store.add(charges, now),
        }
    }

    fn refund(&self, receipt: &Receipt, now: Now) {
        match self {
            Self::Local(limiter) => limiter.refund(receipt, now),
            #[cfg(feature = "redis")]
            Self::Shared(store) => store.refund(receipt, now),
        }
    }

    fn settle(&self, receipt: &Receipt, position: usize, actual: u64, now: Now) {
        match self {
            Self::Local(limiter) => limiter.settle(receipt, position, actual, now),
            #[cfg(feature = "redis")]
            Self::Shared(store) => store.settle(receipt, position, actual, now),
        }
    }

    fn release(&self, receipt: &Receipt) {
        match self {
            Self::Local(limiter) => limiter.release(receipt),
            #[cfg(feature = "redis")]
            Self::Shared(store) => store.release(receipt),
        }
    }
}
