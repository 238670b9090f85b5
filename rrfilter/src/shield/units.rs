//! Text with its escapes undone, in which the beginnings of forms are looked for.

use std::sync::Arc;

use smallvec::SmallVec;

use super::escape::{self, BLOCK, Glance, INTRODUCERS};
use super::factors::Sight;
use super::form::Forms;
use super::opening::{LANE, OPENING, Places, in_place};
use super::pattern::Pattern;
use super::row;

/// The characters around the escapes of a text, one byte each. Those that are far from any escape are
/// left out: what then stands side by side need not do so in the text.
pub(super) struct Units {
    // By byte, where in the openings of any secret it may be.
    anywhere: [Places; 256],
    // Some opening has what may introduce an escape, as it is.
    has_introducer: bool,
    // Some opening has what is beyond ASCII.
    is_beyond_ascii: bool,
    sight: Sight,
    said: Vec<u8>,
    // Where in the text each of them is.
    places: Vec<usize>,
}

// Where in a text its units are undone.
#[derive(Clone, Copy)]
struct Reader<'a> {
    patterns: &'a [Arc<Pattern>],
    text: &'a [u8],
    end: usize,
    // What comes next may be of a form that the last escape is in.
    goes_on: bool,
}

impl Units {
    pub(super) fn new(patterns: &[Arc<Pattern>]) -> Self {
        let mut anywhere = [0; 256];
        for (byte, places) in (0..=u8::MAX).zip(&mut anywhere) {
            *places = patterns.iter().fold(0, |all, it| all | it.openings().of(byte));
        }
        let is_there = |it: &u8| anywhere.get(usize::from(*it)).is_some_and(|it| *it != 0);
        let has_introducer = INTRODUCERS.iter().any(is_there);
        let is_beyond_ascii = anywhere.iter().skip(0x80).any(|it| *it != 0);
        let sight = Sight::new(patterns.iter().map(|it| Arc::clone(it.factors())).collect());
        let (said, places) = (Vec::new(), Vec::new());
        Self { anywhere, has_introducer, is_beyond_ascii, sight, said, places }
    }

    /// Gives every place in `text` where a form of a secret may have its anchor, and one of the first
    /// [`OPENING`] characters from there on is an escape in `text` after `from`, but some of those
    /// where the end of the text cuts such an escape short.
    pub(super) fn escaped(
        &mut self,
        patterns: &[Arc<Pattern>],
        text: &[u8],
        from: usize,
        each: &mut impl FnMut(usize, usize, Forms),
    ) {
        self.said.clear();
        self.places.clear();
        let mut reader = Reader { patterns, text, end: from, goes_on: false };
        escape::places(text, from, |at, places| self.block(&mut reader, at, places, each));
        self.plain(&reader, text.len(), false);
        self.look(patterns, each);
    }

    // Looks for openings in what there is. What only begins one is left.
    fn look(&mut self, patterns: &[Arc<Pattern>], each: &mut impl FnMut(usize, usize, Forms)) {
        for (index, pattern) in patterns.iter().enumerate() {
            pattern.openings().again(&self.said, &mut |unit, forms| {
                if let Some(at) = self.places.get(unit) {
                    each(index, *at, forms);
                }
            });
        }
        let done = self.said.len().saturating_sub(OPENING - 1);
        self.said.drain(..done);
        self.places.drain(..done);
    }

    /// Whether what `text` begins with may begin a form.
    pub(super) fn may_begin(&self, text: &[u8]) -> bool {
        let is_escape = text.first().is_some_and(|it| INTRODUCERS.contains(it));
        !is_escape || self.has_introducer || self.sight.may_be(text)
    }

    // There may be escapes at `places` from `from` on. Gives where to go on.
    #[inline(always)]
    fn block(
        &mut self,
        reader: &mut Reader<'_>,
        from: usize,
        mut places: u64,
        each: &mut impl FnMut(usize, usize, Forms),
    ) -> usize {
        while places != 0 {
            let at = from + places.trailing_zeros() as usize;
            let next = match self.far(reader, from, places) {
                Some(far) => {
                    self.pass(reader, at, far + 1);
                    far + 1
                }
                None => {
                    self.escape(reader, at, each);
                    at + 1
                }
            };
            if next - from >= BLOCK {
                return next;
            }
            places &= u64::MAX << (next - from);
        }
        from + BLOCK
    }

