//! The response's body, which holds what must be given back when it ends.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use rrcore::Body;

use crate::permit::Permit;
use crate::store::Store;

pin_project! {
    /// The inner service's body, passed through untouched, or the bytes of a refusal. What counts as
    /// running ends with it, or when it is dropped.
    pub struct LimitedBody<B> {
        #[pin]
        inner: Body<B>,
        held: Option<Held>,
    }
}

/// A permit of any store. Boxed, and only there where a limit counts what is running.
pub(crate) type Held = Box<dyn Holds>;

/// Gives back what it holds when it is dropped.
pub(crate) trait Holds: Send + Sync {}

impl<St: Store> Holds for Permit<St> {}

impl<B> LimitedBody<B> {
    pub(crate) const fn new(inner: Body<B>, held: Option<Held>) -> Self {
        Self { inner, held }
    }
}

// tower-http's layers ask for it.
impl<B> Default for LimitedBody<B> {
    fn default() -> Self {
        Self::new(Body::default(), None)
    }
}

impl<B: http_body::Body<Data = Bytes>> http_body::Body for LimitedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            *this.held = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B> fmt::Debug for LimitedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitedBody").field("holds", &self.held.is_some()).finish_non_exhaustive()
    }
}
