//! A credential that several hold.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use rrcore::Identity;

use crate::inbound::credential::Credential;
use crate::inbound::page::Hold;

/// A [`Credential`] that is shared: as an `Arc` of it is, or where it lies in an
/// [`Index`](crate::Index), without a second read of memory to get there.
///
/// ```
/// use std::sync::Arc;
/// use rrauth::{Credential, Kind, SharedCredential};
///
/// let mine = Arc::new(Credential::new("cred_1", "alice", Kind::ApiKey, ()));
/// let shared = SharedCredential::from(Arc::clone(&mine));
/// assert_eq!(*shared, *mine);
/// ```
///
/// # Caveats
/// One that came from an index keeps up to a thousand of its neighbours in memory. What is to outlive
/// the index by long had better be a clone of the credential.
pub struct SharedCredential<T> {
    holder: Holder<T>,
}

enum Holder<T> {
    Alone(Arc<Credential<T>>),
    Listed { hold: Arc<Hold<T>>, at: u32 },
}

impl<T> SharedCredential<T> {
    /// The one at this place of a page, which must be taken.
    pub(crate) const fn listed(hold: Arc<Hold<T>>, at: u32) -> Self {
        Self { holder: Holder::Listed { hold, at } }
    }
}

impl<T: Send + Sync + 'static> SharedCredential<T> {
    /// Who has shown it.
    pub(crate) fn into_identity(self) -> Identity {
        let kind = self.kind.as_str();
        match self.holder {
            Holder::Alone(credential) => Identity::of(credential, kind),
            Holder::Listed { hold, at } => Identity::one_of(hold, at, kind),
        }
    }
}

impl<T> Deref for SharedCredential<T> {
    type Target = Credential<T>;

    fn deref(&self) -> &Credential<T> {
        match &self.holder {
            Holder::Alone(credential) => credential,
            Holder::Listed { hold, at } => hold.credential(*at),
        }
    }
}

impl<T> From<Credential<T>> for SharedCredential<T> {
    fn from(credential: Credential<T>) -> Self {
        Arc::new(credential).into()
    }
}

impl<T> From<Arc<Credential<T>>> for SharedCredential<T> {
    fn from(credential: Arc<Credential<T>>) -> Self {
        Self { holder: Holder::Alone(credential) }
    }
}

// By hand: it is shared, so `T` need not be `Clone` or `Debug`.
impl<T> Clone for SharedCredential<T> {
    fn clone(&self) -> Self {
        let holder = match &self.holder {
            Holder::Alone(credential) => Holder::Alone(Arc::clone(credential)),
            Holder::Listed { hold, at } => Holder::Listed { hold: Arc::clone(hold), at: *at },
        };
        Self { holder }
    }
}

impl<T> fmt::Debug for SharedCredential<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
