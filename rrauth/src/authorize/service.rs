//! Lets pass what the caller may do.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{self, Poll};

use http::request::Parts;
use http::{Request, Response};
use rrcore::{Body, Clock, Code, Context, GuardFuture, Refusal, Stage};
use tower_service::Service;

use crate::authorize::access::Access;

/// Refuses with `403 Forbidden` what the caller may not do.
///
/// The caller is the `T` that [`Auth`](crate::Auth) left in the request's extensions; where there
/// is none, nobody has vouched for it and it is refused.
pub struct Authorize<S, T, P> {
    inner: S,
    may: Arc<P>,
    clock: Clock,
    caller: PhantomData<fn(&T)>,
}

impl<S, T, P> Authorize<S, T, P> {
    pub(crate) const fn new(inner: S, may: Arc<P>, clock: Clock) -> Self {
        Self { inner, may, clock, caller: PhantomData }
    }
}

impl<S, T, P, A, ReqBody, ResBody> Service<Request<ReqBody>> for Authorize<S, T, P>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    T: Send + Sync + 'static,
    P: Fn(&T, &Parts) -> A,
    A: Into<Access>,
{
    type Response = Response<Body<ResBody>>;
    type Error = S::Error;
    type Future = GuardFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let context = Context::of(request.extensions_mut(), &self.clock);
        let (parts, body) = request.into_parts();
        let refusal = match parts.extensions.get::<T>().map(|it| (self.may)(it, &parts).into()) {
            None => Refusal::new(Code::NotAuthorized).because("nobody has vouched for the caller"),
            Some(Access::Denied) => Refusal::new(Code::NotAuthorized),
            Some(Access::Insufficient(unmet)) => unmet.refusal(),
            Some(Access::Granted) => {
                context.passed(Stage::Authorize);
                let request = Request::from_parts(parts, body);
                return GuardFuture::forward(self.inner.call(request));
            }
        };
        GuardFuture::answer(context.refuse(refusal))
    }
}

// By hand: neither `T` nor `P` need be `Clone` or `Debug`.
impl<S: Clone, T, P> Clone for Authorize<S, T, P> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.may), self.clock.clone())
    }
}

impl<S: fmt::Debug, T, P> fmt::Debug for Authorize<S, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorize").field("inner", &self.inner).finish_non_exhaustive()
    }
}