    // The furthest of `places` from `from` on, or in a row with the first of them, up to which nothing begins
    // that has any of them in its opening: what follows there does not follow in any form.
    #[inline(always)]
    fn far(&self, reader: &Reader<'_>, from: usize, places: u64) -> Option<usize> {
        let first = places.trailing_zeros() as usize;
        let at = from + first;
        if places >> first & ROW == ROW
            && reader.text.get(at).is_some_and(|it| !self.sight.has(*it))
            && let Some(far) = self.far_in_row(reader, at)
        {
            return Some(far);
        }
        let last = (first + self.sight.reach).min(BLOCK - 1);
        let near = places & u64::MAX >> (BLOCK - 1 - last);
        let mut far = from + BLOCK - 1 - near.leading_zeros() as usize;
        while far > at && follows_backslash(reader.text, far) {
            far -= 1;
        }
        if far > at && self.ends(reader, far) {
            return Some(far);
        }
        // Whatever includes an escape that goes beyond the first was looked at where that begins.
        self.ends(reader, at).then_some(at)
    }

    #[inline(never)]
    fn far_in_row(&self, reader: &Reader<'_>, at: usize) -> Option<usize> {
        let mut far = at;
        while let Some(next) = self.next_in_row(reader, far) {
            far = next;
        }
        (far > at).then_some(far)
    }

    #[inline(always)]
    fn next_in_row(&self, reader: &Reader<'_>, at: usize) -> Option<usize> {
        let (mut count, length) = row::row(reader.text, at, self.sight.reach);
        while count > 0 {
            let next = at + count * length;
            if self.ends(reader, next) {
                return Some(next);
            }
            count = count.saturating_sub(STEP);
        }
        None
    }

    // Whether no form goes on with what is at `at`.
    #[inline(always)]
    fn ends(&self, reader: &Reader<'_>, at: usize) -> bool {
        !self.sight.may_be(reader.text.get(at..).unwrap_or_default())
    }

    // No opening has what may be an escape at `at`.
    #[inline(always)]
    fn pass(&mut self, reader: &mut Reader<'_>, at: usize, next: usize) {
        if reader.goes_on {
            self.plain(reader, at, false);
            reader.goes_on = false;
        }
        reader.end = next;
    }

    // There may be an escape at `at`.
    #[inline(never)]
    fn escape(
        &mut self,
        reader: &mut Reader<'_>,
        at: usize,
        each: &mut impl FnMut(usize, usize, Forms),
    ) {
        let rest = reader.text.get(at..).unwrap_or_default();
        let glance = escape::glance(rest);
        let (value, length) = match glance {
            // A character as any other.
            Glance::Nothing => return,
            Glance::One((value @ 0..0x80, length))
                if !(self.has_introducer || length == 2 && is_introducer(value)) =>
            {
                (value, length)
            }
            Glance::One(_) | Glance::Unknown => return self.ambiguous(reader, at, glance, each),
        };
        let places = self.anywhere(value as u8);
        // Where escapes are many, not to ask costs less.
        if at != reader.end {
            self.plain(reader, at, places != 0);
            if places == 0 {
                (reader.goes_on, reader.end) = (false, at + length);
                return;
            }
        }
        // What begins within the escape before, each character read as it is.
        let before = at.checked_sub(1).and_then(|it| reader.text.get(it)).copied();
        if places & self.anywhere(before.unwrap_or_default()) << LANE != 0
            && at < reader.end + OPENING
        {
            Self::begun_within(reader, at, &[value], each);
        }
        if self.said.len() >= MOST {
            self.look(reader.patterns, each);
        }
        self.push(value as u8, at);
        (reader.goes_on, reader.end) = (true, at + length);
    }

