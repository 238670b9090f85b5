//! Patterns that are a path with names left open: `^/users/[^/]+/keys$`. Most that are not plain text
//! are, and need no automaton.

use crate::letters::Letters;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition};

/// Texts, with a name between each and the next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    first: Box<str>,
    /// Each comes after a name, and starts with the slash that ends it.
    others: Box<[Box<str>]>,
    end: End,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Anything,
    Nothing,
    /// A name, and then anything.
    Name,
    /// A name, and then nothing.
    LastName,
}

impl Steps {
    /// `None` for a pattern that is anything else.
    pub(crate) fn of(hir: &Hir) -> Option<Self> {
        let HirKind::Concat(parts) = hir.kind() else { return None };
        let [start, parts @ ..] = parts.as_slice() else { return None };
        let (is_whole, parts) = match parts {
            [parts @ .., end] if is(end, Look::End) => (true, parts),
            parts => (false, parts),
        };
        let [first, parts @ ..] = parts else { return None };
        let first = text(first).filter(|_| is(start, Look::Start))?;
        let pairs = parts.chunks_exact(2);
        let end = match (pairs.remainder(), is_whole) {
            ([], false) => End::Anything,
            ([], true) => End::Nothing,
            ([name], false) if is_name(name) => End::Name,
            ([name], true) if is_name(name) => End::LastName,
            _ => return None,
        };
        let other = |pair: &[Hir]| match pair {
            [name, after] if is_name(name) => text(after).filter(|it| it.starts_with('/')),
            _ => None,
        };
        Some(Self { first, others: pairs.map(other).collect::<Option<_>>()?, end })
    }

    /// What a path must start with.
    pub(crate) const fn first(&self) -> &str {
        &self.first
    }

    /// What a path must have in it.
    pub(crate) fn letters(&self) -> Letters {
        let texts = std::iter::once(&self.first).chain(&self.others);
        texts.fold(Letters::NONE, |all, it| all.with(Letters::of(it.as_bytes())))
    }

    /// Where the shortest match ends, in bytes; `None` where there is none.
    pub(crate) fn first_end(&self, path: &str) -> Option<usize> {
        let mut rest = path.strip_prefix(&*self.first)?;
        for other in &self.others {
            rest = rest.get(name(rest)?..)?.strip_prefix(&**other)?;
        }
        let left = match self.end {
            End::Anything => rest.len(),
            End::Nothing => rest.is_empty().then_some(0)?,
            End::Name => rest.len() - rest.chars().next().filter(|it| *it != '/')?.len_utf8(),
            End::LastName => (name(rest)? == rest.len()).then_some(0)?,
        };
        Some(path.len() - left)
    }
}

// How long the name is that `path` starts with.
fn name(path: &str) -> Option<usize> {
    let length = path.bytes().position(|it| it == b'/').unwrap_or(path.len());
    (length > 0).then_some(length)
}

fn is(part: &Hir, look: Look) -> bool {
    matches!(part.kind(), HirKind::Look(it) if *it == look)
}

fn text(part: &Hir) -> Option<Box<str>> {
    match part.kind() {
        HirKind::Literal(literal) => Some(std::str::from_utf8(&literal.0).ok()?.into()),
        _ => None,
    }
}

// `[^/]+`, in a group or not. It ends at a slash, however greedy it is: nothing else can follow.
fn is_name(part: &Hir) -> bool {
    match part.kind() {
        HirKind::Capture(capture) => is_name(&capture.sub),
        HirKind::Repetition(Repetition { min: 1, max: None, sub, .. }) => match sub.kind() {
            HirKind::Class(Class::Unicode(class)) => {
                let mut all_else = ClassUnicode::new([ClassUnicodeRange::new('/', '/')]);
                all_else.negate();
                *class == all_else
            }
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Pattern;
    use proptest::prelude::*;
    use regex::Regex;

    #[test]
    fn a_path_with_open_names_is_known_as_such() {
        for path in ["^/a/[^/]+/b$", "^/a/[^/]+/b", "^/a/([^/]+?)$", "^/[^/]+", "^/[^/]+/a/[^/]+/"]
        {
            is_known(path, true);
        }
        for other in [
            "/a/[^/]+/b",
            "^/a/[^/]+:b$",
            "^/a/[^/]*/b",
            "^/a/[^/?]+/b",
            "^/a/.+/b",
            "^/a/[^/]{2,}/b",
            "(?m)^/a/[^/]+$",
            "(?i)^/a/[^/]+/b",
            "^[^/]+/a",
            r"^/a/\d+$",
            "^/a/[^/]+[^/]+$",
            "^/a/[^/]+(/b)?$",
        ] {
            is_known(other, false);
        }
    }

    proptest! {
        #[test]
        fn it_is_found_where_the_expression_is(
            pattern in "\\^/(a|a/)?((\\[\\^/\\]\\+|\\(\\[\\^/\\]\\+\\?\\))(/|/a|/é)){0,3}(\\[\\^/\\]\\+)?\\$?",
            text in "(/|a|é|/a|\n){0,8}",
        ) {
            let text = format!("/{text}");
            let known = Steps::of(&Pattern::new(&pattern, "").unwrap().hir());
            let expected = Regex::new(&pattern).unwrap().shortest_match(&text);
            if let Some(steps) = known {
                prop_assert_eq!(steps.first_end(&text), expected, "{}", pattern);
            }
        }
    }

    #[track_caller]
    fn is_known(pattern: &str, expected: bool) {
        let steps = Steps::of(&Pattern::new(pattern, "").unwrap().hir());
        assert_eq!(steps.is_some(), expected, "{pattern}: {steps:?}");
    }
}
