//! The bodies of the data plane: what clients send, and what they get.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use rrcore::BodyFault;
use tokio::time::Sleep;

use crate::data_plane::exchange::Progress;

/// Any error, for bodies whose types have been erased.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A response's body behind the whole stack of its proxy: erased once, here.
pub type ResponseBody = UnsyncBoxBody<Bytes, BoxError>;

/// A request's body behind the stages that may read it: the rules.
pub type StagedBody = rrcore::Body<RequestBody>;

pin_project! {
    /// A response's body without its trailers: no stage has judged them, though meters may have read
    /// them.
    #[derive(Debug)]
    pub struct WithoutTrailers<B> {
        #[pin]
        inner: B,
    }
}

impl<B> WithoutTrailers<B> {
    /// `inner`, whose trailers stay here.
    pub const fn new(inner: B) -> Self {
        Self { inner }
    }
}

impl<B: Body> Body for WithoutTrailers<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.project().inner.poll_frame(cx).map_ok(|frame| match frame.into_data() {
            Ok(data) => Frame::data(data),
            Err(_) => Frame::trailers(HeaderMap::new()),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

pin_project! {
    /// A request's body as it comes from the client: counted, bounded, and not for ever.
    #[derive(Debug)]
    pub struct RequestBody {
        #[pin]
        inner: Incoming,
        limit: u64,
        progress: Arc<Progress>,
        // Made when the body first pauses: most never do.
        pause: Option<Pin<Box<Sleep>>>,
    }
}

impl RequestBody {
    /// Passes up to `limit` bytes of `inner`, and says in `progress` how far it has been read.
    pub fn new(inner: Incoming, limit: u64, progress: Arc<Progress>) -> Self {
        if let Some(length) = inner.size_hint().exact() {
            _ = progress.length.set(length);
        }
        Self { inner, limit, progress, pause: None }
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
        let frame = match this.inner.poll_frame(cx) {
            Poll::Pending => {
                this.progress.awaited.store(true, Ordering::Relaxed);
                let pause = this.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(IDLE)));
                return pause.as_mut().poll(cx).map(|()| Some(Err(RequestBodyError::Stalled)));
            }
            Poll::Ready(None) => {
                this.progress.ended.store(true, Ordering::Relaxed);
                return Poll::Ready(None);
            }
            Poll::Ready(Some(Err(error))) => {
                return Poll::Ready(Some(Err(RequestBodyError::Client(error))));
            }
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        *this.pause = None;
        this.progress.awaited.store(false, Ordering::Relaxed);
        this.progress.note();
        // Trailers of a request are dropped: nothing has judged them.
        let Ok(data) = frame.into_data() else { return Poll::Ready(None) };
        let more = data.len() as u64;
        let seen = this.progress.bytes.fetch_add(more, Ordering::Relaxed).saturating_add(more);
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
    /// The client stopped sending it.
    Stalled,
    /// It was not framed as HTTP says, or the client went away.
    Client(hyper::Error),
}

impl fmt::Display for RequestBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the request body is larger than allowed",
            Self::Stalled => "the client stopped sending the request body",
            Self::Client(_) => "the request body could not be read",
        })
    }
}

impl std::error::Error for RequestBodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // What a stage that reads the body answers.
            Self::TooLarge => Some(&BodyFault::TooLarge),
            Self::Stalled => Some(&BodyFault::Stalled),
            Self::Client(error) => Some(error),
        }
    }
}

/// How long a client may pause within a body.
const IDLE: Duration = Duration::from_secs(30);
