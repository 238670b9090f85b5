//! Hexadecimal text, both ways.

/// `bytes` in lower case.
pub(crate) fn encode(bytes: &[u8]) -> String {
    // Exact, so that no smaller copy of a secret is left behind by growing.
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0xf));
    }
    text
}

/// Fills `bytes` from `text` of exactly twice its length; `None` leaves it partly filled.
pub(crate) fn decode_into(text: &[u8], bytes: &mut [u8]) -> Option<()> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    if pairs.len() != bytes.len() {
        return None;
    }
    for (place, [high, low]) in bytes.iter_mut().zip(pairs) {
        *place = byte(*high, *low)?;
    }
    Some(())
}

/// The byte that two digits of either case write.
pub(crate) fn byte(high: u8, low: u8) -> Option<u8> {
    Some(value(high)? << 4 | value(low)?)
}

fn value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|it| u8::try_from(it).ok())
}

fn digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_and_nothing_else_is() {
        let mut bytes = [0; 3];
        assert_eq!(encode(&[0x00, 0x9f, 0xff]), "009fff");
        assert_eq!(decode_into(b"009fFF", &mut bytes), Some(()));
        assert_eq!(bytes, [0x00, 0x9f, 0xff]);
        for bad in ["", "0", "009ff", "009fff0", "009fff00", "00 fff", "009ffg"] {
            assert_eq!(decode_into(bad.as_bytes(), &mut bytes), None, "{bad}");
        }
    }
}
