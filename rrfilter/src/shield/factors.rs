//! Which characters may follow one another in a form, wherever in it: text in which they do not is no part
//! of one.

use std::sync::Arc;

use smallvec::SmallVec;
use zeroize::Zeroizing;

use super::escape::{self, Glance, INTRODUCERS};
use super::form::Form;
use super::leads::Leads;
use super::opening::OPENING;

/// Every [`FACTOR`] units in a row that a form has near its anchor.
pub(super) struct Factors {
    // One bit for each, by the lowest bits of its bytes. It is as secret as the secret.
    known: Zeroizing<Vec<u64>>,
    /// So many characters there are in each form, whatever way each is written, that are looked at here.
    pub(super) shortest: usize,
    // What they are made of.
    bytes: Zeroizing<[bool; 256]>,
    /// What is among them that has more than one reading, or is more than one unit.
    pub(super) odd: Odd,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Odd {
    pub(super) beyond_ascii: bool,
    // Line breaks that are not between units of base64.
    pub(super) line_break: bool,
}

impl Factors {
    pub(super) fn new(forms: &[Form]) -> Self {
        let mut factors = Self {
            known: Zeroizing::new(vec![0; 1 << (BITS * FACTOR - WORD)]),
            shortest: NEAR,
            bytes: Zeroizing::new([false; 256]),
            odd: Odd::default(),
        };
        for form in forms {
            let units = form.alone(NEAR);
            if units.is_empty() {
                continue;
            }
            // A character is of one byte that does not continue another.
            let begins = |it: &&[Option<u8>; 4]| !matches!(it[0], Some(0x80..=0xbf));
            let characters = units.iter().filter(begins).count();
            factors.shortest = factors.shortest.min(characters);
            for byte in units.iter().flatten().flatten().copied().chain(form.edge()) {
                if let Some(is_there) = factors.bytes.get_mut(usize::from(byte)) {
                    *is_there = true;
                }
                factors.odd.beyond_ascii |= !byte.is_ascii();
                factors.odd.line_break |= matches!(byte, b'\r' | b'\n');
            }
            for row in units.windows(FACTOR) {
                factors.add(row, 0);
            }
            let begun = units.get(..FACTOR - 1).unwrap_or_default();
            form.edge().for_each(|byte| factors.add(begun, keyed(0, byte)));
        }
        factors
    }

    fn add(&mut self, units: &[[Option<u8>; 4]], key: usize) {
        let Some((unit, rest)) = units.split_first() else {
            if let Some(word) = self.known.get_mut(key >> WORD) {
                *word |= 1 << (key & WORD_MASK);
            }
            return;
        };
        for byte in unit.iter().flatten() {
            self.add(rest, keyed(key, *byte));
        }
    }

    fn has(&self, key: usize) -> bool {
        self.known.get(key >> WORD).is_some_and(|it| it >> (key & WORD_MASK) & 1 != 0)
    }
}

/// What is known of the factors of several secrets.
pub(super) struct Sight {
    all: SmallVec<[Arc<Factors>; 2]>,
    bytes: Zeroizing<[bool; 256]>,
    leads: Leads,
    /// A form goes on for so many characters after the last in its opening, and a factor more. A character
    /// is a byte at least.
    pub(super) reach: usize,
    odd: Odd,
}

impl Sight {
    pub(super) fn new(all: SmallVec<[Arc<Factors>; 2]>) -> Self {
        let (mut shortest, mut odd) = (NEAR, Odd::default());
        let mut bytes = Zeroizing::new([false; 256]);
        for factors in &all {
            shortest = shortest.min(factors.shortest);
            for (is_there, more) in bytes.iter_mut().zip(factors.bytes.iter()) {
                *is_there |= *more;
            }
            odd.beyond_ascii |= factors.odd.beyond_ascii;
            odd.line_break |= factors.odd.line_break;
        }
        let reach = shortest.saturating_sub(OPENING - 1 + FACTOR);
        let leads = Leads::new(|byte| match byte {
            // Between units of base64.
            b'\r' | b'\n' => true,
            0x80.. => odd.beyond_ascii,
            _ => bytes.get(usize::from(byte)) == Some(&true),
        });
        Self { all, bytes, leads, reach, odd }
    }

