//! A secret, compiled: where in text it may be, and what its forms are.

use std::fmt;
use std::sync::OnceLock;

use aho_corasick::packed::{Config, Searcher};
use aho_corasick::{AhoCorasick, Input, Span};

use super::escape;
use super::form::Form;

/// What is looked for on behalf of one secret. Made once per secret; prints nothing of it.
///
/// Its forms are wiped when it goes, as the secret is. Of the openings that the search is made of, the
/// first characters of each form, copies stay in memory that is freed.
pub(crate) struct Pattern {
    forms: Vec<Form>,
    // Which forms a byte may begin: at their anchor unescaped, and at their first unit in any way.
    anchors: [Forms; 256],
    firsts: [Forms; 256],
    shortest: usize,
    // Only bodies of some length need it.
    finder: OnceLock<Option<Finder>>,
}

/// Some of the forms of a pattern, one bit each.
pub(super) type Forms = u8;

enum Finder {
    Packed(Searcher),
    Automaton(AhoCorasick),
}

impl Pattern {
    pub(crate) fn new(secret: &[u8]) -> Self {
        let forms = if too_short(secret) { Vec::new() } else { Form::all(secret) };
        let (mut anchors, mut firsts) = ([0; 256], [0; 256]);
        for (index, form) in forms.iter().enumerate() {
            for (byte, (anchor, first)) in (0..=u8::MAX).zip(anchors.iter_mut().zip(&mut firsts)) {
                *anchor |= Forms::from(form.begins(form.anchor(), byte)) << index;
                *first |= Forms::from(form.begins_or_escapes(byte)) << index;
            }
        }
        // One character of text is at least a byte, in any form.
        let shortest = std::str::from_utf8(secret).map_or(secret.len(), |it| it.chars().count());
        Self { forms, anchors, firsts, shortest, finder: OnceLock::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// No text that is shorter holds the secret.
    pub(super) const fn shortest(&self) -> usize {
        self.shortest
    }

    pub(super) fn form(&self, index: usize) -> Option<&Form> {
        self.forms.get(index)
    }

    /// The forms of which `byte` may be the beginning.
    pub(super) fn begun_by(&self, byte: u8) -> Forms {
        self.firsts.get(usize::from(byte)).copied().unwrap_or_default()
    }

    /// Gives every place in `text` after `from` where a form may have its anchor, and the first
    /// [`OPENING`] bytes from there on are no escapes.
    pub(super) fn plain(&self, text: &[u8], from: usize, each: &mut impl FnMut(usize, Forms)) {
        let Some(finder) = self.finder.get_or_init(|| Finder::new(&self.forms)) else { return };
        let mut from = from;
        while let Some(at) = finder.find(text, from) {
            let byte = text.get(at).copied().unwrap_or_default();
            each(at, self.anchored(byte));
            from = at + 1;
        }
    }

    /// Gives every place in `text` where a form may have its anchor, and the first escape from
    /// there on is the one at `at`, less than [`OPENING`] bytes away.
    pub(super) fn escaped(&self, text: &[u8], at: usize, each: &mut impl FnMut(usize, Forms)) {
        let mut forms = 0;
        let rest = text.get(at..).unwrap_or_default();
        let cut_short = escape::read(rest, &mut |(value, _)| {
            forms |= u8::try_from(value).map_or(Forms::MAX, |it| self.anchored(it));
            if value >= 0x80 {
                // In UTF-8 it is another byte.
                forms = Forms::MAX;
            }
        });
        if cut_short {
            forms = Forms::MAX;
        }
        if forms != 0 {
            each(at, forms);
        }
        for back in 1..OPENING {
            let Some(anchor) = at.checked_sub(back) else { return };
            let byte = text.get(anchor).copied().unwrap_or_default();
            let forms = self.anchored(byte);
            if forms != 0 {
                each(anchor, forms);
            }
        }
    }

    fn anchored(&self, byte: u8) -> Forms {
        self.anchors.get(usize::from(byte)).copied().unwrap_or_default()
    }
}

impl Finder {
    fn new(forms: &[Form]) -> Option<Self> {
        let mut openings: Vec<_> = forms.iter().flat_map(Form::openings::<OPENING>).collect();
        openings.sort_unstable();
        openings.dedup();
        // Vectors, where the machine has them.
        let packed = Config::new().heuristic_pattern_limits(false).builder().extend(&openings).build();
        match packed {
            Some(searcher) => Some(Self::Packed(searcher)),
            // It fails for more than fit into memory only, and these are few.
            None => AhoCorasick::new(&openings).ok().map(Self::Automaton),
        }
    }

    // All openings are of one length: no two begin in one place.
    fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        if text.len().saturating_sub(from) < OPENING {
            return None;
        }
        let span = Span { start: from, end: text.len() };
        match self {
            Self::Packed(searcher) => searcher.find_in(text, span).map(|it| it.start()),
            Self::Automaton(automaton) => automaton.find(Input::new(text).span(span)).map(|it| it.start()),
        }
    }
}

/// Whether the shield leaves `secret` alone, because text that has nothing to do with it may well
/// hold it: it is shorter than eight bytes.
///
/// Say so to whoever stores such a secret.
#[must_use]
pub const fn too_short(secret: &[u8]) -> bool {
    secret.len() < SHORTEST
}

/// How much of a form is looked for first. No form is shorter.
pub(super) const OPENING: usize = 4;
const SHORTEST: usize = 8;

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pattern").finish_non_exhaustive()
    }
}
