//! What was fetched, and when.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use rrcore::Now;

/// A fetched document, parsed. A handle: clones share it.
pub struct Document<T> {
    pub(crate) value: Arc<T>,
    /// The SHA-256 of its bytes.
    pub(crate) digest: [u8; 32],
    /// How long after `fetched` it is the newest there is.
    pub(crate) lifetime: Duration,
    /// When it was asked for, by the monotonic clock.
    pub(crate) fetched: Duration,
    /// Which fetch brought it.
    pub(crate) serial: u64,
}

impl<T> Document<T> {
    /// Whether it is within its lifetime. If not, its server has not answered since.
    #[must_use]
    pub fn is_fresh(&self, now: Now) -> bool {
        self.age(now) < self.lifetime
    }

    /// The time since it was asked for.
    #[must_use]
    pub fn age(&self, now: Now) -> Duration {
        now.monotonic.saturating_sub(self.fetched)
    }
}

impl<T> Deref for Document<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

// By hand: `T` is shared, so it need not be `Clone`; nor `Debug`, and it may be secret.
impl<T> Clone for Document<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), ..*self }
    }
}

impl<T> fmt::Debug for Document<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("fetched", &self.fetched).finish_non_exhaustive()
    }
}
