//! What an escape cannot say, by its first bytes: most say nothing that is looked for.

use super::escape::{DIGITS, NO_DIGIT};

/// Which escapes may say a character that is looked for, as it is or escaped again.
pub(super) struct Leads {
    // By the first digit, one bit for each second one. After what is no digit may be anything.
    percent: [u32; NO_DIGIT as usize + 1],
    // By the first byte after it.
    backslash: [bool; 256],
    ampersand: [bool; 256],
}

impl Leads {
    /// `is_sought` says which characters are looked for.
    pub(super) fn new(is_sought: impl Fn(u8) -> bool) -> Self {
        // One that is sought as it is may be followed by anything.
        let mut percent = [0; NO_DIGIT as usize + 1];
        for byte in 0..=u8::MAX {
            if let Some(row) = percent.get_mut(usize::from(byte >> 4))
                // May have been escaped again.
                && (is_sought(byte) || byte == b'%')
            {
                *row |= 1 << (byte & 15);
            }
        }
        for row in percent.iter_mut().rev().take(if is_sought(b'%') { usize::MAX } else { 1 }) {
            *row = u32::MAX;
        }
        let (mut backslash, mut ampersand) = ([false; 256], [false; 256]);
        for (byte, entry) in (0..=u8::MAX).zip(&mut backslash) {
            *entry = is_sought(b'\\')
                || match byte {
                    b'u' | b'x' => true,
                    b'n' => is_sought(b'\n'),
                    b'r' => is_sought(b'\r'),
                    _ => byte.is_ascii_punctuation() && is_sought(byte),
                };
        }
        for (byte, entry) in (0..=u8::MAX).zip(&mut ampersand) {
            *entry = is_sought(b'&')
                || match byte {
                    b'#' | b'a' => true,
                    b'q' => is_sought(b'"'),
                    b'l' => is_sought(b'<'),
                    b'g' => is_sought(b'>'),
                    _ => false,
                };
        }
        Self { percent, backslash, ampersand }
    }

    /// Whether the escape that `text` begins with, if it is one, may say what is looked for.
    #[inline(always)]
    pub(super) fn may_be(&self, text: &[u8]) -> bool {
        let Some([introducer, first, second]) = text.first_chunk() else { return true };
        match introducer {
            b'%' => {
                let digit = |it: u8| DIGITS.get(usize::from(it)).copied().unwrap_or(NO_DIGIT);
                let row = self.percent.get(usize::from(digit(*first)));
                row.is_none_or(|it| it >> digit(*second) & 1 != 0)
            }
            b'\\' if *first == b'\\' => self.may_be_after_backslashes(text),
            b'\\' => self.backslash.get(usize::from(*first)).is_none_or(|it| *it),
            _ => self.ampersand.get(usize::from(*first)).is_none_or(|it| *it),
        }
    }

    // Several of them say what comes after them, or a backslash.
    #[inline(never)]
    fn may_be_after_backslashes(&self, text: &[u8]) -> bool {
        let mut rest = text.iter().skip_while(|it| **it == b'\\');
        rest.next().and_then(|it| self.backslash.get(usize::from(*it))).is_none_or(|it| *it)
    }
}
