//! Waits for the body of a request, then for the response.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use rrcore::{Body, ReadBody};
use tower_service::Service;

use super::check::Check;
use crate::fault::BoxError;

pin_project! {
    /// Resolves to the inner response, or to a refusal.
    #[must_use]
    pub struct RequestFilterFuture<S, B>
    where
        S: Service<Request<Body<B>>>,
    {
        #[pin]
        state: State<S, B, S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, B, F> {
        Forward { #[pin] inner: F },
        Answer { response: Option<Box<Response<Bytes>>> },
        // Boxed: not all requests wait here, and all would be as large.
        Reading { waiting: Option<Box<Waiting<S, B>>> },
    }
}

struct Waiting<S, B> {
    read: ReadBody<B>,
    inner: S,
    check: Check,
}

impl<S, B> RequestFilterFuture<S, B>
where
    S: Service<Request<Body<B>>>,
{
    pub(super) const fn forward(inner: S::Future) -> Self {
        Self { state: State::Forward { inner } }
    }

    pub(super) fn answer(response: Response<Bytes>) -> Self {
        Self { state: State::Answer { response: Some(Box::new(response)) } }
    }

    pub(super) fn read(read: ReadBody<B>, inner: S, check: Check) -> Self {
        let waiting = Some(Box::new(Waiting { read, inner, check }));
        Self { state: State::Reading { waiting } }
    }
}

impl<S, B, ResBody> Future for RequestFilterFuture<S, B>
where
    S: Service<Request<Body<B>>, Response = Response<ResBody>>,
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Body<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Forward { inner } => {
                    return Poll::Ready(Ok(ready!(inner.poll(cx))?.map(Body::inner)));
                }
                StateProj::Answer { response } => {
                    // Polled after it resolved: a bug of the caller's, which waits for ever.
                    let Some(response) = response.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(response.map(Body::own)));
                }
                StateProj::Reading { waiting } => {
                    let Some(read) = waiting.as_mut() else { return Poll::Pending };
                    let outcome = ready!(Pin::new(&mut read.read).poll(cx));
                    let Some(waiting) = waiting.take() else { return Poll::Pending };
                    let Waiting { mut inner, check, .. } = *waiting;
                    match check.filter(outcome) {
                        Ok(request) => State::Forward { inner: inner.call(request) },
                        Err(response) => State::Answer { response: Some(response) },
                    }
                }
            };
            this.state.set(next);
        }
    }
}

impl<S, B> fmt::Debug for RequestFilterFuture<S, B>
where
    S: Service<Request<Body<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestFilterFuture").finish_non_exhaustive()
    }
}
