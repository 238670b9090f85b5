//! Lets in requests that show a known credential.

use std::fmt;
use std::sync::Arc;
use std::task::{self, Poll};

use http::{Request, Response};
use rrcore::{Body, Current};
use tower_service::Service;

use crate::inbound::admission::{Guest, Settings};
use crate::inbound::future::{AuthFuture, Waiting};
use crate::inbound::judge::Rejection;
use crate::inbound::shown::Shown;
use crate::inbound::source::{CredentialSource, Lookup};
use crate::inbound::verifiers::Asked;

/// Refuses requests without a known credential with `401 Unauthorized`.
///
/// What goes on carries no trace of the credential in headers and query, the caller's identity in
/// its [`Context`](rrcore::Context), and in its extensions the source's `Caller` and, where the
/// credential grants something, a [`Privileges`](crate::Privileges).
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
        let mut shown = None;
        // Not in the `match`: the source is let go of before the inner service is called.
        let found = look_up(settings, &*self.source.get(), &mut request, &mut shown);
        let guard = match (found, shown) {
            (Err(rejection), _) => settings.reject(request, rejection),
            (Ok(Found::Guest(guest)), _) => settings.pass_on(guest, request, &mut self.inner),
            (Ok(Found::Later(lookup)), Some(shown)) => {
                return AuthFuture::looking(lookup, shown, self.waiting(request));
            }
            (Ok(Found::Nobody), Some(shown)) => {
                match settings.verifiers.ask(settings.context(&mut request), &shown) {
                    Asked::Known(proved) => settings.conclude(proved, request, &mut self.inner),
                    Asked::Waiting(verdict) => {
                        return AuthFuture::verifying(verdict, self.waiting(request));
                    }
                }
            }
            (Ok(Found::Nobody | Found::Later(_)), None) => {
                let now = settings.context(&mut request).now();
                let proved = settings.verifiers.vouched(request.extensions(), now);
                settings.conclude(proved, request, &mut self.inner)
            }
        };
        AuthFuture::decided(guard)
    }
}

// What the source makes of what a request shows.
enum Found<T, F> {
    Guest(Guest<T>),
    Later(F),
    Nobody,
}

// Takes off what `request` shows, and says who that is.
fn look_up<C: CredentialSource, B>(
    settings: &Settings<C::Caller>,
    source: &C,
    request: &mut Request<B>,
    shown: &mut Option<Shown>,
) -> Result<Found<C::Caller, C::Future>, Rejection> {
    settings.admit(request)?;
    // It is on its way from memory while the request is stripped, and its context found or made: it
    // arrives now, not when a wait is over.
    settings.take(request, shown, |digest| source.prefetch(digest))?;
    let context = settings.context(request);
    let Some(shown) = shown.as_ref().filter(|_| !source.is_empty()) else {
        return Ok(Found::Nobody);
    };
    match source.find(shown.digest()) {
        Lookup::Ready(Some(credential)) => {
            settings.let_in(shown.way, credential, context).map(Found::Guest)
        }
        Lookup::Ready(None) => Ok(Found::Nobody),
        Lookup::Pending(lookup) => Ok(Found::Later(lookup)),
    }
}

impl<S: Clone, C: CredentialSource> Auth<S, C> {
    fn waiting<B>(&mut self, request: Request<B>) -> Box<Waiting<S, B, C::Caller>> {
        // The one that was polled ready must make the call, so the clone stays behind.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        let settings = Arc::clone(&self.settings);
        Box::new(Waiting { inner, settings, request })
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
