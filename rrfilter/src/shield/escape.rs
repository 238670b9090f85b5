//! The ways in which text writes one character in the place of another.

/// One escape can be read in several ways: `%2541` is `%41`, or `A` that was written twice over.
/// Each reading is a code point, or a byte, and how many bytes of the text it takes.
pub(super) type Reading = (u32, usize);

/// Gives every reading of the escape that `text` begins with. The answer is whether there may be
/// more of them once there is more text.
///
/// Known are `%41` and `%u0041`; `\/` and its like, `\u0041`, `\x41`, `\n` and `\r`, after up to
/// eight backslashes; `&#65;`, `&#x41;` and the five names of XML. Percent signs and ampersands may
/// have been escaped again, twice.
pub(super) fn read(text: &[u8], each: &mut impl FnMut(Reading)) -> bool {
    match text.first() {
        Some(b'%') => percent(text, each),
        Some(b'\\') => backslash(text, each),
        Some(b'&') => entity(text, each),
        _ => false,
    }
}

/// What an escape says, as far as that is plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glance {
    /// It is none.
    Nothing,
    /// There is no other reading.
    One(Reading),
    /// [`read`] has to be asked.
    Unknown,
}

/// Looks at the escape that `text` begins with, if it is one. What is met most is seen at once.
#[inline(always)]
pub(super) fn glance(text: &[u8]) -> Glance {
    let Some([introducer, first, rest @ ..]) = text.first_chunk::<LONGEST_AT_A_GLANCE>() else {
        return Glance::Unknown;
    };
    let [second, ..] = rest;
    match introducer {
        b'%' => match (first, value_of([first, second])) {
            (b'u' | b'U', _) | (_, Some(PERCENT)) => Glance::Unknown,
            (_, Some(value)) => Glance::One((value, 3)),
            (_, None) => Glance::Nothing,
        },
        b'\\' => match first {
            b'u' => match value_of(rest.each_ref()) {
                Some(0xd800..=0xdbff) => Glance::Unknown,
                Some(value) => Glance::One((value, 6)),
                None => Glance::Nothing,
            },
            b'n' => Glance::One((u32::from(b'\n'), 2)),
            b'r' => Glance::One((u32::from(b'\r'), 2)),
            b'x' | b'\\' => Glance::Unknown,
            it if it.is_ascii_punctuation() => Glance::One((u32::from(*it), 2)),
            _ => Glance::Nothing,
        },
        b'&' => glance_at_entity(*first, *rest),
        _ => Glance::Nothing,
    }
}

#[inline(always)]
fn glance_at_entity(first: u8, rest: [u8; 4]) -> Glance {
    match (first, &rest) {
        (b'#', [b'x' | b'X', high, low, b';']) => {
            value_of([high, low]).map_or(Glance::Nothing, |it| Glance::One((it, 6)))
        }
        (b'#', [tens @ b'0'..=b'9', ones @ b'0'..=b'9', b';', _]) => {
            Glance::One((10 * u32::from(tens - b'0') + u32::from(ones - b'0'), 5))
        }
        (b'#', [b'1', tens @ b'0'..=b'9', ones @ b'0'..=b'9', b';']) => {
            Glance::One((100 + 10 * u32::from(tens - b'0') + u32::from(ones - b'0'), 6))
        }
        // An ampersand may be one of what was escaped again.
        (b'#', _) | (b'a', [b'm', b'p', b';', b'#' | b'a' | b'g' | b'l' | b'q']) => Glance::Unknown,
        (b'a', [b'm', b'p', b';', _]) => Glance::One((u32::from(b'&'), 5)),
        (b'a', b"pos;") => Glance::One((u32::from(b'\''), 6)),
        (b'q', b"uot;") => Glance::One((u32::from(b'"'), 6)),
        (b'l', [b't', b';', ..]) => Glance::One((u32::from(b'<'), 4)),
        (b'g', [b't', b';', ..]) => Glance::One((u32::from(b'>'), 4)),
        _ => Glance::Nothing,
    }
}

