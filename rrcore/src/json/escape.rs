//! What escapes in strings stand for.

use std::borrow::Cow;

/// What a string says: `raw` as the scanner gave it, with or without its quotes, after undoing its
/// escapes. A surrogate without its other half becomes U+FFFD; so does what is not UTF-8.
///
/// ```
/// assert_eq!(rrcore::json::unescape(br#""caf\u00e9 \ud83d\ude00""#), "café 😀");
/// ```
#[must_use]
pub fn unescape(raw: &[u8]) -> Cow<'_, str> {
    let inner = raw.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\"")).unwrap_or(raw);
    match std::str::from_utf8(inner) {
        Ok(text) if !inner.contains(&b'\\') => Cow::Borrowed(text),
        Ok(text) => Cow::Owned(without_escapes(text)),
        Err(_) => Cow::Owned(without_escapes(&String::from_utf8_lossy(inner))),
    }
}

/// `text` as a string of JSON, with its quotes.
///
/// ```
/// assert_eq!(rrcore::json::quote("say \"é\"\n"), r#""say \"é\"\u000a""#);
/// ```
#[must_use]
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\0'..' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(char))),
            _ => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

fn without_escapes(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('\\') {
        said.push_str(plain);
        let (char, used) = escaped(after).unwrap_or((char::REPLACEMENT_CHARACTER, unknown(after)));
        said.push(char);
        rest = after.get(used..).unwrap_or_default();
    }
    said.push_str(rest);
    said
}

/// The character that the escape stands for whose backslash comes before `after`, and how many
/// bytes it takes up there. `None` for half a surrogate pair and for what is no escape.
pub(super) fn escaped(after: &str) -> Option<(char, usize)> {
    let simple = match after.as_bytes().first()? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(after),
        it @ (b'"' | b'\\' | b'/') => char::from(*it),
        _ => return None,
    };
    Some((simple, 1))
}

fn unicode(after: &str) -> Option<(char, usize)> {
    let high = unit(after)?;
    if !matches!(high, 0xd800..0xdc00) {
        return Some((char::from_u32(high)?, UNIT));
    }
    let low = unit(after.get(UNIT..)?.strip_prefix('\\')?)?;
    let both =
        0x1_0000 + ((high - 0xd800) << 10) + low.checked_sub(0xdc00).filter(|it| *it < 0x400)?;
    Some((char::from_u32(both)?, UNIT + 1 + UNIT))
}

// The `uXXXX` at the start of `text`.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('u')?.get(..4)?;
    let is_hex = digits.bytes().all(|it| it.is_ascii_hexdigit());
    is_hex.then(|| u32::from_str_radix(digits, 16).ok())?
}

// How much an escape takes up that stands for nothing.
fn unknown(after: &str) -> usize {
    match unit(after) {
        Some(_) => UNIT,
        None => after.chars().next().map_or(0, char::len_utf8),
    }
}

const UNIT: usize = "uXXXX".len();

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn strings_say_what_rfc_8259_says_they_say() {
        check(r#""""#, "");
        check(r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t");
        check(r#""\u0061\u263A\u263a\u0000""#, "a☺☺\0");
        check(r#""\uD834\udd1e""#, "𝄞");
        check(r#""a\\""#, "a\\");
        check(r#""\ud834""#, "\u{fffd}");
        check(r#""\ud834\u0061""#, "\u{fffd}a");
        check(r#""\udd1e\ud834""#, "\u{fffd}\u{fffd}");
        check(r#""\ud834\\u0061""#, "\u{fffd}\\u0061");
        check("without quotes", "without quotes");
    }

    proptest! {
        #[test]
        fn what_is_quoted_says_what_it_said(text in any::<String>()) {
            let quoted = quote(&text);
            prop_assert_eq!(unescape(quoted.as_bytes()), &*text);
            prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
        }
    }

    #[track_caller]
    fn check(raw: &str, expected: &str) {
        assert_eq!(unescape(raw.as_bytes()), expected, "{raw}");
    }
}
