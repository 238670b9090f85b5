//! The pieces of a structured field value (RFC 9651) that the two header fields are made of.

use std::time::Duration;

use smallvec::SmallVec;

/// Whether `name` can be written as a String (RFC 9651, section 3.3.3): printable ASCII only.
pub(crate) fn is_string(name: &str) -> bool {
    name.bytes().all(|it| matches!(it, b' '..=b'~'))
}

/// `name` as a String, where [`is_string`] says it can be one.
pub(crate) fn string(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 2);
    text.push('"');
    for it in name.chars() {
        if matches!(it, '"' | '\\') {
            text.push('\\');
        }
        text.push(it);
    }
    text.push('"');
    text
}

/// A field's value while it is written: most take no memory before they are one.
pub(crate) type Text = SmallVec<[u8; 96]>;

/// Appends the Integer parameter `name`. What does not fit into its fifteen digits (RFC 9651,
/// section 3.3.1) reads as the largest that does.
pub(crate) fn push_parameter(name: &str, value: u64, to: &mut Text) {
    to.push(b';');
    to.extend_from_slice(name.as_bytes());
    to.push(b'=');
    let mut digits = itoa::Buffer::new();
    to.extend_from_slice(digits.format(value.min(LARGEST_INTEGER)).as_bytes());
}

/// Seconds for `Retry-After` and `t`: rounded up, so that who waits this long has waited long
/// enough, and never 0.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

const LARGEST_INTEGER: u64 = 999_999_999_999_999;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_printable_ascii_is_a_string() {
        for (name, expected) in
            [("perMinute", true), ("a \"b\"", true), ("", true), ("ä", false), ("a\nb", false)]
        {
            assert_eq!(is_string(name), expected, "{name:?}");
        }
    }

    #[test]
    fn quotes_and_backslashes_cannot_end_a_string() {
        assert_eq!(string(r#"a";q=9;x="\"#), r#""a\";q=9;x=\"\\""#);
    }

    #[test]
    fn an_integer_never_has_sixteen_digits() {
        let mut text = Text::new();
        push_parameter("q", u64::MAX, &mut text);
        assert_eq!(*text, *b";q=999999999999999");
    }

    #[test]
    fn an_integer_is_written_as_one_writes_it() {
        for value in [0, 1, 9, 10, 11, 99, 100, 1_090, 123_456_789, 999_999_999_999_999] {
            let mut text = Text::new();
            push_parameter("r", value, &mut text);
            assert_eq!(*text, *format!(";r={value}").as_bytes());
        }
    }

    #[test]
    fn seconds_are_rounded_up_and_never_0() {
        for (nanos, expected) in [(0, 1), (1, 1), (1_000_000_000, 1), (1_000_000_001, 2)] {
            assert_eq!(whole_seconds(Duration::from_nanos(nanos)), expected, "{nanos} ns");
        }
        assert_eq!(whole_seconds(Duration::MAX), u64::MAX);
    }
}
