//! The bodies of the data plane: what clients send, and what they get.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use pin_project_lite::pin_project;

/// Any error, for bodies whose types have been erased.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A response's body behind the whole stack of its proxy: erased once, here.
pub type ResponseBody = UnsyncBoxBody<Bytes, BoxError>;

pin_project! {
    /// A request's body as it comes from the client, counted and bounded.
    #[derive(Debug)]
    pub struct RequestBody {
        #[pin]
        inner: Incoming,
        limit: u64,
        seen: Arc<AtomicU64>,
    }
}

impl RequestBody {
    /// Passes up to `limit` bytes of `inner`, and counts them in `seen`.
    pub const fn new(inner: Incoming, limit: u64, seen: Arc<AtomicU64>) -> Self {
        Self { inner, limit, seen }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.project();
        let frame = match ready!(this.inner.poll_frame(cx)) {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(RequestBodyError::Client(error)))),
            Some(Ok(frame)) => frame,
        };
        // Trailers of a request are dropped: nothing has judged them.
        let Ok(data) = frame.into_data() else { return Poll::Ready(None) };
        let more = data.len() as u64;
        let seen = this.seen.fetch_add(more, Ordering::Relaxed).saturating_add(more);
        if seen > *this.limit {
            return Poll::Ready(Some(Err(RequestBodyError::TooLarge)));
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Why a request's body ended early. The client's fault, never the upstream's.
#[derive(Debug)]
pub enum RequestBodyError {
    /// It is larger than `maxRequestBytes`.
    TooLarge,
    /// It was not framed as HTTP says, or the client went away.
    Client(hyper::Error),
}

impl fmt::Display for RequestBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the request body is larger than allowed",
            Self::Client(_) => "the request body could not be read",
        })
    }
}

impl std::error::Error for RequestBodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::TooLarge => None,
            Self::Client(error) => Some(error),
        }
    }
}
