//! What becomes of a request under one set of rules and under another.

use rrcore::Scope;

use crate::rule::Effect;
use crate::verdict::DecidingRule;

/// What becomes of a request under one set of rules and under another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The same.
    Same(Effect),
    /// The same: it depends on what is not known of the request, in the same way under both.
    SameEitherWay,
    /// Something else.
    Flips {
        /// What becomes of it under the rules before.
        from: Effect,
        /// What becomes of it under the rules after.
        to: Effect,
        /// What denies now; or the rule that allows now where a default denied; or what denied
        /// before and does so no longer. Where something is not known of the request, there may be
        /// another that would be reported first.
        by: Cause,
    },
    /// It depends on what is not known of the request.
    Undecidable {
        /// What would have to be known, such as `header x-admin`, `value of query parameter debug`
        /// or `body`: each once, up to 32 of them.
        needs: Vec<String>,
    },
}

/// What decides about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// A rule of this scope.
    Rule(Scope, DecidingRule),
    /// The default of this scope.
    Default(Scope),
    /// Rules that look at a query, which has a malformed percent escape: it is refused.
    MalformedQuery,
}

/// How often each outcome was met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Requests of which the outcome stays.
    pub same: u64,
    /// Requests that were denied and are allowed now.
    pub newly_allowed: u64,
    /// Requests that were allowed and are denied now.
    pub newly_denied: u64,
    /// Requests of which too little is known.
    pub undecidable: u64,
}

impl Counts {
    /// Adds one.
    pub const fn add(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Same(_) | Outcome::SameEitherWay => &mut self.same,
            Outcome::Flips { to: Effect::Allow, .. } => &mut self.newly_allowed,
            Outcome::Flips { to: Effect::Deny, .. } => &mut self.newly_denied,
            Outcome::Undecidable { .. } => &mut self.undecidable,
        } += 1;
    }
}

impl<'a> FromIterator<&'a Outcome> for Counts {
    fn from_iter<T: IntoIterator<Item = &'a Outcome>>(outcomes: T) -> Self {
        let mut counts = Self::default();
        outcomes.into_iter().for_each(|it| counts.add(it));
        counts
    }
}
