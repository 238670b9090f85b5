//! Waits for a token if it must, then for the inner service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};

use http::{Request, Response, StatusCode};
use pin_project_lite::pin_project;
use rrcore::{Body, Context, GuardFuture, Stage};
use tower_service::Service;

use crate::outbound::injection::Fetched;
use crate::outbound::refusal::unavailable;
use crate::outbound::token::{Token, TokenFuture};

pin_project! {
    /// Resolves to the inner response, or to a refusal that never reached the inner service.
    ///
    /// Dropping it while it waits for a token drops the request: nothing is forwarded.
    pub struct InjectFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B, S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, B, F> {
        Decided { #[pin] guard: GuardFuture<F> },
        // Both boxed: a credential that is always at hand should not pay for the room.
        Waiting { waiting: Box<Waiting<S, B>> },
        Watched { watched: Pin<Box<Watched<F>>> },
    }
}

/// Everything that is needed once there is a token.
pub(crate) struct Waiting<S, B> {
    pub(crate) token: TokenFuture,
    pub(crate) fetched: Arc<Fetched>,
    pub(crate) inner: S,
    pub(crate) request: Option<Request<B>>,
    pub(crate) context: Context,
}

pin_project! {
    /// A request that is on its way with `token`.
    struct Watched<F> {
        #[pin]
        future: F,
        fetched: Arc<Fetched>,
        token: Arc<Token>,
    }
}

impl<S, B> InjectFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(crate) const fn decided(guard: GuardFuture<S::Future>) -> Self {
        Self { state: State::Decided { guard } }
    }

    pub(crate) fn waiting(waiting: Waiting<S, B>) -> Self {
        Self { state: State::Waiting { waiting: Box::new(waiting) } }
    }

    pub(crate) fn with(
        fetched: &Arc<Fetched>,
        token: Arc<Token>,
        mut request: Request<B>,
        context: &Context,
        inner: &mut S,
    ) -> Self {
        if let Err(refusal) = fetched.apply(&token, &mut request, context) {
            return Self::decided(GuardFuture::answer(context.refuse(refusal)));
        }
        context.passed(Stage::Inject);
        let (future, fetched) = (inner.call(request), Arc::clone(fetched));
        let watched = Box::pin(Watched { future, fetched, token });
        Self { state: State::Watched { watched } }
    }
}

impl<S, B, R> Future for InjectFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<Body<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let waiting = match state.as_mut().project() {
                StateProj::Decided { guard } => return guard.poll(cx),
                StateProj::Watched { watched } => return watched.as_mut().poll(cx),
                StateProj::Waiting { waiting } => waiting,
            };
            let token = ready!(waiting.token.as_mut().poll(cx));
            // Always there: this state is replaced at once.
            let Some(request) = waiting.request.take() else { return Poll::Pending };
            let Waiting { fetched, inner, context, .. } = &mut **waiting;
            let next = match token {
                Ok(token) => Self::with(fetched, token, request, context, inner),
                Err(error) => {
                    let refusal = unavailable(error.to_string());
                    Self::decided(GuardFuture::answer(context.refuse(refusal)))
                }
            };
            state.set(next.state);
        }
    }
}

impl<F, R, E> Future for Watched<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<Body<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.future.poll(cx));
        if answer.as_ref().is_ok_and(|it| it.status() == StatusCode::UNAUTHORIZED) {
            // For those that come after; this request cannot be sent again.
            drop(this.fetched.tokens.replace(this.token));
        }
        Poll::Ready(answer.map(|it| it.map(Body::inner)))
    }
}

impl<S, B> fmt::Debug for InjectFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InjectFuture").finish_non_exhaustive()
    }
}
