//! Waits for the response, looks through its head, and waits for the beginning of what is in a coding.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use pin_project_lite::pin_project;
use rrcore::Refusal;
use rrcore::coding::Coding;

use super::body::ShieldedBody;
use super::coded::Coded;
use super::hold::{Hold, UNREADABLE};
use super::{Patterns, head, part};
use crate::fault::BoxError;

pin_project! {
    /// Resolves to the inner response with its head masked, and its body to be masked as it arrives;
    /// or to a refusal, where the body cannot be read.
    pub struct ShieldFuture<F, B> {
        #[pin]
        state: State<F, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, B> {
        Call { #[pin] inner: F, shielding: Option<Shielding> },
        Hold { held: Option<Box<Hold<B>>> },
    }
}

/// A request that is on its way.
pub(super) struct Shielding {
    context: rrcore::Context,
    is_head: bool,
    asked_for_part: bool,
}

/// What its response's head says.
enum Judged<B> {
    Done(Response<ShieldedBody<B>>),
    Hold(Box<Hold<B>>),
}

impl<F, B> ShieldFuture<F, B> {
    pub(super) const fn new(inner: F, shielding: Option<Shielding>) -> Self {
        Self { state: State::Call { inner, shielding } }
    }
}

impl<F, B, E> Future for ShieldFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<ShieldedBody<B>>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let judged = match this.state.as_mut().project() {
                StateProj::Call { inner, shielding } => {
                    let response = ready!(inner.poll(cx))?;
                    match shielding.take() {
                        Some(shielding) => shielding.judge(response),
                        None => Judged::Done(response.map(ShieldedBody::inner)),
                    }
                }
                StateProj::Hold { held } => {
                    let Some(hold) = held.as_mut() else { return Poll::Pending };
                    let begun = ready!(hold.poll_begun(cx));
                    let Some(hold) = held.take() else { return Poll::Pending };
                    Judged::Done(hold.answer(begun))
                }
            };
            match judged {
                Judged::Done(response) => return Poll::Ready(Ok(response)),
                Judged::Hold(held) => this.state.set(State::Hold { held: Some(held) }),
            }
        }
    }
}

impl Shielding {
    pub(super) fn new(context: rrcore::Context, method: &Method, asked_for_part: bool) -> Self {
        Self { context, is_head: method == Method::HEAD, asked_for_part }
    }

    // What was injected is known now, and not before: a token may have been fetched on the way.
    fn judge<B>(self, response: Response<B>) -> Judged<B> {
        let Some(patterns) = Patterns::of(&self.context) else {
            return Judged::Done(response.map(ShieldedBody::inner));
        };
        let (mut head, body) = response.into_parts();
        head::mask(&mut head.headers, &patterns);
        part::offer_none_of_text(&mut head.headers);
        if self.is_head || has_no_content(head.status) {
            return Judged::Done(Response::from_parts(head, ShieldedBody::inner(body)));
        }
        if part::is_cut(head.status, &head.headers, self.asked_for_part) {
            return self.refuse(UNREADABLE.detail(CUT));
        }
        match Coding::of(&head.headers) {
            // A part of coded content cannot be undone without the parts before.
            Ok(Coding::Identity) if head.status != StatusCode::IM_USED => {
                Judged::Done(Response::from_parts(head, ShieldedBody::masked(body, patterns)))
            }
            Ok(coding) if !is_part(head.status) => {
                head::forget_the_coding(&mut head.headers);
                let coded = Coded::new(body, patterns, coding);
                Judged::Hold(Box::new(Hold { head, coded, context: self.context }))
            }
            Ok(_) | Err(_) => self.refuse(UNREADABLE),
        }
    }

    fn refuse<B>(&self, refusal: Refusal) -> Judged<B> {
        Judged::Done(self.context.refuse(refusal).map(ShieldedBody::own))
    }
}

// Of something that is put together elsewhere; RFC 3229 has it changed beforehand.
fn is_part(status: StatusCode) -> bool {
    matches!(status, StatusCode::PARTIAL_CONTENT | StatusCode::IM_USED)
}

// RFC 9110 §6.4.1. After 101, another protocol begins.
fn has_no_content(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

impl<F, B> fmt::Debug for ShieldFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShieldFuture").finish_non_exhaustive()
    }
}

const CUT: &str = "what may be text is not passed on in parts; ask for the whole, without Range";
