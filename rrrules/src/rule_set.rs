//! The rules of one scope, and how they decide together.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use crate::rule::{Effect, Rule};
use crate::subject::{Reading, Subject};

const MAX_PRIORITY: u16 = 1000;
/// More would let one tenant's patterns fill the memory.
const MAX_RULES: usize = 1000;

/// The rules of one scope and what becomes of requests that none of them fits.
///
/// One rule that denies is enough, whatever its priority; else one that allows; else the default.
#[derive(Clone, Debug)]
pub struct RuleSet {
    // In the order of evaluation.
    rules: Vec<Rule>,
    default: Effect,
    looks_at_query: bool,
}

/// What one scope says about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the request may go on.
    pub effect: Effect,
    /// The rule that decided; `None` when it was the default.
    pub deciding: Option<DecidingRule>,
    /// The ids of all rules that fit, in the order of evaluation.
    pub matched: Vec<Arc<str>>,
}

/// The rule that decided: of those that fit and have the winning effect, the one with the highest
/// priority, then the oldest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidingRule {
    /// Its id.
    pub id: Arc<str>,
    /// Its priority, from 0 to 1000.
    pub priority: u16,
}

/// Rules that cannot stand together: says which, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct InvalidRuleSet(#[from] Reason);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("rule `{0}` has priority {1}, and {MAX_PRIORITY} is the highest")]
    Priority(Arc<str>, u16),
    #[error("there are two rules with the id `{0}`")]
    SameId(Arc<str>),
    #[error("{0} rules are more than the {MAX_RULES} allowed")]
    TooMany(usize),
}

impl RuleSet {
    /// Puts `rules`, given oldest first, into the order of evaluation: highest priority first,
    /// then the oldest.
    ///
    /// # Errors
    /// On more than 1,000 rules, two with one id, and a priority above 1000.
    pub fn new(mut rules: Vec<Rule>, default: Effect) -> Result<Self, InvalidRuleSet> {
        check(&rules)?;
        // Stable: equal priorities stay in the order of age.
        rules.sort_by_key(|it| Reverse(it.priority));
        let looks_at_query = rules.iter().any(Rule::looks_at_query);
        Ok(Self { rules, default, looks_at_query })
    }

    /// No rules, and everything may go on.
    #[must_use]
    pub const fn allow_all() -> Self {
        Self { rules: Vec::new(), default: Effect::Allow, looks_at_query: false }
    }

    /// Whether there are no rules, so that the default always decides.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether some rule asks something of the query.
    #[must_use]
    pub const fn looks_at_query(&self) -> bool {
        self.looks_at_query
    }

    /// Decides about `subject`, in time linear in its size for each rule.
    ///
    /// In a query with a malformed percent escape, all that a `Deny` asks holds, and nothing that
    /// an `Allow` asks. (A [`Rules`](crate::Rules) service refuses such a query instead.)
    #[must_use]
    pub fn decide(&self, subject: &Subject<'_>) -> Verdict {
        self.decide_on(&Reading::new(*subject))
    }

    // Costs no memory unless a rule fits, or what one looks at must be decoded.
    pub(crate) fn decide_on(&self, reading: &Reading<'_>) -> Verdict {
        let mut matched = Vec::new();
        let (mut first_deny, mut first_allow) = (None, None);
        for rule in self.rules.iter().filter(|it| it.holds(reading)) {
            matched.push(Arc::clone(&rule.id));
            match rule.effect {
                Effect::Deny => first_deny.get_or_insert(rule),
                Effect::Allow => first_allow.get_or_insert(rule),
            };
        }
        match first_deny.or(first_allow) {
            Some(rule) => {
                let deciding = DecidingRule { id: Arc::clone(&rule.id), priority: rule.priority };
                Verdict { effect: rule.effect, deciding: Some(deciding), matched }
            }
            None => Verdict { effect: self.default, deciding: None, matched },
        }
    }
}

