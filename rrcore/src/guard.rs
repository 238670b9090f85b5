//! The future of every layer that either forwards a request or answers in its place.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;

use crate::body::Body;

pin_project! {
    /// Resolves to the inner response, or to an answer of our own that never reached the inner
    /// service.
    pub struct GuardFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Forward { #[pin] inner: F },
        // Boxed: a response is 136 bytes, and the stack's future is as large as all its layers.
        Answer { response: Option<Box<Response<Bytes>>> },
    }
}

impl<F> GuardFuture<F> {
    /// Lets the request through.
    pub const fn forward(inner: F) -> Self {
        Self { state: State::Forward { inner } }
    }

    /// Answers in the inner service's place, usually with what
    /// [`Context::refuse`](crate::Context::refuse) rendered.
    #[must_use]
    pub fn answer(response: Response<Bytes>) -> Self {
        Self { state: State::Answer { response: Some(Box::new(response)) } }
    }
}

impl<F, B, E> Future for GuardFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Body<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Forward { inner } => {
                Poll::Ready(ready!(inner.poll(cx)).map(|response| response.map(Body::inner)))
            }
            StateProj::Answer { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response.map(Body::own))),
                // Polled after it resolved: a bug of the caller's, which waits for ever.
                None => Poll::Pending,
            },
        }
    }
}

impl<F> fmt::Debug for GuardFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardFuture").finish_non_exhaustive()
    }
}
