//! What was made once from some content is not made again while that content is in use.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use crate::model::Digest;

/// Values by what they were made from, or the digest of that. Forgets what an attempt did not use, once
/// that attempt has become what is served.
#[derive(Debug)]
pub(crate) struct Memo<T, K = Digest> {
    served: HashMap<K, Arc<T>>,
    attempt: HashMap<K, Arc<T>>,
}

impl<T, K: Copy + Eq + Hash> Memo<T, K> {
    /// The value made from `key`, or from content with this digest; made now if there is none.
    pub(crate) fn get<E>(
        &mut self,
        key: K,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        if let Some(value) = self.attempt.get(&key) {
            return Ok(Arc::clone(value));
        }
        let value = match self.served.get(&key) {
            Some(value) => Arc::clone(value),
            None => Arc::new(make()?),
        };
        self.attempt.insert(key, Arc::clone(&value));
        Ok(value)
    }

    /// Drops what the last attempt made, and starts another.
    pub(crate) fn begin(&mut self) {
        self.attempt.clear();
        self.attempt.reserve(self.served.len());
    }

    /// The attempt is what is served from now on.
    pub(crate) fn settle(&mut self) {
        self.served = std::mem::take(&mut self.attempt);
    }
}

impl<T, K> Default for Memo<T, K> {
    fn default() -> Self {
        Self { served: HashMap::new(), attempt: HashMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[test]
    fn what_a_failed_attempt_did_not_use_is_still_known() {
        let mut memo = Memo::default();
        let first = make(&mut memo, 1);
        memo.settle();
        memo.begin();
        make(&mut memo, 2);
        memo.begin();
        assert!(Arc::ptr_eq(&first, &make(&mut memo, 1)));
        memo.settle();
        assert_eq!(memo.served.len(), 1);
    }

    fn make(memo: &mut Memo<u8>, it: u8) -> Arc<u8> {
        memo.get(Digest([it; 32]), || Ok::<_, Infallible>(it)).unwrap()
    }
}
