//! Builds [`Authorize`] services.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use http::request::Parts;
use rrcore::Clock;
use tower_layer::Layer;

use crate::authorize::access::Access;
use crate::authorize::service::Authorize;

/// Applies [`Authorize`] to a service.
///
/// ```
/// use rrauth::AuthorizeLayer;
///
/// #[derive(Clone)]
/// struct Consumer { admin: bool }
///
/// let reads_or_admins = AuthorizeLayer::new(|caller: &Consumer, request: &http::request::Parts| {
///     caller.admin || request.method.is_safe()
/// });
/// ```
#[must_use]
pub struct AuthorizeLayer<T, P> {
    may: Arc<P>,
    clock: Clock,
    caller: PhantomData<fn(&T)>,
}

impl<T, P, A> AuthorizeLayer<T, P>
where
    P: Fn(&T, &Parts) -> A,
    A: Into<Access>,
{
    /// Lets a request pass if `may` says so of its caller: with a `bool`, or with an [`Access`] that
    /// may come of [`Requirements`](crate::Requirements) on the [`Privileges`](crate::Privileges) in the
    /// request's extensions.
    pub fn new(may: P) -> Self {
        Self { may: Arc::new(may), clock: Clock::system(), caller: PhantomData }
    }
}

impl<T, P> AuthorizeLayer<T, P> {
    /// Times requests that have no [`Context`](rrcore::Context) yet by this clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}

impl<S, T, P> Layer<S> for AuthorizeLayer<T, P> {
    type Service = Authorize<S, T, P>;

    fn layer(&self, inner: S) -> Self::Service {
        Authorize::new(inner, Arc::clone(&self.may), self.clock.clone())
    }
}

// By hand: neither `T` nor `P` need be `Clone` or `Debug`.
impl<T, P> Clone for AuthorizeLayer<T, P> {
    fn clone(&self) -> Self {
        Self { may: Arc::clone(&self.may), clock: self.clock.clone(), caller: PhantomData }
    }
}

impl<T, P> fmt::Debug for AuthorizeLayer<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizeLayer").finish_non_exhaustive()
    }
}
