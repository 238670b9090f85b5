//! Credentials in memory.

use std::fmt;
use std::future::Ready;
use std::sync::Arc;
use std::time::Duration;

use crate::inbound::credential::Credential;
use crate::inbound::digest::KeyDigest;
use crate::inbound::shared::SharedCredential;
use crate::inbound::source::{CredentialSource, Lookup, SourceUnavailable};
use crate::inbound::table::Table;

/// Credentials by the digest of their secret, immutable: build a new one to change it.
///
/// A look-up is one hash probe and a comparison in constant time.
///
/// ```
/// use rrauth::{Credential, Index, Kind, KeyDigest};
///
/// let keys = Index::builder()
///     .insert(KeyDigest::of("k-alice-000000000000000000"), Credential::new("cred_1", "alice", Kind::ApiKey, ()))
///     .build();
/// assert_eq!(keys.find(&KeyDigest::of("k-alice-000000000000000000")).unwrap().id.as_ref(), "cred_1");
/// assert!(keys.find(&KeyDigest::of("k-alice")).is_none());
/// ```
pub struct Index<T> {
    by_digest: Table<T>,
}

/// Collects credentials for an [`Index`].
#[must_use]
pub struct IndexBuilder<T> {
    credentials: Vec<(KeyDigest, Credential<T>)>,
}

impl<T> Index<T> {
    /// An index that is still empty.
    pub fn builder() -> IndexBuilder<T> {
        IndexBuilder { credentials: Vec::new() }
    }

    /// The credential whose secret has this digest, switched off and expired ones included.
    #[must_use]
    pub fn find(&self, digest: &KeyDigest) -> Option<&Credential<T>> {
        self.by_digest.get(digest).map(|it| it.credential)
    }

    /// The same, to keep.
    #[must_use]
    pub fn share(&self, digest: &KeyDigest) -> Option<SharedCredential<T>> {
        self.by_digest.get(digest).map(|it| it.share())
    }

    /// All credentials that it knows, in no order.
    pub fn credentials(&self) -> impl Iterator<Item = SharedCredential<T>> {
        self.by_digest.credentials()
    }

    /// How many secrets it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_digest.len()
    }

    /// Whether it knows none, and so refuses every caller.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> IndexBuilder<T> {
    /// Adds a credential. Of several with the same secret, an active one counts, and of these the one
    /// that expires last: the first, where that leaves a choice.
    pub fn insert(mut self, digest: KeyDigest, credential: Credential<T>) -> Self {
        self.credentials.push((digest, credential));
        self
    }

    /// The index.
    #[must_use]
    pub fn build(self) -> Index<T> {
        let by_digest = Table::of(self.credentials, |new, held| standing(new) > standing(held));
        Index { by_digest }
    }
}

// Which of two with one secret lets in, or will for longer.
fn standing<T>(credential: &Credential<T>) -> (bool, Duration) {
    (credential.active, credential.expires_at.unwrap_or(Duration::MAX))
}

impl<T> FromIterator<(KeyDigest, Credential<T>)> for Index<T> {
    fn from_iter<I: IntoIterator<Item = (KeyDigest, Credential<T>)>>(credentials: I) -> Self {
        let start = Self::builder();
        credentials.into_iter().fold(start, |all, (digest, it)| all.insert(digest, it)).build()
    }
}

impl<T: Clone + Send + Sync + 'static> CredentialSource for Index<T> {
    type Caller = T;
    type Future = Ready<Result<Option<Arc<Credential<T>>>, SourceUnavailable>>;

    fn find(&self, digest: &KeyDigest) -> Lookup<T, Self::Future> {
        Lookup::Ready(self.share(digest))
    }

    fn prefetch(&self, digest: &KeyDigest) {
        self.by_digest.prefetch(digest);
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

impl<T> fmt::Debug for Index<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for IndexBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexBuilder").field("len", &self.credentials.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::credential::Kind;

    #[test]
    fn of_two_with_one_secret_the_first_active_one_counts_that_expires_last() {
        check(&[("a", true, None), ("b", true, None)], "a");
        check(&[("a", false, None), ("b", true, None), ("c", true, None)], "b");
        check(&[("a", false, None), ("b", false, None)], "a");
        check(&[("a", true, Some(9)), ("b", true, None)], "b");
        check(&[("a", true, None), ("b", true, Some(9))], "a");
        check(&[("a", true, Some(8)), ("b", true, Some(9)), ("c", false, None)], "b");
    }

    #[track_caller]
    fn check(credentials: &[(&str, bool, Option<u64>)], found: &str) {
        let digest = KeyDigest::of("the same secret");
        let credential = |(id, active, end): &(&str, bool, Option<u64>)| {
            let end = end.map(Duration::from_secs);
            Credential::new(*id, "s", Kind::ApiKey, ()).active(*active).expires_at(end)
        };
        let index: Index<()> = credentials.iter().map(|it| (digest, credential(it))).collect();
        assert_eq!(index.find(&digest).unwrap().id.as_ref(), found);
        assert_eq!(index.len(), 1);
    }
}
