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

use super::Patterns;
use super::body::ShieldedBody;
use super::head;
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
    pub(super) fn new(context: rrcore::Context, method: &Method) -> Self {
        Self { context, is_head: method == Method::HEAD }
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
        if self.is_head || has_no_content(head.status) {
            return Response::from_parts(head, ShieldedBody::inner(body));
        }
        let coding = match Coding::of(&head.headers) {
            // A part of coded content cannot be undone without the parts before.
            Ok(Coding::Identity) => Coding::Identity,
            Ok(coding) if head.status != StatusCode::PARTIAL_CONTENT => {
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
