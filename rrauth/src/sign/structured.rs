//! The few structured field values (RFC 9651) that a signature is written in.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Appends `text` as a String (§4.1.6), in quotes. It must be one: see [`is_string`].
pub(crate) fn push_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

/// Appends `bytes` as a Byte Sequence (§4.1.8), between colons.
pub(crate) fn push_bytes(bytes: &[u8], out: &mut String) {
    out.push(':');
    STANDARD.encode_string(bytes, out);
    out.push(':');
}

/// Whether a String can hold `text`: visible ASCII and spaces.
pub(crate) fn is_string(text: &str) -> bool {
    text.bytes().all(|it| matches!(it, b' '..=b'~'))
}

/// Whether `text` is a key of a Dictionary (§3.1.2).
pub(crate) fn is_key(text: &str) -> bool {
    let starts = |it: u8| it.is_ascii_lowercase() || it == b'*';
    let goes_on = |it: u8| starts(it) || it.is_ascii_digit() || b"_-.".contains(&it);
    text.bytes().next().is_some_and(starts) && text.bytes().all(goes_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        for (text, expected) in [
            ("", r#""""#),
            ("test-shared-secret", r#""test-shared-secret""#),
            (r#"a"b\c"#, r#""a\"b\\c""#),
        ] {
            let mut out = String::new();
            push_string(text, &mut out);
            assert_eq!(out, expected);
        }
        assert!(is_string(" ~") && !is_string("\t") && !is_string("é") && !is_string("\u{7f}"));
    }

    #[test]
    fn bytes_stand_between_colons() {
        let mut out = String::from("a=");
        push_bytes(b"pretend this is binary content.", &mut out);
        assert_eq!(out, "a=:cHJldGVuZCB0aGlzIGlzIGJpbmFyeSBjb250ZW50Lg==:");
    }

    #[test]
    fn keys_are_those_of_dictionaries() {
        for key in ["sig1", "*", "a-b_c.d*", "sig-b25"] {
            assert!(is_key(key), "{key}");
        }
        for other in ["", "Sig", "1sig", "-a", "a b", "a=b", "é", "a,"] {
            assert!(!is_key(other), "{other}");
        }
    }
}
