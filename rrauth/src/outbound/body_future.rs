//! Waits for what the credential needs, then for the inner service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use rrcore::{Body, Code, Context, GuardFuture, ReadBody, ReadOutcome, Refusal, Stage};
use tower_service::Service;

use crate::outbound::exchange::Exchange;
use crate::outbound::signer::Sign;
use crate::outbound::signing::{self, KnownBody};

pin_project! {
    /// The response of a [`BodyInject`] service.
    pub struct BodyInjectFuture<S, B>
    where
        S: Service<Request<Body<B>>>,
    {
        #[pin]
        state: State<S, B, S::Future, S::Response>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, B, F, R> {
        Decided { #[pin] future: GuardFuture<F> },
        // Both boxed: a credential that is always at hand should not pay for the room.
        Reading { reading: Box<Reading<S, B>> },
        Exchanging { exchange: Pin<Box<Exchange<S, B, F, R>>> },
    }
}

/// A request that is signed once its body has been read.
pub(crate) struct Reading<S, B> {
    pub(crate) read: ReadBody<B>,
    pub(crate) signer: Arc<dyn Sign>,
    pub(crate) inner: S,
    pub(crate) context: Context,
}

impl<S, B> BodyInjectFuture<S, B>
where
    S: Service<Request<Body<B>>>,
{
    pub(crate) const fn decided(future: GuardFuture<S::Future>) -> Self {
        Self { state: State::Decided { future } }
    }

    pub(crate) fn reading(reading: Reading<S, B>) -> Self {
        Self { state: State::Reading { reading: Box::new(reading) } }
    }

    pub(crate) fn exchanging(exchange: Exchange<S, B, S::Future, S::Response>) -> Self {
        Self { state: State::Exchanging { exchange: Box::pin(exchange) } }
    }
}

impl<S, B, ResBody> Future for BodyInjectFuture<S, B>
where
    S: Service<Request<Body<B>>, Response = Response<ResBody>>,
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Output = Result<Response<Body<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let reading = match state.as_mut().project() {
                StateProj::Decided { future } => return future.poll(cx),
                StateProj::Exchanging { exchange } => return exchange.as_mut().poll(cx),
                StateProj::Reading { reading } => reading,
            };
            let outcome = ready!(Pin::new(&mut reading.read).poll(cx));
            let future = match reading.sign(outcome) {
                Ok(request) => GuardFuture::forward(reading.inner.call(request)),
                Err(refusal) => GuardFuture::answer(reading.context.refuse(refusal)),
            };
            state.set(State::Decided { future });
        }
    }
}

impl<S, B> Reading<S, B> {
    fn sign(&self, outcome: ReadOutcome<B>) -> Result<Request<Body<B>>, Refusal> {
        let mut request = match outcome {
            ReadOutcome::Whole(request) => request,
            ReadOutcome::TooLarge(_) => {
                let too_large = Refusal::new(Code::ContentTooLarge).at(Stage::Inject);
                return Err(too_large.because("it is larger than what is read to be signed"));
            }
            ReadOutcome::Failed(refusal) => return Err(refusal),
        };
        let wall = self.context.clock().now().wall;
        signing::sign(&*self.signer, &mut request, KnownBody::AsRead, wall, &self.context)?;
        self.context.passed(Stage::Inject);
        Ok(request)
    }
}

impl<S, B> fmt::Debug for BodyInjectFuture<S, B>
where
    S: Service<Request<Body<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyInjectFuture").finish_non_exhaustive()
    }
}
