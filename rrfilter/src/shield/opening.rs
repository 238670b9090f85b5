//! Where in text a form may begin, by the first bytes from its anchor on.

use std::cmp::Ordering;
use std::sync::OnceLock;
use std::sync::atomic::{self, AtomicBool};

use aho_corasick::packed::{Config, Searcher};
use aho_corasick::{AhoCorasick, Input, Span};

use super::escape::{self, INTRODUCERS, Reading};
use super::form::{Form, Forms};

/// The first [`OPENING`] bytes that the forms of a secret can have from their anchor on.
pub(super) struct Openings {
    // The forms that a byte may be of in each of these places.
    bytes: [Places; 256],
    // Which places a byte may follow. An introducer may follow all of them, as it may begin an escape,
    // but the first: there it is waited for what the escape says.
    followers: [Places; 256],
    // Those that have a character beyond ASCII there.
    beyond_ascii: Places,
    all: Vec<[u8; OPENING]>,
    // Whoever looks through one short text is done before it is made, and a signature is looked for
    // in one response only.
    finder: OnceLock<Option<Finder>>,
    was_asked: AtomicBool,
}

/// The escapes of a text, seen one after another.
pub(super) struct Escapes<'a> {
    openings: &'a Openings,
    // The forms that have their anchor at the last escape, if the next, where that ends, says so.
    first: Forms,
    at: usize,
    end: usize,
}

// Forms by their place in an opening, the first place lowest. All that could begin where an escape may be
// in their openings are seen at once.
type Places = u32;

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
        let mut followers = bytes.map(before);
        for (byte, places) in (0..=u8::MAX).zip(&mut followers) {
            if INTRODUCERS.contains(&byte) {
                *places |= !Places::from(Forms::MAX);
            }
        }
        let beyond_ascii = bytes.iter().skip(0x80).fold(0, |all, it| all | it);
        let (finder, was_asked) = (OnceLock::new(), AtomicBool::new(false));
        Self { bytes, followers, beyond_ascii, all, finder, was_asked }
    }

    /// Gives every place in `text` after `from` where a form may have its anchor, and the first
    /// [`OPENING`] bytes from there on are no escapes.
    pub(super) fn plain(&self, text: &[u8], from: usize, each: &mut impl FnMut(usize, Forms)) {
        if text.len().saturating_sub(from) < SHORT
            && !self.was_asked.swap(true, atomic::Ordering::Relaxed)
        {
            return self.slowly(text, from, each);
        }
        let Some(finder) = self.finder.get_or_init(|| Finder::new(&self.all)) else { return };
        let mut from = from;
        while let Some(at) = finder.find(text, from) {
            let forms = (0..OPENING).fold(Forms::MAX, |forms, place| {
                forms & in_place(place, self.of(text.get(at + place)))
            });
            each(at, forms);
            from = at + 1;
        }
    }

    // Byte by byte, all forms at once.
    fn slowly(&self, text: &[u8], from: usize, each: &mut impl FnMut(usize, Forms)) {
        let mut places = 0;
        for (at, byte) in text.iter().enumerate().skip(from) {
            places = places << LANE | Places::from(Forms::MAX);
            places &= self.of(Some(byte));
            let forms = in_place(OPENING - 1, places);
            if forms != 0 {
                each(at + 1 - OPENING, forms);
            }
        }
    }

    /// Begins to look at the escapes of a text.
    pub(super) const fn escapes(&self) -> Escapes<'_> {
        Escapes { openings: self, first: 0, at: 0, end: 0 }
    }

    fn of(&self, byte: Option<&u8>) -> Places {
        byte.and_then(|it| self.bytes.get(usize::from(*it))).copied().unwrap_or_default()
    }

    // What can have the character `value`, by an escape.
    fn said(&self, value: u32) -> Places {
        match u8::try_from(value) {
            Ok(byte) if byte.is_ascii() => self.of(Some(&byte)),
            _ => self.beyond_ascii,
        }
    }

    // What may come after the bytes before `at`.
    fn led(&self, text: &[u8], at: usize) -> Places {
        let near = text.get(..at).and_then(<[u8]>::last_chunk);
        // Nothing is before the beginning of the text.
        let [third, second, first] = near.map_or_else(
            || [3, 2, 1].map(|back| self.of(at.checked_sub(back).and_then(|it| text.get(it)))),
            |near: &[u8; OPENING - 1]| near.each_ref().map(|it| self.of(Some(it))),
        );
        after(1, first) & after(2, second) & after(3, third)
    }

    // What can have the character that `text` begins with, in any way.
    fn followed(&self, text: &[u8]) -> Places {
        let Some(byte) = text.first() else { return ALL };
        let mut places = self.of(Some(byte));
        if INTRODUCERS.contains(byte)
            && escape::read(text, &mut |(value, _)| places |= self.said(value))
        {
            return ALL;
        }
        places
    }
}

