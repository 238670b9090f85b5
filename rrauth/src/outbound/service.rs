//! Puts the upstream credential onto each request.

use std::task::{self, Poll};

use http::{Request, Response};
use rrcore::{Body, Clock, Context, Current, GuardFuture, Stage};
use tower_service::Service;

use crate::outbound::injection::Injection;

/// Sends requests on with the upstream credential, after removing every copy of its header or
/// parameter that the client sent.
///
/// The secret is also in the request's [`Context`], so that outer layers can keep it from coming
/// back: as it was given; of [`Injection::basic`] the text `username:password`, and of several
/// headers their secrets, one a line.
///
/// See the [crate docs](crate) for an example.
#[derive(Clone, Debug)]
pub struct Inject<S> {
    inner: S,
    injection: Current<Injection>,
    clock: Clock,
}

impl<S> Inject<S> {
    pub(crate) const fn new(inner: S, injection: Current<Injection>, clock: Clock) -> Self {
        Self { inner, injection, clock }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Inject<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<Body<ResBody>>;
    type Error = S::Error;
    type Future = GuardFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let context = Context::of(request.extensions_mut(), &self.clock);
        let mut uri = std::mem::take(request.uri_mut());
        let applied = self.injection.get().apply(request.headers_mut(), &mut uri);
        *request.uri_mut() = uri;
        match applied {
            Ok(secret) => {
                if let Some(secret) = secret {
                    context.set_injected(secret);
                }
                context.passed(Stage::Inject);
                GuardFuture::forward(self.inner.call(request))
            }
            Err(refusal) => GuardFuture::answer(context.refuse(refusal)),
        }
    }
}
