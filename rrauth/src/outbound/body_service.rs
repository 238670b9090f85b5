//! Puts the upstream credential onto each request, with its body at hand where that is needed.

use std::sync::Arc;
use std::task::{self, Poll};

use bytes::Bytes;
use http::{Request, Response};
use rrcore::{
    Body, Budget, BufferedBody, Clock, Context, Current, GuardFuture, ReadBody, Refusal, Stage,
};
use tower_service::Service;

use crate::outbound::body_future::{BodyInjectFuture, Reading};
use crate::outbound::exchange::Exchange;
use crate::outbound::injection::{Fetched, Injection, Kind};
use crate::outbound::signer::Sign;
use crate::outbound::signing::{self, KnownBody};

/// Sends requests on with the upstream credential, as [`Inject`](crate::Inject) does, and:
///
/// - reads the body where a signature covers it, once for all stages ([`BufferedBody`]);
/// - when the upstream answers 401 to a token, gets another and sends the request again, once, if
///   its body is empty, has been read already, or said that it is 64 KiB long at most (such a body
///   is read before it is sent, and loses its trailers). The second answer is the caller's, whatever
///   it is.
#[derive(Clone, Debug)]
pub struct BodyInject<S> {
    inner: S,
    shared: Arc<Shared>,
}

#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) injection: Current<Injection>,
    pub(crate) clock: Clock,
    pub(crate) max_body_bytes: usize,
    pub(crate) budget: Option<Budget>,
}

/// What has to be waited for before a request can be sent.
enum Later {
    Sign(Arc<dyn Sign>),
    Fetch(Arc<Fetched>),
}

impl<S> BodyInject<S> {
    pub(crate) const fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl Shared {
    /// Puts the credential onto `request`, unless that has to wait.
    fn apply<B: http_body::Body>(
        &self,
        request: &mut Request<B>,
        context: &Context,
    ) -> Result<Option<Later>, Refusal> {
        let injection = self.injection.get();
        injection.admit(request)?;
        match injection.kind() {
            Kind::None | Kind::Headers { .. } | Kind::Query { .. } | Kind::Unavailable { .. } => {
                injection.apply(request, context).map(|()| None)
            }
            Kind::Token(fetched) => Ok(Some(Later::Fetch(Arc::clone(fetched)))),
            Kind::Signed(signer) => {
                let read = request.extensions().get::<BufferedBody>().is_some();
                let body = match request.body().is_end_stream() && !read {
                    true => KnownBody::Empty,
                    false if read || !signer.needs_body() => KnownBody::AsRead,
                    false => return Ok(Some(Later::Sign(Arc::clone(signer)))),
                };
                let wall = context.clock().now().wall;
                signing::sign(&**signer, request, body, wall, context).map(|()| None)
            }
        }
    }

    fn read<B>(&self, request: Request<B>, limit: usize) -> ReadBody<B> {
        let read = BufferedBody::read(request, limit);
        match &self.budget {
            Some(budget) => read.budget(budget),
            None => read,
        }
    }

    /// Whether a body is read only so that it can be sent again: one that is not at hand already,
    /// small, said to be so (one that may go on for ever cannot be waited for), and never at the
    /// price of a refusal.
    fn is_worth_keeping<B: http_body::Body>(&self, request: &Request<B>) -> bool {
        let body = request.body();
        if body.is_end_stream() || request.extensions().get::<BufferedBody>().is_some() {
            return false;
        }
        let length = body.size_hint().upper().and_then(|it| usize::try_from(it).ok());
        let room = self.budget.as_ref().map_or(usize::MAX, Budget::left);
        length.is_some_and(|it| it <= KEPT && it <= room)
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for BodyInject<S>
where
    S: Service<Request<Body<ReqBody>>, Response = Response<ResBody>> + Clone,
    ReqBody: http_body::Body<Data = Bytes> + Unpin,
    ReqBody::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body<ResBody>>;
    type Error = S::Error;
    type Future = BodyInjectFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let shared = &self.shared;
        let context = Context::of(request.extensions_mut(), &shared.clock);
        let later = match shared.apply(&mut request, &context) {
            Ok(None) => {
                context.passed(Stage::Inject);
                let request = request.map(Body::inner);
                return BodyInjectFuture::decided(GuardFuture::forward(self.inner.call(request)));
            }
            Ok(Some(later)) => later,
            Err(refusal) => {
                return BodyInjectFuture::decided(GuardFuture::answer(context.refuse(refusal)));
            }
        };
        // The one that was polled ready is the one that is called.
        let next = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, next);
        match later {
            Later::Sign(signer) => {
                let read = shared.read(request, shared.max_body_bytes);
                BodyInjectFuture::reading(Reading { read, signer, inner, context })
            }
            Later::Fetch(fetched) => {
                let exchange = match shared.is_worth_keeping(&request) {
                    true => Exchange::reading(shared.read(request, KEPT), fetched, inner, context),
                    false => Exchange::sending(request.map(Body::inner), fetched, inner, context),
                };
                BodyInjectFuture::exchanging(exchange)
            }
        }
    }
}

// What is kept in case it has to be sent again.
const KEPT: usize = 64 * 1024;
