//! Regular expressions that an operator writes and a stranger's text runs through.

use std::fmt;

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::Hir;
use regex_syntax::{Parser, ParserBuilder};

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
    flags: Box<str>,
}

/// Whether a check holds when something matches, or when nothing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presence {
    /// Something matches.
    Present,
    /// Nothing matches.
    Absent,
}

/// A pattern that cannot be used: says why and, of a mistake in its syntax, where.
///
/// One line, such as `unclosed group at byte 4`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    reason: String,
    position: Option<usize>,
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
        match builder.build() {
            Ok(regex) => Ok(Self { regex, flags: flags.into() }),
            Err(regex::Error::CompiledTooBig(_)) => {
                Err(because(format!("compiled, it is more than the {MAX_COMPILED} bytes allowed")))
            }
            Err(error) => {
                Err(syntax_error(pattern, flags).unwrap_or_else(|| because(error.to_string())))
            }
        }
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    pub(crate) fn source(&self) -> &str {
        self.regex.as_str()
    }

    /// What it is built from, for automata of several patterns.
    pub(crate) fn hir(&self) -> Hir {
        // It was parsed before; nothing that is refused here is a pattern.
        parser(&self.flags).parse(self.source()).unwrap_or_else(|_| Hir::fail())
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

impl PatternError {
    /// Where in the pattern the mistake is, in bytes from its start; `None` where it is not in one
    /// place, such as in the flags.
    #[must_use]
    pub const fn position(&self) -> Option<usize> {
        self.position
    }
}

const fn because(reason: String) -> PatternError {
    PatternError { reason, position: None }
}

// What `regex` says about syntax is a drawing of several lines.
fn syntax_error(pattern: &str, flags: &str) -> Option<PatternError> {
    let (reason, span) = match parser(flags).parse(pattern) {
        Err(regex_syntax::Error::Parse(error)) => (error.kind().to_string(), *error.span()),
        Err(regex_syntax::Error::Translate(error)) => (error.kind().to_string(), *error.span()),
        Err(_) | Ok(_) => return None,
    };
    Some(PatternError { reason, position: Some(span.start.offset) })
}

fn parser(flags: &str) -> Parser {
    let is_set = |flag| flags.contains(flag);
    ParserBuilder::new()
        .nest_limit(MAX_NESTING)
        .case_insensitive(is_set('i'))
        .multi_line(is_set('m'))
        .dot_matches_new_line(is_set('s'))
        .ignore_whitespace(is_set('x'))
        .build()
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        self.position.map_or(Ok(()), |position| write!(f, " at byte {position}"))
    }
}

impl std::error::Error for PatternError {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.regex.as_str()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        let look = "look-around, including look-ahead and look-behind, is not supported at byte 1";
        refuse("a(?=a)", "", look, Some(1));
        refuse(r"(a)\1", "", "backreferences are not supported at byte 3", Some(3));
        refuse("^/é/(a", "", "unclosed group at byte 5", Some(5));
        refuse("a # (\nb)", "x", "unopened group at byte 7", Some(7));
        refuse(r"\p{Elvish}", "", "Unicode property not found at byte 0", Some(0));
        let nesting = format!("{}a{}", "(".repeat(60), ")".repeat(60));
        let deep = "exceed the maximum number of nested parentheses/brackets (50) at byte 50";
        refuse(&nesting, "", deep, Some(50));
        refuse("a", "y", "`y` is not one of the flags imsxug", None);
        let large = "compiled, it is more than the 1048576 bytes allowed";
        refuse("(?:\\w{1000}){1000}", "", large, None);
        let long = "4097 bytes are more than the 4096 allowed";
        refuse(&"a".repeat(MAX_LENGTH + 1), "", long, None);
    }

    proptest! {
        #[test]
        fn whatever_is_wrong_is_said_in_one_line(
            pattern in "([a(){}\\[\\]|*+?^$\\\\-]|\\(\\?[imsx<=!P:]|\\\\[0-9pxukQ]|\\n|é){0,12}",
            flags in "[imsx]{0,2}",
        ) {
            if let Err(error) = Pattern::new(&pattern, &flags) {
                prop_assert!(!error.to_string().contains('\n'), "{error}");
                prop_assert!(error.position().is_some_and(|it| pattern.is_char_boundary(it)));
            }
        }
    }

    #[track_caller]
    fn check(pattern: &str, flags: &str, text: &str, expected: bool) {
        assert_eq!(Pattern::new(pattern, flags).unwrap().is_match(text), expected);
    }

    #[track_caller]
    fn refuse(pattern: &str, flags: &str, reason: &str, position: Option<usize>) {
        let error = Pattern::new(pattern, flags).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.position()), (reason, position));
    }
}
