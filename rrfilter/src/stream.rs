//! Draws a body through its filters.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use rrcore::{Outcome, Stage};

use crate::fault::{BodyError, BoxError, Fault};
use crate::flow::Flow;

/// A body that is being filtered.
pub(crate) struct Stream<B> {
    body: Pin<Box<B>>,
    flow: Flow,
    context: rrcore::Context,
    state: State,
    // Comes after what was filtered before it.
    failed: Option<Failed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    // Nobody has seen anything of it.
    Held,
    // Its head has left.
    Flows,
    // All of it is in what the flow has ready.
    Ended,
    // Nothing more is to come, or to be said.
    Over,
}

/// What a step came to.
pub(crate) enum Step {
    Going,
    Ended,
}

/// Why there is no next step.
pub(crate) enum Failed {
    Fault(Fault),
    Body(BoxError),
}

impl<B> Stream<B> {
    pub(crate) fn new(body: B, flow: Flow, context: rrcore::Context) -> Self {
        Self { body: Box::pin(body), flow, context, state: State::Held, failed: None }
    }

    pub(crate) const fn flow(&mut self) -> &mut Flow {
        &mut self.flow
    }

    pub(crate) const fn context(&self) -> &rrcore::Context {
        &self.context
    }

    /// The head of the response leaves: from now on, what becomes of the body is recorded.
    pub(crate) const fn release(&mut self) {
        self.state = State::Flows;
    }

    /// Nothing more will be asked of it: all of it has been taken.
    pub(crate) fn end(&mut self) {
        self.record(Outcome::Passed);
    }

    /// Nothing more will be asked of it, and somebody else says why.
    pub(crate) const fn drop_silently(&mut self) {
        self.state = State::Over;
    }

    fn record(&mut self, outcome: Outcome) {
        self.state = State::Over;
        self.context.record(Stage::Filter, outcome, self.flow.facts());
    }
}

impl<B> Stream<B>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// Does a bounded part of the work, or waits for the inner body.
    pub(crate) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<Step, Failed>> {
        if !self.flow.is_hungry() {
            self.flow.step().map_err(Failed::Fault)?;
            return Poll::Ready(Ok(Step::Going));
        }
        match ready!(self.body.as_mut().poll_frame(cx)) {
            None => {
                self.flow.end().map_err(Failed::Fault)?;
                if self.state == State::Flows {
                    self.state = State::Ended;
                }
                Poll::Ready(Ok(Step::Ended))
            }
            // Trailers are about content that nobody gets.
            Some(Ok(frame)) => {
                self.flow.feed(frame.into_data().unwrap_or_default());
                Poll::Ready(Ok(Step::Going))
            }
            Some(Err(error)) => Poll::Ready(Err(Failed::Body(error.into()))),
        }
    }

    /// The next bytes that leave; `None` when there are no more. After an error there are none.
    pub(crate) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        let mut steps = 0;
        loop {
            let (is_over, is_ended) = (self.state == State::Over, self.state == State::Ended);
            if is_over {
                return Poll::Ready(None);
            }
            let is_last = is_ended || self.failed.is_some();
            if self.flow.ready() >= FRAME || is_last && self.flow.ready() > 0 {
                return Poll::Ready(Some(Ok(self.flow.take())));
            }
            if let Some(failed) = self.failed.take() {
                return Poll::Ready(Some(Err(self.fail(failed))));
            }
            if is_ended {
                self.end();
                return Poll::Ready(None);
            }
            // Where filters leave little of much, others get their turn.
            if steps == STEPS {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            steps += 1;
            match self.poll_step(cx) {
                Poll::Ready(Ok(Step::Going | Step::Ended)) => {}
                Poll::Ready(Err(failed)) => {
                    self.flow.flush();
                    self.failed = Some(failed);
                }
                Poll::Pending => {
                    self.flow.flush();
                    return match self.flow.ready() {
                        0 => Poll::Pending,
                        _ => Poll::Ready(Some(Ok(self.flow.take()))),
                    };
                }
            }
        }
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    fn fail(&mut self, failed: Failed) -> BodyError {
        match failed {
            Failed::Fault(fault) => {
                self.record(Outcome::Refused(fault.code()));
                BodyError::withheld(fault)
            }
            Failed::Body(error) => {
                self.record(Outcome::Passed);
                BodyError::inner(error)
            }
        }
    }
}

// A caller that leaves amid the body has seen what was filtered so far.
impl<B> Drop for Stream<B> {
    fn drop(&mut self) {
        match self.state {
            State::Flows | State::Ended => self.record(Outcome::Passed),
            State::Held | State::Over => {}
        }
    }
}

// Small pieces are put together while there are more at hand.
const FRAME: usize = 16 * 1024;
/// How many steps are made at once.
pub(crate) const STEPS: usize = 64;
