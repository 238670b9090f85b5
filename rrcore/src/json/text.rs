//! JSON's grammar of strings (RFC 8259 §7) over UTF-8, as far as it has been read.

use super::error::{ErrorKind, Fault, Progress};

#[derive(Clone, Copy, Debug)]
pub(super) enum Text {
    Start,
    Plain,
    Escape,
    Hex { left: u8 },
    // Inside a character of several bytes: how many are to come, and what the next may be.
    Wide { left: u8, low: u8, high: u8 },
}

impl Text {
    /// Reads on; `done` with the closing quote, which is part of it.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Progress, Fault> {
        let mut used = 0;
        loop {
            if matches!(self, Self::Plain) {
                used += plain_prefix(bytes.get(used..).unwrap_or_default());
            }
            let Some(&byte) = bytes.get(used) else { return Ok(Progress { used, done: false }) };
            used += 1;
            if matches!(self, Self::Plain) && byte == b'"' {
                return Ok(Progress { used, done: true });
            }
            *self = self.after(byte).map_err(|kind| (used - 1, kind))?;
        }
    }

    // After any byte but the closing quote.
    const fn after(self, byte: u8) -> Result<Self, ErrorKind> {
        match self {
            Self::Start if byte == b'"' => Ok(Self::Plain),
            Self::Start => Err(ErrorKind::Unexpected),
            Self::Plain => match byte {
                b'\\' => Ok(Self::Escape),
                0..0x20 => Err(ErrorKind::ControlCharacter),
                0x20..0x80 => Ok(Self::Plain),
                0x80.. => lead(byte),
            },
            Self::Escape => match byte {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(Self::Plain),
                b'u' => Ok(Self::Hex { left: 4 }),
                _ => Err(ErrorKind::Escape),
            },
            Self::Hex { left } if byte.is_ascii_hexdigit() => {
                Ok(if left > 1 { Self::Hex { left: left - 1 } } else { Self::Plain })
            }
            Self::Hex { .. } => Err(ErrorKind::Escape),
            Self::Wide { left, low, high } if low <= byte && byte <= high => {
                Ok(if left > 1 { wide(left - 1, 0x80, 0xbf) } else { Self::Plain })
            }
            Self::Wide { .. } => Err(ErrorKind::Encoding),
        }
    }
}

// The well-formed byte sequences of Unicode 15, table 3-7: no overlong forms, no surrogates.
const fn lead(byte: u8) -> Result<Text, ErrorKind> {
    match byte {
        0xc2..=0xdf => Ok(wide(1, 0x80, 0xbf)),
        0xe0 => Ok(wide(2, 0xa0, 0xbf)),
        0xed => Ok(wide(2, 0x80, 0x9f)),
        0xe1..=0xef => Ok(wide(2, 0x80, 0xbf)),
        0xf0 => Ok(wide(3, 0x90, 0xbf)),
        0xf1..=0xf3 => Ok(wide(3, 0x80, 0xbf)),
        0xf4 => Ok(wide(3, 0x80, 0x8f)),
        _ => Err(ErrorKind::Encoding),
    }
}

const fn wide(left: u8, low: u8, high: u8) -> Text {
    Text::Wide { left, low, high }
}

/// The string that `bytes` start with, and what is between its quotes; `None` unless it is whole,
/// ASCII, and means itself.
#[inline(always)]
pub(super) fn plain_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = plain_prefix(bytes.get(1..)?);
    match bytes.get(length + 1) {
        Some(b'"') => Some((bytes.get(..length + 2)?, bytes.get(1..=length)?)),
        _ => None,
    }
}

// How many bytes at the start are ASCII and mean themselves. Eight at a time: most of a document is
// this.
#[inline(always)]
fn plain_prefix(bytes: &[u8]) -> usize {
    let mut plain = 0;
    let mut words = bytes.chunks_exact(8);
    for word in words.by_ref() {
        let special = specials(word.try_into().map_or(0, u64::from_le_bytes));
        if special != 0 {
            // The first byte is the lowest, and the lowest mark is never wrong.
            return plain + special.trailing_zeros() as usize / 8;
        }
        plain += 8;
    }
    plain + short_prefix(words.remainder())
}

#[inline(never)]
fn short_prefix(rest: &[u8]) -> usize {
    let is_plain = |byte: &u8| matches!(byte, 0x20..0x80) && *byte != b'"' && *byte != b'\\';
    rest.iter().position(|it| !is_plain(it)).unwrap_or(rest.len())
}

// Marks the high bit of each of eight bytes that is a control character, a quote, a backslash, or
// not ASCII: of those that are ASCII, a subtraction borrows from it. Above the lowest mark some may
// be wrong, where it has borrowed from the next byte.
#[inline(always)]
const fn specials(word: u64) -> u64 {
    let control = word.wrapping_sub(EACH * 0x20);
    let quote = (word ^ (EACH * 0x22)).wrapping_sub(EACH);
    let backslash = (word ^ (EACH * 0x5c)).wrapping_sub(EACH);
    (control | quote | backslash | word) & (EACH * 0x80)
}

const EACH: u64 = 0x0101_0101_0101_0101;
