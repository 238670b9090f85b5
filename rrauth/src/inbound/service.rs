//! Lets in requests that show a known credential.

use std::fmt;
use std::sync::Arc;
use std::task::{self, Poll};

use http::{Request, Response};
use rrcore::{Body, Context, Current};
use tower_service::Service;

use crate::inbound::admission::Settings;
use crate::inbound::future::{AuthFuture, Waiting};
use crate::inbound::shown::Shown;
use crate::inbound::source::{CredentialSource, Lookup};
use crate::inbound::verifiers::Asked;

/// Refuses requests without a known credential with `401 Unauthorized`.
///
/// What goes on carries no trace of the credential in headers and query, the caller's identity in
/// its [`Context`], and in its extensions the source's `Caller` and, where the credential grants
/// something, a [`Privileges`](crate::Privileges).
///
/// See the [crate docs](crate) for an example.
pub struct Auth<S, C: CredentialSource> {
    inner: S,
    source: Current<C>,
    settings: Arc<Settings<C::Caller>>,
}

impl<S, C: CredentialSource> Auth<S, C> {
    pub(crate) const fn new(
        inner: S,
        source: Current<C>,
        settings: Arc<Settings<C::Caller>>,
    ) -> Self {
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
        let admitted = settings.verifiers.admit(&context);
        let shown = match admitted.and_then(|()| settings.take(&mut request)) {
            Ok(Some(shown)) => shown,
            Ok(None) => {
                let proved = settings.verifiers.vouched(request.extensions(), context.now());
                let guard = settings.conclude(&context, proved, request, &mut self.inner);
                return AuthFuture::decided(guard);
            }
            Err(rejection) => return AuthFuture::decided(settings.reject(&context, rejection)),
        };
        // Not in the `match`: the source is let go of before the inner service is called.
        let lookup = look_up(&*self.source.get(), &shown);
        let asked = match lookup {
            Lookup::Ready(found) => settings.prove(&context, &shown, found),
            Lookup::Pending(lookup) => {
                let waiting = self.waiting(context, request);
                return AuthFuture::looking(lookup, shown, waiting);
            }
        };
        match asked {
            Asked::Known(proved) => {
                let guard = settings.conclude(&context, proved, request, &mut self.inner);
                AuthFuture::decided(guard)
            }
            Asked::Waiting(verdict) => {
                AuthFuture::verifying(verdict, self.waiting(context, request))
            }
        }
    }
}

fn look_up<C: CredentialSource>(source: &C, shown: &Shown) -> Lookup<C::Caller, C::Future> {
    if source.is_empty() { Lookup::Ready(None) } else { source.find(shown.digest()) }
}

impl<S: Clone, C: CredentialSource> Auth<S, C> {
    fn waiting<B>(
        &mut self,
        context: Context,
        request: Request<B>,
    ) -> Box<Waiting<S, B, C::Caller>> {
        // The one that was polled ready must make the call, so the clone stays behind.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        let settings = Arc::clone(&self.settings);
        Box::new(Waiting { inner, settings, context, request })
    }
}

// By hand: the source is shared, so it need not be `Clone` or `Debug`.
impl<S: Clone, C: CredentialSource> Clone for Auth<S, C> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.source.clone(), Arc::clone(&self.settings))
    }
}

impl<S: fmt::Debug, C: CredentialSource> fmt::Debug for Auth<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("inner", &self.inner).finish_non_exhaustive()
    }
}
