//! A query as names and values, in every way that servers read it.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::escape::hex;

/// A query, decoded once.
pub(crate) struct Query<'a> {
    /// Split at `&`, with `+` as a space: how browsers and nearly all servers read it.
    standard: Pairs<'a>,
    /// Split at `;` too, where there is one, and both ways with `+` as it is, where there is one.
    others: Vec<Pairs<'a>>,
    /// How many of the others have `+` as a space.
    finer: usize,
}

/// More take memory elsewhere: most queries have fewer.
pub(crate) type Pairs<'a> = SmallVec<[Pair<'a>; 8]>;

/// A name and a value; without `=`, the value is empty.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pair<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) value: Cow<'a, str>,
}

/// A `%` that two hexadecimal digits do not follow. Servers keep it, drop it or refuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The query has a malformed percent escape.")]
pub(crate) struct BadEscape;

/// How to read.
#[derive(Clone, Copy)]
struct Manner {
    /// Split at `;` too.
    semicolons: bool,
    /// Leave `+` as it is.
    plus: bool,
    /// There is nothing to decode.
    is_plain: bool,
}

impl<'a> Query<'a> {
    /// Reads what follows `?`.
    pub(crate) fn parse(raw: &'a str) -> Result<Self, BadEscape> {
        let (mut has_semicolon, mut has_plus, mut has_escape) = (false, false, false);
        // Without stopping early: queries are short, and this needs no branch for each byte.
        for byte in raw.bytes() {
            has_semicolon |= byte == b';';
            has_plus |= byte == b'+';
            has_escape |= byte == b'%';
        }
        let is_plain = !has_plus && !has_escape;
        let pairs = |semicolons, plus| pairs(raw, Manner { semicolons, plus, is_plain });
        let mut query = Self { standard: pairs(false, false)?, others: Vec::new(), finer: 0 };
        if has_semicolon {
            query.others.push(pairs(true, false)?);
            query.finer = 1;
        }
        if has_plus {
            query.others.push(pairs(false, true)?);
        }
        if has_plus && has_semicolon {
            query.others.push(pairs(true, true)?);
        }
        Ok(query)
    }

    /// The usual reading.
    pub(crate) const fn standard(&self) -> &Pairs<'a> {
        &self.standard
    }

    /// The readings with `+` as a space.
    pub(crate) fn splittings(&self) -> impl Iterator<Item = &Pairs<'a>> {
        std::iter::once(&self.standard).chain(self.others.iter().take(self.finer))
    }

    /// All readings.
    pub(crate) fn readings(&self) -> impl Iterator<Item = &Pairs<'a>> {
        std::iter::once(&self.standard).chain(&self.others)
    }
}

fn pairs(raw: &str, manner: Manner) -> Result<Pairs<'_>, BadEscape> {
    let ends = |it: &u8| *it == b'&' || manner.semicolons && *it == b';';
    let mut pairs = Pairs::new();
    let mut rest = Some(raw);
    while let Some(text) = rest {
        let (piece, after) = cut(text, ends);
        rest = after;
        if !piece.is_empty() {
            let (name, value) = cut(piece, |it| *it == b'=');
            let value = decode(value.unwrap_or_default(), manner)?;
            pairs.push(Pair { name: decode(name, manner)?, value });
        }
    }
    Ok(pairs)
}

// What is before and after the first of these bytes, which are ASCII. Pieces are short: to look for
// one byte in a hurry takes longer.
fn cut(text: &str, at: impl Fn(&u8) -> bool) -> (&str, Option<&str>) {
    let Some(end) = text.as_bytes().iter().position(at) else { return (text, None) };
    (text.get(..end).unwrap_or_default(), text.get(end + 1..))
}