    /// Whether a form may have `byte`.
    #[inline(always)]
    pub(super) fn has(&self, byte: u8) -> bool {
        self.bytes.get(usize::from(byte)).is_none_or(|it| *it)
    }

    /// Whether what `text` begins with, an introducer, may be in a form or begin one, in any reading.
    #[inline(always)]
    pub(super) fn may_be(&self, text: &[u8]) -> bool {
        if !self.leads.may_be(text) {
            return false;
        }
        match self.at_a_glance(text) {
            Some(key) => self.is_known(key),
            None => self.may_be_somehow(text),
        }
    }

    // What a text begins with that has one reading, no more than a byte for each character.
    #[inline(always)]
    fn at_a_glance(&self, mut text: &[u8]) -> Option<usize> {
        let mut key = 0;
        for _ in 0..FACTOR {
            let byte = *text.first()?;
            let (value, length) = match INTRODUCERS.contains(&byte) {
                false => (u32::from(byte), 1),
                // As it is, it may be of a form too.
                true if self.has(byte) => return None,
                true => match escape::glance(text) {
                    Glance::One(it) => it,
                    Glance::Nothing | Glance::Unknown => return None,
                },
            };
            if value >= 0x80 || matches!(value, 0x0a | 0x0d) {
                return None;
            }
            key = keyed(key, value as u8);
            text = text.get(length..).unwrap_or_default();
        }
        Some(key)
    }

    #[inline(never)]
    fn may_be_somehow(&self, text: &[u8]) -> bool {
        self.goes_on(text, Read { key: 0, units: 0, breaks: 0 })
    }

    fn is_known(&self, key: usize) -> bool {
        self.all.iter().any(|it| it.has(key))
    }

    fn goes_on(&self, text: &[u8], read: Read) -> bool {
        if read.units == FACTOR {
            return self.is_known(read.key);
        }
        let Some(byte) = text.first() else { return true };
        let next = |value, length| {
            let rest = text.get(length..).unwrap_or_default();
            self.takes(rest, read, value)
        };
        if !INTRODUCERS.contains(byte) {
            return next(u32::from(*byte), 1);
        }
        if self.has(*byte) && next(u32::from(*byte), 1) {
            return true;
        }
        match escape::glance(text) {
            Glance::Nothing => false,
            Glance::One((value, length)) => next(value, length),
            Glance::Unknown => {
                let mut may = false;
                let is_cut_short =
                    escape::read(text, &mut |(value, length)| may = may || next(value, length));
                may || is_cut_short
            }
        }
    }

    fn takes(&self, rest: &[u8], read: Read, value: u32) -> bool {
        let Read { key, units, breaks } = read;
        match u8::try_from(value) {
            // Between units of base64, they are none.
            Ok(b'\r' | b'\n') if self.odd.line_break || breaks == MOST_BREAKS => true,
            Ok(b'\r' | b'\n') => self.goes_on(rest, Read { breaks: breaks + 1, ..read }),
            Ok(byte) if byte.is_ascii() => {
                let read = Read { key: keyed(key, byte), units: units + 1, breaks };
                self.goes_on(rest, read)
            }
            _ => self.odd.beyond_ascii,
        }
    }
}

// How far a factor has been read.
#[derive(Clone, Copy)]
struct Read {
    key: usize,
    units: usize,
    breaks: usize,
}

const fn keyed(key: usize, byte: u8) -> usize {
    key << BITS | (byte & ((1 << BITS) - 1)) as usize
}

/// How many units make a factor.
pub(super) const FACTOR: usize = 3;
// How many from its anchor on a form is known by.
const NEAR: usize = 48;
// What is known of a byte.
const BITS: usize = 5;
const WORD: usize = u64::BITS.trailing_zeros() as usize;
const WORD_MASK: usize = (1 << WORD) - 1;
const MOST_BREAKS: usize = 2;
