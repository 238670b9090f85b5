//! A response's body, read as it passes.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::tally::Tally;

pin_project! {
    /// The inner service's body, untouched: frames, trailers, size hint and errors.
    #[derive(Default)]
    pub struct MeteredBody<B> {
        #[pin]
        inner: B,
        // Until all is known. Dropped with this, it settles: nobody reads on.
        tally: Option<Box<Tally>>,
    }
}

impl<B: Body> MeteredBody<B> {
    pub(crate) fn new(inner: B, tally: Option<Box<Tally>>) -> Self {
        let mut body = Self { inner, tally };
        if body.inner.is_end_stream() {
            whole(&mut body.tally);
        } else {
            forget_if_settled(&mut body.tally);
        }
        body
    }
}

impl<B: Body<Data = Bytes>> Body for MeteredBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let polled = ready!(this.inner.as_mut().poll_frame(cx));
        let Some(tally) = this.tally else { return Poll::Ready(polled) };
        match &polled {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    tally.push(data);
                } else if let Some(trailers) = frame.trailers_ref() {
                    tally.trailers(trailers);
                }
                // Who knows this need not ask for another frame; nor is there one behind trailers.
                if this.inner.is_end_stream() || frame.is_trailers() {
                    whole(this.tally);
                } else {
                    forget_if_settled(this.tally);
                }
            }
            Some(Err(_)) => *this.tally = None,
            None => whole(this.tally),
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn whole(tally: &mut Option<Box<Tally>>) {
    if let Some(mut tally) = tally.take() {
        tally.finish();
    }
}

fn forget_if_settled(tally: &mut Option<Box<Tally>>) {
    tally.take_if(|it| it.is_settled());
}

impl<B> fmt::Debug for MeteredBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeteredBody").field("tally", &self.tally).finish_non_exhaustive()
    }
}
