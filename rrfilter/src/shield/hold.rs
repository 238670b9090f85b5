//! A response in a coding, of which nothing leaves before it is known to be undone at all.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http::response::Parts;
use rrcore::{Code, Refusal};

use super::body::ShieldedBody;
use super::coded::Coded;
use crate::fault::{BodyError, BoxError};

/// A response whose head is ready, but waits.
pub(super) struct Hold<B> {
    pub(super) head: Parts,
    pub(super) coded: Coded<B>,
    pub(super) context: rrcore::Context,
}

impl<B> Hold<B>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    pub(super) fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        self.coded.poll_begun(cx)
    }

    pub(super) fn answer(self, begun: Result<(), BodyError>) -> Response<ShieldedBody<B>> {
        match begun {
            Ok(()) => Response::from_parts(self.head, ShieldedBody::coded(self.coded)),
            Err(error) => {
                let refusal = UNREADABLE.because(error.to_string());
                self.context.refuse(refusal).map(ShieldedBody::own)
            }
        }
    }
}

pub(super) const UNREADABLE: Refusal = Refusal::new(Code::UpstreamInvalidResponse);
