//! Waits for the response, and looks through its head.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use pin_project_lite::pin_project;
use rrcore::coding::Coding;
use rrcore::{Code, Refusal};

use super::body::ShieldedBody;
use super::{Patterns, head, part};
use crate::fault::BoxError;

pin_project! {
    /// Resolves to the inner response with its head masked, and its body to be masked as it arrives.
    pub struct ShieldFuture<F> {
        #[pin]
        inner: F,
        shielding: Option<Shielding>,
    }
}

/// A request that is on its way.
pub(super) struct Shielding {
    context: rrcore::Context,
    is_head: bool,
    asked_for_part: bool,
}

impl<F> ShieldFuture<F> {
    pub(super) const fn new(inner: F, shielding: Option<Shielding>) -> Self {
        Self { inner, shielding }
    }
}

impl<F, B, E> Future for ShieldFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<ShieldedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        Poll::Ready(Ok(match this.shielding {
            Some(shielding) => shielding.shield(response),
            None => response.map(ShieldedBody::inner),
        }))
    }
}

impl Shielding {
    pub(super) fn new(context: rrcore::Context, method: &Method, asked_for_part: bool) -> Self {
        Self { context, is_head: method == Method::HEAD, asked_for_part }
    }

    // What was injected is known now, and not before: a token may have been fetched on the way.
    fn shield<B: http_body::Body<Data = Bytes>>(
        &self,
        response: Response<B>,
    ) -> Response<ShieldedBody<B>> {
        let Some(patterns) = Patterns::of(&self.context) else {
            return response.map(ShieldedBody::inner);
        };
        let (mut head, body) = response.into_parts();
        head::mask(&mut head.headers, &patterns);
        part::offer_none_of_text(&mut head.headers);
        if self.is_head || has_no_content(head.status) {
            return Response::from_parts(head, ShieldedBody::inner(body));
        }
        if part::is_cut(head.status, &head.headers, self.asked_for_part) {
            return self.context.refuse(UNREADABLE.detail(CUT)).map(ShieldedBody::own);
        }
        let coding = match Coding::of(&head.headers) {
            // A part of coded content cannot be undone without the parts before.
            Ok(Coding::Identity) if head.status != StatusCode::IM_USED => Coding::Identity,
            Ok(coding) if !is_part(head.status) => {
                head::forget_the_coding(&mut head.headers);
                coding
            }
            Ok(_) | Err(_) => {
                return self.context.refuse(UNREADABLE).map(ShieldedBody::own);
            }
        };
        Response::from_parts(head, ShieldedBody::masked(body, patterns, coding))
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

impl<F> fmt::Debug for ShieldFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShieldFuture").finish_non_exhaustive()
    }
}

const UNREADABLE: Refusal = Refusal::new(Code::UpstreamInvalidResponse);
const CUT: &str = "what may be text is not passed on in parts; ask for the whole, without Range";
