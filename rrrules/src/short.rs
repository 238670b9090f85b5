//! Looking through short texts, such as names: eight bytes at a time.

/// Whether `text` has `byte` in it. To start a search that is quick in long texts takes longer.
#[inline]
pub(crate) fn has_byte(text: &[u8], byte: u8) -> bool {
    let Some(last) = text.last_chunk() else { return text.contains(&byte) };
    let words = text.chunks_exact(size_of::<u64>()).filter_map(<[u8]>::first_chunk);
    // The last of them twice, where need be.
    words.chain([last]).any(|word| has_zero(u64::from_le_bytes(*word) ^ (EACH * u64::from(byte))))
}

// Whether one of the eight bytes is zero.
const fn has_zero(word: u64) -> bool {
    word.wrapping_sub(EACH) & !word & (EACH * 0x80) != 0
}

const EACH: u64 = 0x0101_0101_0101_0101;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_found_wherever_it_is(text in "[\0\u{1}-/.]{0,40}", byte in 0_u8..0x80) {
            for byte in [byte, b'.', 0, 1] {
                prop_assert_eq!(has_byte(text.as_bytes(), byte), text.as_bytes().contains(&byte));
            }
        }
    }
}
