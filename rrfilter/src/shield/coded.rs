//! A body in a coding, whose beginning can be looked at before anything of it leaves.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use rrcore::coding::Coding;

use super::Patterns;
use super::masking::Masking;
use crate::fault::{BodyError, BoxError};

/// It is begun in one place and read on in another.
pub(super) struct Coded<B> {
    inner: Pin<Box<B>>,
    masking: Masking,
}

impl<B> Coded<B> {
    pub(super) fn new(inner: B, patterns: Patterns, coding: Coding) -> Self {
        Self { inner: Box::pin(inner), masking: Masking::new(patterns, coding) }
    }
}

impl<B> Coded<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// Waits until something of it is undone, or it is over, and not for more: the next event of a
    /// stream may be far.
    pub(super) fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        loop {
            let has_begun = self.masking.begin()?;
            // What is short and known to be whole has its end looked at, too.
            let is_whole = self.masking.is_undone() && self.inner.is_end_stream();
            if self.masking.is_over() || has_begun && !is_whole {
                return Poll::Ready(Ok(()));
            }
            ready!(self.masking.poll_more(self.inner.as_mut(), cx))?;
        }
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.masking.poll_frame(self.inner.as_mut(), cx)
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.masking.is_over() && self.masking.is_drained()
    }
}
