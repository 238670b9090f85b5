//! The four scopes together: all must allow.

use std::fmt;
use std::sync::Arc;

use http::{Extensions, StatusCode};
use rrcore::{Code, Current, Fact, Facts, Guard, Refusal, Scope};
use serde_json::json;

use crate::compiled::{BodyAnswer, Head};
use crate::query::BadEscape;
use crate::rule::Effect;
use crate::rule_set::RuleSet;
use crate::subject::Reading;
use crate::verdict::{DecidingRule, Explanation, Verdict};

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

/// The rules of all scopes for one request, which a replacement does not touch.
pub(crate) struct InForce<'a> {
    sets: [Set<'a>; 4],
}

enum Set<'a> {
    Shared(Guard<'a, RuleSet>),
    PerCaller(Option<Arc<RuleSet>>),
    Kept(Option<RuleSet>),
}

/// What each scope knows of a request before its body is there.
pub(crate) struct Heads {
    heads: [Head; 4],
}

/// What the scopes say together.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// What each scope that had something to say said.
    pub(crate) facts: Facts,
    /// The first denial, in the order of the scopes.
    pub(crate) denial: Option<Denial>,
}

/// A scope that denied.
#[derive(Debug)]
pub(crate) struct Denial {
    scope: Scope,
    // `None`: the scope's default.
    rule: Option<DecidingRule>,
    not_inspectable: bool,
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

    /// The rules in force. Once for each request: what is looked at twice must be the same.
    pub(crate) fn in_force(&self, extensions: &Extensions) -> InForce<'_> {
        InForce { sets: Scope::ALL.map(|scope| self.source(scope).in_force(extensions)) }
    }

    pub(crate) fn refusal(&self, denial: &Denial) -> Refusal {
        let scope = denial.scope.as_str();
        let mut rule = match &denial.rule {
            Some(DecidingRule { id, priority }) => {
                json!({"id": id.as_ref(), "scope": scope, "effect": "deny", "priority": priority})
            }
            None => json!({"id": null, "scope": scope, "effect": "deny", "default": true}),
        };
        if denial.not_inspectable
            && let Some(rule) = rule.as_object_mut()
        {
            rule.insert("reason".to_owned(), BODY_NOT_INSPECTABLE.into());
        }
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
    fn in_force(&self, extensions: &Extensions) -> Set<'_> {
        match self {
            Self::Shared(rules) => Set::Shared(rules.get()),
            Self::PerCaller(choose) => Set::PerCaller(choose(extensions)),
        }
    }
}

impl InForce<'_> {
    /// The same rules, to keep while the body is read.
    pub(crate) fn kept(&self) -> InForce<'static> {
        InForce { sets: self.sets.each_ref().map(|it| Set::Kept(it.rules().cloned())) }
    }

    /// What each scope knows of a request before its body is there.
    ///
    /// Whether a malformed query is an error depends on the rules and the query only, not on
    /// which rules were reached before.
    pub(crate) fn heads(&self, reading: &Reading<'_>) -> Result<Heads, BadEscape> {
        if self.sets.iter().filter_map(Set::rules).any(RuleSet::looks_at_query) {
            reading.query()?;
        }
        let head = |set: &Set<'_>| set.rules().map(|it| it.head(reading)).unwrap_or_default();
        Ok(Heads { heads: self.sets.each_ref().map(head) })
    }

    /// Asks every scope, also after one has denied, so that the record is whole.
    pub(crate) fn judge(&self, heads: &Heads, body: &BodyAnswer<'_>) -> Judgement {
        let mut judgement = Judgement { facts: Facts::none(), denial: None };
        for ((scope, set), head) in Scope::ALL.into_iter().zip(&self.sets).zip(&heads.heads) {
            judgement.add(scope, set.rules().map(|it| it.conclude(head, body)));
        }
        judgement
    }

    /// What every rule of every scope has to say; `None` for a scope that has nobody who could
    /// allow.
    pub(crate) fn explain(
        &self,
        reading: &Reading<'_>,
        body: &BodyAnswer<'_>,
    ) -> [(Scope, Option<Explanation>); 4] {
        let mut sets = self.sets.iter();
        Scope::ALL.map(|scope| {
            let rules = sets.next().and_then(Set::rules);
            (scope, rules.map(|it| it.explain_with(reading, body)))
        })
    }
}

impl Set<'_> {
    fn rules(&self) -> Option<&RuleSet> {
        match self {
            Self::Shared(rules) => Some(rules),
            Self::PerCaller(rules) => rules.as_deref(),
            Self::Kept(rules) => rules.as_ref(),
        }
    }
}

impl Heads {
    /// Whether a rule of some scope asks for the body.
    pub(crate) fn need_body(&self) -> bool {
        self.heads.iter().any(Head::needs_body)
    }
}

impl Judgement {
    // Without rules there is nobody who could allow.
    fn add(&mut self, scope: Scope, verdict: Option<Verdict>) {
        let Some(verdict) = verdict else {
            self.facts.push(Fact::Rules { scope, outcome: "deny", ids: Vec::new() });
            let denial = Denial { scope, rule: None, not_inspectable: false };
            self.denial.get_or_insert(denial);
            return;
        };
        let Verdict { effect, deciding: rule, matched: ids, not_inspectable, shadow } = verdict;
        match effect {
            Effect::Allow if ids.is_empty() => (),
            Effect::Allow => self.facts.push(Fact::Rules { scope, outcome: "allow", ids }),
            Effect::Deny => {
                self.facts.push(Fact::Rules { scope, outcome: "deny", ids });
                let not_inspectable = not_inspectable.is_some();
                self.denial.get_or_insert(Denial { scope, rule, not_inspectable });
            }
        }
        if let Some(shadow) = shadow {
            let outcome = match shadow.effect {
                Effect::Allow => "shadowAllow",
                Effect::Deny => "shadowDeny",
            };
            self.facts.push(Fact::Rules { scope, outcome, ids: shadow.matched });
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

const BODY_NOT_INSPECTABLE: &str = "body-not-inspectable";
