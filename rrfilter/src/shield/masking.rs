//! Masks content while it arrives, and undoes its coding before that.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame};
use rrcore::coding::{Coding, DecodeError, DecodeLimits, Decoder};

use super::{Masker, Patterns, head};
use crate::fault::{BodyError, BoxError, Fault};

/// What is between an inner body and what leaves of it.
pub(super) struct Masking {
    patterns: Patterns,
    masker: Masker,
    decoding: Option<Decoding>,
    // What has come, and was not taken yet.
    came: Bytes,
    trailers: Option<HeaderMap>,
    is_over: bool,
}

struct Decoding {
    decoder: Decoder,
    has_more: bool,
    // No content at all is none in any coding.
    is_empty: bool,
    // What was undone before anybody asked for it.
    ahead: Vec<u8>,
}

impl Masking {
    pub(super) fn new(patterns: Patterns, coding: Coding) -> Self {
        let decoding = (coding != Coding::Identity).then(|| Decoding {
            decoder: Decoder::new(coding, DecodeLimits::bytes(u64::MAX).ratio(MAX_RATIO)),
            has_more: false,
            is_empty: true,
            ahead: Vec::new(),
        });
        let masker = Masker::new(patterns.clone());
        let came = Bytes::new();
        Self { patterns, masker, decoding, came, trailers: None, is_over: false }
    }

    /// The next that leaves; after an error, nothing.
    pub(super) fn poll_frame<B>(
        &mut self,
        mut inner: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        loop {
            let more = match self.next() {
                Ok(Some(frame)) => return Poll::Ready(Some(Ok(frame))),
                Ok(None) if self.is_over => return Poll::Ready(None),
                Ok(None) => ready!(self.poll_more(inner.as_mut(), cx)),
                Err(error) => Err(error),
            };
            if let Err(error) = more {
                self.fail();
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    /// Asks the inner body, when nothing is at hand without.
    pub(super) fn poll_more<B>(
        &mut self,
        inner: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), BodyError>>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let Some(frame) = ready!(inner.poll_frame(cx)).transpose().map_err(BodyError::inner)?
        else {
            return Poll::Ready(self.end(None));
        };
        match frame.into_data() {
            Ok(data) => {
                if let Some(decoding) = &mut self.decoding {
                    decoding.is_empty &= data.is_empty();
                }
                self.came = data;
                Poll::Ready(Ok(()))
            }
            Err(frame) => Poll::Ready(self.end(frame.into_trailers().ok())),
        }
    }

    /// Undoes the coding of what has come, but not much at once. The answer is whether there is
    /// anything of the content now.
    pub(super) fn begin(&mut self) -> Result<bool, BodyError> {
        let Some(decoding) = &mut self.decoding else { return Ok(!self.came.is_empty()) };
        decoding.begin(&mut self.came).map_err(undecodable)?;
        Ok(!decoding.ahead.is_empty())
    }

    fn next(&mut self) -> Result<Option<Frame<Bytes>>, BodyError> {
        while let Some(plain) = self.plain().map_err(undecodable)? {
            let masked = self.masker.push(plain);
            if !masked.is_empty() {
                return Ok(Some(Frame::data(masked)));
            }
        }
        if self.is_over && self.masker.held() > 0 {
            return Ok(Some(Frame::data(self.masker.finish())));
        }
        Ok(self.trailers.take().map(Frame::trailers))
    }

    fn plain(&mut self) -> Result<Option<Bytes>, DecodeError> {
        let Some(decoding) = &mut self.decoding else {
            let came = std::mem::take(&mut self.came);
            return Ok((!came.is_empty()).then_some(came));
        };
        decoding.next(&mut self.came)
    }

    // The inner body is over, and may have been cut short.
    fn end(&mut self, trailers: Option<HeaderMap>) -> Result<(), BodyError> {
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
        Ok(())
    }

    // Nothing follows an error.
    fn fail(&mut self) {
        self.is_over = true;
        self.decoding = None;
        self.came = Bytes::new();
        self.trailers = None;
        self.masker.finish();
    }

    /// Whether the inner body has nothing to add.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether all that has come is undone.
    pub(super) fn is_undone(&self) -> bool {
        self.came.is_empty() && self.decoding.as_ref().is_none_or(|it| !it.has_more)
    }

    /// Whether nothing leaves any more, once the inner body is over.
    pub(super) fn is_drained(&self) -> bool {
        let is_decoded =
            self.decoding.as_ref().is_none_or(|it| self.is_over && it.ahead.is_empty());
        self.masker.held() == 0 && self.trailers.is_none() && is_decoded && self.is_undone()
    }

    /// How much is held back.
    pub(super) fn held(&self) -> usize {
        self.masker.held()
    }
}

const fn undecodable(error: DecodeError) -> BodyError {
    BodyError::withheld(Fault::Coding(error))
}

impl Decoding {
    fn begin(&mut self, came: &mut Bytes) -> Result<(), DecodeError> {
        let mut ahead = std::mem::take(&mut self.ahead);
        while ahead.len() < Decoder::STEP && (self.has_more || !came.is_empty()) {
            self.step(came, &mut ahead)?;
        }
        self.ahead = ahead;
        Ok(())
    }

    fn next(&mut self, came: &mut Bytes) -> Result<Option<Bytes>, DecodeError> {
        let mut plain = std::mem::take(&mut self.ahead);
        while plain.is_empty() && (self.has_more || !came.is_empty()) {
            self.step(came, &mut plain)?;
        }
        Ok((!plain.is_empty()).then(|| plain.into()))
    }

    fn step(&mut self, came: &mut Bytes, plain: &mut Vec<u8>) -> Result<(), DecodeError> {
        let step = self.decoder.push(came, plain)?;
        came.advance(step.read.min(came.len()));
        self.has_more = step.more;
        Ok(())
    }
}

// What decodes to more is passed on by nobody who means well.
const MAX_RATIO: u64 = 1_000;
