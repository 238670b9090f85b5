//! A master key as text.

use base64::Engine;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::hex;

/// 32 bytes as 64 hexadecimal digits. At most one line end may follow.
pub(crate) fn digits(text: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_into(line(text), &mut *bytes).map(|()| bytes)
}

/// The same, or 32 bytes in base64 (RFC 4648 §4 or §5, padded or not).
pub(crate) fn digits_or_base64(text: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    digits(text).or_else(|| base64(line(text), &STANDARD)).or_else(|| base64(line(text), &URL_SAFE))
}

fn line(text: &[u8]) -> &[u8] {
    let line = text.strip_suffix(b"\n").unwrap_or(text);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn base64(text: &[u8], alphabet: &Alphabet) -> Option<Zeroizing<[u8; 32]>> {
    let padding = DecodePaddingMode::Indifferent;
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(padding);
    // With room for what the decoder thinks it may need.
    let mut room = Zeroizing::new([0; 48]);
    let length = GeneralPurpose::new(alphabet, config).decode_slice(text, &mut *room).ok()?;
    let (bytes, _) = room.split_first_chunk::<32>().filter(|_| length == 32)?;
    Some(Zeroizing::new(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_in_two_ways() {
        let bytes: [u8; 32] = std::array::from_fn(|it| (it * it * 37 + 251) as u8);
        let hex = hex::encode(&bytes);
        let plain = base64::engine::general_purpose::STANDARD.encode(bytes);
        let url = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        assert!(plain.contains(['+', '/']) && url.contains(['-', '_']), "{plain}");
        for text in [&hex, &hex.to_uppercase(), &plain, plain.trim_end_matches('='), &url] {
            for end in ["", "\n", "\r\n"] {
                check(&format!("{text}{end}"), Some(bytes));
            }
            for wrong in [format!("{text}\n\n"), format!(" {text}"), format!("{text}0")] {
                check(&wrong, None);
            }
            check(&text[1..], None);
            check(&text.repeat(2), None);
        }
        check("", None);
        check("\n", None);
        check(&base64::engine::general_purpose::STANDARD.encode([1; 31]), None);
        check(&base64::engine::general_purpose::STANDARD.encode([1; 33]), None);
        check(&"A".repeat(1 << 20), None);
        assert_eq!(digits(plain.as_bytes()), None);
    }

    #[track_caller]
    fn check(text: &str, expected: Option<[u8; 32]>) {
        assert_eq!(digits_or_base64(text.as_bytes()).map(|it| *it), expected, "{text:?}");
    }
}
