//! The beginning of a filtered response, which is checked before anything of it leaves.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::response::Parts;
use http::{HeaderValue, Response};
use rrcore::{Code, Refusal};

use crate::body::FilteredBody;
use crate::fault::BoxError;
use crate::stream::{Failed, STEPS, Step, Stream};

/// A response whose head is ready, but waits.
pub(crate) struct Hold<B> {
    head: Parts,
    stream: Stream<B>,
    // So much is checked first; `None` where all of it is.
    until: Option<u64>,
    // Nothing at all may pass as it is.
    may_be_empty: bool,
}

/// Why it waits no longer.
pub(crate) enum Released {
    /// Enough of it was checked; the rest follows.
    Checked,
    /// It is whole.
    Whole,
    /// It had no content.
    Empty,
    Refused(Refusal),
}

impl<B> Hold<B> {
    pub(crate) fn new(mut stream: Stream<B>, head: Parts, hold: usize, may_be_empty: bool) -> Self {
        let until = (!stream.flow().work().needs_all()).then_some(hold as u64);
        Self { head, stream, until, may_be_empty }
    }

    pub(crate) fn answer(self, released: Released) -> Response<FilteredBody<B>> {
        let Self { mut head, mut stream, .. } = self;
        match released {
            Released::Checked => {
                stream.release();
                Response::from_parts(head, FilteredBody::filtered(Box::new(stream)))
            }
            Released::Whole => {
                let content = stream.flow().take();
                head.headers.insert(CONTENT_LENGTH, content.len().into());
                stream.end();
                Response::from_parts(head, FilteredBody::own(content))
            }
            Released::Empty => {
                head.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
                stream.end();
                Response::from_parts(head, FilteredBody::own(Bytes::new()))
            }
            Released::Refused(refusal) => {
                stream.drop_silently();
                stream.context().refuse(refusal).map(FilteredBody::own)
            }
        }
    }
}

impl<B> Hold<B>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    pub(crate) fn poll_released(&mut self, cx: &mut Context<'_>) -> Poll<Released> {
        let is_per_record = self.stream.flow().work().is_per_record();
        for _ in 0..STEPS {
            let step = match self.stream.poll_step(cx) {
                Poll::Ready(step) => step,
                // A stream of records may say nothing for long, and its head is worth something;
                // less, while it may turn out to be in no coding that can be undone.
                Poll::Pending if is_per_record && !self.stream.flow().is_undecoded() => {
                    return Poll::Ready(Released::Checked);
                }
                Poll::Pending => return Poll::Pending,
            };
            let flow = self.stream.flow();
            match step {
                Ok(Step::Ended) => return Poll::Ready(Released::Whole),
                Ok(Step::Going) if is_per_record && flow.has_any() => {
                    return Poll::Ready(Released::Checked);
                }
                Ok(Step::Going) if self.until.is_some_and(|it| flow.looked_at() > it) => {
                    return Poll::Ready(Released::Checked);
                }
                Ok(Step::Going) => {}
                Err(Failed::Fault(_)) if self.may_be_empty && flow.is_untouched() => {
                    return Poll::Ready(Released::Empty);
                }
                Err(Failed::Fault(fault)) => {
                    return Poll::Ready(Released::Refused(fault.of_response()));
                }
                Err(Failed::Body(_)) => return Poll::Ready(Released::Refused(BROKEN_OFF)),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

const BROKEN_OFF: Refusal = Refusal::new(Code::UpstreamInvalidResponse);
