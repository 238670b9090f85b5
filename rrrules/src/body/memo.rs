//! Names that were followed before: the records of a list all have the same.

use super::table::{Cursor, Table};
use crate::short::has_byte;

/// Where short names lead from where. A few places: what is not there, or no longer, is followed.
#[derive(Debug)]
pub(super) struct Memo {
    slots: Box<[Slot]>,
}

/// Where a name leads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Led {
    pub(super) to: Cursor,
    pub(super) has_dot: bool,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    name: Short,
    from: Cursor,
    led: Led,
}

/// A name of up to 16 bytes: its start, its end, and how long it is, which together are all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Short {
    start: u64,
    end: u64,
    length: usize,
}

impl Led {
    pub(super) fn by(table: &Table, from: Cursor, name: &[u8]) -> Self {
        Self { to: table.follow(from, name), has_dot: has_byte(name, b'.') }
    }
}

impl Memo {
    pub(super) fn new() -> Self {
        let from = Cursor::dead();
        // No name has this length.
        let name = Short { start: 0, end: 0, length: usize::MAX };
        let slot = Slot { name, from, led: Led { to: from, has_dot: false } };
        Self { slots: vec![slot; SLOTS].into() }
    }

    pub(super) fn step(&mut self, table: &Table, from: Cursor, name: &[u8]) -> Led {
        let Some(short) = Short::of(name) else { return Led::by(table, from, name) };
        let Some(slot) = self.slots.get_mut(short.place(from)) else {
            return Led::by(table, from, name);
        };
        if slot.name != short || slot.from != from {
            *slot = Slot { name: short, from, led: Led::by(table, from, name) };
        }
        slot.led
    }
}

impl Short {
    fn of(name: &[u8]) -> Option<Self> {
        let length = name.len();
        let (start, end) = match length {
            0 => (0, 0),
            1..4 => {
                let bytes = [name.first(), name.get(length / 2), name.last()];
                let [first, middle, last] = bytes.map(|it| it.map_or(0, |it| u64::from(*it)));
                (first << 8 | middle, last)
            }
            4..8 => {
                let word = |it: Option<&[u8; 4]>| it.map(|it| u64::from(u32::from_le_bytes(*it)));
                (word(name.first_chunk())?, word(name.last_chunk())?)
            }
            8..=16 => {
                let word = |it: Option<&[u8; 8]>| it.map(|it| u64::from_le_bytes(*it));
                (word(name.first_chunk())?, word(name.last_chunk())?)
            }
            17.. => return None,
        };
        Some(Self { start, end, length })
    }

    fn place(self, from: Cursor) -> usize {
        let mixed = self.start ^ self.end.rotate_left(32) ^ from.number() << 8 ^ self.length as u64;
        (mixed.wrapping_mul(MIX) >> (u64::BITS - SLOTS.ilog2())) as usize
    }
}

const SLOTS: usize = 64;
// An odd number without a pattern: the golden ratio.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn different_names_are_different(a in "[ab\0]{0,17}", b in "[ab\0]{0,17}") {
            let [short, other] = [&a, &b].map(|it| Short::of(it.as_bytes()));
            prop_assert_eq!(short.is_some(), a.len() <= 16);
            prop_assert_eq!(short.is_some() && short == other, a == b && a.len() <= 16);
        }
    }
}
