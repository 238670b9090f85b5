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

    /// The number or word that starts with this byte.
    pub(super) const fn scalar(byte: u8) -> Option<Self> {
        match byte {
            b'-' | b'0'..=b'9' => Some(Self::Number(Number::Start)),
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

/// The whitespace that `bytes` start with.
pub(super) fn space(bytes: &[u8]) -> &[u8] {
    let is_space = |it: &&u8| matches!(it, b' ' | b'\t' | b'\n' | b'\r');
    bytes.get(..bytes.iter().take_while(is_space).count()).unwrap_or_default()
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
