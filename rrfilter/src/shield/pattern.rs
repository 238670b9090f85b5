//! A secret, compiled: where in text it may be, and what its forms are.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use aho_corasick::packed::{Config, Searcher};
use aho_corasick::{AhoCorasick, Input, Span};

use rrcore::{Context, InjectedSecret};

use super::escape::{self, INTRODUCERS};
use super::form::Form;

/// What is looked for on behalf of one secret. Made once per secret; prints nothing of it.
///
/// Its forms are wiped when it goes, as the secret is. Of the openings that the search is made of, the
/// first characters of each form, copies stay in memory that is freed.
pub(super) struct Pattern {
    forms: Vec<Form>,
    // Which forms a byte may begin, at their first unit and at the next, in any way.
    firsts: Table,
    seconds: Table,
    // The same from their anchor on; there, escapes are no way to begin.
    anchors: Table,
    after_anchors: Table,
    // Those that begin with a character beyond ASCII.
    beyond_ascii: Forms,
    shortest: usize,
    // Only bodies of some length need it.
    finder: OnceLock<Option<Finder>>,
}

/// The secrets of one request, compiled. There is one at least.
#[derive(Clone, Debug)]
pub(super) struct Patterns {
    all: Arc<[Arc<Pattern>]>,
}

/// Some of the forms of a pattern, one bit each.
pub(super) type Forms = u8;

struct Table([Forms; 256]);

enum Finder {
    Packed(Searcher),
    Automaton(AhoCorasick),
}

impl Pattern {
    pub(super) fn new(secret: &[u8]) -> Self {
        let forms = if too_short(secret) { Vec::new() } else { Form::all(secret) };
        let firsts = Table::new(&forms, |form, byte| form.begins_or_escapes(0, byte));
        let seconds = Table::new(&forms, |form, byte| form.begins_or_escapes(1, byte));
        let anchors = Table::new(&forms, |form, byte| form.begins(form.anchor(), byte));
        let after_anchors =
            Table::new(&forms, |form, byte| form.begins_or_escapes(form.anchor() + 1, byte));
        let beyond_ascii = (0x80..=u8::MAX).fold(0, |all, byte| all | anchors.of(byte));
        // One character of text is at least a byte, in any form.
        let shortest = std::str::from_utf8(secret).map_or(secret.len(), |it| it.chars().count());
        let finder = OnceLock::new();
        Self { forms, firsts, seconds, anchors, after_anchors, beyond_ascii, shortest, finder }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// No text that is shorter holds the secret.
    pub(super) const fn shortest(&self) -> usize {
        self.shortest
    }

    pub(super) fn form(&self, index: usize) -> Option<&Form> {
        self.forms.get(index)
    }

    /// The forms of which the beginning of `text` may be the beginning.
    pub(super) fn begun_by(&self, text: &[u8]) -> Forms {
        begun(&self.firsts, &self.seconds, text)
    }

    /// The forms of which the beginning of `text` may be what is from their anchor on. Of those that
    /// begin with an escape, not all.
    fn anchored(&self, text: &[u8]) -> Forms {
        begun(&self.anchors, &self.after_anchors, text)
    }

    /// Gives every place in `text` after `from` where a form may have its anchor, and the first
    /// [`OPENING`] bytes from there on are no escapes.
    pub(super) fn plain(&self, text: &[u8], from: usize, each: &mut impl FnMut(usize, Forms)) {
        let Some(finder) = self.finder.get_or_init(|| Finder::new(&self.forms)) else { return };
        let mut from = from;
        while let Some(at) = finder.find(text, from) {
            each(at, self.anchored(text.get(at..).unwrap_or_default()));
            from = at + 1;
        }
    }

    /// Gives every place in `text` where a form may have its anchor, and the first escape from
    /// there on is the one at `at`, less than [`OPENING`] bytes away.
    pub(super) fn escaped(&self, text: &[u8], at: usize, each: &mut impl FnMut(usize, Forms)) {
        let forms = self.escaped_at(text.get(at..).unwrap_or_default());
        if forms != 0 {
            each(at, forms);
        }
        for back in 1..OPENING {
            let Some(anchor) = at.checked_sub(back) else { return };
            let forms = self.anchored(text.get(anchor..).unwrap_or_default());
            if forms != 0 {
                each(anchor, forms);
            }
        }
    }
}

impl Pattern {
    // The forms of which the escape that `text` begins with may be the first. Most say at once what
    // they are.
    fn escaped_at(&self, text: &[u8]) -> Forms {
        match text {
            [b'\\', b'u' | b'x' | b'\\', ..] | [b'&', b'#' | b'a' | b'g' | b'l' | b'q', ..] => {}
            [b'\\' | b'&', it, ..] => return self.anchors.of(*it),
            [b'%', first @ b'3'..=b'7', second, ..] => {
                if let Some(second) = char::from(*second).to_digit(16) {
                    return self.anchors.of((first - b'0') << 4 | second as u8);
                }
            }
            _ => {}
        }
        let mut forms = 0;
        let cut_short = escape::read(text, &mut |(value, _)| {
            forms |= match u8::try_from(value) {
                Ok(byte) if byte.is_ascii() => self.anchors.of(byte),
                _ => self.beyond_ascii,
            };
        });
        if cut_short { Forms::MAX } else { forms }
    }
}

impl Table {
    fn new(forms: &[Form], begins: impl Fn(&Form, u8) -> bool) -> Self {
        let mut table = [0; 256];
        for (index, form) in forms.iter().enumerate() {
            for (byte, entry) in (0..=u8::MAX).zip(&mut table) {
                *entry |= Forms::from(begins(form, byte)) << index;
            }
        }
        Self(table)
    }