/// Whether an escape may begin in `text`.
pub(super) fn may_be_in(text: &[u8]) -> bool {
    first_in(text).is_some()
}

/// Gives the places in `text` after `from` where an escape may begin: where the first is of so many bytes,
/// and one bit for each of them, the first lowest. `each` says where to go on.
#[inline(always)]
pub(super) fn places(text: &[u8], mut from: usize, mut each: impl FnMut(usize, u64) -> usize) {
    while let Some(next) = text.get(from..).and_then(first_in) {
        from += next;
        // Where there is one there are more: as long as there are, no search is begun for each.
        while let Some(rest) = text.get(from..).filter(|it| !it.is_empty()) {
            let places = match rest.first_chunk::<BLOCK>() {
                Some(block) => places_in(block),
                None => {
                    let mut block = [0; BLOCK];
                    block.iter_mut().zip(rest).for_each(|(to, it)| *to = *it);
                    places_in(&block)
                }
            };
            if places == 0 {
                break;
            }
            from = each(from, places);
        }
    }
}

fn first_in(text: &[u8]) -> Option<usize> {
    let [first, second, third] = INTRODUCERS;
    memchr::memchr3(first, second, third, text)
}

// One bit for each byte, the first lowest.
fn places_in(block: &[u8; BLOCK]) -> u64 {
    let flags = block.map(introduces);
    flags.chunks_exact(8).rev().fold(0, |places, eight| {
        let eight = eight.first_chunk().copied().map_or(0, u64::from_le_bytes);
        // Brings the lowest bits of all eight bytes together in the highest byte: none of the other
        // products meets another there.
        places << 8 | eight.wrapping_mul(0x0102_0408_1020_4080) >> 56
    })
}

fn introduces(byte: u8) -> u8 {
    let [first, second, third] = INTRODUCERS;
    u8::from((byte == first) | (byte == second) | (byte == third))
}

/// What escapes begin with.
pub(super) const INTRODUCERS: [u8; 3] = *b"%\\&";

/// No escape is longer of which a [`glance`] says what it is.
pub(super) const LONGEST_AT_A_GLANCE: usize = 6;

/// No escape is longer: eight backslashes and a pair of surrogates.
pub(super) const LONGEST: usize = 2 * (MOST_BACKSLASHES + 5);

fn percent(text: &[u8], each: &mut impl FnMut(Reading)) -> bool {
    match text.get(1) {
        Some(b'u' | b'U') => return single(digits::<4>(text, 2), 6, each),
        Some(_) => {}
        None => return true,
    }
    let mut at = 1;
    for _ in 0..=MOST_REPEATS {
        match digits::<2>(text, at) {
            Digits::Value(value) => {
                at += 2;
                each((value, at));
                if value != PERCENT {
                    return false;
                }
            }
            Digits::None => return false,
            Digits::CutShort => return true,
        }
    }
    false
}

fn backslash(text: &[u8], each: &mut impl FnMut(Reading)) -> bool {
    let run = text.iter().take(MOST_BACKSLASHES + 1).take_while(|it| **it == b'\\').count();
    // Of one, escaped once, twice, thrice.
    for len in [2, 4, 8] {
        if run >= len {
            each((u32::from(b'\\'), len));
        }
    }
    if run > MOST_BACKSLASHES {
        return false;
    }
    match text.get(run) {
        None => true,
        Some(b'u') => unit(text, run, each),
        Some(b'x') => single(digits::<2>(text, run + 1), run + 3, each),
        Some(b'n') => {
            each((u32::from(b'\n'), run + 1));
            false
        }
        Some(b'r') => {
            each((u32::from(b'\r'), run + 1));
            false
        }
        Some(it) => {
            if it.is_ascii_punctuation() {
                each((u32::from(*it), run + 1));
            }
            false
        }
    }
}

