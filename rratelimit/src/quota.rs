//! Who is held to what: a policy, whose counts, and what a request costs.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use rrcore::Current;

use crate::charge::Charge;
use crate::key::Key;
use crate::per::Per;
use crate::policy::Policy;

/// A policy, who spends together by it, what a request costs, and which requests it is about.
///
/// A [`RateLimitLayer`](crate::RateLimitLayer) has one or several.
#[derive(Clone)]
#[must_use]
pub struct Quota {
    policy: Source,
    key: KeyOf,
    cost: Option<CostOf>,
    applies: Option<Applies>,
}

#[derive(Clone)]
enum Source {
    Current(Current<Policy>),
    Of(PolicyOf),
}

type KeyOf = Arc<dyn Fn(&Parts) -> Key + Send + Sync>;
type CostOf = Arc<dyn Fn(&Parts) -> u64 + Send + Sync>;
type PolicyOf = Arc<dyn Fn(&Parts) -> Option<Policy> + Send + Sync>;
type Applies = Arc<dyn Fn(&Parts) -> bool + Send + Sync>;

/// What one request is charged by one quota.
#[derive(Debug)]
pub(crate) struct Due {
    policy: Policy,
    key: Key,
    cost: u64,
}

impl Quota {
    /// Holds each caller to `policy`: a value or an `Arc`, which stay, or a
    /// [`Handle`](rrcore::Handle), under which it can be replaced while the service runs.
    ///
    /// Who spends together, [`Quota::per`] says; each request costs 1.
    pub fn new(policy: impl Into<Current<Policy>>) -> Self {
        Self::of(Source::Current(policy.into()))
    }

    /// Holds each caller to the policy that `choose` finds for the request, such as that of the plan
    /// that it pays for. With `None`, this quota is not about the request.
    ///
    /// Make policies once, and clone them here: a clone is cheap, a new one is not.
    pub fn chosen(choose: impl Fn(&Parts) -> Option<Policy> + Send + Sync + 'static) -> Self {
        Self::of(Source::Of(Arc::new(choose)))
    }

    fn of(policy: Source) -> Self {
        Self { policy, key: Arc::new(|head| Per::caller().key(head)), cost: None, applies: None }
    }

    /// Says who spends together; [`Per::caller`] otherwise.
    pub fn per(self, per: Per) -> Self {
        self.key(move |head| per.key(head))
    }

    /// Says who spends together. The request's [`Context`](rrcore::Context) is in its extensions.
    pub fn key(mut self, key: impl Fn(&Parts) -> Key + Send + Sync + 'static) -> Self {
        self.key = Arc::new(key);
        self
    }

    /// Says what a request costs. With 0 it takes nothing, but is refused where nothing is left.
    pub fn cost(mut self, cost: impl Fn(&Parts) -> u64 + Send + Sync + 'static) -> Self {
        self.cost = Some(Arc::new(cost));
        self
    }

    /// Says which requests it is about; about all otherwise.
    pub fn when(mut self, applies: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.applies = Some(Arc::new(applies));
        self
    }

    /// What the request is charged; `None` where this is not about it.
    pub(crate) fn due(&self, head: &Parts) -> Option<Due> {
        if self.applies.as_ref().is_some_and(|it| !it(head)) {
            return None;
        }
        let policy = match &self.policy {
            Source::Current(current) => Policy::clone(&current.get()),
            Source::Of(choose) => choose(head)?,
        };
        if policy.is_empty() {
            return None;
        }
        let cost = self.cost.as_ref().map_or(1, |it| it(head));
        Some(Due { policy, key: (self.key)(head), cost })
    }
}

impl Due {
    pub(crate) const fn charge(&self) -> Charge<'_> {
        Charge { policy: &self.policy, key: self.key, cost: self.cost }
    }
}

impl fmt::Debug for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Quota");
        if let Source::Current(policy) = &self.policy {
            debug.field("policy", policy);
        }
        debug.finish_non_exhaustive()
    }
}
