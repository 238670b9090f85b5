//! The response, with what it says of the limits.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;
use rrcore::{Body, GuardFuture};

use crate::answer::Stamp;

pin_project! {
    /// Resolves to the inner response or to the refusal; either says what is left.
    pub struct RateLimitFuture<F> {
        #[pin]
        inner: GuardFuture<F>,
        stamp: Option<Stamp>,
    }
}

impl<F> RateLimitFuture<F> {
    pub(crate) const fn new(inner: GuardFuture<F>, stamp: Option<Stamp>) -> Self {
        Self { inner, stamp }
    }
}

impl<F, B, E> Future for RateLimitFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Body<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        if let Some(stamp) = this.stamp.take() {
            stamp.put_on(&mut response);
        }
        Poll::Ready(Ok(response))
    }
}

impl<F> fmt::Debug for RateLimitFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitFuture").finish_non_exhaustive()
    }
}
