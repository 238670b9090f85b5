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
    let bits = (u128::from(first) << 64) | u128::from(second);
    let mut shift = 128;
    for place in text.iter_mut().skip(4).filter(|it| **it == b'x') {
        shift -= 4;
        let digit = u8::try_from((bits >> shift) & 0xf).unwrap_or(0);
        *place = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
    }
    text
}

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
    fn ids_made_in_the_same_millisecond_differ() {
        let ids: HashSet<_> = (0..10_000).map(|_| RequestId::new(Duration::ZERO)).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
