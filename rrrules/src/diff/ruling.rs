//! What one scope says about a request of which only parts are known.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::compiled::BodyAnswer;
use crate::diff::open::Open;
use crate::finding::Finding;
use crate::rule::{Effect, Mode, Rule};
use crate::rule_set::RuleSet;
use crate::subject::Reading;
use crate::verdict::DecidingRule;

/// What one scope says.
#[derive(Debug)]
pub(super) enum Ruling<'a> {
    /// This, whatever is not known; by a rule, or by the default.
    Sure(Effect, Option<DecidingRule>),
    /// It depends.
    Unsure {
        /// What it is if none of the open rules fits.
        otherwise: Effect,
        /// The rules that matter.
        open: Vec<Open<'a>>,
    },
}

/// The rules of a scope that fit, or may.
#[derive(Default)]
struct Sorted<'a> {
    denies: Option<&'a Rule>,
    allows: Option<&'a Rule>,
    open: Vec<&'a Rule>,
}

impl<'a> Ruling<'a> {
    /// Asks `rules` by the same code that decides about requests.
    pub(super) fn of(rules: &'a RuleSet, reading: &Reading<'_>) -> Self {
        let lacks = reading.lacks();
        let compiled = rules.compiled();
        if !(lacks.headers || lacks.query || lacks.query_values || lacks.body) {
            let verdict = rules.conclude(&rules.head(reading), &BodyAnswer::of(reading.subject()));
            return Self::Sure(verdict.effect, verdict.deciding);
        }
        let sorted = Sorted::of(compiled.candidates(reading), reading);
        if let Some(rule) = sorted.denies {
            return Self::Sure(Effect::Deny, Some(named(rule)));
        }
        let otherwise = sorted.allows.map_or(compiled.default_effect(), |_| Effect::Allow);
        let mut open: Vec<_> = sorted.open.iter().map(|it| Open::of(it, reading)).collect();
        match otherwise {
            // One more that allows changes nothing, unless it may deny for want of a body.
            Effect::Allow => open.retain(|it| it.effect == Effect::Deny || it.looks_at_body()),
            // Nor one that denies, where none can allow.
            Effect::Deny if open.iter().all(|it| it.effect == Effect::Deny) => open.clear(),
            Effect::Deny => {}
        }
        match open.is_empty() {
            true => Self::Sure(otherwise, sorted.allows.map(named)),
            false => Self::Unsure { otherwise, open },
        }
    }

    /// Whether the two say the same, whatever it is that is not known.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sure(one, _), Self::Sure(other, _)) => one == other,
            (
                Self::Unsure { otherwise: one, open },
                Self::Unsure { otherwise: other, open: others },
            ) => {
                let among = |some: &[Open<'_>], others: &[Open<'_>]| {
                    some.iter().all(|it| others.iter().any(|other| it.is_alike(other)))
                };
                let are_few = open.len().max(others.len()) <= MOST_COMPARED;
                one == other && are_few && among(open, others) && among(others, open)
            }
            (Self::Sure(..), Self::Unsure { .. }) | (Self::Unsure { .. }, Self::Sure(..)) => false,
        }
    }

    /// Adds what would have to be known.
    pub(super) fn needs(&self, needs: &mut BTreeSet<String>) {
        if let Self::Unsure { open, .. } = self {
            open.iter().for_each(|it| it.needs(needs));
        }
    }
}

impl<'a> Sorted<'a> {
    fn of(rules: impl Iterator<Item = &'a Rule>, reading: &Reading<'_>) -> Self {
        let mut sorted = Self::default();
        // In the order of evaluation, so that the first is the one to report.
        for rule in rules.filter(|it| it.mode == Mode::Enforce) {
            match (rule.check(reading), rule.effect) {
                (Finding::Fails(_), _) => {}
                (Finding::Unknown(_) | Finding::NeedsBody, _) => sorted.open.push(rule),
                (Finding::Holds, Effect::Deny) => {
                    sorted.denies.get_or_insert(rule);
                }
                (Finding::Holds, Effect::Allow) => {
                    sorted.allows.get_or_insert(rule);
                }
            }
        }
        sorted
    }
}

fn named(rule: &Rule) -> DecidingRule {
    DecidingRule { id: Arc::clone(&rule.id), priority: rule.priority }
}

/// More rules that may fit than this, and comparing each with each takes too long.
const MOST_COMPARED: usize = 200;
