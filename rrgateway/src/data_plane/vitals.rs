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
}

impl Connections {
    /// Those of all listeners that share `limits`.
    pub(crate) const fn of(limits: Limits) -> Self {
        Self { limits }
    }
}

impl Measured for Connections {
    fn measure(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let Limits { counts, max_connections, .. } = &self.limits;
        sheet.gauge("rrgateway_connections", OPEN, counts.open())?;
        sheet.gauge("rrgateway_connections_max", MOST, *max_connections as u64)?;
        sheet.counter("rrgateway_connections_malformed", MALFORMED, counts.malformed())
    }
}

const REVISIONS: &str = "Revisions of the configuration that were offered.";
const OUTCALLS: &str = "Calls to key servers, token endpoints and introspection.";
const OPEN: &str = "Connections of callers that are open.";
const MOST: &str = "Connections of callers that may be open; more wait.";
const MALFORMED: &str = "Connections that were closed since what came was no request.";
