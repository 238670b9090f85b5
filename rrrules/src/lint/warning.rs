//! What a lint says.

use std::fmt;
use std::sync::Arc;

use crate::one_line::one_line;

/// Something that is legal in a set of rules, and hardly what was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The id of the rule; `None` where it is about the set as a whole.
    pub rule: Option<Arc<str>>,
    /// What it is about.
    pub kind: WarningKind,
    /// What, why it matters, and what to write instead: a few sentences for a person.
    pub reason: String,
}

/// What a [`Warning`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// A criterion that no request can meet (or, of the path with `absent`, that each does).
    NeverMatches,
    /// Another rule decides wherever this one fits.
    Shadowed,
    /// A path pattern that starts with a slash, but not at the start of the path.
    Unanchored,
    /// `^` or `$` at the ends of lines, and not of the text.
    MultiLineEnd,
    /// A path pattern that only a spelling matches that never arrives.
    NonCanonical,
    /// It allows everything where the default denies.
    WiderThanDefault,
    /// A method that nobody has registered.
    UnknownMethod,
    /// It changes no outcome.
    NoEffect,
}

/// Takes a warning about a rule.
pub(super) type Warn<'a> = dyn FnMut(WarningKind, String) + 'a;

impl WarningKind {
    /// The word for it in answers and reports, such as `never-matches`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NeverMatches => "never-matches",
            Self::Shadowed => "shadowed",
            Self::Unanchored => "unanchored",
            Self::MultiLineEnd => "multi-line-end",
            Self::NonCanonical => "non-canonical",
            Self::WiderThanDefault => "wider-than-default",
            Self::UnknownMethod => "unknown-method",
            Self::NoEffect => "no-effect",
        }
    }
}

/// One line, such as ``rule `public` (unanchored): …``.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = one_line(&self.reason);
        match &self.rule {
            Some(id) => write!(f, "rule `{}` ({}): {reason}", one_line(id), self.kind.as_str()),
            None => write!(f, "the rules ({}): {reason}", self.kind.as_str()),
        }
    }
}
