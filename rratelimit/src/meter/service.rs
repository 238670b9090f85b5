//! Lets requests through, and counts what their responses say that they cost.

use std::fmt;
use std::task::{self, Poll};

use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service;

use super::ask::ask_for_what_can_be_read;
use super::body::MeteredBody;
use super::future::MeterFuture;
use super::layer::MeterLayer;

/// Counts what the responses of a service say that they cost.
///
/// See [`MeterLayer`].
#[derive(Clone)]
pub struct Metered<S> {
    inner: S,
    layer: MeterLayer,
}

impl<S> Metered<S> {
    pub(crate) const fn new(inner: S, layer: MeterLayer) -> Self {
        Self { inner, layer }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Metered<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: http_body::Body<Data = Bytes>,
{
    type Response = Response<MeteredBody<ResBody>>;
    type Error = S::Error;
    type Future = MeterFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        // Made before the call: should that panic, what is open is settled.
        let tally = self.layer.tally(&mut head).map(Box::new);
        if tally.as_ref().is_some_and(|it| it.reads_bodies()) {
            ask_for_what_can_be_read(&mut head.headers);
        }
        MeterFuture::new(self.inner.call(Request::from_parts(head, body)), tally)
    }
}

impl<S: fmt::Debug> fmt::Debug for Metered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metered")
            .field("inner", &self.inner)
            .field("layer", &self.layer)
            .finish()
    }
}
