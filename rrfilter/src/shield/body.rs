//! The body of a response in which secrets are masked while it arrives.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use rrcore::coding::{Coding, DecodeError, DecodeLimits, Decoder};

use super::{Masker, Patterns, head};
use crate::fault::{BodyError, BoxError, Fault};

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
    }
}

struct Masking {
    patterns: Patterns,
    masker: Masker,
    decoding: Option<Decoding>,
    trailers: Option<HeaderMap>,
    is_over: bool,
}

struct Decoding {
    decoder: Decoder,
    // What has come, and was not taken yet.
    coded: Bytes,
    has_more: bool,
    // No content at all is none in any coding.
    is_empty: bool,
}

impl<B> ShieldedBody<B> {
    pub(super) const fn inner(inner: B) -> Self {
        Self { kind: Kind::Inner { inner } }
    }

    pub(super) const fn own(bytes: Bytes) -> Self {
        Self { kind: Kind::Own { bytes } }
    }

    pub(super) fn masked(inner: B, patterns: Patterns, coding: Coding) -> Self {
        let decoding = (coding != Coding::Identity).then(|| Decoding {
            decoder: Decoder::new(coding, DecodeLimits::bytes(u64::MAX).ratio(MAX_RATIO)),
            coded: Bytes::new(),
            has_more: false,
            is_empty: true,
        });
        let masker = Masker::new(patterns.clone());
        let masking = Masking { patterns, masker, decoding, trailers: None, is_over: false };
        Self { kind: Kind::Masked { inner, masking: Box::new(masking) } }
    }
}

impl Masking {
    // What is at hand without asking the inner body.
    fn next(&mut self) -> Result<Option<Frame<Bytes>>, BodyError> {
        if let Some(decoding) = &mut self.decoding {
            while let Some(plain) = decoding.next().map_err(undecodable)? {
                let masked = self.masker.push(plain);
                if !masked.is_empty() {
                    return Ok(Some(Frame::data(masked)));
                }
            }
        }
        Ok(self.trailers.take().map(Frame::trailers))
    }

    fn take(&mut self, data: Bytes) -> Option<Frame<Bytes>> {
        let Some(decoding) = &mut self.decoding else {
            let masked = self.masker.push(data);
            return (!masked.is_empty()).then(|| Frame::data(masked));
        };
        decoding.is_empty &= data.is_empty();
        decoding.coded = data;
        None
    }

    // What is left when the inner body is over.
    fn end(&mut self, trailers: Option<HeaderMap>) -> Result<Option<Frame<Bytes>>, BodyError> {
        self.is_over = true;
        if let Some(decoding) = &self.decoding
            && !decoding.is_empty
        {
            decoding.decoder.finish().map_err(undecodable)?;
        }
        self.trailers = trailers.map(|mut it| {
            head::mask(&mut it, &self.patterns);
            it
        });
        let rest = self.masker.finish();
        if rest.is_empty() {
            return Ok(self.trailers.take().map(Frame::trailers));
        }
        Ok(Some(Frame::data(rest)))
    }

    // Nothing follows an error.
    fn fail(&mut self) {
        self.is_over = true;
        self.decoding = None;
        self.trailers = None;
        self.masker.finish();
    }

    fn is_drained(&self) -> bool {
        let is_undone = self.decoding.as_ref().is_none_or(|it| self.is_over && it.is_undone());
        self.masker.held() == 0 && self.trailers.is_none() && is_undone
    }
}

const fn undecodable(error: DecodeError) -> BodyError {
    BodyError::withheld(Fault::Coding(error))
}

impl Decoding {
    const fn is_undone(&self) -> bool {
        !self.has_more && self.coded.is_empty()
    }

    fn next(&mut self) -> Result<Option<Bytes>, DecodeError> {
        while self.has_more || !self.coded.is_empty() {
            let mut plain = Vec::new();
            let step = self.decoder.push(&self.coded, &mut plain)?;
            self.coded = self.coded.slice(step.read.min(self.coded.len())..);
            self.has_more = step.more;
            if !plain.is_empty() {
                return Ok(Some(plain.into()));
            }
        }
        Ok(None)
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
        let (mut inner, masking) = match self.project().kind.project() {
            KindProj::Inner { inner } => return inner.poll_frame(cx).map_err(BodyError::inner),
            KindProj::Own { bytes } if bytes.is_empty() => return Poll::Ready(None),
            KindProj::Own { bytes } => {
                return Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))));
            }
            KindProj::Masked { inner, masking } => (inner, masking),
        };
        loop {
            let next = match masking.next() {
                Ok(None) if masking.is_over => return Poll::Ready(None),
                Ok(None) => match ready!(inner.as_mut().poll_frame(cx)) {
                    None => masking.end(None),
                    Some(Err(error)) => Err(BodyError::inner(error)),
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => Ok(masking.take(data)),
                        Err(frame) => masking.end(frame.into_trailers().ok()),
                    },
                },
                next => next,
            };
            match next.transpose() {
                None => {}
                Some(Ok(frame)) => return Poll::Ready(Some(Ok(frame))),
                Some(Err(error)) => {
                    masking.fail();
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { inner } => inner.is_end_stream(),
            Kind::Own { bytes } => bytes.is_empty(),
            Kind::Masked { inner, masking } => {
                let is_over = masking.is_over || inner.is_end_stream();
                is_over && masking.is_drained()
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { inner } => inner.size_hint(),
            Kind::Own { bytes } => SizeHint::with_exact(bytes.len() as u64),
            Kind::Masked { masking, .. } if masking.decoding.is_some() => SizeHint::default(),
            // As much goes out as comes in.
            Kind::Masked { inner, masking } => {
                let held = masking.masker.held() as u64;
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

// What decodes to more is passed on by nobody who means well.
const MAX_RATIO: u64 = 1_000;
