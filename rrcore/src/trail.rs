//! What each stage decided about a request, in order, and how long it took.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use crate::code::{Code, Stage};
use crate::scope::Scope;

/// What a stage decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The request (or response) goes on.
    Passed,
    /// The stage answered instead of the upstream.
    Refused(Code),
}

/// What a stage has to say beyond its outcome, for the audit record. Names only, never values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fact {
    /// How the caller was recognised, or why not: `ok`, `missing`, `invalid`, `expired`.
    Auth {
        /// The kind of credential, such as `apiKey`; empty when none was recognised.
        kind: &'static str,
        /// How that went.
        outcome: &'static str,
    },
    /// What is left of a limit.
    Limit {
        /// The policy's name, such as `requestsPerMinute`.
        policy: Arc<str>,
        /// Requests that still fit.
        remaining: u64,
    },
    /// What a response was charged with.
    Meter {
        /// The meter's name.
        meter: Arc<str>,
        /// How much was counted.
        counted: u64,
        /// How that was known: `value` if the response said so. Otherwise why not: `missing`,
        /// `unusable` (no number, or below zero), `unreadable` (a content coding that cannot be
        /// undone), `cut` (the transfer ended early), `noResponse`.
        how: &'static str,
    },
    /// The store that limits share did not answer; each went by what it says for that case.
    LimitsDegraded,
    /// What one scope of rules decided.
    Rules {
        /// What they hang on.
        scope: Scope,
        /// `allow` or `deny`.
        outcome: &'static str,
        /// The ids of the rules that matched.
        ids: Vec<Arc<str>>,
    },
    /// What one filter took out.
    Filter {
        /// The filter's id.
        id: Arc<str>,
        /// What it hangs on.
        scope: Scope,
        /// How many values it removed or masked.
        removed: u64,
        /// Those of its paths that found something, and how many values.
        paths: Vec<(Arc<str>, u64)>,
        /// It only reports what it would have removed.
        shadow: bool,
    },
    /// What was found wrong with the shape of a message.
    Validation {
        /// `request` or `response`.
        message: &'static str,
        /// `valid`, `invalid`, `mediaType`; `unchecked` where it could not be looked into.
        outcome: &'static str,
        /// Where, as JSON pointers of names that the schema knows.
        pointers: Vec<Arc<str>>,
    },
}

/// One stage's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Who decided.
    pub stage: Stage,
    /// What.
    pub outcome: Outcome,
    /// Time since the entry before (or since the request arrived): this stage's own, unless
    /// something unrecorded ran between the two. Known only where somebody
    /// [observes](crate::Observe) the request: to read the clock costs as much as a fast stage.
    pub took: Option<Duration>,
    /// What it has to say.
    pub facts: Facts,
}

/// What a stage has to say: read it as a slice. One is the most that usual stages have, and takes no
/// allocation.
///
/// ```
/// use rrcore::{Fact, Facts};
///
/// let facts = Facts::from(Fact::LimitsDegraded);
/// assert!(matches!(facts[..], [Fact::LimitsDegraded]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(SmallVec<[Fact; 1]>);

impl Facts {
    /// Nothing to say.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One more.
    pub fn push(&mut self, fact: Fact) {
        if self.0.len() == self.0.inline_size() {
            // The next is seldom the last: a fact of each scope, at once.
            self.0.reserve(3);
        }
        self.0.push(fact);
    }
}

impl Deref for Facts {
    type Target = [Fact];

    fn deref(&self) -> &[Fact] {
        &self.0
    }
}

impl From<Fact> for Facts {
    fn from(fact: Fact) -> Self {
        Self(SmallVec::from_buf([fact]))
    }
}

impl From<Vec<Fact>> for Facts {
    fn from(facts: Vec<Fact>) -> Self {
        Self(SmallVec::from_vec(facts))
    }
}

impl FromIterator<Fact> for Facts {
    fn from_iter<I: IntoIterator<Item = Fact>>(facts: I) -> Self {
        Self(facts.into_iter().collect())
    }
}

impl Extend<Fact> for Facts {
    fn extend<I: IntoIterator<Item = Fact>>(&mut self, facts: I) {
        self.0.extend(facts);
    }
}

/// All decisions so far, in order.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    // Where the context is: most requests need no room beside it.
    entries: SmallVec<[Entry; 4]>,
    until: Duration,
    says_authenticated: bool,
}

impl Trail {
    pub(crate) const fn starting_at(monotonic: Duration) -> Self {
        Self { entries: SmallVec::new_const(), until: monotonic, says_authenticated: false }
    }

    /// How long it took from the entry before to `at`, where the next begins.
    pub(crate) fn took(&mut self, at: Duration) -> Duration {
        at.saturating_sub(std::mem::replace(&mut self.until, at))
    }

    /// Adds, once, that the caller was authenticated by what is of this `kind`.
    pub(crate) fn say_authenticated(&mut self, kind: &'static str) {
        if !std::mem::replace(&mut self.says_authenticated, true) {
            let facts = Fact::Auth { kind, outcome: "ok" }.into();
            let (stage, outcome) = (Stage::Authenticate, Outcome::Passed);
            self.push(Entry { stage, outcome, took: None, facts });
        }
    }

    /// Leaves one that says nothing yet.
    pub(crate) fn take(&mut self) -> Self {
        let rest = Self { says_authenticated: self.says_authenticated, ..Self::default() };
        std::mem::replace(self, rest)
    }

    #[inline]
    pub(crate) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// The decisions, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Everything the stages had to say.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.entries.iter().flat_map(|it| &*it.facts)
    }
}
