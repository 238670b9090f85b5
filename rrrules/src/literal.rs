//! What plain text says of a pattern: all of it, or what a text must have for it to be found.

use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Hir, HirKind, Look};

/// A pattern that is plain text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Whole {
    /// `^text$`
    Is(Box<str>),
    /// `^text`
    Starts(Box<str>),
}

/// What a text must have for a pattern to be found in it: cheap to ask, and never wrong when it
/// says no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It starts with one of these.
    Starts(Vec<Box<[u8]>>),
    /// It has one of these in it.
    Has(Vec<Box<[u8]>>),
    /// Nothing is known.
    Open,
}

impl Whole {
    /// `None` for a pattern that is more than plain text.
    pub(crate) fn of(hir: &Hir) -> Option<Self> {
        let HirKind::Concat(parts) = hir.kind() else { return None };
        let text = |part: &Hir| match part.kind() {
            HirKind::Literal(literal) => Some(std::str::from_utf8(&literal.0).ok()?.into()),
            _ => None,
        };
        match parts.as_slice() {
            [start, middle] if is(start, Look::Start) => Some(Self::Starts(text(middle)?)),
            [start, middle, end] if is(start, Look::Start) && is(end, Look::End) => {
                Some(Self::Is(text(middle)?))
            }
            _ => None,
        }
    }
}

fn is(part: &Hir, look: Look) -> bool {
    matches!(part.kind(), HirKind::Look(it) if *it == look)
}

impl Gate {
    /// The gate of a pattern that is this text, from the start on.
    pub(crate) fn starting_with(text: &str) -> Self {
        match text.len() {
            SHORTEST.. => Self::Starts(vec![text.as_bytes().into()]),
            _ => Self::Open,
        }
    }

    pub(crate) fn of(hir: &Hir) -> Self {
        let start = literals(hir, ExtractKind::Prefix);
        if hir.properties().look_set_prefix().contains(Look::Start)
            && let Some(texts) = start
        {
            return Self::Starts(texts);
        }
        // Every match begins with one of the first, and ends with one of the second.
        let end = literals(hir, ExtractKind::Suffix);
        let shortest = |texts: &Vec<Box<[u8]>>| texts.iter().map(|it| it.len()).min();
        match [start, end].into_iter().flatten().max_by_key(shortest) {
            Some(texts) => Self::Has(texts),
            None => Self::Open,
        }
    }
}

fn literals(hir: &Hir, kind: ExtractKind) -> Option<Vec<Box<[u8]>>> {
    let seq = Extractor::new().kind(kind).extract(hir);
    let texts: Vec<Box<[u8]>> = seq.literals()?.iter().map(|it| it.as_bytes().into()).collect();
    let says_something = !texts.is_empty() && texts.iter().all(|it| it.len() >= SHORTEST);
    says_something.then_some(texts)
}

/// Every path has a slash in it: one byte says too little.
const SHORTEST: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Pattern;
    use proptest::prelude::*;

    #[test]
    fn plain_text_is_known_as_such() {
        whole("^/users/", Some(&Whole::Starts("/users/".into())));
        whole(r"^/v1\.0/a$", Some(&Whole::Is("/v1.0/a".into())));
        for other in ["/users/", "^/users/.", "(?i)^/users", "(?m)^/users$", "^$", "^", "/a$"] {
            whole(other, None);
        }
    }

    #[test]
    fn what_a_text_must_have_is_known() {
        gate("^/users/[^/]+/keys$", &starts(&["/users/"]));
        gate("^/(a1|b2)/", &starts(&["/a1/", "/b2/"]));
        gate("/admin", &has(&["/admin"]));
        gate(r".*\.key$", &has(&[".key"]));
        gate("^.*/private", &has(&["/private"]));
        gate("(?m)^/admin", &has(&["/admin"]));
        for open in ["", ".*", "^/", r"\d+", "a*", "^a|b$|"] {
            gate(open, &Gate::Open);
        }
    }

    proptest! {
        // A gate that is wrong would let a request past a rule.
        #[test]
        fn a_gate_never_shuts_out_a_match(
            pattern in "(\\^|\\(\\?[im]\\))?(/|ab|a|b|c|[a-c]|\\.\\*|\\(a\\|bc\\)|b\\+|c\\?|\\.){0,6}\\$?",
            text in "[/abcABC\n]{0,12}",
        ) {
            let pattern = Pattern::new(&pattern, "").unwrap();
            if pattern.is_match(&text) {
                prop_assert!(is_open(&pattern.gate(), text.as_bytes()), "{:?}", pattern.gate());
            }
        }
    }

    fn is_open(gate: &Gate, text: &[u8]) -> bool {
        match gate {
            Gate::Starts(texts) => texts.iter().any(|it| text.starts_with(it)),
            Gate::Has(texts) => {
                texts.iter().any(|it| text.windows(it.len()).any(|window| *window == **it))
            }
            Gate::Open => true,
        }
    }

    fn starts(texts: &[&str]) -> Gate {
        Gate::Starts(texts.iter().map(|it| it.as_bytes().into()).collect())
    }

    fn has(texts: &[&str]) -> Gate {
        Gate::Has(texts.iter().map(|it| it.as_bytes().into()).collect())
    }

    #[track_caller]
    fn whole(pattern: &str, expected: Option<&Whole>) {
        let whole = Whole::of(&Pattern::new(pattern, "").unwrap().hir());
        assert_eq!(whole.as_ref(), expected, "{pattern}");
    }

    #[track_caller]
    fn gate(pattern: &str, expected: &Gate) {
        assert_eq!(&Pattern::new(pattern, "").unwrap().gate(), expected, "{pattern}");
    }
}
