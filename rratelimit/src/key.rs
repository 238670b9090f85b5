//! Whose counts: a keyed hash of whatever names a caller.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::OnceLock;

/// Names whom a [`Limiter`](crate::Limiter) counts for, in 16 bytes however long the name is.
///
/// A hash under a key that is random per process: nobody outside can choose names that collide.
/// Means nothing in another process, so do not store it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u64; 2]);

impl Key {
    /// The key of a name in several parts, which stay apart.
    ///
    /// ```
    /// use rratelimit::Key;
    ///
    /// assert_eq!(Key::of(&["prx_1", "cred_1"]), Key::of(&["prx_1", "cred_1"]));
    /// assert_ne!(Key::of(&["ab", "c"]), Key::of(&["a", "bc"]));
    /// ```
    #[must_use]
    pub fn of(parts: &[&str]) -> Self {
        // `Hash` of a slice is prefix-free: it writes the count, and an end mark after each part.
        Self::digest(parts)
    }

    pub(crate) fn digest(value: impl Hash) -> Self {
        static KEYS: OnceLock<[RandomState; 2]> = OnceLock::new();
        let [high, low] = KEYS.get_or_init(|| [RandomState::new(), RandomState::new()]);
        Self([high.hash_one(&value), low.hash_one(&value)])
    }

    /// Two hashes of the name, independent of each other.
    pub(crate) const fn halves(self) -> [u64; 2] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let names: &[&[&str]] =
            &[&["ab", "c"], &["a", "bc"], &["abc"], &["abc", ""], &["", "abc"], &[], &[""]];
        for (at, one) in names.iter().enumerate() {
            for other in &names[at + 1..] {
                assert_ne!(Key::of(one), Key::of(other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn the_halves_are_not_one_hash_twice() {
        let [high, low] = Key::of(&["alice"]).halves();
        assert_ne!(high, low);
    }
}
