//! Lets in requests that show a known credential.

use std::fmt;
use std::sync::Arc;
use std::task::{self, Poll};

use http::{Request, Response};
use rrcore::{Body, Context, Current};
use tower_service::Service;

use crate::inbound::admission::Settings;
use crate::inbound::future::{AuthFuture, Waiting};
use crate::inbound::source::{CredentialSource, Lookup};

/// Refuses requests without a known credential with `401 Unauthorized`.
///
/// What goes on carries no trace of the credential in headers and query, the caller's identity in
/// its [`Context`], and the source's `Caller` in its extensions.
///
/// See the [crate docs](crate) for an example.
pub struct Auth<S, C> {
    inner: S,
    source: Current<C>,
    settings: Arc<Settings>,
}

impl<S, C> Auth<S, C> {
    pub(crate) const fn new(inner: S, source: Current<C>, settings: Arc<Settings>) -> Self {
        Self { inner, source, settings }
    }
}

impl<S, C, ReqBody, ResBody> Service<Request<ReqBody>> for Auth<S, C>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    C: CredentialSource,
{
    type Response = Response<Body<ResBody>>;
    type Error = S::Error;
    type Future = AuthFuture<S, C, ReqBody>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let settings = &self.settings;
        let context = Context::of(request.extensions_mut(), &settings.clock);
        let shown = match settings.take(&mut request) {
            Ok(shown) => shown,
            Err(rejection) => return AuthFuture::decided(settings.reject(&context, rejection)),
        };
        // Not in the `match`: the source is let go of before the inner service is called.
        let lookup = self.source.get().find(&shown.digest);
        match lookup {
            Lookup::Ready(found) => {
                let found = Ok(found.as_deref());
                let inner = &mut self.inner;
                AuthFuture::decided(settings.admit(&context, shown, found, request, inner))
            }
            Lookup::Pending(lookup) => {
                // The one that was polled ready must make the call, so the clone stays behind.
                let clone = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, clone);
                let settings = Arc::clone(settings);
                AuthFuture::waiting(lookup, Waiting { inner, settings, context, shown, request })
            }
        }
    }
}

// By hand: the source is shared, so it need not be `Clone` or `Debug`.
impl<S: Clone, C> Clone for Auth<S, C> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.source.clone(), Arc::clone(&self.settings))
    }
}

impl<S: fmt::Debug, C> fmt::Debug for Auth<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("inner", &self.inner)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
