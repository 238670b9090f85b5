//! Builds [`RateLimit`] services.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use rrcore::{Clock, Current, Now, Refusal};
use tower_layer::Layer;

use crate::answer;
use crate::decision::{Decision, Standing};
use crate::key::Key;
use crate::limiter::Limiter;
use crate::per::Per;
use crate::policy::Policy;
use crate::quota::Quota;
use crate::service::RateLimit;
use crate::settings::{Settings, charges};
use crate::store::Store;

/// Holds the requests to a service to one or several [`Quota`]s: all have room for a request, or
/// none is charged for it.
///
/// See the [crate docs](crate) for an example.
#[derive(Clone)]
#[must_use]
pub struct RateLimitLayer<St = Arc<Limiter>> {
    settings: Arc<Settings<St>>,
}

impl RateLimitLayer {
    /// Lets each caller make `max` requests in any minute, and remembers in a limiter of its own
    /// what it has spent. 0 lets nothing pass.
    ///
    /// Short for [`RateLimitLayer::new`] with [`Policy::per_minute`].
    pub fn per_minute(max: u64) -> Self {
        Self::new(Policy::per_minute(max), Arc::new(Limiter::new()))
    }
}

impl<St: Store> RateLimitLayer<St> {
    /// Holds each caller to `policy`, and remembers in `store` what it has spent.
    ///
    /// The policy is a value or an `Arc`, which stays, or a [`Handle`](rrcore::Handle), under which
    /// it can be replaced while the service runs.
    ///
    /// A caller is the credential it has shown, by its id; one that has shown none is the network
    /// of its address (of an IPv6 address, the /64). Callers of whom neither is known, because
    /// nothing outside this layer has put it into the request's [`Context`](rrcore::Context), are
    /// one.
    pub fn new(policy: impl Into<Current<Policy>>, store: St) -> Self {
        Self::with(Quota::new(policy), store)
    }

    /// Holds requests to `quota`, and remembers in `store` what it has spent. More quotas come with
    /// [`quota`](Self::quota).
    pub fn with(quota: Quota, store: St) -> Self {
        let settings = Settings {
            store,
            first: Vec::new(),
            last: quota,
            clock: Clock::system(),
            counts_refused: true,
            legacy_headers: false,
        };
        Self { settings: Arc::new(settings) }
    }

    /// Holds requests to `quota`, too.
    pub fn quota(self, quota: Quota) -> Self {
        self.change(|it| it.first.push(std::mem::replace(&mut it.last, quota)))
    }

    /// Says who spends together by the last quota. The request's [`Context`](rrcore::Context) is in
    /// its extensions.
    pub fn key(self, key: impl Fn(&Parts) -> Key + Send + Sync + 'static) -> Self {
        self.last(|it| it.key(key))
    }

    /// Says who spends together by the last quota.
    pub fn per(self, per: Per) -> Self {
        self.last(|it| it.per(per))
    }

    /// Says what a request costs by the last quota; 1 otherwise.
    pub fn cost(self, cost: impl Fn(&Parts) -> u64 + Send + Sync + 'static) -> Self {
        self.last(|it| it.cost(cost))
    }

    /// Says which requests the last quota is about; all otherwise.
    pub fn when(self, applies: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.last(|it| it.when(applies))
    }

    /// Whether a request counts that a stage further inside refuses: rules, validation, a filter of
    /// the request, the injection of a credential. It does, unless this says otherwise; then what it
    /// took goes back into the windows it came from, and the response's headers say what is left then.
    /// What fails upstream counts in any case, and so does a request that its client gives up.
    pub fn counts_refused(self, counts: bool) -> Self {
        self.change(|it| it.counts_refused = counts)
    }

    /// Adds `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds from now) of the tightest limit,
    /// for clients that do not know the fields of the IETF's draft.
    pub fn legacy_headers(self, adds: bool) -> Self {
        self.change(|it| it.legacy_headers = adds)
    }

    /// Reads `clock` for requests that have no [`Context`](rrcore::Context) yet; those that have
    /// bring their time.
    pub fn clock(self, clock: Clock) -> Self {
        self.change(|it| it.clock = clock)
    }

    fn last(self, change: impl FnOnce(Quota) -> Quota) -> Self {
        self.change(|it| it.last = change(it.last.clone()))
    }

    fn change(mut self, change: impl FnOnce(&mut Settings<St>)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    /// What would become of a request that is only described, at `now`: what is left after it, and
    /// the answer where it would not pass. Counts nothing. The same code decides about requests.
    ///
    /// Of a store that others share, the thread waits for what that says ([`Store::foresee`]). Where it
    /// does not, and a limit lets nothing pass then, nothing is known of what is left.
    pub fn explain(&self, head: &Parts, now: Now) -> (Decision, Option<Refusal>) {
        let dues = self.settings.dues(head);
        match self.settings.store.foresee(&charges(&dues), now) {
            Ok(decision @ Decision::Allowed { .. }) => (decision, None),
            Ok(decision @ Decision::Refused { retry_after, .. }) => {
                let refusal = answer::refusal(retry_after, decision.violated());
                (decision, Some(refusal))
            }
            Err(nobody) => {
                let (retry_after, standing) = (answer::SOON, Standing::default());
                let decision = Decision::Refused { retry_after, standing };
                (decision, Some(answer::unavailable(&nobody)))
            }
        }
    }
}

impl<St: Store, S> Layer<S> for RateLimitLayer<St> {
    type Service = RateLimit<S, St>;

    fn layer(&self, inner: S) -> RateLimit<S, St> {
        RateLimit::new(inner, Arc::clone(&self.settings))
    }
}

impl<St> fmt::Debug for RateLimitLayer<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitLayer")
            .field("quotas", &self.settings.quotas().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
