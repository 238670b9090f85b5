//! Reads a body whole, up to a limit.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body;
use pin_project_lite::pin_project;

/// A body that was read to its end.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Collected {
    /// All data.
    pub data: Bytes,
    /// The trailers, if there were any.
    pub trailers: Option<HeaderMap>,
}

/// Why a body could not be read whole.
#[derive(Debug)]
pub enum CollectError<E> {
    /// It has more bytes than the limit.
    TooLarge,
    /// The body itself failed.
    Body(E),
}

impl<E: fmt::Display> fmt::Display for CollectError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the body is larger than the limit"),
            Self::Body(error) => write!(f, "the body could not be read: {error}"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for CollectError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::TooLarge => None,
            Self::Body(error) => Some(error),
        }
    }
}

pin_project! {
    /// Reads a body whole; never holds more than `limit` bytes of it.
    #[derive(Debug)]
    #[must_use]
    pub struct Collect<B> {
        #[pin]
        body: B,
        limit: usize,
        first: Bytes,
        rest: BytesMut,
        trailers: Option<HeaderMap>,
    }
}

impl<B: Body<Data = Bytes>> Collect<B> {
    /// Reads up to `limit` bytes of `body`.
    pub fn new(body: B, limit: usize) -> Self {
        Self { body, limit, first: Bytes::new(), rest: BytesMut::new(), trailers: None }
    }
}

impl<B: Body<Data = Bytes>> Future for Collect<B> {
    type Output = Result<Collected, CollectError<B::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // A declared length over the limit is refused before a byte is read.
        if this.body.size_hint().lower() > *this.limit as u64 {
            return Poll::Ready(Err(CollectError::TooLarge));
        }
        loop {
            match ready!(this.body.as_mut().poll_frame(cx)) {
                None => break,
                Some(Err(error)) => return Poll::Ready(Err(CollectError::Body(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        let held = this.first.len() + this.rest.len();
                        if data.len() > this.limit.saturating_sub(held) {
                            return Poll::Ready(Err(CollectError::TooLarge));
                        }
                        hold(this.first, this.rest, data);
                    }
                    Err(frame) => *this.trailers = frame.into_trailers().ok(),
                },
            }
        }
        let first = std::mem::take(this.first);
        let data = if this.rest.is_empty() { first } else { this.rest.split().freeze() };
        Poll::Ready(Ok(Collected { data, trailers: this.trailers.take() }))
    }
}

// Most bodies are one frame: that one is kept as it came, and copied only when a second follows.
pub(crate) fn hold(first: &mut Bytes, rest: &mut BytesMut, data: Bytes) {
    if first.is_empty() && rest.is_empty() {
        *first = data;
        return;
    }
    if !first.is_empty() {
        rest.extend_from_slice(&std::mem::take(first));
    }
    rest.extend_from_slice(&data);
}
