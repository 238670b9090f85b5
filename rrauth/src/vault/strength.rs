//! Tells what was hardly drawn at random.

/// What is wrong with a key that nobody drew at random, as the end of a sentence that begins with
/// "master key: ". Of 10¹² keys that are random, it refuses less than one.
pub(crate) fn weakness(key: &[u8; 32]) -> Option<&'static str> {
    if key.iter().all(|it| *it == 0) {
        Some("all bytes are zero: it was never set")
    } else if repeats(key) {
        Some("its bytes repeat, random ones would not")
    } else if counts(key) {
        Some("its bytes count up or down, random ones would not")
    } else if key.iter().all(|it| matches!(it, b' '..=b'~')) {
        Some("its bytes spell text, random ones would not")
    } else if distinct(key) < FEWEST {
        Some("its bytes are too much alike to be random")
    } else {
        None
    }
}

// Also a word of two, four or any number of bytes, written again and again.
fn repeats(key: &[u8; 32]) -> bool {
    (1..=key.len() / 2).any(|period| key.iter().zip(key.iter().skip(period)).all(|(a, b)| a == b))
}

fn counts(key: &[u8; 32]) -> bool {
    let mut steps = key.iter().zip(key.iter().skip(1)).map(|(a, b)| b.wrapping_sub(*a));
    let first = steps.next();
    steps.all(|it| Some(it) == first)
}

fn distinct(key: &[u8; 32]) -> usize {
    let mut sorted = zeroize::Zeroizing::new(*key);
    sorted.sort_unstable();
    1 + sorted.iter().zip(sorted.iter().skip(1)).filter(|(a, b)| a != b).count()
}

/// 32 random bytes have about 30 values, and fewer than 17 in less than one of 10¹² draws.
const FEWEST: usize = 17;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_make_up_is_refused() {
        check(|_| 0, Some("zero"));
        check(|_| 0xff, Some("repeat"));
        check(|it| [0xde, 0xad, 0xbe, 0xef][it % 4], Some("repeat"));
        check(|it| [1, 2, 3, 5, 8, 13, 21][it % 7], Some("repeat"));
        check(|it| (it % 16 * 0x11) as u8, Some("repeat"));
        check(|it| it as u8, Some("count"));
        check(|it| 255 - it as u8, Some("count"));
        check(|it| (it * 7 + 3) as u8, Some("count"));
        check(|it| b"correct horse battery staple, 32"[it], Some("text"));
        check(|it| (it * it / 70) as u8, Some("alike"));
        check(|it| if it < 16 { it as u8 * 0x11 } else { (31 - it) as u8 * 0x11 }, Some("alike"));
    }

    #[test]
    fn what_is_drawn_at_random_is_taken() {
        for _ in 0..100_000 {
            let mut key = [0; 32];
            crate::random::fill(&mut key).unwrap();
            assert_eq!(weakness(&key), None, "{key:?}");
        }
    }

    #[track_caller]
    fn check(byte: impl Fn(usize) -> u8, expected: Option<&str>) {
        let key = std::array::from_fn(byte);
        let said = weakness(&key);
        assert_eq!(said.is_some(), expected.is_some(), "{key:?}");
        assert!(said.unwrap_or_default().contains(expected.unwrap_or_default()), "{said:?}");
    }
}
