//! What was made once from some content is not made again while that content is in use.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::Digest;

/// Values by the digest of what they were made from. Forgets what an attempt did not use, once
/// that attempt has become what is served.
#[derive(Debug)]
pub(crate) struct Memo<T> {
    served: HashMap<Digest, Arc<T>>,
    attempt: HashMap<Digest, Arc<T>>,
}

impl<T> Memo<T> {
    /// The value made from content with this digest, made now if there is none.
    pub(crate) fn get<E>(
        &mut self,
        digest: Digest,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let known = self.attempt.get(&digest).or_else(|| self.served.get(&digest)).cloned();
        let value = match known {
            Some(value) => value,
            None => Arc::new(make()?),
        };
        self.attempt.insert(digest, Arc::clone(&value));
        Ok(value)
    }

    /// Drops what the last attempt made, and starts another.
    pub(crate) fn begin(&mut self) {
        self.attempt.clear();
    }

    /// The attempt is what is served from now on.
    pub(crate) fn settle(&mut self) {
        self.served = std::mem::take(&mut self.attempt);
    }
}

impl<T> Default for Memo<T> {
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
