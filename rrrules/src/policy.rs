//! The four scopes together: all must allow.

use std::fmt;
use std::sync::Arc;

use http::{Extensions, StatusCode};
use rrcore::{Code, Current, Fact, Guard, Refusal, Scope};
use serde_json::json;

use crate::query::BadEscape;
use crate::rule::Effect;
use crate::rule_set::{DecidingRule, RuleSet};
use crate::subject::{Reading, Subject};

/// What a layer was told to do.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    proxy_credential: Source,
    target_credential: Source,
    proxy: Source,
    target: Source,
    deny_status: StatusCode,
}

/// Where the rules of a scope come from.
#[derive(Clone)]
pub(crate) enum Source {
    /// The same for every caller.
    Shared(Current<RuleSet>),
    /// What authentication left in the extensions; `None` denies.
    PerCaller(Arc<ChooseRules>),
}

pub(crate) type ChooseRules = dyn Fn(&Extensions) -> Option<Arc<RuleSet>> + Send + Sync;

/// The rules of one scope for one request, which a replacement does not touch.
enum InForce<'a> {
    Shared(Guard<'a, RuleSet>),
    PerCaller(Option<Arc<RuleSet>>),
}

/// What the scopes say together.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// What each scope that had something to say said.
    pub(crate) facts: Vec<Fact>,
    /// The first denial, in the order of the scopes.
    pub(crate) denial: Option<Denial>,
}

/// A scope that denied.
#[derive(Debug)]
pub(crate) struct Denial {
    scope: Scope,
    // `None`: the scope's default.
    rule: Option<DecidingRule>,
}

impl Policy {
    pub(crate) fn allow_all() -> Self {
        let source = Source::Shared(RuleSet::allow_all().into());
        Self {
            proxy_credential: source.clone(),
            target_credential: source.clone(),
            proxy: source.clone(),
            target: source,
            deny_status: Code::RuleDenied.status(),
        }
    }

    pub(crate) fn set_source(&mut self, scope: Scope, source: Source) {
        *match scope {
            Scope::ProxyCredential => &mut self.proxy_credential,
            Scope::TargetCredential => &mut self.target_credential,
            Scope::Proxy => &mut self.proxy,
            Scope::Target => &mut self.target,
        } = source;
    }

    pub(crate) const fn set_deny_status(&mut self, status: StatusCode) {
        self.deny_status = status;
    }

    /// Asks every scope, also after one has denied, so that the record is whole.
    ///
    /// Whether a malformed query is an error depends on the rules and the query only, not on
    /// which rules were reached before.
    pub(crate) fn judge(
        &self,
        subject: Subject<'_>,
        extensions: &Extensions,
    ) -> Result<Judgement, BadEscape> {
        let scopes = Scope::ALL.map(|scope| (scope, self.source(scope).in_force(extensions)));
        let reading = Reading::new(subject);
        if scopes.iter().filter_map(|(_, it)| it.rules()).any(RuleSet::looks_at_query) {
            reading.query()?;
        }
        let mut judgement = Judgement { facts: Vec::new(), denial: None };
        for (scope, rules) in &scopes {
            judgement.add(*scope, rules.rules(), &reading);
        }
        Ok(judgement)
    }

    pub(crate) fn refusal(&self, denial: &Denial) -> Refusal {
        let scope = denial.scope.as_str();
        let rule = match &denial.rule {
            Some(DecidingRule { id, priority }) => {
                json!({"id": id.as_ref(), "scope": scope, "effect": "deny", "priority": priority})
            }
            None => json!({"id": null, "scope": scope, "effect": "deny", "default": true}),
        };
        Refusal::new(Code::RuleDenied).with_status(self.deny_status).member("rule", rule)
    }

    const fn source(&self, scope: Scope) -> &Source {
        match scope {
            Scope::ProxyCredential => &self.proxy_credential,
            Scope::TargetCredential => &self.target_credential,
            Scope::Proxy => &self.proxy,
            Scope::Target => &self.target,
        }
    }
}

impl Source {
    // Once for each request: what is looked at twice must be the same.
    fn in_force(&self, extensions: &Extensions) -> InForce<'_> {
        match self {
            Self::Shared(rules) => InForce::Shared(rules.get()),
            Self::PerCaller(choose) => InForce::PerCaller(choose(extensions)),
        }
    }
}

impl InForce<'_> {
    fn rules(&self) -> Option<&RuleSet> {
        match self {
            Self::Shared(rules) => Some(rules),
            Self::PerCaller(rules) => rules.as_deref(),
        }
    }
}

impl Judgement {
    // Without rules there is nobody who could allow.
    fn add(&mut self, scope: Scope, rules: Option<&RuleSet>, reading: &Reading<'_>) {
        let (effect, rule, ids) = match rules.map(|it| it.decide_on(reading)) {
            Some(verdict) => (verdict.effect, verdict.deciding, verdict.matched),
            None => (Effect::Deny, None, Vec::new()),
        };
        match effect {
            Effect::Allow if ids.is_empty() => (),
            Effect::Allow => self.facts.push(Fact::Rules { scope, outcome: "allow", ids }),
            Effect::Deny => {
                self.facts.push(Fact::Rules { scope, outcome: "deny", ids });
                self.denial.get_or_insert(Denial { scope, rule });
            }
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shared(rules) => rules.fmt(f),
            Self::PerCaller(_) => f.write_str("PerCaller(…)"),
        }
    }
}
