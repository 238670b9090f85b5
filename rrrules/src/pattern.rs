//! Regular expressions that an operator writes and a stranger's text runs through.

use std::fmt;

use regex::{Regex, RegexBuilder};

/// The longest pattern, in bytes.
const MAX_LENGTH: usize = 4 << 10;
/// The largest compiled pattern, and the largest cache of one that runs, in bytes.
const MAX_COMPILED: usize = 1 << 20;
/// The deepest nesting of groups and classes.
const MAX_NESTING: u32 = 50;

/// A regular expression in the syntax of the [`regex`] crate, found anywhere in a text.
///
/// Runs in time linear in the text. Unicode; `^` and `$` are the very start and end of the text,
/// unless the flag `m` makes them those of lines. Cheap to clone.
#[derive(Clone)]
pub struct Pattern {
    regex: Regex,
}

/// Whether a check holds when something matches, or when nothing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presence {
    /// Something matches.
    Present,
    /// Nothing matches.
    Absent,
}

/// A pattern that cannot be used: says why, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PatternError {
    reason: String,
}

impl Pattern {
    /// Compiles `pattern` with `flags`: any of `i` (any case), `m` (`^` and `$` at lines), `s`
    /// (`.` matches line ends), `x` (white space is ignored); `u` and `g` change nothing.
    ///
    /// Costs up to milliseconds: compile where configuration is read, not per request.
    ///
    /// # Errors
    /// On other flags, on syntax that needs backtracking (look-around, back-references) or is not
    /// understood, and on a pattern above 4 KiB, above 1 MiB when compiled, or nested deeper
    /// than 50.
    pub fn new(pattern: &str, flags: &str) -> Result<Self, PatternError> {
        if pattern.len() > MAX_LENGTH {
            let length = pattern.len();
            return Err(because(format!("{length} bytes are more than the {MAX_LENGTH} allowed")));
        }
        let mut builder = RegexBuilder::new(pattern);
        builder.size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).nest_limit(MAX_NESTING);
        for flag in flags.chars() {
            match flag {
                'i' => builder.case_insensitive(true),
                'm' => builder.multi_line(true),
                's' => builder.dot_matches_new_line(true),
                'x' => builder.ignore_whitespace(true),
                // Patterns are Unicode anyway, and only ever say whether they match.
                'u' | 'g' => &mut builder,
                other => return Err(because(format!("`{other}` is not one of the flags imsxug"))),
            };
        }
        let regex = builder.build().map_err(|error| because(error.to_string()))?;
        Ok(Self { regex })
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl Presence {
    pub(crate) const fn holds(self, found: bool) -> bool {
        match self {
            Self::Present => found,
            Self::Absent => !found,
        }
    }
}

const fn because(reason: String) -> PatternError {
    PatternError { reason }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.regex.as_str()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_the_very_end_unless_lines_are_asked_for() {
        check("^/admin$", "", "/admin", true);
        check("^/admin$", "", "/admin\n", false);
        check("^/admin$", "", "x\n/admin", false);
        check("^/admin$", "m", "x\n/admin\ny", true);
        check("min", "", "/admin", true);
    }

    #[test]
    fn flags_do_what_they_say() {
        check("^/admin", "", "/ADMIN", false);
        check("^/admin", "giu", "/ADMIN", true);
        check("a.b", "", "a\nb", false);
        check("a.b", "s", "a\nb", true);
        check("a b # why", "x", "ab", true);
        check(r"^\w$", "", "é", true);
    }

    #[test]
    fn what_cannot_be_run_safely_is_refused_with_the_reason() {
        refuse("(?=a)", "", "look-around");
        refuse(r"(a)\1", "", "backreferences");
        refuse("(a", "", "    (a\n    ^\nerror: unclosed group");
        refuse("a", "y", "`y` is not one of the flags");
        refuse("(?:\\w{1000}){1000}", "", "size limit");
        refuse(&"a".repeat(MAX_LENGTH + 1), "", "more than the 4096 allowed");
        refuse(&format!("{}a{}", "(".repeat(60), ")".repeat(60)), "", "nest");
    }

    #[track_caller]
    fn check(pattern: &str, flags: &str, text: &str, expected: bool) {
        assert_eq!(Pattern::new(pattern, flags).unwrap().is_match(text), expected);
    }

    #[track_caller]
    fn refuse(pattern: &str, flags: &str, reason: &str) {
        let error = Pattern::new(pattern, flags).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}
