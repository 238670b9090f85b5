//! The response, with what it says of the limits.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use rrcore::{Body, GuardFuture};
use tower_service::Service;

use crate::asked::{Pending, Waiting};
use crate::body::LimitedBody;
use crate::store::Store;

pin_project! {
    /// Resolves to the inner response or to the refusal; either says what is left.
    pub struct RateLimitFuture<S, B, St>
    where
        S: Service<Request<B>>,
        St: Store,
    {
        #[pin]
        state: State<S, B, St>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, B, St>
    where
        S: Service<Request<B>>,
        St: Store,
    {
        // Boxed: a request is larger than all else here, and only a store that is elsewhere makes
        // one wait. Then it is next to nothing.
        Deciding { #[pin] later: St::Later, waiting: Option<Box<Waiting<S, B, St>>> },
        // Boxed: the stack's future is as large as all its layers.
        Running { #[pin] inner: GuardFuture<S::Future>, pending: Option<Box<Pending<St>>> },
    }
}

impl<S, B, St> RateLimitFuture<S, B, St>
where
    S: Service<Request<B>>,
    St: Store,
{
    pub(crate) fn running(inner: GuardFuture<S::Future>, pending: Option<Pending<St>>) -> Self {
        Self { state: State::Running { inner, pending: pending.map(Box::new) } }
    }

    pub(crate) fn deciding(later: St::Later, waiting: Waiting<S, B, St>) -> Self {
        Self { state: State::Deciding { later, waiting: Some(Box::new(waiting)) } }
    }
}

impl<S, B, St, ResBody> Future for RateLimitFuture<S, B, St>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
    St: Store,
{
    type Output = Result<Response<LimitedBody<ResBody>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project().state.project() {
                StateProj::Deciding { later, waiting } => {
                    let decision = ready!(later.poll(cx));
                    match waiting.take() {
                        Some(waiting) => {
                            let (guard, pending) = waiting.proceed(decision);
                            Self::running(guard, pending)
                        }
                        // Polled after it resolved: a bug of the caller's, which waits for ever.
                        None => return Poll::Pending,
                    }
                }
                StateProj::Running { inner, pending } => {
                    let mut response: Response<Body<ResBody>> = ready!(inner.poll(cx))?;
                    let held = pending.take().and_then(|it| it.finish(&mut response));
                    return Poll::Ready(Ok(response.map(|it| LimitedBody::new(it, held))));
                }
            };
            self.set(next);
        }
    }
}

impl<S, B, St> fmt::Debug for RateLimitFuture<S, B, St>
where
    S: Service<Request<B>>,
    St: Store,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitFuture").finish_non_exhaustive()
    }
}
