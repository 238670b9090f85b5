//! Reads the body of a request to which filters apply, and forwards what they leave.

use std::sync::Arc;
use std::task::{self, Poll};

use bytes::Bytes;
use http::{Request, Response};
use rrcore::{Body, Budget, BufferedBody, Code, Context, Refusal, Stage};
use tower_service::Service;

use super::check::Check;
use super::future::RequestFilterFuture;
use crate::fault::BoxError;
use crate::policy::{Plan, Policy};
use crate::terms::{Asked, Side};

/// Filters the JSON bodies of requests, and refuses those that it cannot filter.
///
/// See [`RequestFilterLayer`](crate::RequestFilterLayer) for an example.
#[derive(Clone, Debug)]
pub struct RequestFilters<S> {
    inner: S,
    policy: Arc<Policy>,
    budget: Option<Budget>,
}

impl<S> RequestFilters<S> {
    pub(super) const fn new(inner: S, policy: Arc<Policy>, budget: Option<Budget>) -> Self {
        Self { inner, policy, budget }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for RequestFilters<S>
where
    S: Service<Request<Body<ReqBody>>, Response = Response<ResBody>> + Clone,
    ReqBody: http_body::Body<Data = Bytes> + Unpin,
    ReqBody::Error: Into<BoxError>,
{
    type Response = Response<Body<ResBody>>;
    type Error = S::Error;
    type Future = RequestFilterFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let plan = self.policy.plan(&Asked::of(&request), Side::Request);
        // One that a stage before has read is there, even if nobody else would look into it.
        let is_there = request.extensions().get::<BufferedBody>().is_some();
        let has_none = request.body().is_end_stream() && !is_there;
        if plan.as_ref().is_some_and(Plan::is_empty) || plan.is_some() && has_none {
            return RequestFilterFuture::forward(self.inner.call(request.map(Body::inner)));
        }
        let context = Context::of(request.extensions_mut(), &self.policy.clock);
        let Some(plan) = plan else {
            return RequestFilterFuture::answer(context.refuse(UNKNOWN_CALLER));
        };
        let bounds = self.policy.bounds;
        let mut read = BufferedBody::read(request, bounds.buffered);
        if let Some(budget) = &self.budget {
            read = read.budget(budget);
        }
        // The one that was polled ready is the one that is called.
        let next = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, next);
        RequestFilterFuture::read(read, inner, Check { plan, context, bounds })
    }
}

// Not knowing what to take out is not the same as having nothing to take out.
const UNKNOWN_CALLER: Refusal = Refusal::new(Code::Internal).at(Stage::Transform);
