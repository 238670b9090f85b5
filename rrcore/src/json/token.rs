//! The tokens of more than one byte, as far as they have been read.

use super::error::{ErrorKind, Fault, Progress};
use super::number::Number;
use super::text::Text;

/// What is being read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Token {
    None,
    Mark { left: &'static [u8] },
    Key(Text),
    Text(Text),
    Number(Number),
    Word { left: &'static [u8] },
}

impl Token {
    /// A byte order mark, if there is one.
    pub(super) const fn mark() -> Self {
        Self::Mark { left: BYTE_ORDER_MARK }
    }

    /// The word that starts with this byte.
    #[inline(always)]
    pub(super) const fn word(byte: u8) -> Option<Self> {
        match byte {
            b't' => Some(Self::Word { left: b"true" }),
            b'f' => Some(Self::Word { left: b"false" }),
            b'n' => Some(Self::Word { left: b"null" }),
            _ => None,
        }
    }

    /// Reads on.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Progress, Fault> {
        match self {
            Self::Mark { left } => read_mark(left, bytes),
            Self::Key(text) | Self::Text(text) => text.read(bytes),
            Self::Number(number) => number.read(bytes),
            Self::Word { left } => read_word(left, bytes),
            Self::None => Ok(Progress { used: 0, done: true }),
        }
    }
}

/// The word that `bytes` start with, if it is all there.
#[inline(always)]
pub(super) fn whole_word(bytes: &[u8]) -> Option<&[u8]> {
    let length = match bytes.first_chunk()? {
        b"true" | b"null" => 4,
        b"fals" if bytes.get(4) == Some(&b'e') => 5,
        _ => return None,
    };
    bytes.get(..length)
}

#[inline(always)]
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The whitespace that `bytes` start with. Where there is much of it, it is spaces.
#[inline(always)]
pub(super) fn space(bytes: &[u8]) -> &[u8] {
    let mut length = 0;
    loop {
        match bytes.get(length) {
            Some(b' ' | b'\t' | b'\n' | b'\r') => length += 1,
            _ => return bytes.get(..length).unwrap_or_default(),
        }
        while bytes.get(length..).and_then(<[u8]>::first_chunk) == Some(b"        ") {
            length += 8;
        }
    }
}

fn read_mark(left: &mut &'static [u8], bytes: &[u8]) -> Result<Progress, Fault> {
    let is_start = left.len() == BYTE_ORDER_MARK.len();
    if is_start && bytes.first() != BYTE_ORDER_MARK.first() {
        return Ok(Progress { used: 0, done: true });
    }
    read_word(left, bytes)
}

fn read_word(left: &mut &'static [u8], bytes: &[u8]) -> Result<Progress, Fault> {
    let used = left.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    *left = left.get(used..).unwrap_or_default();
    if !left.is_empty() && used < bytes.len() {
        return Err((used, ErrorKind::Unexpected));
    }
    Ok(Progress { used, done: left.is_empty() })
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
