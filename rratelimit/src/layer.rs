//! Builds [`RateLimit`] services.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use rrcore::{Clock, Context, Current, Now, Refusal};
use tower_layer::Layer;

use crate::answer;
use crate::decision::Decision;
use crate::key::Key;
use crate::limiter::Limiter;
use crate::policy::Policy;
use crate::service::{KeyOf, RateLimit};

/// Holds the requests to a service to a [`Policy`].
///
/// See the [crate docs](crate) for an example.
#[derive(Clone)]
#[must_use]
pub struct RateLimitLayer {
    policy: Current<Policy>,
    limiter: Arc<Limiter>,
    key: KeyOf,
    clock: Clock,
}

impl RateLimitLayer {
    /// Lets each caller make `max` requests in any minute, and remembers in a limiter of its own
    /// what it has spent. 0 lets nothing pass.
    ///
    /// Short for [`RateLimitLayer::new`] with [`Policy::per_minute`].
    pub fn per_minute(max: u64) -> Self {
        Self::new(Policy::per_minute(max), Arc::new(Limiter::new()))
    }

    /// Holds each caller to `policy`, and remembers in `limiter` what it has spent.
    ///
    /// The policy is a value or an `Arc`, which stays, or a [`Handle`](rrcore::Handle), under which
    /// it can be replaced while the service runs.
    ///
    /// A caller is the credential it has shown, by its id; one that has shown none is the network
    /// of its address (of an IPv6 address, the /64). Callers of whom neither is known, because
    /// nothing outside this layer has put it into the request's [`Context`], are one.
    pub fn new(policy: impl Into<Current<Policy>>, limiter: Arc<Limiter>) -> Self {
        Self { policy: policy.into(), limiter, key: Arc::new(caller), clock: Clock::system() }
    }

    /// Says who spends together. The request's [`Context`] is in its extensions.
    pub fn key(mut self, key: impl Fn(&Parts) -> Key + Send + Sync + 'static) -> Self {
        self.key = Arc::new(key);
        self
    }

    /// Reads `clock` for requests that have no [`Context`] yet; those that have bring their time.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}

impl RateLimitLayer {
    /// What would become of a request that is only described, at `now`: what is left after it, and
    /// the answer where it would not pass. Counts nothing. The same code decides about requests.
    pub fn explain(&self, head: &Parts, now: Now) -> (Decision, Option<Refusal>) {
        let policy = self.policy.get();
        let decision = self.limiter.peek(&policy, (self.key)(head), now);
        let refusal = match &decision {
            Decision::Allowed { .. } => None,
            Decision::Refused { retry_after, .. } => {
                Some(answer::refusal(*retry_after, decision.violated()))
            }
        };
        (decision, refusal)
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimit<S>;

    fn layer(&self, inner: S) -> RateLimit<S> {
        RateLimit::new(
            inner,
            self.policy.clone(),
            Arc::clone(&self.limiter),
            Arc::clone(&self.key),
            self.clock.clone(),
        )
    }
}

pub(crate) fn caller(head: &Parts) -> Key {
    let context = head.extensions.get::<Context>();
    if let Some(identity) = context.and_then(Context::identity) {
        return Key::of(&["credential", &identity.credential]);
    }
    match context.and_then(Context::address) {
        Some(address) => Key::of(&["address", &address.network().to_string()]),
        None => Key::of(&["anybody"]),
    }
}

impl fmt::Debug for RateLimitLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitLayer").field("policy", &self.policy).finish_non_exhaustive()
    }
}
