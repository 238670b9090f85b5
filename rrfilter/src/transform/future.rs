//! Waits for the request's body, for the response, and for its body.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use rrcore::{Body, Collect, ReadBody};
use tower_service::Service;

use crate::transform::exchange::{Exchange, Held, Judged};

pin_project! {
    /// Resolves to the inner response, changed where it is to be, or to a refusal.
    #[must_use]
    pub struct TransformFuture<S, B, R>
    where
        S: Service<Request<Body<B>>>,
    {
        #[pin]
        state: State<S, B, R, S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, B, R, F> {
        Pass { #[pin] inner: F },
        Answer { response: Option<Box<Response<Bytes>>> },
        // Boxed: few requests wait here, and all would be as large.
        Read { reading: Option<Box<Reading<S, B>>> },
        Call { #[pin] inner: F, exchange: Option<Box<Exchange>> },
        Collect { #[pin] body: Collect<R>, held: Option<Box<Held>> },
    }
}

/// A request whose body is being read.
pub(crate) struct Reading<S, B> {
    pub(crate) read: ReadBody<B>,
    pub(crate) inner: S,
    pub(crate) exchange: Exchange,
}

impl<S, B, R> TransformFuture<S, B, R>
where
    S: Service<Request<Body<B>>>,
{
    pub(crate) const fn pass(inner: S::Future) -> Self {
        Self { state: State::Pass { inner } }
    }

    pub(crate) fn answer(response: Response<Bytes>) -> Self {
        Self { state: State::Answer { response: Some(Box::new(response)) } }
    }

    pub(crate) fn read(reading: Reading<S, B>) -> Self {
        Self { state: State::Read { reading: Some(Box::new(reading)) } }
    }

    pub(crate) fn call(inner: S::Future, exchange: Exchange) -> Self {
        Self { state: State::called(inner, exchange) }
    }
}

impl<S, B, R, F> State<S, B, R, F> {
    fn called(inner: F, exchange: Exchange) -> Self {
        match exchange.transform.changes_responses() {
            true => Self::Call { inner, exchange: Some(Box::new(exchange)) },
            false => Self::Pass { inner },
        }
    }
}

impl<S, B, R> Future for TransformFuture<S, B, R>
where
    S: Service<Request<Body<B>>, Response = Response<R>>,
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    R: http_body::Body<Data = Bytes>,
{
    type Output = Result<Response<Body<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Pass { inner } => {
                    return Poll::Ready(Ok(ready!(inner.poll(cx))?.map(Body::inner)));
                }
                StateProj::Answer { response } => match response.take() {
                    Some(response) => return Poll::Ready(Ok(response.map(Body::own))),
                    None => return Poll::Pending,
                },
                StateProj::Read { reading } => {
                    let Some(waiting) = reading.as_mut() else { return Poll::Pending };
                    let read = ready!(Pin::new(&mut waiting.read).poll(cx));
                    let Some(waiting) = reading.take() else { return Poll::Pending };
                    let Reading { mut inner, exchange, .. } = *waiting;
                    match exchange.read(read) {
                        Ok(request) => State::called(inner.call(request), exchange),
                        Err(refusal) => {
                            let response = exchange.context.refuse(refusal);
                            State::Answer { response: Some(Box::new(response)) }
                        }
                    }
                }
                StateProj::Call { inner, exchange } => {
                    let response = ready!(inner.poll(cx))?;
                    let Some(exchange) = exchange.take() else { return Poll::Pending };
                    match exchange.judge(response) {
                        Judged::Done(response) => return Poll::Ready(Ok(response)),
                        Judged::Read(body, held) => State::Collect { body, held: Some(held) },
                    }
                }
                StateProj::Collect { body, held } => {
                    let collected = ready!(body.poll(cx));
                    let Some(held) = held.take() else { return Poll::Pending };
                    let response = held.change(collected);
                    // What is left of the upstream's body, and its connection, go now.
                    State::Answer { response: Some(Box::new(response)) }
                }
            };
            state.set(next);
        }
    }
}

impl<S, B, R> fmt::Debug for TransformFuture<S, B, R>
where
    S: Service<Request<Body<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransformFuture").finish_non_exhaustive()
    }
}
