//! What is counted of connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Of all listeners that share it.
#[derive(Debug, Default)]
pub struct ConnectionCounts {
    open: AtomicU64,
    malformed: AtomicU64,
}

/// A connection that is open until this is dropped.
#[derive(Debug)]
pub(super) struct OpenConnection {
    counts: Arc<ConnectionCounts>,
}

impl ConnectionCounts {
    /// Connections that are open.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.open.load(Relaxed)
    }

    /// Connections that were closed since what came was no request.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.malformed.load(Relaxed)
    }

    pub(super) fn spoil(&self) {
        self.malformed.fetch_add(1, Relaxed);
    }
}

impl OpenConnection {
    pub(super) fn of(counts: &Arc<ConnectionCounts>) -> Self {
        counts.open.fetch_add(1, Relaxed);
        Self { counts: Arc::clone(counts) }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.counts.open.fetch_sub(1, Relaxed);
    }
}