    fn of(&self, byte: u8) -> Forms {
        self.0.get(usize::from(byte)).copied().unwrap_or_default()
    }
}

// A unit is one byte, unless that is an escape's or beyond ASCII.
fn begun(first: &Table, second: &Table, text: &[u8]) -> Forms {
    match text {
        [] => 0,
        [byte, next, ..] if byte.is_ascii() && !INTRODUCERS.contains(byte) => {
            first.of(*byte) & second.of(*next)
        }
        [byte, ..] => first.of(*byte),
    }
}

impl Patterns {
    /// Those that are looked for in the response to the request of `context`.
    pub(super) fn of(context: &Context) -> Option<Self> {
        let compiled = |it: &InjectedSecret| it.derived(Pattern::new);
        let injected = context.injected();
        let all = injected.iter().map(compiled).filter(|it| !it.is_empty());
        let all: Arc<[_]> = all.collect();
        (!all.is_empty()).then_some(Self { all })
    }

    /// The name of a header with the secrets in it masked, if there are any. Names have lost their
    /// case on the way.
    pub(super) fn in_name(&self, name: &str) -> Option<String> {
        if self.all.iter().all(|it| name.len() < it.shortest()) {
            return None;
        }
        let mut masked = name.as_bytes().to_vec();
        for form in self.all.iter().flat_map(|it| &it.forms) {
            form.mask_any_case(&mut masked);
        }
        let masked = String::from_utf8(masked).ok()?;
        (masked != name).then_some(masked)
    }
}

impl Deref for Patterns {
    type Target = [Arc<Pattern>];

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

impl Finder {
    fn new(forms: &[Form]) -> Option<Self> {
        let mut openings: Vec<_> = forms.iter().flat_map(Form::openings::<OPENING>).collect();
        openings.sort_unstable();
        openings.dedup();
        // Vectors, where the machine has them.
        let packed =
            Config::new().heuristic_pattern_limits(false).builder().extend(&openings).build();
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
            Self::Automaton(automaton) => {
                automaton.find(Input::new(text).span(span)).map(|it| it.start())
            }
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

#[cfg(test)]
impl Patterns {
    pub(super) fn new(secrets: &[&str]) -> Self {
        Self { all: secrets.iter().map(|it| Arc::new(Pattern::new(it.as_bytes()))).collect() }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pattern").finish_non_exhaustive()
    }
}