    // What is at `at` can be read in several ways. Whatever may include it is given.
    #[inline(never)]
    fn ambiguous(
        &mut self,
        reader: &mut Reader<'_>,
        at: usize,
        glance: Glance,
        each: &mut impl FnMut(usize, usize, Forms),
    ) {
        let rest = reader.text.get(at..).unwrap_or_default();
        let mut values = SmallVec::<[u32; 8]>::new();
        match glance {
            Glance::Nothing => {}
            Glance::One((value, _)) => values.push(value),
            Glance::Unknown => {
                // What is cut short by the end of the text is of what begins near it.
                escape::read(rest, &mut |(value, _)| values.push(value));
            }
        }
        // As it is.
        values.extend(rest.first().map(|it| u32::from(*it)));
        if values.iter().all(|it| self.is_nowhere(*it)) {
            self.plain(reader, at, false);
            (reader.goes_on, reader.end) = (false, at + 1);
            return;
        }
        self.plain(reader, at, true);
        let near = self.said.len().saturating_sub(OPENING - 1);
        let before = self.said.get(near..).unwrap_or_default();
        begun(reader.patterns, before, &values, |index, place, forms| {
            let start = self.said.len().checked_sub(place).and_then(|it| self.places.get(it));
            each(index, start.copied().unwrap_or(at), forms);
        });
        if at < reader.end + OPENING {
            Self::begun_within(reader, at, &values, each);
        }
        // What begins later may begin within it.
        (reader.goes_on, reader.end) = (false, at + 1);
    }

    #[inline(never)]
    fn begun_within(
        reader: &Reader<'_>,
        at: usize,
        values: &[u32],
        each: &mut impl FnMut(usize, usize, Forms),
    ) {
        let near = at.saturating_sub(OPENING - 1);
        let before = reader.text.get(near..at).unwrap_or_default();
        begun(reader.patterns, before, values, |index, place, forms| {
            if place > 0 {
                each(index, at - place, forms);
            }
        });
    }

    // Takes in the characters near the last escape, and those before `until` if what is there may be
    // of a form.
    #[inline(always)]
    fn plain(&mut self, reader: &Reader<'_>, until: usize, leads: bool) {
        if !reader.goes_on && !leads {
            return;
        }
        let gap = until - reader.end;
        let after = if reader.goes_on { gap.min(OPENING - 1) } else { 0 };
        let before = if leads { (gap - after).min(OPENING - 1) } else { 0 };
        for at in (reader.end..reader.end + after).chain(until - before..until) {
            self.push(reader.text.get(at).copied().unwrap_or_default(), at);
        }
    }

    #[inline(always)]
    fn push(&mut self, unit: u8, at: usize) {
        self.said.push(unit);
        self.places.push(at);
    }

    // Whether no opening has the character `value`.
    fn is_nowhere(&self, value: u32) -> bool {
        match u8::try_from(value) {
            Ok(byte) if byte.is_ascii() => self.anywhere(byte) == 0,
            _ => !self.is_beyond_ascii,
        }
    }

    fn anywhere(&self, byte: u8) -> Places {
        self.anywhere.get(usize::from(byte)).copied().unwrap_or_default()
    }
}

// Gives the forms of each secret that may have begun so many characters before an escape that may say
// any of `values`.
fn begun(
    patterns: &[Arc<Pattern>],
    before: &[u8],
    values: &[u32],
    mut each: impl FnMut(usize, usize, Forms),
) {
    for (index, pattern) in patterns.iter().enumerate() {
        let openings = pattern.openings();
        let said = values.iter().fold(0, |all, it| all | openings.said(*it));
        let places = said & openings.led(before);
        for place in 0..OPENING {
            match in_place(place, places) {
                0 => {}
                forms => each(index, place, forms),
            }
        }
    }
}

fn follows_backslash(text: &[u8], at: usize) -> bool {
    at.checked_sub(1).and_then(|it| text.get(it)) == Some(&b'\\')
}

// Where one is escaped by a backslash, it may begin another escape.
fn is_introducer(value: u32) -> bool {
    INTRODUCERS.iter().any(|it| u32::from(*it) == value)
}

// What places look like where escapes of three or of six bytes are side by side.
const ROW: u64 = 0b100_0001;
// How much nearer is looked where what is far off may be of a form.
const STEP: usize = 4;
// So many are looked through at once.
const MOST: usize = 4 << 10;
