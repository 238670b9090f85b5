//! What the rules of one scope say about a request.

use std::sync::Arc;

use crate::finding::Criterion;
use crate::rule::{Effect, Mode};

/// What one scope says about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the request may go on.
    pub effect: Effect,
    /// The rule that decided; `None` when it was the default.
    pub deciding: Option<DecidingRule>,
    /// The ids of all rules that fit, in the order of evaluation, without those in shadow mode.
    pub matched: Vec<Arc<str>>,
    /// Why the body could not be inspected, where that decided.
    pub not_inspectable: Option<&'static str>,
    /// What it would be if the rules in shadow mode were enforced; `None` where none of those fits.
    pub shadow: Option<Shadow>,
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

/// What would have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadow {
    /// What the scope would have said.
    pub effect: Effect,
    /// The ids of the rules in shadow mode that fit, in the order of evaluation.
    pub matched: Vec<Arc<str>>,
}

/// A verdict, and what every rule had to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What the scope says.
    pub verdict: Verdict,
    /// Every rule of the scope, in the order of evaluation.
    pub rules: Vec<RuleTrace>,
}

/// What one rule had to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTrace {
    /// Its id.
    pub id: Arc<str>,
    /// What it stands for.
    pub effect: Effect,
    /// Its priority, from 0 to 1000.
    pub priority: u16,
    /// Whether it is enforced.
    pub mode: Mode,
    /// Whether it fits.
    pub outcome: RuleOutcome,
}

/// Whether a rule fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleOutcome {
    /// Every criterion is met.
    Fits,
    /// This criterion is not met (of several, the first).
    Fails(Criterion),
    /// It asks for the body, which cannot be inspected.
    NotInspectable,
}
