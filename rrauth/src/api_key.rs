//! API keys of our own make: `rr_live_`, random letters and digits, `_`, a checksum.
//!
//! The prefix lets secret scanners find a leaked key, and the checksum lets a typing error be told
//! from an unknown key without a look-up. Neither adds to its strength: the random part does.

use std::fmt;

use zeroize::Zeroizing;

use crate::random::{self, RandomUnavailable};

/// How every generated key starts.
pub const PREFIX: &str = "rr_live_";

/// A new key, to be shown once. Prints nothing of itself, and is wiped when dropped.
pub struct GeneratedKey {
    text: Zeroizing<String>,
}

impl GeneratedKey {
    /// The key itself. Show it once; keep only its [`KeyDigest`](crate::KeyDigest).
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for GeneratedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GeneratedKey(…)")
    }
}

/// Makes a key with 160 random bits.
///
/// ```
/// let key = rrauth::api_key::generate()?;
/// assert!(key.expose().starts_with("rr_live_"));
/// assert!(rrauth::api_key::is_well_formed(key.expose()));
/// # Ok::<(), rrauth::RandomUnavailable>(())
/// ```
///
/// # Errors
/// When the operating system has no random bytes to give.
pub fn generate() -> Result<GeneratedKey, RandomUnavailable> {
    let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + RANDOM + 1 + CHECKSUM));
    text.push_str(PREFIX);
    let mut bytes = Zeroizing::new([0; 64]);
    while text.len() < PREFIX.len() + RANDOM {
        random::fill(&mut *bytes)?;
        let missing = PREFIX.len() + RANDOM - text.len();
        text.extend(bytes.iter().filter_map(|it| unbiased(*it)).take(missing));
    }
    let checksum = checksum(&text);
    text.push('_');
    text.extend(checksum.iter().map(|it| char::from(*it)));
    Ok(GeneratedKey { text })
}

/// Whether `key` has the form of a generated key and its checksum holds.
///
/// Says nothing about whether anybody was ever given it.
#[must_use]
pub fn is_well_formed(key: &str) -> bool {
    let Some((signed, claimed)) = key.rsplit_once('_') else { return false };
    let Some(random) = signed.strip_prefix(PREFIX) else { return false };
    (RANDOM..=LONGEST_RANDOM).contains(&random.len())
        && random.bytes().all(|it| it.is_ascii_alphanumeric())
        && claimed.as_bytes() == checksum(signed)
}

// 27 × log₂ 62 = 160.8 bits.
const RANDOM: usize = 27;
const LONGEST_RANDOM: usize = 64;
const CHECKSUM: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// 248 is the largest multiple of 62 in a byte: what lies beyond would favour the first letters.
fn unbiased(byte: u8) -> Option<char> {
    (byte < 248).then(|| letter(u32::from(byte)).into())
}

fn letter(number: u32) -> u8 {
    ALPHABET.get(number as usize % ALPHABET.len()).copied().unwrap_or(b'0')
}

// CRC-32 in base 62, six digits: 62⁶ exceeds 2³².
fn checksum(text: &str) -> [u8; CHECKSUM] {
    let mut rest = crc32(text.as_bytes());
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = letter(rest % 62);
        rest /= 62;
    }
    digits
}

// CRC-32/ISO-HDLC, as in zip and Ethernet. Four bytes at a time: every request with such a key waits
// for it.
fn crc32(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let crc = words.iter().fold(!0, |crc, word| {
        let [a, b, c, d] = (crc ^ u32::from_le_bytes(*word)).to_le_bytes();
        shifted(3, a) ^ shifted(2, b) ^ shifted(1, c) ^ shifted(0, d)
    });
    !rest.iter().fold(crc, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        (crc >> 8) ^ shifted(0, low ^ byte)
    })
}

// What is left of `byte` with so many zero bytes after it.
fn shifted(zeros: usize, byte: u8) -> u32 {
    REMAINDERS.get(zeros).and_then(|it| it.get(usize::from(byte))).copied().unwrap_or_default()
}

static REMAINDERS: [[u32; 256]; 4] = remainders();

#[expect(clippy::indexing_slicing, reason = "it is evaluated when this is compiled")]
const fn remainders() -> [[u32; 256]; 4] {
    let mut all = [[0; 256]; 4];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut zeros = 0;
        while zeros < 4 {
            let mut bit = 0;
            while bit < 8 {
                crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
                bit += 1;
            }
            all[zeros][byte] = crc;
            zeros += 1;
        }
        byte += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_checksum_is_the_crc_32_that_others_compute() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
        // However many bytes are left over.
        let known = [0xe8b7_be43, 0x9e83_486d, 0x3524_41c2, 0xed82_cd11, 0x8587_d865];
        for (length, known) in (1..).zip(known) {
            assert_eq!(crc32(&b"abcde"[..length]), known);
        }
        assert_eq!(checksum("123456789"), *b"3jZRME");
    }

    #[test]
    fn generated_keys_are_well_formed_and_never_the_same() {
        let keys: HashSet<_> =
            (0..1_000).map(|_| generate().unwrap().expose().to_owned()).collect();
        assert_eq!(keys.len(), 1_000);
        assert!(keys.iter().all(|it| is_well_formed(it) && it.len() == 42));
    }

    #[test]
    fn every_letter_is_as_likely_as_any_other() {
        let mut count = [0_u32; 62];
        for letter in (0..=u8::MAX).filter_map(unbiased) {
            count[ALPHABET.iter().position(|it| char::from(*it) == letter).unwrap()] += 1;
        }
        assert_eq!(count, [4; 62]);
    }

    #[test]
    fn any_change_to_a_key_is_noticed() {
        let key = generate().unwrap();
        let key = key.expose();
        check(key, true);
        for place in 0..key.len() {
            let mut bytes = key.as_bytes().to_vec();
            bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
            check(std::str::from_utf8(&bytes).unwrap(), false);
            check(&key[..place], false);
        }
        check(&format!("{key}0"), false);
        check(&format!(" {key}"), false);
        check(&key.to_uppercase(), false);
        check("", false);
        check("rr_live_", false);
        check("rr_live__000000", false);
        check(&format!("rr_live_{}_000000", "é".repeat(20)), false);
    }

    #[test]
    fn debug_shows_nothing_of_a_key() {
        assert_eq!(format!("{:?}", generate().unwrap()), "GeneratedKey(…)");
    }

    #[track_caller]
    fn check(key: &str, well_formed: bool) {
        assert_eq!(is_well_formed(key), well_formed, "{key}");
    }
}
