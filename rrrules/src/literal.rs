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
    /// The gates of a pattern that is this text, from the start on.
    pub(crate) fn starting_with(text: &str) -> Vec<Self> {
        match text.len() {
            SHORTEST.. => vec![Self::Starts(vec![text.as_bytes().into()])],
            _ => Vec::new(),
        }
    }

    /// All that is known, each by itself enough to say no.
    pub(crate) fn of(hir: &Hir) -> Vec<Self> {
        let mut gates = Vec::new();
        let is_anchored = hir.properties().look_set_prefix().contains(Look::Start);
        let start = said(literals(hir, ExtractKind::Prefix));
        gates.extend(start.map(|it| if is_anchored { Self::Starts(it) } else { Self::Has(it) }));
        gates.extend(said(literals(hir, ExtractKind::Suffix)).map(Self::Has));
        let mut within = Vec::new();
        required(hir, &mut within);
        gates.extend(within.into_iter().filter_map(|it| said(Some(it))).map(Self::Has));
        gates
    }

    /// The one text that a text must start with for the pattern to be found in it.
    pub(crate) fn start(hir: &Hir) -> Option<Box<[u8]>> {
        let is_anchored = hir.properties().look_set_prefix().contains(Look::Start);
        let mut texts = literals(hir, ExtractKind::Prefix).filter(|_| is_anchored)?.into_iter();
        texts.next().filter(|_| texts.next().is_none())
    }

    /// The one text that a text must end with for the pattern to be found in it.
    pub(crate) fn end(hir: &Hir) -> Option<Box<[u8]>> {
        let is_anchored = hir.properties().look_set_suffix().contains(Look::End);
        let mut texts = literals(hir, ExtractKind::Suffix).filter(|_| is_anchored)?.into_iter();
        texts.next().filter(|_| texts.next().is_none())
    }

    /// The texts, one of which there must be.
    pub(crate) fn texts(&self) -> &[Box<[u8]>] {
        match self {
            Self::Starts(texts) | Self::Has(texts) => texts,
            Self::Open => &[],
        }
    }

    /// The bytes of the shortest of the texts.
    pub(crate) fn shortest(&self) -> usize {
        self.texts().iter().map(|it| it.len()).min().unwrap_or(0)
    }
}

type Literals = Vec<Box<[u8]>>;

// Every match begins (or ends) with one of these.
fn literals(hir: &Hir, kind: ExtractKind) -> Option<Literals> {
    let seq = Extractor::new().kind(kind).extract(hir);
    Some(seq.literals()?.iter().map(|it| it.as_bytes().into()).collect())
}

// What every match has in it, wherever: each a choice of texts.
fn required(hir: &Hir, found: &mut Vec<Literals>) {
    match hir.kind() {
        HirKind::Literal(literal) => found.push(vec![literal.0.clone()]),
        HirKind::Concat(parts) => parts.iter().for_each(|it| required(it, found)),
        HirKind::Capture(capture) => required(&capture.sub, found),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub, found),
        HirKind::Alternation(_) => found.extend(literals(hir, ExtractKind::Prefix)),
        HirKind::Repetition(_) | HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

fn said(texts: Option<Literals>) -> Option<Literals> {
    let is_said = |it: &Literals| !it.is_empty() && it.iter().all(|it| it.len() >= SHORTEST);
    texts.filter(is_said)
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
        gates("^/users/[^/]+/keys$", &[starts(&["/users/"]), has(&["/keys"]), has(&["/users/"])]);
        gates("^/(a1|b2)/x", &[starts(&["/a1/x", "/b2/x"])]);
        gates("/admin", &[has(&["/admin"])]);
        gates(r".*\.key$", &[has(&[".key"])]);
        gates(r"^/\d+/(keys|bots)/\d", &[has(&["keys", "bots"])]);
        gates("(?m)^/admin", &[has(&["/admin"])]);
        gates("(?:/ab){2,}/?", &[has(&["/ab/ab"]), has(&["/ab"])]);
        gates("(?i)^/v1$", &[starts(&["/V1", "/v1"])]);
        for open in ["", ".*", "^/", r"\d+", "a*", "^a|b$|", "(ab)?"] {
            gates(open, &[]);
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
                for gate in pattern.gates() {
                    prop_assert!(is_open(&gate, text.as_bytes()), "{gate:?}");
                }
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

    // In this order, whatever else is known besides.
    #[track_caller]
    fn gates(pattern: &str, expected: &[Gate]) {
        let mut known = Pattern::new(pattern, "").unwrap().gates();
        for gate in &mut known {
            match gate {
                Gate::Starts(texts) | Gate::Has(texts) => texts.sort(),
                Gate::Open => {}
            }
        }
        let mut seen = Vec::new();
        known.retain(|it| {
            !seen.contains(it) && {
                seen.push(it.clone());
                true
            }
        });
        let expected: Vec<Gate> = expected
            .iter()
            .cloned()
            .map(|mut it| {
                if let Gate::Starts(texts) | Gate::Has(texts) = &mut it {
                    texts.sort();
                }
                it
            })
            .collect();
        for gate in &expected {
            assert!(known.contains(gate), "{pattern}: {known:?}");
        }
        assert!(!expected.is_empty() || known.is_empty(), "{pattern}: {known:?}");
    }
}
