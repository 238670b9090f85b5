//! How the control plane does, for who watches it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use crate::control_plane::api::Api;
use crate::telemetry::{Measured, Sheet};

/// The control plane, seen from outside.
pub(crate) struct Standing {
    // It holds the metrics that this is a part of.
    api: Weak<Api>,
    lost: Arc<AtomicU64>,
}

impl Standing {
    /// Of what `api` works on; so many audit records were `lost`.
    pub(crate) fn of(api: &Arc<Api>, lost: Arc<AtomicU64>) -> Self {
        Self { api: Arc::downgrade(api), lost }
    }
}

impl Measured for Standing {
    fn measure(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        sheet.counter("rrgateway_audit_records_unwritten", LOST, self.lost.load(Relaxed))?;
        let Some(api) = self.api.upgrade() else { return Ok(()) };
        sheet.gauge("rrgateway_ready", READY, api.is_ready().into())?;
        let current = api.writer.current().number;
        sheet.gauge("rrgateway_revision_current", CURRENT, current)?;
        let serving = api.publisher.acceptance().serving;
        sheet.gauge("rrgateway_revision_serving", SERVING, serving)
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing").field("lost", &self.lost).finish_non_exhaustive()
    }
}

const LOST: &str = "Audit records that could not be written down.";
const READY: &str =
    "1 while requests would be served: a revision is, and nobody has asked to stop.";
const CURRENT: &str = "The revision that was written last.";
const SERVING: &str = "The revision that is served.";
