//! Builds [`Rules`] services.

use std::sync::Arc;

use http::{Extensions, StatusCode};
use rrcore::{Clock, Current, Scope};
use tower_layer::Layer;

use crate::policy::{Policy, Source};
use crate::rule_set::RuleSet;
use crate::service::Rules;

/// Applies [`Rules`] to a service.
///
/// See the [crate docs](crate) for an example.
#[derive(Clone, Debug)]
#[must_use]
pub struct RulesLayer {
    policy: Arc<Policy>,
    clock: Clock,
}

impl RulesLayer {
    /// Allows every request whose path has one reading.
    #[expect(clippy::new_without_default, reason = "a policy is always chosen, never defaulted")]
    pub fn new() -> Self {
        Self { policy: Arc::new(Policy::allow_all()), clock: Clock::system() }
    }

    /// Asks `rules` for `scope`: a [`RuleSet`], an `Arc` of one, or a [`Handle`](rrcore::Handle)
    /// on one that is replaced while requests run.
    ///
    /// A request is judged by one set from beginning to end, and the next one by what replaced
    /// it. Each scope is replaced by itself.
    pub fn scope(mut self, scope: Scope, rules: impl Into<Current<RuleSet>>) -> Self {
        Arc::make_mut(&mut self.policy).set_source(scope, Source::Shared(rules.into()));
        self
    }

    /// Asks, for [`Scope::ProxyCredential`], the rules that `choose` finds for the caller, usually
    /// by what authentication left in the request's extensions. `None` denies.
    pub fn per_caller(
        mut self,
        choose: impl Fn(&Extensions) -> Option<Arc<RuleSet>> + Send + Sync + 'static,
    ) -> Self {
        let source = Source::PerCaller(Arc::new(choose));
        Arc::make_mut(&mut self.policy).set_source(Scope::ProxyCredential, source);
        self
    }

    /// Answers denied requests with `status` instead of `400 Bad Request`.
    pub fn deny_status(mut self, status: StatusCode) -> Self {
        Arc::make_mut(&mut self.policy).set_deny_status(status);
        self
    }

    /// Reads the time from `clock`, where this is the first layer that asks for it.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}

impl<S> Layer<S> for RulesLayer {
    type Service = Rules<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Rules::new(inner, Arc::clone(&self.policy), self.clock.clone())
    }
}
