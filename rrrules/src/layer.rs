//! Builds [`Rules`] and [`BodyRules`] services.

use std::sync::Arc;

use http::{Extensions, StatusCode};
use rrcore::{Budget, Clock, Current, Refusal, Scope};
use tower_layer::Layer;

use crate::admit::malformed;
use crate::body_service::{BodyRules, Shared};
use crate::compiled::{BodyAnswer, MAX_BODY_BYTES};
use crate::policy::{InForce, Policy, Source};
use crate::query::BadEscape;
use crate::rule_set::RuleSet;
use crate::service::Rules;
use crate::subject::{Reading, Subject};
use crate::verdict::Explanation;
use crate::withheld::Withheld;

/// Applies [`Rules`] to a service.
///
/// See the [crate docs](crate) for an example.
#[derive(Clone, Debug)]
#[must_use]
pub struct RulesLayer {
    policy: Arc<Policy>,
    clock: Clock,
}

/// Applies [`BodyRules`] to a service: made by [`RulesLayer::bodies`].
#[derive(Clone, Debug)]
#[must_use]
pub struct BodyRulesLayer {
    shared: Shared,
}

/// What becomes of a described request, and why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explained {
    /// What each scope has to say; `None` for a caller that has no rules, which denies.
    pub scopes: [(Scope, Option<Explanation>); 4],
    /// What the answer would be; `None` where all scopes allow.
    pub refusal: Option<Refusal>,
}

impl RulesLayer {
    /// Allows every request whose path has one reading.
    #[expect(clippy::new_without_default, reason = "a policy is always chosen, never defaulted")]
    pub fn new() -> Self {
        Self { policy: Arc::new(Policy::allow_all()), clock: Clock::system() }
    }

    /// Asks `rules` for `scope`: a [`RuleSet`], an `Arc` of one, or a [`Handle`](rrcore::Handle)
    /// on one that is replaced while requests run. Replaces what was set for this scope before.
    ///
    /// A request is judged by one set from beginning to end, and the next one by what replaced
    /// it. Each scope is replaced by itself.
    pub fn scope(mut self, scope: Scope, rules: impl Into<Current<RuleSet>>) -> Self {
        Arc::make_mut(&mut self.policy).set_source(scope, Source::Shared(rules.into()));
        self
    }

    /// Asks, for [`Scope::ProxyCredential`], the rules that `choose` finds for the caller, usually
    /// by what authentication left in the request's extensions. `None` denies. Replaces
    /// what was set for that scope before, by [`scope`](Self::scope) too.
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

    /// Reads bodies for rules that ask for them. The request's body is then a
    /// [`rrcore::Body`] for what is inside.
    pub fn bodies(self) -> BodyRulesLayer {
        let Self { policy, clock } = self;
        let shared = Shared { policy, clock, max_body_bytes: MAX_BODY_BYTES, budget: None };
        BodyRulesLayer { shared }
    }

    /// Decides about a request that is only described, by the rules that are in force, and says
    /// what every rule had to say. `extensions` are what stages before would have left.
    ///
    /// The same code decides about requests. Of one that is judged twice ([`Withheld`]), what is said
    /// is of the first time that it is denied.
    #[must_use]
    pub fn explain(&self, subject: &Subject<'_>, extensions: &Extensions) -> Explained {
        let in_force = self.policy.in_force(extensions);
        let whole = self.explained(subject, &in_force);
        if whole.refusal.is_some() {
            return whole;
        }
        let Some(rest) = Withheld::rest(extensions, subject.headers) else { return whole };
        let without = self.explained(&Subject { headers: &rest, ..*subject }, &in_force);
        if without.refusal.is_some() { without } else { whole }
    }

    fn explained(&self, subject: &Subject<'_>, in_force: &InForce<'_>) -> Explained {
        let reading = Reading::new(*subject);
        let body = BodyAnswer::of(subject);
        let scopes = in_force.explain(&reading, &body);
        let refusal = match in_force.heads(&reading) {
            Ok(heads) => in_force.judge(&heads, &body).denial.map(|it| self.policy.refusal(&it)),
            Err(BadEscape) => Some(malformed().detail(BadEscape.to_string())),
        };
        Explained { scopes, refusal }
    }
}

impl BodyRulesLayer {
    /// Looks into bodies of up to `bytes`, sent and decoded: 1 MiB unless told. A larger one cannot
    /// be inspected.
    pub const fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.shared.max_body_bytes = bytes;
        self
    }

    /// Takes the memory for bodies from `budget`; where that is used up, the answer is 503.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.shared.budget = Some(budget.clone());
        self
    }
}

impl<S> Layer<S> for RulesLayer {
    type Service = Rules<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Rules::new(inner, Arc::clone(&self.policy), self.clock.clone())
    }
}

impl<S> Layer<S> for BodyRulesLayer {
    type Service = BodyRules<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BodyRules::new(inner, Arc::new(self.shared.clone()))
    }
}
