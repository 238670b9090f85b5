//! What is legal in a set of rules, and hardly what was meant.

mod canonical;
mod contradiction;
mod cover;
mod expected;
mod lines;
mod methods;
mod paths;
mod reach;
mod warning;

use std::sync::Arc;

use crate::lint::expected::Expected;
use crate::lint::reach::Fuel;
use crate::lint::warning::Warn;
use crate::rule::{Effect, Mode, Rule};
use crate::rule_set::RuleSet;

pub use crate::lint::warning::{Warning, WarningKind};

impl RuleSet {
    /// What is legal in these rules, and hardly what was meant: in the order of evaluation, what
    /// concerns the set as a whole first.
    ///
    /// Nothing is said of what only might be a mistake; without warnings, rules may still be wrong.
    ///
    /// Costs up to seconds for large sets: to be asked where configuration is read or written.
    /// Bounded: rules are compared with each other among the first 2,000 only, and the search for
    /// paths that patterns could match ends after two million steps for all patterns together.
    ///
    /// ```
    /// use rrrules::{Effect, Pattern, Presence, Rule, RuleSet, WarningKind};
    ///
    /// let public = Pattern::new("/public/", "")?;
    /// let rule = Rule::new("public", Effect::Allow).path(public, Presence::Present);
    /// let warnings = RuleSet::new(vec![rule], Effect::Deny)?.lint();
    /// assert_eq!(warnings[0].kind, WarningKind::Unanchored);
    /// assert_eq!(warnings[0].rule.as_deref(), Some("public"));
    /// assert!(warnings[0].reason.contains("write `^/public/`"), "{}", warnings[0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn lint(&self) -> Vec<Warning> {
        self.lint_those(|_| true)
    }

    /// Of what [`RuleSet::lint`] says, what concerns the rule `id` or the set as a whole: at a
    /// fraction of the cost.
    ///
    /// May say more of the rule, since the two million steps are then its own.
    #[must_use]
    pub fn lint_of(&self, id: &str) -> Vec<Warning> {
        self.lint_those(|it| *it.id == *id)
    }

    fn lint_those(&self, is_asked_for: impl Fn(&Rule) -> bool) -> Vec<Warning> {
        let compiled = self.compiled();
        let (rules, default) = (compiled.rules(), compiled.default_effect());
        let mut warnings = Vec::new();
        warnings.extend(nothing_allows(rules, default));
        let shadowed = cover::shadowed(rules, default);
        let mut fuel = Fuel::full();
        for (rule, shadowed) in rules.iter().zip(shadowed).filter(|(it, _)| is_asked_for(it)) {
            let first = warnings.len();
            let mut warn = |kind, reason| {
                warnings.push(Warning { rule: Some(Arc::clone(&rule.id)), kind, reason });
            };
            methods::lint(rule, &mut warn);
            contradiction::lint(rule, &mut warn);
            paths::lint(rule, &mut fuel, &mut warn);
            lines::lint(rule, &mut warn);
            if let Some(reason) = shadowed {
                warn(WarningKind::Shadowed, reason);
            }
            without_effect(rule, default, &mut warn);
            if let Some(found) = warnings.get_mut(first..) {
                found.sort_by_key(|it| it.kind);
            }
        }
        warnings
    }
}

fn without_effect(rule: &Rule, default: Effect, warn: &mut Warn<'_>) {
    // What only records is there to be tried out.
    if rule.effect == Effect::Deny || rule.mode == Mode::Shadow {
        return;
    }
    match default {
        // Where the body cannot be inspected, even such a rule denies.
        Effect::Allow if rule.body.is_empty() => warn(
            WarningKind::NoEffect,
            "It allows what the default allows anyway, and does not win against a rule that \
             denies. Set the default to `deny`, or leave the rule out."
                .to_owned(),
        ),
        Effect::Deny if Expected::of(rule).is_nothing() => warn(
            WarningKind::WiderThanDefault,
            "It fits every request, so the default `deny` never decides. Give it criteria, or set \
             the default to `allow`."
                .to_owned(),
        ),
        Effect::Allow | Effect::Deny => {}
    }
}

// An empty set that denies is a door that somebody locked.
fn nothing_allows(rules: &[Rule], default: Effect) -> Option<Warning> {
    let allows = default == Effect::Allow || rules.iter().any(|it| it.effect == Effect::Allow);
    (!allows && !rules.is_empty()).then(|| Warning {
        rule: None,
        kind: WarningKind::NoEffect,
        reason: "The default denies and no rule allows: every request is denied, and the rules \
                 change nothing. Add a rule that allows, or set the default to `allow`."
            .to_owned(),
    })
}

#[cfg(test)]
mod tests;
