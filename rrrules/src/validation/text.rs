//! Names and values in queries, forms and cookies, by one strict reading.

/// A name and a value, both still as they were sent.
pub(super) type RawPair<'a> = (&'a str, &'a str);

/// The pairs of a query or a form, split at `&`; without `=`, the value is empty.
pub(super) fn pairs(raw: &str) -> impl Iterator<Item = RawPair<'_>> {
    let pieces = raw.split('&').filter(|it| !it.is_empty());
    pieces.map(|it| it.split_once('=').unwrap_or((it, "")))
}

/// The pairs of a `Cookie` header (RFC 6265 §5.4).
pub(super) fn cookies(raw: &str) -> impl Iterator<Item = RawPair<'_>> {
    raw.split(';').map(|it| it.trim_matches([' ', '\t'])).filter_map(|it| it.split_once('='))
}

/// Undoes percent escapes, and `+` where it is a space. `None` for a `%` that two hexadecimal
/// digits do not follow, and for what is not UTF-8: servers read these in different ways.
pub(super) fn decode(raw: &str, plus: Plus) -> Option<String> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
                high << 4 | low
            }
            b'+' if plus == Plus::Space => b' ',
            _ => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

/// What `+` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plus {
    /// A space: in queries and forms.
    Space,
    /// Itself: in paths.
    Plus,
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|it| it.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_one_reading_or_none() {
        for (raw, plus, expected) in [
            ("a+b%20c", Plus::Space, Some("a b c")),
            ("a+b", Plus::Plus, Some("a+b")),
            ("caf%c3%A9", Plus::Space, Some("café")),
            ("%2541", Plus::Space, Some("%41")),
            ("%", Plus::Space, None),
            ("%4", Plus::Space, None),
            ("%+1", Plus::Space, None),
            ("%ff", Plus::Space, None),
        ] {
            assert_eq!(decode(raw, plus).as_deref(), expected, "{raw}");
        }
    }

    #[test]
    fn every_piece_is_a_pair() {
        assert!(pairs("a=1&&b&c=d=e").eq([("a", "1"), ("b", ""), ("c", "d=e")]));
        assert!(cookies("a=1; b=2;c;d=\"e=f\"").eq([("a", "1"), ("b", "2"), ("d", "\"e=f\"")]));
    }
}
