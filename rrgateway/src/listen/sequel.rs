//! What a connection goes on as when its HTTP is over.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Where a service leaves what its connection turns into after a 101: an extension of requests
/// that have an `Upgrade`.
///
/// It runs in the connection's own task, so that it goes on to count as one of the listener's
/// connections, and is waited for when the listener drains.
#[derive(Clone, Default)]
pub struct Sequel {
    next: Arc<Mutex<Option<Next>>>,
    is_set: Arc<AtomicBool>,
}

type Next = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Sequel {
    /// Lets the connection go on as `next`, if it is still there when the 101 has been sent.
    pub fn set(&self, next: impl Future<Output = ()> + Send + 'static) {
        self.is_set.store(true, Ordering::Relaxed);
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::pin(next));
    }

    pub(super) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Relaxed)
    }

    pub(super) fn take(&self) -> Option<Next> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Sequel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequel").finish_non_exhaustive()
    }
}
