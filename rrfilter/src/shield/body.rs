//! The body of a response in which secrets are masked while it arrives.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use rrcore::coding::Coding;

use super::Patterns;
use super::coded::Coded;
use super::masking::Masking;
use crate::fault::{BodyError, BoxError};

pin_project! {
    /// An inner body with its secrets masked, or as it is, or bytes of our own.
    ///
    /// Ends with a [`BodyError`] when the inner body does, and when its coding cannot be undone.
    pub struct ShieldedBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<B> {
        Inner { #[pin] inner: B },
        Own { bytes: Bytes },
        Masked { #[pin] inner: B, masking: Box<Masking> },
        Coded { coded: Box<Coded<B>> },
    }
}

impl<B> ShieldedBody<B> {
    pub(super) const fn inner(inner: B) -> Self {
        Self { kind: Kind::Inner { inner } }
    }

    pub(super) const fn own(bytes: Bytes) -> Self {
        Self { kind: Kind::Own { bytes } }
    }

    pub(super) fn masked(inner: B, patterns: Patterns) -> Self {
        let masking = Box::new(Masking::new(patterns, Coding::Identity));
        Self { kind: Kind::Masked { inner, masking } }
    }

    pub(super) fn coded(coded: Coded<B>) -> Self {
        Self { kind: Kind::Coded { coded: Box::new(coded) } }
    }
}

impl<B> Body for ShieldedBody<B>
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
            KindProj::Masked { inner, masking } => masking.poll_frame(inner, cx),
            KindProj::Coded { coded } => coded.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { inner } => inner.is_end_stream(),
            Kind::Own { bytes } => bytes.is_empty(),
            Kind::Masked { inner, masking } => {
                let is_over = masking.is_over() || inner.is_end_stream();
                is_over && masking.is_drained()
            }
            Kind::Coded { coded } => coded.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { inner } => inner.size_hint(),
            Kind::Own { bytes } => SizeHint::with_exact(bytes.len() as u64),
            Kind::Coded { .. } => SizeHint::default(),
            // As much goes out as comes in.
            Kind::Masked { inner, masking } => {
                let held = masking.held() as u64;
                let mut hint = inner.size_hint();
                if let Some(upper) = hint.upper() {
                    hint.set_upper(upper.saturating_add(held));
                }
                hint.set_lower(hint.lower().saturating_add(held));
                hint
            }
        }
    }
}

impl<B> fmt::Debug for ShieldedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShieldedBody").finish_non_exhaustive()
    }
}
