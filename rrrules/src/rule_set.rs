//! The rules of one scope.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use crate::compiled::{BodyAnswer, Compiled, Head};
use crate::one_line::one_line;
use crate::rule::{Effect, Rule};
use crate::subject::{Reading, Subject};
use crate::verdict::{Explanation, Verdict};

const MAX_PRIORITY: u16 = 1000;
/// More would let one tenant's patterns fill the memory.
const MAX_RULES: usize = 10_000;

/// The rules of one scope and what becomes of requests that none of them fits. Cheap to clone.
///
/// One rule that denies is enough, whatever its priority; else one that allows; else the default.
#[derive(Clone)]
pub struct RuleSet {
    rules: Rules,
}

#[derive(Clone)]
enum Rules {
    Ready(Arc<Compiled>),
    Deferred(Arc<LazyLock<Compiled, Build>>),
}

type Build = Box<dyn FnOnce() -> Compiled + Send + Sync>;

/// Rules that cannot stand together: says which, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct InvalidRuleSet(#[from] Reason);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("rule `{id}` has priority {1}, and {MAX_PRIORITY} is the highest", id = one_line(.0))]
    Priority(Arc<str>, u16),
    #[error("there are two rules with the id `{id}`", id = one_line(.0))]
    SameId(Arc<str>),
    #[error("{0} rules are more than the {MAX_RULES} allowed")]
    TooMany(usize),
    #[error("rule `{id}`: {1}", id = one_line(.0))]
    Unsupported(Arc<str>, &'static str),
    #[error("together, the patterns of the paths are too large")]
    TooLarge,
}

impl RuleSet {
    /// Puts `rules`, given oldest first, into the order of evaluation: highest priority first,
    /// then the oldest. Compiles them.
    ///
    /// # Errors
    /// On more than 10,000 rules, two with one id, a priority above 1000, a body check that this
    /// build cannot answer, and paths that together are too large.
    pub fn new(rules: Vec<Rule>, default: Effect) -> Result<Self, InvalidRuleSet> {
        Ok(Self { rules: Rules::Ready(Arc::new(compiled(rules, default)?)) })
    }

    /// Compiles what `rules` gives when a request first asks for it: for the start of a process
    /// that has thousands of sets, all of which were in use before.
    ///
    /// Where that fails, which [`RuleSet::new`] would have said, the set denies every request.
    pub fn deferred<E>(
        rules: impl FnOnce() -> Result<Vec<Rule>, E> + Send + Sync + 'static,
        default: Effect,
    ) -> Self {
        let build = move || {
            let built = rules().ok().and_then(|rules| compiled(rules, default).ok());
            built.unwrap_or_else(|| Compiled::without_rules(Effect::Deny))
        };
        let build: Build = Box::new(build);
        Self { rules: Rules::Deferred(Arc::new(LazyLock::new(build))) }
    }

    /// No rules, and everything may go on.
    #[must_use]
    pub fn allow_all() -> Self {
        Self { rules: Rules::Ready(Arc::new(Compiled::without_rules(Effect::Allow))) }
    }

    /// Whether there are no rules, so that the default always decides.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.compiled().rules().is_empty()
    }

    /// Whether some rule asks something of the query.
    #[must_use]
    pub fn looks_at_query(&self) -> bool {
        self.compiled().looks_at_query()
    }

    /// Whether some rule asks something of the body.
    #[must_use]
    pub fn looks_at_body(&self) -> bool {
        self.compiled().looks_at_body()
    }

    /// Decides about `subject`, in time linear in its size.
    ///
    /// In a query with a malformed percent escape, all that a `Deny` asks holds, and nothing that
    /// an `Allow` asks. (A [`Rules`](crate::Rules) service refuses such a query instead.) A body
    /// of which the decoded form is over 1 MiB cannot be inspected.
    #[must_use]
    pub fn decide(&self, subject: &Subject<'_>) -> Verdict {
        let reading = Reading::new(*subject);
        self.conclude(&self.head(&reading), &BodyAnswer::of(subject))
    }

    /// Decides about `subject`, as [`RuleSet::decide`] does, and says what every rule had to say.
    #[must_use]
    pub fn explain(&self, subject: &Subject<'_>) -> Explanation {
        self.explain_with(&Reading::new(*subject), &BodyAnswer::of(subject))
    }

    pub(crate) fn head(&self, reading: &Reading<'_>) -> Head {
        self.compiled().head(reading)
    }

    pub(crate) fn conclude(&self, head: &Head, body: &BodyAnswer<'_>) -> Verdict {
        self.compiled().conclude(head, body)
    }

    pub(crate) fn explain_with(&self, reading: &Reading<'_>, body: &BodyAnswer<'_>) -> Explanation {
        self.compiled().explain(reading, body)
    }

    pub(crate) fn compiled(&self) -> &Compiled {
        match &self.rules {
            Rules::Ready(compiled) => compiled,
            Rules::Deferred(compiled) => compiled,
        }
    }
}

fn compiled(mut rules: Vec<Rule>, default: Effect) -> Result<Compiled, Reason> {
    check(&rules)?;
    // Stable: equal priorities stay in the order of age.
    rules.sort_by_key(|it| Reverse(it.priority));
    Compiled::new(rules, default).map_err(|_| Reason::TooLarge)
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
        if let Some(why) = rule.body.iter().find_map(|it| it.unsupported()) {
            return Err(Reason::Unsupported(Arc::clone(&rule.id), why));
        }
    }
    Ok(())
}

// Does not compile what was deferred.
impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rules {
            Rules::Ready(compiled) => f.debug_tuple("RuleSet").field(compiled).finish(),
            Rules::Deferred(_) => f.write_str("RuleSet(…)"),
        }
    }
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
        let many = (0..10_001).map(|it| rule(&it.to_string(), Allow, 1)).collect();
        refuse(many, "10001 rules are more than the 10000 allowed");
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
        let body = &bytes::Bytes::new();
        let subject =
            Subject { method: &Method::GET, path: &path, query: None, headers: &headers, body };
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
