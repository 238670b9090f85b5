//! What operators see of a store.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::breaker::BreakerState;
use super::trouble::StoreTrouble;

/// How it stands between this node and its store: a snapshot, in numbers to be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreState {
    /// Whether the store is asked. While it is not `Closed`, limits go by what they say for that
    /// case.
    pub breaker: BreakerState,
    /// Why it is not asked; nothing while it is, and before it was asked for the first time.
    pub trouble: Option<StoreTrouble>,
    /// Nodes that are alive, this one included; while the store is gone, as last known.
    pub live_nodes: u64,
    /// Units that this node has leased and not spent, over all keys: by so much, and by as much on
    /// each other node, may limits be exceeded that slide. 0 in the exact mode.
    pub outstanding_leases: u64,
    /// The most that has been at once.
    pub most_outstanding_leases: u64,
    /// Calls that the store did not answer, in time or at all.
    pub failed_calls: u64,
    /// How often the breaker has opened, or stayed open at the start.
    pub opened: u64,
    /// Requests let through by a limit that allows what cannot be checked.
    pub fail_opens: u64,
    /// Requests refused by a limit that denies what cannot be checked.
    pub denials: u64,
    /// Requests decided by this node's share of a limit, because the store could not.
    pub shares: u64,
    /// Whether the nodes that are alive make their keys under another [`Seed`](crate::Seed). With
    /// them nothing can be shared, so it is as if the store were gone.
    pub has_foreign_seed: bool,
    /// What was to be counted, added or given back, and the store was not told: there was more of it
    /// than is kept.
    pub lost_updates: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) most_outstanding: AtomicU64,
    pub(crate) failed_calls: AtomicU64,
    pub(crate) opened: AtomicU64,
    pub(crate) fail_opens: AtomicU64,
    pub(crate) denials: AtomicU64,
    pub(crate) shares: AtomicU64,
    pub(crate) lost_updates: AtomicU64,
    pub(crate) has_foreign_seed: AtomicBool,
}

impl Counters {
    pub(crate) fn outstanding(&self, now: u64) {
        self.most_outstanding.fetch_max(now, Relaxed);
    }

    pub(crate) fn state(
        &self,
        (breaker, trouble): (BreakerState, Option<StoreTrouble>),
        live_nodes: u64,
        outstanding_leases: u64,
    ) -> StoreState {
        StoreState {
            breaker,
            trouble,
            live_nodes,
            outstanding_leases,
            most_outstanding_leases: self.most_outstanding.load(Relaxed),
            failed_calls: self.failed_calls.load(Relaxed),
            opened: self.opened.load(Relaxed),
            fail_opens: self.fail_opens.load(Relaxed),
            denials: self.denials.load(Relaxed),
            shares: self.shares.load(Relaxed),
            has_foreign_seed: self.has_foreign_seed.load(Relaxed),
            lost_updates: self.lost_updates.load(Relaxed),
        }
    }
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
