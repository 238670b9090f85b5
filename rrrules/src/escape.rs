//! Percent escapes (RFC 3986 §2.1): one written, and all of a text read.

/// How often a text may be decoded before it is stable; what takes more is refused.
pub(crate) const MAX_DECODINGS: usize = 3;

/// The value of a hexadecimal digit.
pub(crate) fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|it| u8::try_from(it).ok())
}

/// Writes `value` as an escape, in upper case (RFC 3986 §6.2.2.1).
pub(crate) fn escape(value: u8, text: &mut String) {
    text.push('%');
    for digit in [value >> 4, value & 0xf] {
        text.extend(char::from_digit(digit.into(), 16).map(|it| it.to_ascii_uppercase()));
    }
}

/// `text` with each escape decoded once, as servers do that let a malformed one stand; `None` where
/// there is nothing to decode.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let (before, mut rest) = split_at_escape(text)?;
    let mut decoded = Vec::with_capacity(text.len());
    decoded.extend_from_slice(before);
    while let [first, after @ ..] = rest {
        let value = escaped(rest);
        decoded.push(value.unwrap_or(*first));
        rest = if value.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    Some(decoded)
}

/// Whether a server that knows `%u002e` finds such an escape.
pub(crate) fn has_unicode_escape(text: &[u8]) -> bool {
    text.windows(6).any(|it| {
        matches!(it, [b'%', b'u' | b'U', digits @ ..] if digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Whether a server that does not check UTF-8 reads more in it than there is: `%c0%ae` as a dot.
pub(crate) fn has_overlong_form(text: &[u8]) -> bool {
    text.windows(2).any(|it| {
        matches!(it, [0xc0 | 0xc1, 0x80..=0xbf] | [0xe0, 0x80..=0x9f] | [0xf0, 0x80..=0x8f])
    })
}

fn split_at_escape(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = (0..text.len()).find(|at| text.get(*at..).and_then(escaped).is_some())?;
    text.split_at_checked(at)
}

// What the escape at the start of `text` stands for.
fn escaped(text: &[u8]) -> Option<u8> {
    match text {
        [b'%', high, low, ..] => Some(hex(*high)? << 4 | hex(*low)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_once_and_what_is_none_stays() {
        check("/a%2Fb%25%34%31", Some("/a/b%41"));
        check("%41", Some("A"));
        check("100%%41%", Some("100%A%"));
        check("%zz%2g%4", None);
        check("", None);
        check("%e2%82%ac", Some("€"));
    }

    #[test]
    fn forms_that_only_lenient_servers_decode_are_found() {
        for text in ["a%u002e", "%U002E", "%%u002e"] {
            assert!(has_unicode_escape(text.as_bytes()), "{text}");
        }
        for text in ["%units", "%u00", "u002e", "%002e"] {
            assert!(!has_unicode_escape(text.as_bytes()), "{text}");
        }
        for bytes in [&b"\xc0\xae"[..], b"a\xe0\x80\xaf", b"\xf0\x80\x80\xaf"] {
            assert!(has_overlong_form(bytes), "{bytes:?}");
        }
        for bytes in ["é€𝄞".as_bytes(), b"\xff\xe9", b"\xc0a"] {
            assert!(!has_overlong_form(bytes), "{bytes:?}");
        }
    }

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let decoded = decode(text.as_bytes()).map(|it| String::from_utf8(it).unwrap());
        assert_eq!(decoded.as_deref(), expected, "{text}");
    }
}
