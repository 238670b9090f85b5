//! The name of a request: `req_` and a UUIDv7 (RFC 9562), written once.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const LENGTH: usize = 40;

/// Names one request, unique and ordered by time. Always made here, never taken from a client.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId {
    text: [u8; LENGTH],
}

impl RequestId {
    /// A new name for a request that arrived at `wall` (time since the Unix epoch).
    #[must_use]
    pub fn new(wall: Duration) -> Self {
        let [low, high] = unpredictable();
        let millis = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        let first = (millis << 16) | 0x7000 | (high & 0x0fff);
        let second = (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
        Self { text: write(first, second) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // `write` fills the text with ASCII only.
        std::str::from_utf8(&self.text).unwrap_or("req_")
    }
}

// 128 bits that nobody outside this process can foresee, and that do not repeat in it: a counter
// under two randomly keyed SipHashes. No system call per request, which a random source would cost.
fn unpredictable() -> [u64; 2] {
    static KEYS: OnceLock<[RandomState; 2]> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let [a, b] = KEYS.get_or_init(|| [RandomState::new(), RandomState::new()]);
    [a.hash_one(count), b.hash_one(count)]
}

fn write(first: u64, second: u64) -> [u8; LENGTH] {
    let mut text = *b"req_xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    let [a, b, c, d] = [first >> 32, first, second >> 32, second].map(digits);
    text[4..12].copy_from_slice(&a);
    text[13..17].copy_from_slice(&b[..4]);
    text[18..22].copy_from_slice(&b[4..]);
    text[23..27].copy_from_slice(&c[..4]);
    text[28..32].copy_from_slice(&c[4..]);
    text[32..].copy_from_slice(&d);
    text
}

// The digits of the lower half of `value`, all at once: each gets a byte of its own, and what is above
// 9 is moved on to the letters. No look-up, no jump.
const fn digits(value: u64) -> [u8; 8] {
    let halves = (value & 0xffff_0000) << 16 | value & 0xffff;
    let bytes = (halves << 8 | halves) & 0x00ff_00ff_00ff_00ff;
    let each = (bytes << 4 | bytes) & (0x0f * EACH);
    let is_letter = ((each + 6 * EACH) >> 4) & EACH;
    (each + b'0' as u64 * EACH + is_letter * (b'a' - b'9' - 1) as u64).to_be_bytes()
}

// Times this, a byte is in each of eight.
const EACH: u64 = 0x0101_0101_0101_0101;

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_version_7_and_start_with_the_time() {
        let id = RequestId::new(Duration::from_millis(0x0123_4567_89ab));
        let text = id.as_str();
        assert!(text.starts_with("req_01234567-89ab-7"), "{text}");
        assert!(matches!(text.as_bytes()[23], b'8' | b'9' | b'a' | b'b'), "{text}");
    }

    #[test]
    fn every_digit_stands_in_its_place() {
        let text = write(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210);
        assert_eq!(text, *b"req_01234567-89ab-cdef-fedc-ba9876543210");
    }

    #[test]
    fn ids_made_in_the_same_millisecond_differ() {
        let ids: HashSet<_> = (0..10_000).map(|_| RequestId::new(Duration::ZERO)).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