fn check(rules: &[Rule]) -> Result<(), Reason> {
    if rules.len() > MAX_RULES {
        return Err(Reason::TooMany(rules.len()));
    }
    let mut ids = HashSet::new();
    for rule in rules {
        if rule.priority > MAX_PRIORITY {
            return Err(Reason::Priority(Arc::clone(&rule.id), rule.priority));
        }
        if !ids.insert(&rule.id) {
            return Err(Reason::SameId(Arc::clone(&rule.id)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::CanonicalPath;
    use Effect::{Allow, Deny};
    use http::{HeaderMap, Method};
    use proptest::prelude::*;

    #[test]
    fn one_deny_is_enough_whatever_the_priorities() {
        verdict(
            &[rule("a", Allow, 1000), rule("d", Deny, 0)],
            Allow,
            (Deny, Some("d"), &["a", "d"]),
        );
        verdict(&[rule("a", Allow, 0)], Deny, (Allow, Some("a"), &["a"]));
        verdict(&[rule("a", Allow, 0).methods(["PUT"])], Deny, (Deny, None, &[]));
        verdict(&[], Allow, (Allow, None, &[]));
        verdict(&[], Deny, (Deny, None, &[]));
    }

    #[test]
    fn the_highest_then_the_oldest_is_reported() {
        let rules = [rule("old", Deny, 5), rule("new", Deny, 5), rule("high", Deny, 6)];
        verdict(&rules, Allow, (Deny, Some("high"), &["high", "old", "new"]));
        verdict(&rules[..2], Allow, (Deny, Some("old"), &["old", "new"]));
    }

    #[test]
    fn what_cannot_stand_together_is_refused() {
        refuse(vec![rule("a", Allow, 1001)], "rule `a` has priority 1001, and 1000 is the highest");
        refuse(vec![rule("a", Allow, 1), rule("a", Deny, 2)], "two rules with the id `a`");
        let many = (0..1001).map(|it| rule(&it.to_string(), Allow, 1)).collect();
        refuse(many, "1001 rules are more than the 1000 allowed");
    }

    proptest! {
        #[test]
        fn the_effect_does_not_depend_on_order_or_priority(
            rules in proptest::collection::vec((any::<bool>(), any::<bool>(), 0u16..=1000), 0..8),
            default_allows: bool,
        ) {
            let default = if default_allows { Allow } else { Deny };
            let mut built: Vec<_> = rules.iter().enumerate().map(|(at, (allows, fits, priority))| {
                let effect = if *allows { Allow } else { Deny };
                rule(&at.to_string(), effect, *priority).methods([if *fits { "GET" } else { "PUT" }])
            }).collect();
            let fitting = |wanted| rules.iter().any(|(allows, fits, _)| *fits && *allows == wanted);
            let expected = if fitting(false) { Deny } else if fitting(true) { Allow } else { default };

            prop_assert_eq!(decide(&built, default).effect, expected);
            built.reverse();
            prop_assert_eq!(decide(&built, default).effect, expected);
        }
    }

    fn rule(id: &str, effect: Effect, priority: u16) -> Rule {
        Rule::new(id, effect).priority(priority)
    }

    fn decide(rules: &[Rule], default: Effect) -> Verdict {
        let path = CanonicalPath::parse("/").unwrap();
        let headers = HeaderMap::new();
        let subject = Subject { method: &Method::GET, path: &path, query: None, headers: &headers };
        RuleSet::new(rules.to_vec(), default).unwrap().decide(&subject)
    }

    #[track_caller]
    fn verdict(rules: &[Rule], default: Effect, expected: (Effect, Option<&str>, &[&str])) {
        let verdict = decide(rules, default);
        let deciding = verdict.deciding.as_ref().map(|it| it.id.as_ref());
        let matched: Vec<_> = verdict.matched.iter().map(AsRef::as_ref).collect();
        assert_eq!((verdict.effect, deciding, matched.as_slice()), expected);
    }

    #[track_caller]
    fn refuse(rules: Vec<Rule>, reason: &str) {
        let error = RuleSet::new(rules, Allow).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}
