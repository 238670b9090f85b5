//! Makes each request's path canonical, then asks the rules.

use std::sync::Arc;
use std::task::{self, Poll};

use http::{Request, Response};
use rrcore::{Body, Clock, Code, Context, GuardFuture, Outcome, Refusal, Stage};
use tower_service::Service;

use crate::admit::{Known, Step, admit};
use crate::compiled::MAX_BODY_BYTES;
use crate::policy::Policy;

/// Lets a request through when all four scopes allow it, under the path that they judged.
///
/// Reads no bodies: where a rule asks for one that no stage before has read, its scope denies.
/// [`BodyRules`](crate::BodyRules) reads them.
///
/// See the [crate docs](crate) for an example.
#[derive(Clone, Debug)]
pub struct Rules<S> {
    inner: S,
    policy: Arc<Policy>,
    clock: Clock,
}

impl<S> Rules<S> {
    pub(crate) const fn new(inner: S, policy: Arc<Policy>, clock: Clock) -> Self {
        Self { inner, policy, clock }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Rules<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<Body<ResBody>>;
    type Error = S::Error;
    type Future = GuardFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let context = Context::of(request.extensions_mut(), &self.clock);
        match admit(&self.policy, &mut request, Known::NotInspectable(UNREAD), MAX_BODY_BYTES) {
            Ok(Step::On(facts)) => {
                context.record(Stage::Rules, Outcome::Passed, facts);
                GuardFuture::forward(self.inner.call(request))
            }
            // Nothing here is to be read.
            Ok(Step::ReadBody(_)) => {
                GuardFuture::answer(context.refuse(Refusal::new(Code::Internal)))
            }
            Err((refusal, facts)) => GuardFuture::answer(context.refuse_with(refusal, facts)),
        }
    }
}

const UNREAD: &str = "no stage has read it";
