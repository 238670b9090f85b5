//! What the data plane does besides requests: revisions, connections, calls of its own.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::listen::Limits;
use crate::telemetry::{Measured, Sheet};

/// Counts of it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vitals {
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    accepted: AtomicU64,
    rejected: AtomicU64,
    answered: AtomicU64,
    failed: AtomicU64,
}

impl Vitals {
    /// A revision is served, or it was refused.
    pub(crate) fn revision(&self, is_accepted: bool) {
        let Counts { accepted, rejected, .. } = &*self.counts;
        if is_accepted { accepted } else { rejected }.fetch_add(1, Relaxed);
    }

    /// A call to a key server or a token endpoint had an answer, or none.
    pub(crate) fn outcall(&self, is_answered: bool) {
        let Counts { answered, failed, .. } = &*self.counts;
        if is_answered { answered } else { failed }.fetch_add(1, Relaxed);
    }
}

impl Measured for Vitals {
    fn measure(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let Counts { accepted, rejected, answered, failed } = &*self.counts;
        let revisions = [
            ([("outcome", "accepted")], accepted.load(Relaxed)),
            ([("outcome", "rejected")], rejected.load(Relaxed)),
        ];
        sheet.counters("rrgateway_revisions", REVISIONS, revisions)?;
        let calls = [
            ([("outcome", "answered")], answered.load(Relaxed)),
            ([("outcome", "failed")], failed.load(Relaxed)),
        ];
        sheet.counters("rrgateway_outcalls", OUTCALLS, calls)
    }
}

/// The connections of callers.
#[derive(Debug)]
pub(crate) struct Connections {
    limits: Limits,
    listeners: usize,
}

impl Connections {
    /// Those that `listeners` share `limits` for.
    pub(crate) const fn of(limits: Limits, listeners: usize) -> Self {
        Self { limits, listeners }
    }
}

impl Measured for Connections {
    fn measure(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let most = self.limits.max_connections;
        let taken = most.saturating_sub(self.limits.connections.available_permits());
        // Each listener holds a place for the next one.
        let open = taken.saturating_sub(self.listeners);
        sheet.gauge("rrgateway_connections", OPEN, open as u64)?;
        sheet.gauge("rrgateway_connections_max", MOST, most as u64)
    }
}

const REVISIONS: &str = "Revisions of the configuration that were offered.";
const OUTCALLS: &str = "Calls to key servers, token endpoints and introspection.";
const OPEN: &str = "Connections of callers that are open.";
const MOST: &str = "Connections of callers that may be open; more wait.";