fn decode(raw: &str, manner: Manner) -> Result<Cow<'_, str>, BadEscape> {
    let is_space = |byte| byte == b'+' && !manner.plus;
    if manner.is_plain || !raw.bytes().any(|it| it == b'%' || is_space(it)) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut decoded = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let mut digit = || bytes.next().and_then(hex).ok_or(BadEscape);
            digit()? << 4 | digit()?
        } else if is_space(byte) {
            b' '
        } else {
            byte
        });
    }
    let text = String::from_utf8(decoded);
    // As in headers: every byte stays visible to patterns.
    Ok(text.unwrap_or_else(|it| it.as_bytes().iter().copied().map(char::from).collect()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_and_values_are_decoded_once() {
        check("a=1&b=%32&%63=3", &[("a", "1"), ("b", "2"), ("c", "3")]);
        check("a=%2561", &[("a", "%61")]);
        check("a%3Db=c%26d", &[("a=b", "c&d")]);
        check("a+b=c+d%2Be", &[("a b", "c d+e")]);
        check("%c3%a9=%E2%82%AC", &[("é", "€")]);
        check("é=€", &[("é", "€")]);
    }

    #[test]
    fn every_piece_is_a_pair_and_every_value_stays() {
        check("", &[]);
        check("&&", &[]);
        check("a", &[("a", "")]);
        check("a=&=b&=", &[("a", ""), ("", "b"), ("", "")]);
        check("a=1&a=2&a[]=3", &[("a", "1"), ("a", "2"), ("a[]", "3")]);
        check("a=b=c?d", &[("a", "b=c?d")]);
        check("a=1;b=2", &[("a", "1;b=2")]);
    }

    #[test]
    fn bytes_that_are_no_text_hide_nothing() {
        check("a=%ffevil", &[("a", "ÿevil")]);
        check("%c3%28=1", &[("Ã(", "1")]);
        check("a=x%00y%0az", &[("a", "x\0y\nz")]);
    }

    #[test]
    fn semicolons_and_plus_signs_have_further_readings() {
        further("a=1&b=2", &[]);
        further("a=1;b=2&c", &["a:1 b:2 c:"]);
        further("a=1+2", &["a:1+2"]);
        further("a=1;b+=2", &["a:1 b :2", "a:1;b+=2", "a:1 b+:2"]);
    }

    #[test]
    fn a_bad_escape_has_no_reading() {
        for raw in ["%", "a=%", "a=%2", "a=1&%zz", "%u0061", "a=%%32", "a=%+1", "%2;0"] {
            assert_eq!(Query::parse(raw).err(), Some(BadEscape), "{raw}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(raw in "\\PC*|([a=&;+%]|%[0-9a-f]{2}){0,40}") {
            _ = Query::parse(&raw);
        }

        #[test]
        fn what_a_client_encodes_is_read_as_it_was_meant(
            meant in proptest::collection::vec(("\\PC{0,6}", "\\PC{0,6}"), 0..6),
        ) {
            let encode = |text: &str| text.bytes().map(|it| format!("%{it:02x}")).collect::<String>();
            let sent: Vec<_> =
                meant.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
            let sent = sent.join("&");
            let read = Query::parse(&sent).unwrap();
            let read: Vec<_> = read.standard().iter().map(|it| (&*it.name, &*it.value)).collect();
            let meant: Vec<_> = meant.iter().map(|(name, value)| (&**name, &**value)).collect();
            prop_assert_eq!(read, meant);
        }
    }

    #[track_caller]
    fn check(raw: &str, expected: &[(&str, &str)]) {
        let query = Query::parse(raw).unwrap();
        let pairs: Vec<_> = query.standard().iter().map(|it| (&*it.name, &*it.value)).collect();
        assert_eq!(pairs, expected, "{raw}");
    }

    #[track_caller]
    fn further(raw: &str, expected: &[&str]) {
        let show = |pairs: &Pairs<'_>| {
            let pairs: Vec<_> =
                pairs.iter().map(|it| format!("{}:{}", it.name, it.value)).collect();
            pairs.join(" ")
        };
        let query = Query::parse(raw).unwrap();
        assert_eq!(query.readings().skip(1).map(show).collect::<Vec<_>>(), expected, "{raw}");
    }
}