impl Escapes<'_> {
    /// Gives every place in `text` where a form may have its anchor, and the first escape from
    /// there on is the one at `at`, less than [`OPENING`] bytes away; it says `value` and nothing
    /// else, and ends at `end`. What depends on the escape after it is given with that.
    pub(super) fn one(
        &mut self,
        text: &[u8],
        at: usize,
        (value, end): (u32, usize),
        each: &mut impl FnMut(usize, Forms),
    ) {
        let said = self.openings.said(value);
        if said == 0 && self.first == 0 {
            return;
        }
        self.settle(at, said, each);
        let mut places = said & self.openings.led(text, at);
        // A character beyond ASCII may be several units: which is next depends on the form.
        if let (Some(next), 0..0x80) = (text.get(end), value) {
            let followers = self.openings.followers.get(usize::from(*next));
            places &= followers.copied().unwrap_or(ALL);
            if INTRODUCERS.contains(next) {
                self.first = in_place(0, said);
                self.at = at;
                self.end = end;
            }
        }
        if places != 0 {
            give(at, places, each);
        }
    }

    /// The same where the escape at `at` may be read as any of these, or be none.
    pub(super) fn several(
        &mut self,
        text: &[u8],
        at: usize,
        readings: &[Reading],
        each: &mut impl FnMut(usize, Forms),
    ) {
        let openings = self.openings;
        let all = readings.iter().fold(0, |all, it| all | openings.said(it.0));
        self.settle(at, all, each);
        if all == 0 {
            return;
        }
        let led = openings.led(text, at);
        let places = readings.iter().fold(0, |places, (value, len)| {
            let mut said = openings.said(*value) & led;
            if said != 0 && *value < 0x80 {
                said &= before(openings.followed(text.get(at + len..).unwrap_or_default()));
            }
            places | said
        });
        give(at, places, each);
    }

    // The next escape is at `at`, and may be any of `said`.
    fn settle(&mut self, at: usize, said: Places, each: &mut impl FnMut(usize, Forms)) {
        let forms = match self.end.cmp(&at) {
            // It was none.
            Ordering::Less => 0,
            Ordering::Equal => self.first & in_place(1, said),
            // That it ends there is one way to read it.
            Ordering::Greater => self.first,
        };
        if forms != 0 {
            each(self.at, forms);
        }
        self.first = 0;
    }
}

fn give(at: usize, places: Places, each: &mut impl FnMut(usize, Forms)) {
    for place in 0..OPENING {
        match in_place(place, places) {
            0 => {}
            forms => each(at - place, forms),
        }
    }
}

fn in_place(place: usize, places: Places) -> Forms {
    (places >> (LANE * place)) as Forms
}

// What may stand before `places`, by one place.
fn before(places: Places) -> Places {
    places >> LANE | !(ALL >> LANE)
}

// What may stand after `places`, by so many.
fn after(count: usize, places: Places) -> Places {
    let shift = LANE * count;
    places << shift | !(ALL << shift)
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
const LANE: usize = Forms::BITS as usize;
const ALL: Places = Places::MAX;
