//! Whether two values are the same (RFC 6902 §4.6), whatever their spelling.

use std::collections::HashMap;

use rrcore::json::unescape;

use super::walk::members;

/// Whether two values are equal: numbers by what they say exactly, strings after undoing escapes,
/// objects in any order. Both texts are valid and without white space around them.
///
/// As deep as the flatter of the two.
pub(super) fn equal(a: &[u8], b: &[u8]) -> bool {
    match (a.first(), b.first()) {
        (Some(b'{'), Some(b'{')) => objects(a, b),
        (Some(b'['), Some(b'[')) => arrays(a, b),
        (Some(b'"'), Some(b'"')) => unescape(a) == unescape(b),
        (Some(b'-' | b'0'..=b'9'), Some(b'-' | b'0'..=b'9')) => number(a) == number(b),
        _ => a == b,
    }
}

fn arrays(a: &[u8], b: &[u8]) -> bool {
    let (Some(mut left), Some(mut right)) = (members(a), members(b)) else { return false };
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if equal(one.value, other.value) => {}
            (Some(_), _) | (None, Some(_)) => return false,
        }
    }
}

fn objects(a: &[u8], b: &[u8]) -> bool {
    let (Some(left), Some(right)) = (members(a), members(b)) else { return false };
    let name = |it: Option<&'_ [u8]>| unescape(it.unwrap_or_default()).into_owned();
    let others: HashMap<_, _> = right.map(|it| (name(it.name), it.value)).collect();
    let mut count = 0;
    for member in left {
        count += 1;
        let other = others.get(&name(member.name));
        if !other.is_some_and(|it| equal(member.value, it)) {
            return false;
        }
    }
    count == others.len()
}

/// A number as its sign, its digits without zeros around them, and the power of ten of the last of
/// these. `None` where the exponent is beyond all reason: such numbers are equal only if spelt alike.
#[derive(Debug, PartialEq, Eq)]
enum Number<'a> {
    Exact { is_negative: bool, digits: Vec<u8>, power: i64 },
    Spelt(&'a [u8]),
}

fn number(text: &[u8]) -> Number<'_> {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let mantissa = unsigned.iter().position(|it| matches!(it, b'e' | b'E'));
    let (mantissa, exponent) = unsigned.split_at(mantissa.unwrap_or(unsigned.len()));
    let exponent = match exponent.get(1..) {
        None => Some(0),
        Some(it) => std::str::from_utf8(it).ok().and_then(|it| it.parse::<i32>().ok()),
    };
    let Some(exponent) = exponent else { return Number::Spelt(text) };
    let point = mantissa.iter().position(|it| *it == b'.').unwrap_or(mantissa.len());
    let fraction = mantissa.len().saturating_sub(point + 1);
    let mut digits: Vec<_> =
        mantissa.iter().copied().filter(|it| *it != b'.').skip_while(|it| *it == b'0').collect();
    let significant = digits.iter().rposition(|it| *it != b'0').map_or(0, |it| it + 1);
    let zeros = digits.len() - significant;
    digits.truncate(significant);
    if digits.is_empty() {
        // No zero is less than another one.
        return Number::Exact { is_negative: false, digits, power: 0 };
    }
    let power = i64::from(exponent) - signed(fraction) + signed(zeros);
    Number::Exact { is_negative: unsigned.len() != text.len(), digits, power }
}

fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX / 4)
}