// RFC 8259 §7: beyond the basic plane, two of them.
fn unit(text: &[u8], run: usize, each: &mut impl FnMut(Reading)) -> bool {
    let first = match digits::<4>(text, run + 1) {
        Digits::Value(it @ 0xd800..=0xdbff) => it,
        other => return single(other, run + 5, each),
    };
    let rest = text.get(run + 5..).unwrap_or_default();
    let second = rest.iter().take(MOST_BACKSLASHES).take_while(|it| **it == b'\\').count();
    match rest.get(second) {
        None => true,
        Some(b'u') => match digits::<4>(rest, second + 1) {
            Digits::Value(it @ 0xdc00..=0xdfff) => {
                let value = 0x1_0000 + ((first - 0xd800) << 10) + (it - 0xdc00);
                each((value, run + 5 + second + 5));
                false
            }
            Digits::Value(_) | Digits::None => false,
            Digits::CutShort => true,
        },
        Some(_) => false,
    }
}

fn entity(text: &[u8], each: &mut impl FnMut(Reading)) -> bool {
    let mut at = 1;
    for _ in 0..=MOST_REPEATS {
        let rest = text.get(at..).unwrap_or_default();
        if let Some(b'#') = rest.first() {
            return numbered(text, at + 1, each);
        }
        for (name, value) in NAMES {
            if rest.starts_with(name) {
                each((u32::from(*value), at + name.len()));
            }
        }
        if !rest.starts_with(AMPERSAND) {
            let begun = |it: &[u8]| it.len() > rest.len() && it.starts_with(rest);
            return NAMES.iter().any(|(name, _)| begun(name));
        }
        at += AMPERSAND.len();
    }
    false
}

fn numbered(text: &[u8], at: usize, each: &mut impl FnMut(Reading)) -> bool {
    let (at, radix, most) = match text.get(at) {
        None => return true,
        Some(b'x' | b'X') => (at + 1, 16, 6),
        Some(_) => (at, 10, 7),
    };
    let rest = text.get(at..).unwrap_or_default();
    let (mut value, mut count) = (0, 0);
    for byte in rest.iter().take(most) {
        let Some(digit) = char::from(*byte).to_digit(radix) else { break };
        value = value * radix + digit;
        count += 1;
    }
    match rest.get(count) {
        None => true,
        Some(b';') if count > 0 => {
            each((value, at + count + 1));
            false
        }
        Some(_) => false,
    }
}

#[derive(Clone, Copy)]
enum Digits {
    Value(u32),
    None,
    CutShort,
}

fn digits<const COUNT: usize>(text: &[u8], at: usize) -> Digits {
    let rest = text.get(at..).unwrap_or_default();
    match rest.first_chunk::<COUNT>() {
        Some(there) => value_of(there.each_ref()).map_or(Digits::None, Digits::Value),
        None if rest.iter().all(u8::is_ascii_hexdigit) => Digits::CutShort,
        None => Digits::None,
    }
}

fn value_of<const COUNT: usize>(digits: [&u8; COUNT]) -> Option<u32> {
    let (mut value, mut all) = (0, 0);
    for digit in digits {
        let digit = DIGITS.get(usize::from(*digit)).copied().unwrap_or(NO_DIGIT);
        value = value << 4 | u32::from(digit);
        all |= digit;
    }
    (all < NO_DIGIT).then_some(value)
}

fn single(digits: Digits, len: usize, each: &mut impl FnMut(Reading)) -> bool {
    match digits {
        Digits::Value(value) => {
            each((value, len));
            false
        }
        Digits::None => false,
        Digits::CutShort => true,
    }
}

