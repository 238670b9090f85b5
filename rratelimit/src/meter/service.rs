//! Lets requests through, and counts what their responses say that they cost.

use std::fmt;
use std::task::{self, Poll};

use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service;

use super::ask::ask_for_what_can_be_read;
use super::body::MeteredBody;
use super::counting::Counting;
use super::future::MeterFuture;

/// Counts what the responses of a service say that they cost.
///
/// See [`MeterLayer`](crate::MeterLayer).
#[derive(Clone)]
pub struct Metered<S> {
    inner: S,
    counting: Counting,
}

impl<S> Metered<S> {
    pub(crate) const fn new(inner: S, counting: Counting) -> Self {
        Self { inner, counting }
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
        let tally = self.counting.tally(&mut head).map(Box::new);
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
            .field("plan", &self.counting.plan)
            .finish_non_exhaustive()
    }
}
