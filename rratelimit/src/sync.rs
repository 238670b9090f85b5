//! The locks. A test puts others in their place, to try every order in which threads can come.

pub(crate) use std::sync::{Mutex, MutexGuard};

use std::sync::{PoisonError, TryLockError};

/// Locks it. Who has to wait tries again after ever longer pauses, before it sleeps: a decision takes
/// less time than waking somebody does, and who leaves the line of the cache alone for a while lets
/// the other make many.
#[inline]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex.try_lock() {
        Ok(guard) => guard,
        Err(TryLockError::Poisoned(it)) => it.into_inner(),
        Err(TryLockError::WouldBlock) => wait_for(mutex),
    }
}

#[cold]
fn wait_for<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    for doubled in 0..PAUSES {
        for _ in 0..1_u32 << doubled {
            std::hint::spin_loop();
        }
        match mutex.try_lock() {
            Ok(guard) => return guard,
            Err(TryLockError::Poisoned(it)) => return it.into_inner(),
            Err(TryLockError::WouldBlock) => {}
        }
    }
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// Some microseconds in all.
const PAUSES: u32 = 7;
