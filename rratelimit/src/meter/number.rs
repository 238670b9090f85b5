//! A number as text, read as a count.

/// What `text` counts: rounded up, so that a fraction is never free, and at most [`u64::MAX`],
/// however large. `None` for what is negative or not a number by JSON's grammar (RFC 8259 §6).
///
/// By its digits: no float comes between, so 2⁵³ + 1 is just that.
pub(crate) fn count(text: &[u8]) -> Option<u64> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let (mantissa, power) = match text.iter().position(|it| matches!(it, b'e' | b'E')) {
        Some(at) => (text.get(..at)?, exponent(text.get(at + 1..)?)?),
        None => (text, 0),
    };
    let (whole, fraction) = match mantissa.iter().position(|it| *it == b'.') {
        Some(at) => (mantissa.get(..at)?, digits(mantissa.get(at + 1..)?)?),
        None => (mantissa, &[][..]),
    };
    let whole = digits(whole)?;
    if matches!(whole, [b'0', _, ..]) {
        return None;
    }
    let value = scaled(whole, fraction, power);
    (!negative || value == 0).then_some(value)
}

// The digits before and after the point, which moves by `power` places to the right.
fn scaled(whole: &[u8], fraction: &[u8], power: i64) -> u64 {
    let all = || whole.iter().chain(fraction).copied();
    if all().all(|it| it == b'0') {
        return 0;
    }
    let length = i64::try_from(whole.len()).unwrap_or(i64::MAX);
    let point = usize::try_from(length.saturating_add(power)).unwrap_or(0);
    let digit = |value: u64, it: u8| {
        value.checked_mul(10).and_then(|value| value.checked_add(u64::from(it - b'0')))
    };
    // Twenty digits reach beyond the largest count: no more zeros are made up than that.
    let given = whole.len() + fraction.len();
    let zeros = point.saturating_sub(given).min(20);
    let Some(value) = all().take(point).chain(std::iter::repeat_n(b'0', zeros)).try_fold(0, digit)
    else {
        return u64::MAX;
    };
    let rest = all().skip(point).any(|it| it != b'0');
    value.saturating_add(u64::from(rest))
}

fn digits(text: &[u8]) -> Option<&[u8]> {
    (!text.is_empty() && text.iter().all(u8::is_ascii_digit)).then_some(text)
}

// Beyond a million it makes no difference.
fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let power = digits(text)?.iter().fold(0_i64, |power, it| {
        power.saturating_mul(10).saturating_add(i64::from(it - b'0')).min(1_000_000)
    });
    Some(if negative { -power } else { power })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_count_rounded_up_and_never_below_zero() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("-0.0e9", Some(0)),
            ("7", Some(7)),
            ("9007199254740993", Some(9_007_199_254_740_993)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", Some(u64::MAX)),
            ("1e308", Some(u64::MAX)),
            ("1e999999999999999999999", Some(u64::MAX)),
            ("0e999999999999999999999", Some(0)),
            ("1e-999999999999999999999", Some(1)),
            ("0.0001", Some(1)),
            ("12.0", Some(12)),
            ("12.01", Some(13)),
            ("1.5e1", Some(15)),
            ("1.55e1", Some(16)),
            ("1.25E+2", Some(125)),
            ("1200e-2", Some(12)),
            ("1201e-2", Some(13)),
            ("5e-1", Some(1)),
            ("18446744073709551614.5", Some(u64::MAX)),
            ("-1", None),
            ("-0.1", None),
            ("-1e308", None),
        ] {
            assert_eq!(count(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn what_json_calls_no_number_counts_nothing() {
        for text in [
            "", "-", "--1", "+1", "01", "00", "1.", ".5", "1e", "1e+", "e1", "1.e1", "0x10", "1_0",
            "NaN", "inf", "1 2", "1,2", "\"7\"", "true", "١",
        ] {
            assert_eq!(count(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whole_numbers_are_exact(value in any::<u64>()) {
            prop_assert_eq!(count(value.to_string().as_bytes()), Some(value));
        }

        #[test]
        fn fractions_are_never_free(value in 0.0_f64..1e15) {
            let text = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(count(text.as_bytes()), Some(value.ceil() as u64), "{}", text);
        }

        #[test]
        fn it_is_a_number_where_a_parser_of_json_says_so(text in "[-+]?[0-9]{0,3}(\\.[0-9]{0,3})?([eE][-+]?[0-9]{0,2})?") {
            let parsed = serde_json::from_str::<f64>(&text).ok();
            let counted = count(text.as_bytes());
            prop_assert_eq!(counted.is_some(), parsed.is_some_and(|it| it >= 0.0), "{}", text);
        }
    }
}
