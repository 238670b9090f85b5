//! Lets requests pass, and takes out of their responses what filters say.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use rrcore::coding::Encoder;
use rrcore::{Code, Refusal, Stage};
use tower_service::Service;

use crate::body::FilteredBody;
use crate::fault::BoxError;
use crate::future::FilterFuture;
use crate::head::ask_for_the_whole;
use crate::job::Job;
use crate::policy::{Plan, Policy};
use crate::terms::{Asked, Side};

/// Filters JSON responses, and refuses those that it cannot filter.
///
/// See the [crate docs](crate) for an example.
#[derive(Clone, Debug)]
pub struct Filters<S> {
    inner: S,
    policy: Arc<Policy>,
}

impl<S> Filters<S> {
    pub(crate) const fn new(inner: S, policy: Arc<Policy>) -> Self {
        Self { inner, policy }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Filters<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: http_body::Body<Data = Bytes>,
    ResBody::Error: Into<BoxError>,
{
    type Response = Response<FilteredBody<ResBody>>;
    type Error = S::Error;
    type Future = FilterFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let plan = self.policy.plan(&Asked::of(&request), Side::Response);
        if plan.as_ref().is_some_and(Plan::is_empty) {
            return FilterFuture::pass(self.inner.call(request));
        }
        let context = rrcore::Context::of(request.extensions_mut(), &self.policy.clock);
        let Some(plan) = plan else {
            return FilterFuture::answer(context.refuse(UNKNOWN_CALLER.because(
                "no filters are known for the caller: is authentication outside of this layer?",
            )));
        };
        let asked = Encoder::asked_for(request.headers());
        // Filters that only report change nothing, on this way neither.
        if plan.is_enforced() {
            ask_for_the_whole(request.headers_mut());
        }
        let (method, bounds) = (request.method().clone(), self.policy.bounds);
        let job = Job { plan, context, method, bounds, asked };
        FilterFuture::filter(self.inner.call(request), job)
    }
}

// Not knowing what to take out is not the same as having nothing to take out.
const UNKNOWN_CALLER: Refusal = Refusal::new(Code::Internal).at(Stage::Filter);
