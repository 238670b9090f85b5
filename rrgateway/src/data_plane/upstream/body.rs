//! The upstream's response body, under an idle timeout.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tokio::time::Sleep;

pin_project! {
    /// A response body that may pause only so long.
    #[derive(Debug)]
    pub struct UpstreamBody {
        #[pin]
        inner: Incoming,
        idle: Duration,
        // Made when the body first pauses: most never do.
        pause: Option<Pin<Box<Sleep>>>,
    }
}

impl UpstreamBody {
    /// Relays `inner` as long as it does not pause longer than `idle`.
    #[must_use]
    pub const fn new(inner: Incoming, idle: Duration) -> Self {
        Self { inner, idle, pause: None }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = UpstreamBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.project();
        match this.inner.poll_frame(cx) {
            Poll::Ready(frame) => {
                *this.pause = None;
                Poll::Ready(frame.map(|it| it.map_err(UpstreamBodyError::Body)))
            }
            Poll::Pending => {
                let idle = *this.idle;
                let pause = this.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
                pause.as_mut().poll(cx).map(|()| Some(Err(UpstreamBodyError::Idle)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Why a response ended early. The caller sees the transfer break off.
#[derive(Debug)]
pub enum UpstreamBodyError {
    /// Nothing came for too long.
    Idle,
    /// It was not framed as HTTP says, or the upstream went away.
    Body(hyper::Error),
}

impl fmt::Display for UpstreamBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "the upstream paused for too long",
            Self::Body(_) => "the upstream's response ended early",
        })
    }
}

impl Error for UpstreamBodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Idle => None,
            Self::Body(error) => Some(error),
        }
    }
}
