//! The locks. A test puts others in their place, to try every order in which threads can come.

pub(crate) use std::sync::{Mutex, MutexGuard};

use std::sync::{PoisonError, TryLockError};

/// Locks it. Who has to wait tries again after a pause, and after a longer one, before it sleeps: a
/// decision takes less time than waking somebody does. The first pause is as long as some hundred
/// decisions already: a key that two ask for all the time then stays with one of them for that long,
/// and does not go from one processor's cache to the other's with each, which takes longer than to
/// decide. With shorter pauses, two decide less in a time than one.
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
        for _ in 0..FIRST_PAUSE << doubled {
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

// Some ten microseconds, and thirty in all, where a pause takes as long as anywhere.
const FIRST_PAUSE: u32 = 256;
const PAUSES: u32 = 2;
