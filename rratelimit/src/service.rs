//! Lets a request through to the inner service while its caller has quota left.

use std::fmt;
use std::sync::Arc;
use std::task::{self, Poll};

use http::request::Parts;
use http::{Request, Response};
use rrcore::{Body, Clock, Context, Current, GuardFuture, Outcome, Stage};
use tower_service::Service;

use crate::answer::{self, Stamp};
use crate::decision::Decision;
use crate::future::RateLimitFuture;
use crate::key::Key;
use crate::limiter::Limiter;
use crate::policy::Policy;

/// Refuses what exceeds a [`Policy`] with `429 Too Many Requests`.
///
/// See the [crate docs](crate) for an example.
#[derive(Clone)]
pub struct RateLimit<S> {
    inner: S,
    policy: Current<Policy>,
    limiter: Arc<Limiter>,
    key: KeyOf,
    clock: Clock,
}

pub(crate) type KeyOf = Arc<dyn Fn(&Parts) -> Key + Send + Sync>;

impl<S> RateLimit<S> {
    pub(crate) const fn new(
        inner: S,
        policy: Current<Policy>,
        limiter: Arc<Limiter>,
        key: KeyOf,
        clock: Clock,
    ) -> Self {
        Self { inner, policy, limiter, key, clock }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for RateLimit<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<Body<ResBody>>;
    type Error = S::Error;
    type Future = RateLimitFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let policy = self.policy.get();
        if policy.is_empty() {
            drop(policy);
            return RateLimitFuture::new(GuardFuture::forward(self.inner.call(request)), None);
        }
        let context = Context::of(request.extensions_mut(), &self.clock);
        let (head, body) = request.into_parts();
        let decision = self.limiter.check(&policy, (self.key)(&head), context.now());
        let header = policy.header().cloned();
        // It decides nothing more, and the inner service may take its time.
        drop(policy);
        let facts = answer::facts(decision.standing());
        let guard = match &decision {
            Decision::Allowed { .. } => {
                context.record(Stage::Limit, Outcome::Passed, facts);
                GuardFuture::forward(self.inner.call(Request::from_parts(head, body)))
            }
            Decision::Refused { retry_after, .. } => {
                let refusal = answer::refusal(*retry_after, decision.violated());
                GuardFuture::answer(context.refuse_with(refusal, facts))
            }
        };
        let stamp = Stamp::new(header, decision.into_standing());
        RateLimitFuture::new(guard, Some(stamp))
    }
}

impl<S: fmt::Debug> fmt::Debug for RateLimit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("inner", &self.inner)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
