//! Where credentials are looked up.

use std::future::Future;
use std::sync::Arc;

use rrcore::{Current, Handle};

use crate::inbound::credential::Credential;
use crate::inbound::digest::KeyDigest;
use crate::inbound::shared::SharedCredential;

/// Finds credentials by the digest of their secret.
///
/// [`Index`](crate::Index) is the one in memory; implement this for a database or a key server. The
/// [crate docs](crate) have an example.
///
/// # Caveats
/// Any token or user name that is shown may be a key of this source, so each new one is asked of it.
/// While the source cannot tell, callers of all methods get 503, those with good signed tokens and
/// passwords too.
pub trait CredentialSource: Send + Sync + 'static {
    /// What the embedder wants to know of a caller.
    type Caller: Clone + Send + Sync + 'static;

    /// A look-up that has to wait.
    type Future: Future<Output = Result<Option<Arc<Credential<Self::Caller>>>, SourceUnavailable>>
        + Send;

    /// The credential whose secret has this digest, switched off and expired ones included.
    ///
    /// Must compare whole digests: what it returns is taken as proved. An answer that is
    /// [`Lookup::Ready`] costs neither an await nor a clone of the inner service.
    fn find(&self, digest: &KeyDigest) -> Lookup<Self::Caller, Self::Future>;

    /// It will be asked for this one in a moment, when the request has been stripped of its secret: a
    /// source in memory can have fetched what it will read. Must not wait. Unless implemented, nothing
    /// is done.
    fn prefetch(&self, _digest: &KeyDigest) {}

    /// Whether it knows nobody now: then it is not asked, and tokens need no SHA-256. Unless
    /// implemented, it may know somebody.
    fn is_empty(&self) -> bool {
        false
    }
}

/// What an [`AuthLayer`](crate::AuthLayer) is made of: a [`CredentialSource`], one in an `Arc`, or a
/// [`Handle`], under which the source can be replaced while the service runs.
pub trait IntoSource {
    /// The source itself.
    type Source: CredentialSource;

    /// The source as a layer holds it.
    fn into_source(self) -> Current<Self::Source>;
}

impl<C: CredentialSource> IntoSource for C {
    type Source = C;

    fn into_source(self) -> Current<C> {
        self.into()
    }
}

impl<C: CredentialSource> IntoSource for Arc<C> {
    type Source = C;

    fn into_source(self) -> Current<C> {
        self.into()
    }
}

impl<C: CredentialSource> IntoSource for Handle<C> {
    type Source = C;

    fn into_source(self) -> Current<C> {
        self.into()
    }
}

impl<C: CredentialSource> IntoSource for Current<C> {
    type Source = C;

    fn into_source(self) -> Self {
        self
    }
}

/// The answer of a [`CredentialSource`], or the wait for it.
#[derive(Debug)]
pub enum Lookup<T, F> {
    /// Known at once. `None`: there is no such credential.
    Ready(Option<SharedCredential<T>>),
    /// Known later.
    Pending(F),
}

/// A source could not say whether a credential exists. The caller gets 503, never 401.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("credentials cannot be looked up: {reason}")]
pub struct SourceUnavailable {
    reason: String,
}

impl SourceUnavailable {
    /// For the operator only; the caller never sees `reason`.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}
