//! Changes requests, and their responses.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use rrcore::Body;
use tower_service::Service;

use crate::transform::exchange::Exchange;
use crate::transform::future::{Reading, TransformFuture};
use crate::transform::policy::Policy;

/// Changes requests, and their responses, as a [`Transform`](crate::Transform) says.
///
/// The body of a request is read only where it is to be changed, and then once for all stages
/// ([`BufferedBody`](rrcore::BufferedBody)).
#[derive(Clone, Debug)]
pub struct Transforms<S> {
    inner: S,
    policy: Arc<Policy>,
}

impl<S> Transforms<S> {
    pub(crate) const fn new(inner: S, policy: Arc<Policy>) -> Self {
        Self { inner, policy }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Transforms<S>
where
    S: Service<Request<Body<ReqBody>>, Response = Response<ResBody>> + Clone,
    ReqBody: http_body::Body<Data = Bytes> + Unpin,
    ReqBody::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    ResBody: http_body::Body<Data = Bytes>,
{
    type Response = Response<Body<ResBody>>;
    type Error = S::Error;
    type Future = TransformFuture<S, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let transform = self.policy.transform.to_arc();
        if transform.is_empty() {
            return TransformFuture::pass(self.inner.call(request.map(Body::inner)));
        }
        let context = rrcore::Context::of(request.extensions_mut(), &self.policy.clock);
        let values = self.policy.sources.of_request(&transform.variables, &request, &context);
        let (policy, method) = (Arc::clone(&self.policy), request.method().clone());
        let reads = transform.reads_requests() && !request.body().is_end_stream();
        let exchange = Exchange { transform, policy, values, context, method };
        if reads {
            // The one that was polled ready is the one that is called.
            let next = self.inner.clone();
            let inner = std::mem::replace(&mut self.inner, next);
            let read = self.policy.read(request);
            return TransformFuture::read(Reading { read, inner, exchange });
        }
        match exchange.head(request.map(Body::inner)) {
            Ok(request) => TransformFuture::call(self.inner.call(request), exchange),
            Err(refusal) => TransformFuture::answer(exchange.context.refuse(refusal)),
        }
    }
}
