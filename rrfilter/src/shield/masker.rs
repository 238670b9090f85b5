//! Masks secrets in text that comes in pieces.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::escape;
use super::form::State;
use super::opening::OPENING;
use super::pattern::{Pattern, Patterns};
use super::run::{FormId, Run, leads_to};
use super::units::Units;

/// Writes `*` over secrets, whatever the pieces in which the text comes.
///
/// What goes in comes out, as long as it was. Held back is text that may yet turn out to be a secret,
/// from where that begins.
pub(super) struct Masker {
    patterns: Patterns,
    held: Vec<u8>,
    scan: Scan,
}

// Places are counted from the beginning of what is held.
#[derive(Default)]
struct Scan {
    // Every run that begins before it was begun.
    known: usize,
    runs: Vec<Run>,
    masks: Vec<Range<usize>>,
    // Only text with escapes needs them.
    units: Option<Box<Units>>,
}

impl Masker {
    pub(super) fn new(patterns: Patterns) -> Self {
        Self { patterns, held: Vec::new(), scan: Scan::default() }
    }

    /// How much is held back.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// Takes the next piece, and gives what is known to be masked.
    pub(super) fn push(&mut self, piece: Bytes) -> Bytes {
        if piece.is_empty() {
            return piece;
        }
        if self.held.is_empty() {
            let done = self.scan.read(&self.patterns, &piece);
            self.held.extend_from_slice(piece.get(done..).unwrap_or_default());
            return self.scan.let_go(piece, done);
        }
        self.held.extend_from_slice(&piece);
        let done = self.scan.read(&self.patterns, &self.held);
        if done == 0 {
            return Bytes::new();
        }
        let rest = self.held.get(done..).unwrap_or_default().to_vec();
        let text = std::mem::replace(&mut self.held, rest);
        self.scan.let_go(text.into(), done)
    }

    /// There is no more: gives what was held back.
    pub(super) fn finish(&mut self) -> Bytes {
        let text = std::mem::take(&mut self.held);
        let done = text.len();
        self.scan.runs.clear();
        self.scan.let_go(text.into(), done)
    }

    /// Masks `text` as a whole; `None` where it has no secret.
    pub(super) fn whole(patterns: &[Arc<Pattern>], text: &[u8]) -> Option<Vec<u8>> {
        if patterns.iter().all(|it| text.len() < it.shortest()) {
            return None;
        }
        let mut scan = Scan::default();
        scan.read(patterns, text);
        if scan.masks.is_empty() {
            return None;
        }
        let mut text = text.to_vec();
        scan.mask(&mut text);
        Some(text)
    }
}

impl Scan {
    /// Reads `text`, of which all but the end has been read before, and says how much of it need
    /// not be held back.
    fn read(&mut self, patterns: &[Arc<Pattern>], text: &[u8]) -> usize {
        for run in std::mem::take(&mut self.runs) {
            self.follow(patterns, text, run);
        }
        // Of what begins near the end, not all is there by which it could be found.
        let mut near_end = self.known.max(text.len().saturating_sub(REACH));
        if near_end - self.known < WORTHWHILE {
            near_end = self.known;
        } else {
            self.find(patterns, text, near_end);
        }
        for start in near_end..text.len() {
            self.try_all(patterns, text, start);
        }
        self.known = text.len();
        self.runs.iter().map(|it| it.start).min().unwrap_or(text.len())
    }

    // Begins every run that starts before `until`.
    fn find(&mut self, patterns: &[Arc<Pattern>], text: &[u8], until: usize) {
        for (index, pattern) in patterns.iter().enumerate() {
            pattern.openings().plain(text, self.known, &mut |at, forms| {
                self.anchor(patterns, text, index, forms, at, until);
            });
        }
        if !escape::may_be_in(text.get(self.known..).unwrap_or_default()) {
            return;
        }
        let mut units = self.units.take().unwrap_or_else(|| Box::new(Units::new(patterns)));
        let from = self.known;
        units.escaped(patterns, text, from, &mut |index, at, forms| {
            self.anchor(patterns, text, index, forms, at, until);
        });
        self.units = Some(units);
    }

