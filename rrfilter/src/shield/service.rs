//! Lets requests pass, and masks in their responses what went upstream with them.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use rrcore::Clock;
use tower_service::Service;

use super::body::ShieldedBody;
use super::future::{ShieldFuture, Shielding};
use super::head;
use crate::fault::BoxError;

/// Writes `*` over every byte of a secret that the upstream sends back, in whatever text and encoding.
///
/// The secrets are those that an inner stage put into the request's [`rrcore::Context`] (see
/// [`injected`](rrcore::Context::injected)). Where there are none, the response passes as it is.
///
/// The upstream is asked only for content codings that can be undone here. Content in a coding is
/// passed on without it, once something of it is undone; where it cannot be undone, the response is
/// refused (502 `upstream-invalid-response`). Where that is found later, the body ends with an error.
///
/// A part (`206`, `Content-Range` in bytes) of what may be text is refused too: a client that chooses
/// where it ends could have a secret in pieces. Parts of images, archives and the like pass.
///
/// See the [crate docs](crate) for an example.
#[derive(Clone, Debug)]
pub struct EchoShield<S> {
    inner: S,
    // `None`: it is off.
    clock: Option<Clock>,
}

impl<S> EchoShield<S> {
    pub(super) const fn new(inner: S, clock: Option<Clock>) -> Self {
        Self { inner, clock }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for EchoShield<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: http_body::Body<Data = Bytes>,
    ResBody::Error: Into<BoxError>,
{
    type Response = Response<ShieldedBody<ResBody>>;
    type Error = S::Error;
    type Future = ShieldFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let Some(clock) = &self.clock else {
            return ShieldFuture::new(self.inner.call(request), None);
        };
        let context = rrcore::Context::of(request.extensions_mut(), clock);
        let is_part = head::ask_for_what_can_be_read(request.headers_mut());
        let shielding = Shielding::new(context, request.method(), is_part);
        ShieldFuture::new(self.inner.call(request), Some(shielding))
    }
}
