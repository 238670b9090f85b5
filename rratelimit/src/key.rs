//! Whose counts: a keyed hash of whatever names a caller.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

use siphasher::sip128::{Hash128, Hasher128, SipHasher13};

/// Names whom a [`Limiter`](crate::Limiter) counts for, in 16 bytes however long the name is.
///
/// A SipHash-1-3 of 128 bits under a secret [`Seed`]: nobody outside can choose names that
/// collide. Means something only where the seed is the same: without a seed of one's own, that is
/// this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u64; 2]);

/// The secret under which names become [`Key`]s.
///
/// Random, unless a process installs its own before it makes its first key: so that counts can be
/// kept over a restart, or shared between processes.
///
/// ```
/// use rratelimit::{Key, Seed};
///
/// // Read from where the last run of this process put it.
/// Seed::new([7; 16]).install().expect("nothing has asked for a key yet");
/// assert_eq!(Key::of(&["alice"]).to_bytes()[..2], [0x50, 0x95]);
/// ```
#[derive(Clone, Copy)]
pub struct Seed([u64; 2]);

/// The process has made keys under another seed by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadySeeded;

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
    #[inline]
    pub fn of(parts: &[&str]) -> Self {
        Self::of_bytes(parts.iter().map(|it| it.as_bytes()))
    }

    /// As [`Key::of`], of parts that need not be text.
    #[must_use]
    #[inline]
    pub fn of_bytes<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let seeds = Seeds::current();
        let mut parts = parts.into_iter();
        match (parts.next(), parts.next()) {
            // Nothing has to be kept apart: that is hashed sooner.
            (Some(name), None) => Self::from_hash(seeds.whole.hasher().hash(name)),
            (one, other) => {
                let mut hasher = seeds.several.hasher();
                one.into_iter().chain(other).chain(parts).for_each(|it| add(&mut hasher, it));
                Self::from_hash(hasher.finish128())
            }
        }
    }

    #[inline]
    const fn from_hash(hash: Hash128) -> Self {
        Self([hash.h1, hash.h2])
    }

    /// To store or send it.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        let [high, low] = self.0;
        (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
    }

    /// What [`Key::to_bytes`] gave, under the same seed.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        let both = u128::from_be_bytes(bytes);
        Self([(both >> 64) as u64, both as u64])
    }

    /// Two halves of the hash, independent of each other.
    pub(crate) const fn halves(self) -> [u64; 2] {
        self.0
    }
}

impl Seed {
    /// The seed that was stored as these bytes, or that is shared as these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        let both = u128::from_le_bytes(bytes);
        Self([both as u64, (both >> 64) as u64])
    }

    /// Makes all keys of this process under this seed.
    ///
    /// # Errors
    ///
    /// When keys were made under another one by now.
    pub fn install(self) -> Result<(), AlreadySeeded> {
        let current = CURRENT.get_or_init(|| Seeds::of(self)).several;
        if current.0 == self.0 { Ok(()) } else { Err(AlreadySeeded) }
    }

    /// The one under which this process makes keys; made up, if none was installed.
    #[must_use]
    pub fn in_force() -> Self {
        Seeds::current().several
    }

    /// To store or share it, where keys under it are.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        let [one, other] = self.0;
        (u128::from(other) << 64 | u128::from(one)).to_le_bytes()
    }

    fn random() -> Self {
        // Each is a hash of nothing under a key that the system made up.
        let random = || RandomState::new().build_hasher().finish();
        Self([random(), random()])
    }

    #[inline]
    fn hasher(self) -> SipHasher13 {
        let [one, other] = self.0;
        SipHasher13::new_with_keys(one, other)
    }
}

/// A name in one part and a name in several are never hashed alike: each has its own seed.
#[derive(Clone, Copy)]
struct Seeds {
    several: Seed,
    whole: Seed,
}

impl Seeds {
    #[inline]
    fn current() -> Self {
        *CURRENT.get_or_init(|| Self::of(Seed::random()))
    }

    #[cold]
    fn of(seed: Seed) -> Self {
        // What is hashed of several parts begins with a length: of this, with one that none has.
        let whole = seed.hasher().hash(b"\xffa name in one part");
        Self { several: seed, whole: Seed([whole.h1, whole.h2]) }
    }
}

// First how long, so that parts do not run into each other.
#[inline]
fn add(hasher: &mut SipHasher13, part: &[u8]) {
    match u8::try_from(part.len()) {
        Ok(len) if len < u8::MAX => hasher.write_u8(len),
        Ok(_) | Err(_) => {
            hasher.write_u8(u8::MAX);
            hasher.write_u64(part.len() as u64);
        }
    }
    hasher.write(part);
}

static CURRENT: OnceLock<Seeds> = OnceLock::new();

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

impl fmt::Display for AlreadySeeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys were made under another seed before")
    }
}

impl std::error::Error for AlreadySeeded {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_the_same_after_a_journey() {
        let seed = Seed([1, u64::MAX]);
        assert_eq!(Seed::new(seed.to_bytes()).0, seed.0);
        assert!(Seed::new(Seed::in_force().to_bytes()).install().is_ok());
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let long = "a".repeat(300);
        let names: &[&[&str]] = &[
            &["ab", "c"],
            &["a", "bc"],
            &["abc"],
            &["abc", ""],
            &["", "abc"],
            &["\u{3}abc"],
            &["\u{2}ab\u{1}c"],
            &[],
            &[""],
            &[&long],
            &[&long[1..]],
            &[&long[..150], &long[150..]],
            &[&long[..60]],
            &[&long[..60], ""],
            &[&long[..60], "a"],
            &[&long[..60], "ab", "c"],
            &[&long[..60], "a", "bc"],
        ];
        for (at, one) in names.iter().enumerate() {
            for other in &names[at + 1..] {
                assert_ne!(Key::of(one), Key::of(other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn text_and_bytes_are_named_alike() {
        for parts in [&["abc"][..], &["ab", "c"], &[]] {
            assert_eq!(Key::of(parts), Key::of_bytes(parts.iter().map(|it| it.as_bytes())));
        }
    }

    #[test]
    fn the_halves_are_not_one_hash_twice() {
        let [high, low] = Key::of(&["alice"]).halves();
        assert_ne!(high, low);
    }

    #[test]
    fn a_key_is_the_same_after_a_journey() {
        let key = Key::of(&["alice"]);
        assert_eq!(Key::from_bytes(key.to_bytes()), key);
    }

    #[test]
    fn a_seed_that_comes_too_late_is_refused() {
        _ = Key::of(&["alice"]);
        assert_eq!(Seed::new([1; 16]).install(), Err(AlreadySeeded));
    }
}
