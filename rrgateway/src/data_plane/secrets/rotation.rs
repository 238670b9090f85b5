//! Changes the master key while everything goes on: a new key, every record under it, the old key
//! gone. Killed at any moment, the next start goes on where it was.
//!
//! 1. The new key is on disk, beside the old one. From here on both are loaded at each start.
//! 2. What is written is sealed under the new key.
//! 3. Each record is sealed anew: opened, sealed, written beside, on disk, renamed.
//! 4. Once all renames are on disk and no record names another key, one rename puts the new key in
//!    the place of the old one.

use std::sync::{Arc, Mutex, PoisonError, TryLockError, Weak};
use std::thread::{self, JoinHandle};

use crate::data_plane::secrets::inner::{Inner, some};
use crate::model::{Rotated, RotationFailed, SecretName};

/// Changes the key, or finishes a change that was begun.
pub(super) fn rotate(inner: &Arc<Inner>) -> Result<Rotated, RotationFailed> {
    let _turn = match inner.rotating.try_lock() {
        Ok(turn) => turn,
        Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
        Err(TryLockError::WouldBlock) => return Err(RotationFailed::Refused(BUSY.to_owned())),
    };
    inner.begin()?;
    tracing::info!(key = %inner.vault().key_id(), "the master key is being changed");
    finish(&Arc::downgrade(inner)).unwrap_or_else(|| unfinished(&"the gateway stops"))
}

/// Finishes what was begun before the start, if anything was, on the thread that is returned.
pub(super) fn settle(inner: &Arc<Inner>) -> Option<JoinHandle<()>> {
    let is_settled = inner.census().is_ok_and(|it| it.stale == 0) && !inner.keys.is_changing();
    if is_settled {
        return None;
    }
    // A thread that lives on its own must not keep the vault alive.
    let (weak, rotating) = (Arc::downgrade(inner), Arc::clone(&inner.rotating));
    let settle = move || {
        let Ok(_turn) = rotating.try_lock() else { return };
        if let Some(Err(error)) = finish(&weak) {
            tracing::error!(%error, "{STALE}");
        }
    };
    let thread = thread::Builder::new().name("vault-settle".to_owned()).spawn(settle);
    thread.inspect_err(|error| tracing::error!(%error, "{STALE}")).ok()
}

// `None`: nobody needs the vault any more.
fn finish(inner: &Weak<Inner>) -> Option<Result<Rotated, RotationFailed>> {
    let names = match inner.upgrade()?.records.names() {
        Ok(names) => names,
        Err(error) => return Some(unfinished(&error)),
    };
    let failed = reseal(inner, names)?;
    if !failed.is_empty() {
        return Some(unfinished(&stuck(&failed)));
    }
    let retired = inner.upgrade()?.retire();
    if let Ok(Rotated { key_id, records }) = &retired {
        tracing::info!(key = key_id, records, "all records are under one master key");
    }
    Some(retired.or_else(|it| unfinished(&it)))
}

// Returns those that could not be sealed anew.
fn reseal(inner: &Weak<Inner>, names: Vec<SecretName>) -> Option<Vec<SecretName>> {
    let names = Mutex::new(names.into_iter());
    let next = || names.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        let mut failed = Vec::new();
        while let Some(name) = next() {
            if let Err(error) = inner.upgrade()?.reseal(&name) {
                tracing::error!(%name, %error, "a record could not be sealed anew");
                failed.push(name);
            }
        }
        Some(failed)
    };
    thread::scope(|scope| {
        // Fewer threads, or none besides this one, only take longer.
        let spawn = |_| thread::Builder::new().spawn_scoped(scope, work).ok();
        let others: Vec<_> = (1..THREADS).filter_map(spawn).collect();
        let mut failed = work()?;
        for other in others {
            failed.extend(other.join().ok()??);
        }
        Some(failed)
    })
}

fn unfinished(why: &impl ToString) -> Result<Rotated, RotationFailed> {
    Err(RotationFailed::Unfinished(why.to_string()))
}

fn stuck(failed: &[SecretName]) -> String {
    format!(
        "{} records could not be sealed anew ({}). Give these credentials their secrets again, then \
         rotate again",
        failed.len(),
        some(failed),
    )
}

/// The disk is what takes time, and it takes little more for several records at once.
const THREADS: usize = 8;
const STALE: &str = "records are still under an older master key";
const BUSY: &str = "the master key is being changed already";
