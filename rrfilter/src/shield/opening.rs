//! Where in text a form may begin, by the first bytes from its anchor on.

use std::sync::OnceLock;
use std::sync::atomic::{self, AtomicBool};

use aho_corasick::packed::{Config, Searcher};
use aho_corasick::{AhoCorasick, Input, Span};

use super::form::{Form, Forms};

/// The first [`OPENING`] bytes that the forms of a secret can have from their anchor on.
pub(super) struct Openings {
    // The forms that a byte may be of in each of these places.
    bytes: [Places; 256],
    // Those that have a character beyond ASCII there.
    beyond_ascii: Places,
    all: Vec<[u8; OPENING]>,
    // Whoever looks through one short text is done before it is made, and a signature is looked for
    // in one response only.
    finder: OnceLock<Option<Finder>>,
    was_asked: AtomicBool,
}

/// Forms by their place in an opening, the first place lowest. All that could begin where an escape may be
/// in their openings are seen at once.
pub(super) type Places = u32;

enum Finder {
    Packed(Searcher),
    Automaton(AhoCorasick),
}

impl Openings {
    pub(super) fn new(forms: &[Form]) -> Self {
        let mut all = Vec::new();
        let mut bytes = [0; 256];
        for (index, form) in forms.iter().enumerate() {
            for opening in form.openings::<OPENING>() {
                for (place, byte) in opening.into_iter().enumerate() {
                    if let Some(places) = bytes.get_mut(usize::from(byte)) {
                        *places |= 1 << index << (LANE * place);
                    }
                }
                all.push(opening);
            }
        }
        let beyond_ascii = bytes.iter().skip(0x80).fold(0, |all, it| all | it);
        let (finder, was_asked) = (OnceLock::new(), AtomicBool::new(false));
        Self { bytes, beyond_ascii, all, finder, was_asked }
    }

    /// Gives every place in `text` after `from` where a form may have its anchor, and the first
    /// [`OPENING`] bytes from there on are no escapes.
    pub(super) fn plain(&self, text: &[u8], from: usize, each: &mut impl FnMut(usize, Forms)) {
        if text.len().saturating_sub(from) < SHORT
            && !self.was_asked.swap(true, atomic::Ordering::Relaxed)
        {
            return self.slowly(text, from, each);
        }
        if let Some(finder) = self.finder.get_or_init(|| Finder::new(&self.all)) {
            self.quickly(finder, text, from, each);
        }
    }

    /// The same in all of `text`, which is made of one that was looked through.
    pub(super) fn again(&self, text: &[u8], each: &mut impl FnMut(usize, Forms)) {
        match self.finder.get() {
            Some(Some(finder)) => self.quickly(finder, text, 0, each),
            Some(None) | None => self.slowly(text, 0, each),
        }
    }

    fn quickly(
        &self,
        finder: &Finder,
        text: &[u8],
        mut from: usize,
        each: &mut impl FnMut(usize, Forms),
    ) {
        while let Some(at) = finder.find(text, from) {
            let begun = text.get(at..at + OPENING).unwrap_or_default();
            each(at, self.begun_by(begun));
            from = at + 1;
        }
    }

    // Byte by byte, all forms at once.
    fn slowly(&self, text: &[u8], from: usize, each: &mut impl FnMut(usize, Forms)) {
        let mut places = 0;
        for (at, byte) in text.iter().enumerate().skip(from) {
            places = places << LANE | Places::from(Forms::MAX);
            places &= self.of(*byte);
            let forms = in_place(OPENING - 1, places);
            if forms != 0 {
                each(at + 1 - OPENING, forms);
            }
        }
    }

    /// Where in openings the byte may be.
    pub(super) fn of(&self, byte: u8) -> Places {
        self.bytes.get(usize::from(byte)).copied().unwrap_or_default()
    }

    /// Where the character `value` may be, by an escape.
    pub(super) fn said(&self, value: u32) -> Places {
        match u8::try_from(value) {
            Ok(byte) if byte.is_ascii() => self.of(byte),
            _ => self.beyond_ascii,
        }
    }

    /// What may come after these, the last of what there is.
    pub(super) fn led(&self, before: &[u8]) -> Places {
        let mut places = FIRST;
        for byte in before {
            places = (places & self.of(*byte)) << LANE | FIRST;
        }
        places
    }

    // The forms that may begin with these.
    fn begun_by(&self, units: &[u8]) -> Forms {
        let each = units.iter().enumerate();
        each.fold(Forms::MAX, |all, (place, it)| all & in_place(place, self.of(*it)))
    }
}

pub(super) fn in_place(place: usize, places: Places) -> Forms {
    (places >> (LANE * place)) as Forms
}

impl Finder {
    fn new(openings: &[[u8; OPENING]]) -> Option<Self> {
        let mut openings = openings.to_vec();
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

/// How much of a form is looked for first. No form is shorter.
pub(super) const OPENING: usize = 4;
const SHORT: usize = 8 * 1024;
/// What a place takes up.
pub(super) const LANE: usize = Forms::BITS as usize;
const FIRST: Places = Forms::MAX as Places;
