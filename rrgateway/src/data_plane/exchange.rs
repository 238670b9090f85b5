//! What is noted about one request while it is served, for the record at its end.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rrcore::Context;
use tokio::time::Instant;

use crate::model::{Consumer, Proxy};

/// A handle on the notes of one request: a request extension.
#[derive(Clone, Debug)]
pub struct Exchange {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    context: Context,
    progress: Arc<Progress>,
    // Held for one assignment, by the one task that drives the request.
    notes: Mutex<Notes>,
}

/// How far a request's body has been read.
#[derive(Debug, Default)]
pub struct Progress {
    /// So many bytes.
    pub bytes: AtomicU64,
    /// Of so many; none, where nobody has said.
    pub length: OnceLock<u64>,
    /// To its end.
    pub ended: AtomicBool,
    /// What is missing has been asked for, and has not come yet.
    pub awaited: AtomicBool,
    // When some of it came last.
    moved: Mutex<Option<Instant>>,
}

/// What has been noted so far.
#[derive(Debug, Default)]
pub struct Notes {
    /// As sent, but no longer than a method can be.
    pub method: String,
    /// Canonical, without the prefix; as sent where it has no single reading.
    pub path: String,
    /// The names in the query.
    pub query_keys: Vec<String>,
    /// The `User-Agent`, shortened.
    pub user_agent: Option<String>,
    /// The proxy, once it is known.
    pub proxy: Option<Arc<Proxy>>,
    /// Who is calling, once it was let in.
    pub caller: Option<Arc<Consumer>>,
    /// The revision that decides.
    pub revision: u64,
    /// Whether the request got as far as `route`: only then is there a record.
    pub routed: bool,
    /// What the upstream did.
    pub upstream: Option<UpstreamNotes>,
}

/// What the upstream did.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamNotes {
    /// Its status, if it gave one.
    pub status: Option<u16>,
    /// From sending to its headers, or to giving up; of all calls together.
    pub took: Duration,
    /// How many times it was called.
    pub attempts: u32,
}

impl Exchange {
    /// Begins the notes of a request.
    #[must_use]
    pub fn new(context: Context) -> Self {
        let inner = Inner { context, progress: Arc::default(), notes: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// The request's context.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.inner.context
    }

    /// Where the body says how far it has been read.
    #[must_use]
    pub fn progress(&self) -> &Arc<Progress> {
        &self.inner.progress
    }

    /// The notes, to read or to add to. Do not hold them across an await.
    pub fn notes(&self) -> MutexGuard<'_, Notes> {
        self.inner.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    /// Some more of it has come.
    pub fn note(&self) {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// How much longer whoever reads it may take until he answers, when `limit` has passed: that counts
    /// from the last of the body, and does not while the client is awaited, which has a limit of its
    /// own. `None`: no longer.
    #[must_use]
    pub fn grants(&self, limit: Duration) -> Option<Duration> {
        if self.awaited.load(Ordering::Relaxed) && self.left() > 0 {
            return Some(limit);
        }
        let moved = *self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        limit.checked_sub(moved?.elapsed()).filter(|it| !it.is_zero())
    }

    /// Bytes that have not been read, as far as anybody knows.
    #[must_use]
    pub fn left(&self) -> u64 {
        if self.ended.load(Ordering::Relaxed) {
            return 0;
        }
        let length = self.length.get().copied().unwrap_or(u64::MAX);
        length.saturating_sub(self.bytes.load(Ordering::Relaxed))
    }
}