    // Begins the runs of `forms` that have their anchor at `at`, and start before `until`.
    fn anchor(
        &mut self,
        patterns: &[Arc<Pattern>],
        text: &[u8],
        pattern: usize,
        mut forms: u8,
        at: usize,
        until: usize,
    ) {
        let Some(compiled) = patterns.get(pattern) else { return };
        while forms != 0 {
            let form = forms.trailing_zeros() as usize;
            forms &= forms - 1;
            let Some(it) = compiled.form(form) else { return };
            if !it.may_go_on(text, State::new(it.anchor(), at)) {
                continue;
            }
            let id = FormId { pattern, form };
            if it.anchor() == 0 {
                if (self.known..until).contains(&at) {
                    self.follow(patterns, text, Run::new(at, id, State::new(0, at)));
                }
                continue;
            }
            // What does not go on need not be led to.
            let (mut probe, mut found) = (Run::new(at, id, State::new(it.anchor(), at)), false);
            if !probe.advance(it, text, &mut |_| found = true) && !found {
                continue;
            }
            for start in earliest_lead(text, at).max(self.known)..at.min(until) {
                let rest = text.get(start..).unwrap_or_default();
                if compiled.begun_by(rest) >> form & 1 == 0 {
                    continue;
                }
                if let Some(state) = leads_to(it, text, start, at) {
                    self.follow(patterns, text, Run::new(start, id, state));
                }
            }
        }
    }

    fn try_all(&mut self, patterns: &[Arc<Pattern>], text: &[u8], start: usize) {
        let rest = text.get(start..).unwrap_or_default();
        if self.units.as_ref().is_some_and(|it| !it.may_begin(rest)) {
            return;
        }
        for (pattern, compiled) in patterns.iter().enumerate() {
            let mut forms = compiled.begun_by(rest);
            while forms != 0 {
                let form = forms.trailing_zeros() as usize;
                forms &= forms - 1;
                let state = State::new(0, start);
                if compiled.form(form).is_some_and(|it| it.may_go_on(text, state)) {
                    let id = FormId { pattern, form };
                    self.follow(patterns, text, Run::new(start, id, state));
                }
            }
        }
    }

    fn follow(&mut self, patterns: &[Arc<Pattern>], text: &[u8], mut run: Run) {
        let pattern = patterns.get(run.form.pattern);
        let Some(form) = pattern.and_then(|it| it.form(run.form.form)) else { return };
        if run.advance(form, text, &mut |found| self.masks.push(found)) {
            self.runs.push(run);
        }
    }

    /// Gives the first `done` bytes of `text`, masked, and forgets them.
    fn let_go(&mut self, mut text: Bytes, done: usize) -> Bytes {
        text.truncate(done);
        if self.masks.iter().any(|it| it.start < done) {
            let mut masked = text.to_vec();
            self.mask(&mut masked);
            text = masked.into();
        }
        self.masks.retain(|it| it.end > done);
        for mask in &mut self.masks {
            *mask = mask.start.saturating_sub(done)..mask.end - done;
        }
        self.runs.iter_mut().for_each(|it| it.shift(done));
        self.known -= done;
        text
    }

    fn mask(&self, text: &mut [u8]) {
        for mask in &self.masks {
            let end = mask.end.min(text.len());
            for byte in text.get_mut(mask.start..end).unwrap_or_default() {
                // Broken lines stay broken, and UTF-16 stays what it is.
                if !matches!(byte, b'\r' | b'\n' | 0) {
                    *byte = b'*';
                }
            }
        }
    }
}

// The unit before an anchor is one byte, nearly always.
fn earliest_lead(text: &[u8], anchor: usize) -> usize {
    let earliest = anchor.saturating_sub(LEAD);
    let before = text.get(earliest..anchor).unwrap_or_default();
    if before.ends_with(b"\n") || escape::may_be_in(before) {
        return earliest;
    }
    anchor.saturating_sub(1)
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masker").field("held", &self.held()).finish_non_exhaustive()
    }
}

// The longest that the one unit before an anchor can be: escaped, and a line broken after it.
const LEAD: usize = 3 * escape::LONGEST;
// From where a run starts to the end of the last escape by which it is found: those before have one
// reading, or it is found by them.
const REACH: usize = LEAD + OPENING * escape::LONGEST_AT_A_GLANCE + escape::LONGEST;
// In less than this, looking at every byte is as fast as a search.
const WORTHWHILE: usize = 128;