/// The values of hex digits.
#[expect(clippy::indexing_slicing, reason = "what is out of bounds does not compile")]
pub(super) const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut byte = 0;
    while byte < 10 {
        digits[b'0' as usize + byte] = byte as u8;
        if byte < 6 {
            digits[b'a' as usize + byte] = 10 + byte as u8;
            digits[b'A' as usize + byte] = 10 + byte as u8;
        }
        byte += 1;
    }
    digits
};
/// What is no digit is shifted out of sight.
pub(super) const NO_DIGIT: u8 = 0x10;
const PERCENT: u32 = 0x25;
const AMPERSAND: &[u8] = b"amp;";
const NAMES: &[(&[u8], u8)] =
    &[(AMPERSAND, b'&'), (b"lt;", b'<'), (b"gt;", b'>'), (b"quot;", b'"'), (b"apos;", b'\'')];
/// So many bytes are looked at at once.
pub(super) const BLOCK: usize = u64::BITS as usize;
const MOST_REPEATS: usize = 2;
const MOST_BACKSLASHES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_write_a_character_is_read() {
        check("%41", &[(0x41, 3)]);
        check("%2f", &[(0x2f, 3)]);
        check("%2F.", &[(0x2f, 3)]);
        check("%252541", &[(0x25, 3), (0x25, 5), (0x41, 7)]);
        check("%25", &[(0x25, 3)]);
        check("%u00e9", &[(0xe9, 6)]);
        check(r"\/", &[(0x2f, 2)]);
        check(r"\\\/", &[(0x5c, 2), (0x2f, 4)]);
        check(r"\u00E9", &[(0xe9, 6)]);
        check(r"\\\\u0041", &[(0x5c, 2), (0x5c, 4), (0x41, 9)]);
        check(r"\ud83d\uDE00", &[(0x1f600, 12)]);
        check(r"\x41", &[(0x41, 4)]);
        check(r"\n", &[(10, 2)]);
        check(r#"\""#, &[(0x22, 2)]);
        check("&#65;", &[(65, 5)]);
        check("&#X41;", &[(65, 6)]);
        check("&quot;", &[(0x22, 6)]);
        check("&amp;amp;#x41;", &[(0x26, 5), (0x26, 9), (65, 14)]);
        check("&amp;lt;", &[(0x26, 5), (0x3c, 8)]);
    }

    #[test]
    fn what_is_no_escape_has_no_reading() {
        for text in ["", "A", "%4g", "%G0", "%u00g0", r"\t", r"\u00g1", r"\x4", "&", "&#;", "&#x;"]
        {
            check(text, &[]);
        }
        check(r"\ud83d\u0041", &[]);
        check("&#12345678;", &[]);
        check("&lt", &[]);
        check("&AMP;", &[]);
    }

    #[test]
    fn what_is_cut_short_may_be_read_with_more_text() {
        for text in [
            "%",
            "%4",
            "%u",
            "%u004",
            "%25",
            "%254",
            r"\",
            r"\u",
            r"\\u004",
            r"\ud83d",
            r"\ud83d\u",
            "&",
            "&#",
            "&#x4",
            "&#65",
            "&am",
            "&amp;",
            "&amp;l",
        ] {
            assert!(read(text.as_bytes(), &mut |_| {}), "{text}");
        }
        for text in ["A", "%41", "%2g", "%4g", r"\/", r"\t", "&;", "&x", "&#;", "&#1234567x"] {
            assert!(!read(text.as_bytes(), &mut |_| {}), "{text}");
        }
    }

    #[test]
    fn a_run_of_backslashes_without_end_is_done_with() {
        let mut readings = Vec::new();
        assert!(!read(&[b'\\'; 100], &mut |it| readings.push(it)));
        assert_eq!(readings, [(0x5c, 2), (0x5c, 4), (0x5c, 8)]);
    }

    #[track_caller]
    fn check(text: &str, expected: &[Reading]) {
        let mut readings = Vec::new();
        read(text.as_bytes(), &mut |it| readings.push(it));
        assert_eq!(readings, expected, "{text}");
        assert!(readings.iter().all(|it| it.1 <= LONGEST));
    }
}
