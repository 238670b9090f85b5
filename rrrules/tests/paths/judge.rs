//! What rules say about a path and its other readings.

use regex::Regex;
use rrrules::CanonicalPath;

/// A path is denied where a deny fits any reading; an allow must fit the canonical one.
pub(crate) struct Judge {
    denies: Vec<Regex>,
    /// Without any, what is not denied is allowed.
    allow: Option<Regex>,
}

impl Judge {
    /// Allows what is known to be public, and nothing else.
    pub(crate) fn of_what_is_public() -> Self {
        let denies = [r"^/admin(/|$)", r"^/internal/.*\.key$"];
        Self { denies: denies.map(regex).into(), allow: Some(regex("^/public/")) }
    }

    /// Allows all but what it denies, so that only the denies stand before it: each for any case,
    /// with and without a slash at the end.
    pub(crate) fn of_what_is_forbidden() -> Self {
        let denies = [r"(?i)^/admin(/|$)", r"(?i)^/internal/.*\.key/?$"];
        Self { denies: denies.map(regex).into(), allow: None }
    }

    pub(crate) fn allows(&self, path: &CanonicalPath) -> bool {
        self.allows_alone(path.as_str()) && !path.other_readings().iter().any(|it| self.denies(it))
    }

    /// As if the path had no other reading.
    pub(crate) fn allows_alone(&self, path: &str) -> bool {
        !self.denies(path) && self.allow.as_ref().is_none_or(|it| it.is_match(path))
    }

    fn denies(&self, path: &str) -> bool {
        self.denies.iter().any(|it| it.is_match(path))
    }
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}
