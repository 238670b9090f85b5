//! Puts the upstream credential onto each request.

use std::sync::Arc;
use std::task::{self, Poll};

use http::{Request, Response};
use rrcore::{Body, Clock, Context, Current, GuardFuture, Stage};
use tower_service::Service;

use crate::outbound::future::{InjectFuture, Waiting};
use crate::outbound::injection::{Injection, Kind};
use crate::outbound::signing::{self, KnownBody};

/// Sends requests on with the upstream credential, after removing every copy of its header or
/// parameter that the client sent.
///
/// Every secret of it is also in the request's [`Context`], so that outer layers can keep it from
/// coming back: as it was given; of [`Injection::basic`] the text `username:password`, and the
/// password by itself.
///
/// A request that needs a token which is not at hand waits for it. When the upstream answers 401 to
/// a token, that is relayed, and another token fetched for the next request;
/// [`BodyInject`](crate::BodyInject) tries again at once.
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
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
{
    type Response = Response<Body<ResBody>>;
    type Error = S::Error;
    type Future = InjectFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let context = Context::of(request.extensions_mut(), &self.clock);
        let injection = self.injection.get();
        let admitted = injection.admit(&request);
        let applied = admitted.and_then(|()| match injection.kind() {
            Kind::None | Kind::Headers { .. } | Kind::Query { .. } | Kind::Unavailable { .. } => {
                injection.apply(&mut request, &context).map(|()| None)
            }
            Kind::Signed(signer) => {
                let wall = context.clock().now().wall;
                let known = KnownBody::AsRead;
                signing::sign(&**signer, &mut request, known, wall, &context).map(|()| None)
            }
            Kind::Token(fetched) => Ok(Some(Arc::clone(fetched))),
        });
        drop(injection);
        match applied {
            Ok(None) => {
                context.passed(Stage::Inject);
                InjectFuture::decided(GuardFuture::forward(self.inner.call(request)))
            }
            Ok(Some(fetched)) => match fetched.tokens.current() {
                Some(token) => {
                    InjectFuture::with(&fetched, token, request, &context, &mut self.inner)
                }
                None => {
                    // The one that was polled ready is the one that is called.
                    let next = self.inner.clone();
                    let inner = std::mem::replace(&mut self.inner, next);
                    let token = fetched.tokens.fetch();
                    let request = Some(request);
                    InjectFuture::waiting(Waiting { token, fetched, inner, request, context })
                }
            },
            Err(refusal) => InjectFuture::decided(GuardFuture::answer(context.refuse(refusal))),
        }
    }
}
