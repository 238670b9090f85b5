//! What the API works on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rrcore::Clock;
use tokio::sync::Semaphore;

use crate::control_plane::store::owner::Owner;
use crate::control_plane::store::reader::Reader;
use crate::control_plane::store::writer::Writer;
use crate::model::{Acceptance, EgressPolicy, Explain, Publisher, SecretSink, Usage};
use crate::telemetry::Metrics;

/// Shared by all requests.
pub(crate) struct Api {
    pub(crate) writer: Writer,
    pub(crate) records: Reader,
    pub(crate) activity: Reader,
    pub(crate) owner: Owner,
    pub(crate) publisher: Publisher,
    pub(crate) egress: EgressPolicy,
    pub(crate) explain: Arc<dyn Explain>,
    pub(crate) usage: Arc<dyn Usage>,
    /// The data plane's vault, which cannot be read through it.
    pub(crate) secrets: Arc<dyn SecretSink>,
    /// Held while rules are compared: it takes a processor, and memory.
    pub(crate) comparing: Arc<Semaphore>,
    pub(crate) clock: Clock,
    /// Where the data plane is reached, without a slash at the end.
    pub(crate) data_url: Arc<str>,
    /// Names besides the loopback ones by which this listener may be called, as `host_name` writes them.
    pub(crate) hosts: Vec<String>,
    pub(crate) draining: AtomicBool,
    pub(crate) seen: Seen,
    pub(crate) metrics: Metrics,
}

/// When the control plane first knew what the data plane says now.
#[derive(Default)]
pub(crate) struct Seen {
    last: Mutex<(Acceptance, i64)>,
}

impl Api {
    /// Whether requests would be served: a revision is, and nobody has asked to stop.
    pub(crate) fn is_ready(&self) -> bool {
        !self.draining.load(Ordering::Relaxed) && self.publisher.acceptance().serving > 0
    }

    /// What the data plane says, and since when as far as is known here (milliseconds since the
    /// Unix epoch).
    pub(crate) fn acceptance(&self) -> (Acceptance, i64) {
        let now = self.clock.now().wall.as_millis();
        let said = self.publisher.acceptance();
        let mut last = self.seen.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != said {
            *last = (said, i64::try_from(now).unwrap_or(i64::MAX));
        }
        last.clone()
    }
}
