//! What was made once from some content is not made again while that content is in use.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Weak};

use foldhash::fast::RandomState;

use crate::model::Digest;

/// Values by what they were made from, or the digest of that. Keeps none alive: what no revision
/// uses is gone with the last one that did, and what a failed attempt made with the attempt.
#[derive(Debug)]
pub(crate) struct Memo<T, K = Digest> {
    // Most keys are digests: nobody chooses them so that they collide.
    made: HashMap<K, Weak<T>, RandomState>,
    /// At how many of them those that are gone are dropped.
    sweep_at: usize,
}

impl<T, K: Copy + Eq + Hash> Memo<T, K> {
    /// The value made from `key`, or from content with this digest; made now if there is none.
    pub(crate) fn get<E>(
        &mut self,
        key: K,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        if let Some(value) = self.made.get(&key).and_then(Weak::upgrade) {
            return Ok(value);
        }
        let value = Arc::new(make()?);
        // Swept when it has doubled, so that keeping one costs the same however many there are.
        if self.made.len() >= self.sweep_at.max(FEWEST) {
            self.made.retain(|_, it| it.strong_count() > 0);
            self.sweep_at = self.made.len().saturating_mul(2);
        }
        self.made.insert(key, Arc::downgrade(&value));
        Ok(value)
    }
}

impl<T, K> Default for Memo<T, K> {
    fn default() -> Self {
        Self { made: HashMap::default(), sweep_at: 0 }
    }
}

const FEWEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[test]
    fn what_is_in_use_is_made_once() {
        let mut memo = Memo::default();
        let first = make(&mut memo, 1, 7);
        assert!(Arc::ptr_eq(&first, &make(&mut memo, 1, 8)));
        drop(first);
        assert_eq!(*make(&mut memo, 1, 9), 9, "nobody used it any more");
    }

    #[test]
    fn what_nobody_uses_is_not_remembered_for_ever() {
        let mut memo = Memo::default();
        let used = make(&mut memo, 0, 1);
        for number in 1..=u8::MAX {
            drop(make(&mut memo, number, number));
        }
        assert!(memo.made.len() <= FEWEST + 1);
        assert!(Arc::ptr_eq(&used, &make(&mut memo, 0, 2)), "what is used is still known");
    }

    fn make(memo: &mut Memo<u8>, key: u8, it: u8) -> Arc<u8> {
        memo.get(Digest([key; 32]), || Ok::<_, Infallible>(it)).unwrap()
    }
}
