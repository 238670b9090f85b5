//! Regular expressions that an operator writes and a stranger's text runs through.

use std::fmt;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

use crate::letters::Letters;
use crate::literal::{Gate, Whole};
use crate::one_line::one_line;
use crate::steps::Steps;

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
    inner: Arc<Inner>,
}

struct Inner {
    source: Box<str>,
    flags: Flags,
    matcher: Matcher,
}

/// How the pattern is found. Most patterns of paths are plain text, or that with names left open:
/// those need no automaton, which takes some 20 µs to build and 10 KiB to keep.
enum Matcher {
    Is(Box<str>),
    Starts(Box<str>),
    Steps(Steps),
    /// With what a text must start with, and end with, where that is one text: most are told apart
    /// by it.
    Regex {
        regex: Box<Regex>,
        start: Box<[u8]>,
        end: Box<[u8]>,
        letters: Letters,
    },
}

/// The flags that change what a pattern means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Flags {
    any_case: bool,
    lines: bool,
    dot_all: bool,
    free_space: bool,
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
        Self::with(pattern, Flags::read(flags)?)
    }

    fn with(pattern: &str, flags: Flags) -> Result<Self, PatternError> {
        let hir = parse(pattern, flags)?;
        let matcher = match (Whole::of(&hir), Steps::of(&hir)) {
            (Some(Whole::Is(text)), _) => Matcher::Is(text),
            (Some(Whole::Starts(text)), _) => Matcher::Starts(text),
            (None, Some(steps)) => Matcher::Steps(steps),
            (None, None) => Matcher::Regex {
                regex: Box::new(flags.compile(pattern)?),
                start: Gate::start(&hir).unwrap_or_default(),
                end: Gate::end(&hir).unwrap_or_default(),
                letters: Letters::needed(&hir),
            },
        };
        Ok(Self { inner: Arc::new(Inner { source: pattern.into(), flags, matcher }) })
    }

    /// As it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.inner.source
    }

    /// Whether a clone of it is somewhere: for whoever keeps compiled patterns while rules use them.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.inner) > 1
    }

    /// The same pattern, found in any case.
    pub(crate) fn in_any_case(self) -> Result<Self, PatternError> {
        if self.inner.flags.any_case {
            return Ok(self);
        }
        Self::with(&self.inner.source, Flags { any_case: true, ..self.inner.flags })
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        // To look what a text has in it pays only where it is looked at for several patterns.
        self.is_found(text, |_| true)
    }

    /// Whether the pattern is found in `text`, in which there are these `letters`: asked for where
    /// its start and its end do not tell.
    pub(crate) fn is_match_with(&self, text: &str, letters: impl FnOnce() -> Letters) -> bool {
        self.is_found(text, |needed| letters().has_all(needed))
    }

    fn is_found(&self, text: &str, may_be: impl FnOnce(Letters) -> bool) -> bool {
        match &self.inner.matcher {
            Matcher::Is(whole) => **whole == *text,
            Matcher::Starts(start) => text.starts_with(&**start),
            Matcher::Steps(steps) => steps.first_end(text).is_some(),
            Matcher::Regex { regex, start, end, letters } => {
                text.as_bytes().starts_with(start)
                    && text.as_bytes().ends_with(end)
                    && may_be(*letters)
                    && regex.is_match(text)
            }
        }
    }

    /// Whether the first bytes of a text are enough to say that the pattern is not found in it,
    /// whichever way they are read.
    pub(crate) fn shuts_out(&self, text: &[u8]) -> bool {
        let start = match &self.inner.matcher {
            Matcher::Is(start) | Matcher::Starts(start) => start.as_bytes(),
            Matcher::Steps(steps) => steps.first().as_bytes(),
            Matcher::Regex { start, .. } => start,
        };
        start.is_ascii() && !text.starts_with(start)
    }

    /// Where a match ends that is found early, in bytes; `None` where there is none.
    pub(crate) fn first_end(&self, text: &str) -> Option<usize> {
        match &self.inner.matcher {
            Matcher::Is(whole) => (**whole == *text).then_some(whole.len()),
            Matcher::Starts(start) => text.starts_with(&**start).then_some(start.len()),
            Matcher::Steps(steps) => steps.first_end(text),
            Matcher::Regex { regex, .. } => regex.shortest_match(text),
        }
    }

    /// What the pattern says, to derive something from it when rules are compiled.
    pub(crate) fn hir(&self) -> Hir {
        // It was parsed before, so it can be.
        parse(&self.inner.source, self.inner.flags).unwrap_or_else(|_| Hir::fail())
    }

    /// What a text must have for the pattern to be found in it: each of these.
    pub(crate) fn gates(&self) -> Vec<Gate> {
        match &self.inner.matcher {
            Matcher::Is(text) | Matcher::Starts(text) => Gate::starting_with(text),
            Matcher::Steps(_) | Matcher::Regex { .. } => Gate::of(&self.hir()),
        }
    }

    /// How every text begins that the pattern is found in, and what else it has in it.
    pub(crate) fn needs(&self) -> (&[u8], Letters) {
        match &self.inner.matcher {
            // What comes first tells most apart, and the rest is compared as quickly.
            Matcher::Is(start) | Matcher::Starts(start) => (start.as_bytes(), Letters::NONE),
            Matcher::Steps(steps) => (steps.first().as_bytes(), steps.letters()),
            Matcher::Regex { start, letters, .. } => (start, *letters),
        }
    }

    /// Whether the two are written alike, and so say the same.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        self.inner.source == other.inner.source && self.inner.flags == other.inner.flags
    }
}

