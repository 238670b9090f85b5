//! The response body of every layer that may answer by itself.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// Either the inner service's body, passed through untouched, or bytes of our own, or an inner
    /// body whose beginning has been read and is given again.
    ///
    /// Fails only as the inner body fails, so a layer does not change its stack's error type.
    #[derive(Debug)]
    pub struct Body<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProj]
    #[derive(Debug)]
    enum Kind<B> {
        Inner { #[pin] inner: B },
        Own { bytes: Bytes },
        Replayed { first: VecDeque<Bytes>, #[pin] rest: B },
    }
}

impl<B> Body<B> {
    /// Passes `inner` through: frames, trailers, size hint and errors.
    pub const fn inner(inner: B) -> Self {
        Self { kind: Kind::Inner { inner } }
    }

    /// A whole body of our own.
    pub fn own(bytes: impl Into<Bytes>) -> Self {
        Self { kind: Kind::Own { bytes: bytes.into() } }
    }

    /// Gives `first`, which was read off the beginning of a body, and then the `rest` of it.
    pub fn replayed(first: impl IntoIterator<Item = Bytes>, rest: B) -> Self {
        Self { kind: Kind::Replayed { first: first.into_iter().collect(), rest } }
    }

    /// The inner body, if this is one, whole; `None` for a body of our own or one whose beginning
    /// has been read.
    pub fn into_inner(self) -> Option<B> {
        match self.kind {
            Kind::Inner { inner } => Some(inner),
            Kind::Own { .. } | Kind::Replayed { .. } => None,
        }
    }
}

impl<B> Body<Body<B>> {
    /// The same body as one of one layer: where a second stage read it, or passed it through.
    #[must_use]
    pub fn flatten(self) -> Body<B> {
        match self.kind {
            Kind::Inner { inner } => inner,
            Kind::Own { bytes } => Body::own(bytes),
            Kind::Replayed { mut first, rest } => match rest.kind {
                Kind::Inner { inner } => Body::replayed(first, inner),
                Kind::Own { bytes } => {
                    first.push_back(bytes);
                    Body::own(first.iter().flatten().copied().collect::<Vec<u8>>())
                }
                Kind::Replayed { first: second, rest } => {
                    first.extend(second);
                    Body::replayed(first, rest)
                }
            },
        }
    }
}

// tower-http's layers ask for it.
impl<B> Default for Body<B> {
    fn default() -> Self {
        Self::own(Bytes::new())
    }
}

impl<B: http_body::Body<Data = Bytes>> http_body::Body for Body<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            KindProj::Inner { inner } => inner.poll_frame(cx),
            KindProj::Own { bytes } if bytes.is_empty() => Poll::Ready(None),
            KindProj::Own { bytes } => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            KindProj::Replayed { first, rest } => match first.pop_front() {
                Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                None => rest.poll_frame(cx),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { inner } => inner.is_end_stream(),
            Kind::Own { bytes } => bytes.is_empty(),
            Kind::Replayed { first, rest } => first.is_empty() && rest.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { inner } => inner.size_hint(),
            Kind::Own { bytes } => SizeHint::with_exact(bytes.len() as u64),
            Kind::Replayed { first, rest } => {
                let read = first.iter().map(|it| it.len() as u64).sum::<u64>();
                let mut hint = rest.size_hint();
                if let Some(upper) = hint.upper() {
                    hint.set_upper(upper.saturating_add(read));
                }
                hint.set_lower(hint.lower().saturating_add(read));
                hint
            }
        }
    }
}
