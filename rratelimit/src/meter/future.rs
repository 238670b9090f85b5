//! The response, whose head may say already what it cost.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;
use rrcore::{Refusal, Stage};

use super::body::MeteredBody;
use super::tally::Tally;

pin_project! {
    /// Resolves to the inner response, whose body is read as it passes.
    pub struct MeterFuture<F> {
        #[pin]
        inner: F,
        // Dropped with this, it settles: nobody has answered.
        tally: Option<Box<Tally>>,
    }
}

impl<F> MeterFuture<F> {
    pub(crate) const fn new(inner: F, tally: Option<Box<Tally>>) -> Self {
        Self { inner, tally }
    }
}

impl<F, B, E> Future for MeterFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: http_body::Body<Data = Bytes>,
{
    type Output = Result<Response<MeteredBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(cx));
        let mut tally = this.tally.take();
        let (head, body) = result?.into_parts();
        if head.extensions.get::<Refusal>().is_some_and(|it| is_before_any_answer(it.stage())) {
            tally = None;
        }
        if let Some(tally) = &mut tally {
            tally.begin(&head.headers);
        }
        Poll::Ready(Ok(Response::from_parts(head, MeteredBody::new(body, tally))))
    }
}

// Whom this is about was never asked, or has said nothing. What a stage behind it makes of an answer may
// have cost something.
const fn is_before_any_answer(stage: Stage) -> bool {
    matches!(stage, Stage::Hygiene | Stage::Inject | Stage::Upstream)
}

impl<F> fmt::Debug for MeterFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeterFuture").finish_non_exhaustive()
    }
}
