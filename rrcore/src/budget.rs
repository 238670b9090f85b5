//! Memory that all bodies that are held at one time share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// How many bytes of bodies may be held at one time, over all requests. Cheap to clone: clones
/// share what is left.
///
/// Bytes count from when they arrive until the last copy of them is dropped.
///
/// ```
/// let budget = rrcore::Budget::bytes(64 << 20);
/// assert_eq!(budget.left(), 64 << 20);
/// ```
#[derive(Clone, Debug)]
pub struct Budget {
    left: Arc<AtomicUsize>,
}

/// A part of a budget, given back on drop.
#[derive(Debug)]
pub(crate) struct Taken {
    budget: Budget,
    bytes: usize,
}

/// Bytes that count until they are gone.
struct Held {
    data: Bytes,
    _taken: Taken,
}

impl Budget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn bytes(bytes: usize) -> Self {
        Self { left: Arc::new(AtomicUsize::new(bytes)) }
    }

    /// What is left of it, in bytes.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left.load(Ordering::Relaxed)
    }

    /// Counts `data` until its last copy is dropped; `None` where that many bytes are not left.
    #[must_use]
    pub fn hold(&self, data: Bytes) -> Option<Bytes> {
        let mut taken = self.nothing_yet();
        taken.take(data.len()).then(|| taken.with(data))
    }

    pub(crate) fn nothing_yet(&self) -> Taken {
        Taken { budget: self.clone(), bytes: 0 }
    }
}

impl Taken {
    /// Takes so many bytes more; says whether there were that many.
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        let (left, order) = (&self.budget.left, Ordering::Relaxed);
        let taken = left.fetch_update(order, order, |left| left.checked_sub(bytes));
        if taken.is_ok() {
            self.bytes += bytes;
        }
        taken.is_ok()
    }

    /// `data`, which gives this back when its last copy is dropped.
    pub(crate) fn with(self, data: Bytes) -> Bytes {
        Bytes::from_owner(Held { data, _taken: self })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_counts_until_its_last_copy_is_gone() {
        let budget = Budget::bytes(10);
        let held = budget.hold(Bytes::from_static(b"1234")).unwrap();
        assert_eq!(budget.hold(Bytes::from_static(b"1234567")), None);
        assert_eq!(budget.left(), 6);
        let part = held.slice(1..2);
        drop(held);
        assert_eq!(budget.left(), 6);
        drop(part);
        assert_eq!(budget.left(), 10);
    }

    #[test]
    fn what_is_taken_is_given_back_with_the_last_copy() {
        let budget = Budget::bytes(10);
        let mut taken = budget.nothing_yet();
        assert!(taken.take(4) && taken.take(6) && !taken.take(1));
        let data = taken.with(Bytes::from_static(b"0123456789"));
        let copy = data.slice(2..3);
        drop(data);
        assert_eq!((budget.left(), &copy[..]), (0, &b"2"[..]));
        drop(copy);
        assert_eq!(budget.left(), 10);
    }
}