impl Flags {
    fn read(text: &str) -> Result<Self, PatternError> {
        let mut flags = Self::default();
        for flag in text.chars() {
            match flag {
                'i' => flags.any_case = true,
                'm' => flags.lines = true,
                's' => flags.dot_all = true,
                'x' => flags.free_space = true,
                // Patterns are Unicode anyway, and only ever say whether they match.
                'u' | 'g' => {}
                other => {
                    let other = one_line(other.encode_utf8(&mut [0; 4]));
                    return Err(because(format!("`{other}` is not one of the flags imsxug")));
                }
            }
        }
        Ok(flags)
    }

    fn compile(self, pattern: &str) -> Result<Regex, PatternError> {
        let built = RegexBuilder::new(pattern)
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_COMPILED)
            .nest_limit(MAX_NESTING)
            .case_insensitive(self.any_case)
            .multi_line(self.lines)
            .dot_matches_new_line(self.dot_all)
            .ignore_whitespace(self.free_space)
            .build();
        built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                because(format!("compiled, it is more than the {MAX_COMPILED} bytes allowed"))
            }
            error => because(error.to_string()),
        })
    }
}

// What `regex` says about syntax is a drawing of several lines.
fn parse(pattern: &str, flags: Flags) -> Result<Hir, PatternError> {
    let parsed = ParserBuilder::new()
        .nest_limit(MAX_NESTING)
        .case_insensitive(flags.any_case)
        .multi_line(flags.lines)
        .dot_matches_new_line(flags.dot_all)
        .ignore_whitespace(flags.free_space)
        .build()
        .parse(pattern);
    let (reason, span) = match parsed {
        Ok(hir) => return Ok(hir),
        Err(regex_syntax::Error::Parse(error)) => (error.kind().to_string(), *error.span()),
        Err(regex_syntax::Error::Translate(error)) => (error.kind().to_string(), *error.span()),
        Err(error) => return Err(because(error.to_string().replace('\n', " "))),
    };
    Err(PatternError { reason, position: Some(span.start.offset) })
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

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        self.position.map_or(Ok(()), |position| write!(f, " at byte {position}"))
    }
}

impl std::error::Error for PatternError {}

/// As it was written, without the flags.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.source())
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.source()).finish()
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
        refuse("a", "i\n", r"`\n` is not one of the flags imsxug", None);
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
