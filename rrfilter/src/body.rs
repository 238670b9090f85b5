//! The body of a response that may be filtered.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::fault::{BodyError, BoxError};
use crate::stream::Stream;
use crate::watch::Watch;

pin_project! {
    /// What the filters leave of an inner body, while it arrives; or the inner body itself, where no
    /// filter applies; or bytes of our own.
    ///
    /// Ends with a [`BodyError`] when the inner body does, and when the rest of it cannot be filtered.
    pub struct FilteredBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<B> {
        Inner { #[pin] inner: B },
        Own { bytes: Bytes },
        Filtered { stream: Box<Stream<B>> },
        Watched { #[pin] inner: B, watch: Option<Box<Watch>> },
    }
}

impl<B> FilteredBody<B> {
    pub(crate) const fn inner(inner: B) -> Self {
        Self { kind: Kind::Inner { inner } }
    }

    pub(crate) const fn own(bytes: Bytes) -> Self {
        Self { kind: Kind::Own { bytes } }
    }

    pub(crate) const fn filtered(stream: Box<Stream<B>>) -> Self {
        Self { kind: Kind::Filtered { stream } }
    }

    pub(crate) const fn watched(inner: B, watch: Box<Watch>) -> Self {
        Self { kind: Kind::Watched { inner, watch: Some(watch) } }
    }
}

// tower-http's layers ask for it.
impl<B> Default for FilteredBody<B> {
    fn default() -> Self {
        Self::own(Bytes::new())
    }
}

impl<B> Body for FilteredBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.project().kind.project() {
            KindProj::Inner { inner } => inner.poll_frame(cx).map_err(BodyError::inner),
            KindProj::Own { bytes } if bytes.is_empty() => Poll::Ready(None),
            KindProj::Own { bytes } => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            KindProj::Filtered { stream } => stream.poll_next(cx).map_ok(Frame::data),
            KindProj::Watched { inner, watch } => {
                let polled = ready!(inner.poll_frame(cx));
                match &polled {
                    Some(Ok(frame)) => {
                        if let (Some(watch), Some(data)) = (watch.as_mut(), frame.data_ref()) {
                            watch.see(data);
                        }
                    }
                    Some(Err(_)) => drop(watch.take()),
                    None => {
                        if let Some(watch) = watch.take() {
                            watch.end();
                        }
                    }
                }
                Poll::Ready(polled.map(|it| it.map_err(BodyError::inner)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { inner } | Kind::Watched { inner, .. } => inner.is_end_stream(),
            Kind::Own { bytes } => bytes.is_empty(),
            Kind::Filtered { stream } => stream.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { inner } | Kind::Watched { inner, .. } => inner.size_hint(),
            Kind::Own { bytes } => SizeHint::with_exact(bytes.len() as u64),
            Kind::Filtered { .. } => SizeHint::default(),
        }
    }
}

impl<B> fmt::Debug for FilteredBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilteredBody").finish_non_exhaustive()
    }
}
