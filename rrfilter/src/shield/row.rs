//! Escapes of one kind and length side by side, many looked at at once.

/// How many escapes of one kind and length there are in `text` from `at` on, `most` at the most, and how
/// long each is. Each is read as one character or not at all, unless its introducer is one as it is; has no
/// backslash within; and is followed by another introducer.
#[inline(always)]
pub(super) fn row(text: &[u8], at: usize, most: usize) -> (usize, usize) {
    let rest = text.get(at..).unwrap_or_default();
    match rest {
        [b'%', ..] => PERCENTS.count(rest, most),
        [b'\\', b'u', ..] => UNICODES.count(rest, most),
        [b'&', b'#', b'x', ..] => ENTITIES.count(rest, most),
        _ => (0, 0),
    }
}

// Escapes side by side as sixteen bytes, the first lowest: `count` of them, of `length`.
struct Row {
    length: usize,
    count: usize,
    fixed: u128,
    // Of which bytes.
    mask: u128,
    // Where no backslash may be, and no semicolon.
    digits: u128,
    last_digits: u128,
}

impl Row {
    // A zero stands for any digit, a one for such before a semicolon.
    const fn new(length: usize, count: usize, like: &[u8; 16]) -> Self {
        let (mut mask, mut digits, mut last_digits) = (0, 0, 0);
        let (like, mut at) = (u128::from_le_bytes(*like), 0);
        while at < u128::BITS {
            match (like >> at) as u8 {
                b' ' => {}
                b'0' => digits |= 0xff << at,
                b'1' => last_digits |= 0xff << at,
                _ => mask |= 0xff << at,
            }
            at += u8::BITS;
        }
        Self { length, count, fixed: like & mask, mask, digits, last_digits }
    }

    #[inline(always)]
    fn count(self, mut text: &[u8], most: usize) -> (usize, usize) {
        let mut count = 0;
        while count < most
            && let Some(next) = text.first_chunk().copied().map(u128::from_le_bytes)
        {
            // As no hex digit, a backslash (0x5c) has bits 4 and 6, a semicolon (0x3b) bit 3 and one of 1 and 2.
            let backslash = next & next << 2 & BIT_6 & (self.digits | self.last_digits);
            let semicolon = next & (next << 2 | next << 1) & BIT_3 & self.last_digits;
            if (next ^ self.fixed) & self.mask | backslash | semicolon != 0 {
                break;
            }
            count += self.count;
            text = text.get(self.length * self.count..).unwrap_or_default();
        }
        (count.min(most), self.length)
    }
}

const PERCENTS: Row = Row::new(3, 5, b"%00%00%00%00%00%");
const UNICODES: Row = Row::new(6, 2, b"\\u0000\\u0000\\   ");
const ENTITIES: Row = Row::new(6, 2, b"&#x11;&#x11;&   ");
const BIT_6: u128 = u128::from_le_bytes([0x40; 16]);
const BIT_3: u128 = u128::from_le_bytes([0x08; 16]);
