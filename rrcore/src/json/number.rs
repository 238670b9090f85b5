//! JSON's grammar of numbers (RFC 8259 §6), as far as it has been read.

use super::error::{ErrorKind, Fault, Progress};

/// The number that `bytes` start with; `None` unless it is one, and it is seen to be over.
#[inline(always)]
pub(super) fn whole_number(bytes: &[u8]) -> Option<&[u8]> {
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let first = *bytes.get(at)?;
    at += 1;
    match first {
        b'0' => {}
        b'1'..=b'9' => at = digits(bytes, at),
        _ => return None,
    }
    let mut next = *bytes.get(at)?;
    if next == b'.' {
        let end = digits(bytes, at + 1);
        if end == at + 1 {
            return None;
        }
        at = end;
        next = *bytes.get(at)?;
    }
    if matches!(next, b'e' | b'E') {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        let end = digits(bytes, at);
        if end == at || end == bytes.len() {
            return None;
        }
        at = end;
    }
    bytes.get(..at)
}

// Where the digits at `at` end.
#[inline(always)]
fn digits(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b'0'..=b'9') = bytes.get(at) {
        at += 1;
    }
    at
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Start,
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    Sign,
    Power,
}

impl Number {
    /// Reads on; `done` with the first byte that is not part of the number, which is left.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Progress, Fault> {
        let mut used = 0;
        while let Some(byte) = bytes.get(used) {
            match self.after(*byte) {
                Some(next) => *self = next,
                None if self.may_end() => return Ok(Progress { used, done: true }),
                None => return Err((used, ErrorKind::Number)),
            }
            used += 1;
            if matches!(self, Self::Integer | Self::Fraction | Self::Power) {
                let rest = bytes.get(used..).unwrap_or_default();
                used += rest.iter().take_while(|it| it.is_ascii_digit()).count();
            }
        }
        Ok(Progress { used, done: false })
    }

    pub(super) const fn may_end(self) -> bool {
        match self {
            Self::Zero | Self::Integer | Self::Fraction | Self::Power => true,
            Self::Start | Self::Minus | Self::Point | Self::Exponent | Self::Sign => false,
        }
    }

    const fn after(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Start, b'-') => Some(Self::Minus),
            (Self::Start | Self::Minus, b'0') => Some(Self::Zero),
            (Self::Start | Self::Minus, b'1'..=b'9') | (Self::Integer, b'0'..=b'9') => {
                Some(Self::Integer)
            }
            (Self::Zero | Self::Integer, b'.') => Some(Self::Point),
            (Self::Point | Self::Fraction, b'0'..=b'9') => Some(Self::Fraction),
            (Self::Zero | Self::Integer | Self::Fraction, b'e' | b'E') => Some(Self::Exponent),
            (Self::Exponent, b'+' | b'-') => Some(Self::Sign),
            (Self::Exponent | Self::Sign | Self::Power, b'0'..=b'9') => Some(Self::Power),
            _ => None,
        }
    }
}
