//! What is counted, for whom, and what it may come to.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;

use super::estimate::Estimate;
use super::extraction::Extraction;
use crate::charge::Charge;
use crate::key::Key;
use crate::per::Per;
use crate::policy::Policy;
use crate::quota::Quota;

/// Adds up what the responses to some requests say that they cost.
///
/// Give its [`quota`](Meter::quota) to a [`RateLimitLayer`](crate::RateLimitLayer), which asks whether
/// there is anything left, and the meter to a [`MeterLayer`](crate::MeterLayer) further inside, which
/// sees what was spent. The request that crosses a limit completes, and the next is refused. With
/// [`Policy::observed`], nobody is.
#[derive(Clone)]
#[must_use]
pub struct Meter {
    policy: Policy,
    extraction: Extraction,
    key: Arc<dyn Fn(&Parts) -> Key + Send + Sync>,
    applies: Option<Applies>,
    estimate: Option<Estimate>,
    on_missing: Option<u64>,
}

type Applies = Arc<dyn Fn(&Parts) -> bool + Send + Sync>;

impl Meter {
    /// Adds up what `extraction` finds, up to the limits of `policy`, which is labelled `name`.
    ///
    /// Who spends together, [`Meter::per`] says; [`Per::caller`] otherwise.
    pub fn new(name: impl Into<Arc<str>>, extraction: Extraction, policy: Policy) -> Self {
        Self {
            policy: policy.label(name).estimated(),
            extraction,
            key: Arc::new(|head| Per::caller().key(head)),
            applies: None,
            estimate: None,
            on_missing: None,
        }
    }

    /// Says who spends together.
    pub fn per(self, per: Per) -> Self {
        self.key(move |head| per.key(head))
    }

    /// Says who spends together. The request's [`Context`](rrcore::Context) is in its extensions.
    pub fn key(mut self, key: impl Fn(&Parts) -> Key + Send + Sync + 'static) -> Self {
        self.key = Arc::new(key);
        self
    }

    /// Counts only the requests of which `applies` says so. Where their body has been read, it is in
    /// the extensions as an [`rrcore::BufferedBody`].
    pub fn when(mut self, applies: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.applies = Some(Arc::new(applies));
        self
    }

    /// Takes so much when a request is admitted, until its response says what it cost. Without an
    /// estimate, a request is admitted while anything is left.
    pub fn estimate(mut self, estimate: Estimate) -> Self {
        self.estimate = Some(estimate);
        self
    }

    /// What counts for a response that says nothing, or no number that is 0 or more. Unless told,
    /// what was estimated, and without an estimate nothing.
    pub const fn on_missing(mut self, count: u64) -> Self {
        self.on_missing = Some(count);
        self
    }
}

impl Meter {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        self.policy.get_label()
    }

    /// What it may come to.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What holds requests to the limits of this meter: for a
    /// [`RateLimitLayer`](crate::RateLimitLayer).
    pub fn quota(&self) -> Quota {
        let (key, estimate) = (Arc::clone(&self.key), self.estimate.clone());
        let quota = Quota::new(self.policy.clone())
            .key(move |head| key(head))
            .cost(move |head| estimate.as_ref().map_or(0, |it| it.of(head)));
        match self.applies.clone() {
            Some(applies) => quota.when(move |head| applies(head)),
            None => quota,
        }
    }

    /// Whose count a request would add to.
    #[must_use]
    pub fn key_of(&self, head: &Parts) -> Key {
        (self.key)(head)
    }

    /// What to take when a request is admitted; `None` if the meter does not apply to it.
    #[must_use]
    pub fn charge(&self, head: &Parts) -> Option<Charge<'_>> {
        if !self.applies.as_ref().is_none_or(|applies| applies(head)) {
            return None;
        }
        let cost = self.estimate.as_ref().map_or(0, |it| it.of(head));
        Some(Charge { policy: &self.policy, key: self.key_of(head), cost })
    }

    pub(crate) const fn extraction(&self) -> &Extraction {
        &self.extraction
    }

    /// What counts where nothing is said, and `reserved` was taken.
    pub(crate) fn missing(&self, reserved: u64) -> u64 {
        self.on_missing.unwrap_or(reserved)
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter")
            .field("policy", &self.policy)
            .field("extraction", &self.extraction)
            .field("estimate", &self.estimate)
            .field("on_missing", &self.on_missing)
            .finish_non_exhaustive()
    }
}
