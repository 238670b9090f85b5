//! What is kept of a caller's secret.

use std::fmt;
use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::hex;

/// The SHA-256 of a caller's secret: all that a store needs to keep of it.
///
/// A plain digest is enough for random secrets of 128 bits and more; a password needs a slow hash.
/// Compared in constant time. Prints nothing of itself, since it recognises its secret.
#[derive(Clone, Copy)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// The digest of `secret`.
    ///
    /// ```
    /// use rrauth::KeyDigest;
    ///
    /// let digest = KeyDigest::of("rk_4f1b0a7d2c9e8f3a5b6c");
    /// assert_eq!(KeyDigest::from_hex(&digest.to_hex()), Some(digest));
    /// assert_eq!(format!("{digest:?}"), "KeyDigest(…)");
    /// ```
    #[must_use]
    pub fn of(secret: impl AsRef<[u8]>) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// A digest as a store kept it.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, for a store to keep.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A digest from 64 hexadecimal digits of either case; `None` for anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_into(text.as_bytes(), &mut bytes)?;
        Some(Self(bytes))
    }

    /// 64 hexadecimal digits in lower case, for a store to keep.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(&self.0)
    }
}

impl KeyDigest {
    // `subtle` has a barrier for each thing that it compares: four, not 32.
    fn words(&self) -> [u64; 4] {
        let (chunks, _) = self.0.as_chunks::<8>();
        let mut words = [0; 4];
        words.iter_mut().zip(chunks).for_each(|(word, it)| *word = u64::from_le_bytes(*it));
        words
    }
}

impl PartialEq for KeyDigest {
    fn eq(&self, other: &Self) -> bool {
        self.words().ct_eq(&other.words()).into()
    }
}

impl Eq for KeyDigest {}

// A caller cannot choose a digest, so its first bytes spread as well as all of them.
impl Hash for KeyDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_sha_256_of_the_secret() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(KeyDigest::of("abc").to_hex(), expected);
        assert!(KeyDigest::of("abc") == KeyDigest::of(b"abc"));
    }

    #[test]
    fn digests_that_differ_in_any_one_bit_differ() {
        let one = KeyDigest::from_bytes([7; 32]);
        assert!(one == KeyDigest::from_bytes([7; 32]));
        for bit in 0..256 {
            let mut bytes = [7; 32];
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(one != KeyDigest::from_bytes(bytes), "{bit}");
        }
    }
}
