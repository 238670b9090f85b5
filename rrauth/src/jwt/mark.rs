//! A name for a token that costs less than its SHA-256.

use aes::Aes128;
use aes::cipher::{Block, BlockCipherEncrypt, KeyInit};
use polyval::Polyval;
use polyval::universal_hash::UniversalHash;
use zeroize::Zeroizing;

use crate::inbound::digest::KeyDigest;
use crate::random::{self, RandomUnavailable};

/// Names tokens by a keyed digest of all of them: POLYVAL under one random key, enciphered with AES under
/// another, as the tag of AES-GCM-SIV is made (RFC 8452 §4).
///
/// Whoever does not know the keys can neither foresee a name nor find two tokens that share one: of `n`
/// names held, each token that he tries meets one by chance with at most `n * 513 / 2^128`, and he is not
/// told of names that differ. The keys are this instance's own, and go nowhere.
pub(crate) struct Marker {
    hash: Polyval,
    cipher: Aes128,
}

impl Marker {
    /// Under keys that nobody knows.
    pub(crate) fn new() -> Result<Self, RandomUnavailable> {
        let mut keys = Zeroizing::new([[0; 16]; 2]);
        random::fill(keys.as_flattened_mut())?;
        Ok(Self::under(&keys))
    }

    fn under([hash, cipher]: &[[u8; 16]; 2]) -> Self {
        Self { hash: Polyval::new(hash.into()), cipher: Aes128::new(cipher.into()) }
    }

    /// The name of `token`, as long as a digest is.
    pub(crate) fn of(&self, token: &[u8]) -> KeyDigest {
        let mut hash = self.hash.clone();
        // What is short of a block is filled up with zeros: its length tells how much that was.
        hash.update_padded(token);
        let mut length = Block::<Aes128>::default();
        length.iter_mut().zip((token.len() as u64).to_le_bytes()).for_each(|(to, it)| *to = it);
        hash.update(&[length]);
        let mut name = hash.finalize();
        self.cipher.encrypt_block(&mut name);
        let mut digest = [0; 32];
        digest.iter_mut().zip(name).for_each(|(to, it)| *to = it);
        KeyDigest::from_bytes(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_polyval_of_text_and_length_enciphered() {
        // RFC 8452 appendix A: H, and POLYVAL of these two blocks.
        let hash = hex(b"25629347589242761d31f826ba4b757b");
        let text =
            [hex(b"4f4f95668c83dfb6401762bb2d01a262"), hex(b"d1a24ddd2721d006bbe45f20d3c9f362")];
        let mut polyval = Polyval::new(&hash.into());
        polyval.update_padded(text.as_flattened());
        let known = polyval.clone().finalize();
        assert_eq!(known.as_slice(), hex(b"f7a3b47b846119fae5b7866cf5e5b77e"));
        let mut length = [0; 16];
        length[0] = 32;
        polyval.update(&[length.into()]);
        let mut expected = polyval.finalize();
        let cipher = [9; 16];
        Aes128::new(&cipher.into()).encrypt_block(&mut expected);
        let name = Marker::under(&[hash, cipher]).of(text.as_flattened());
        assert_eq!(name.as_bytes()[..16], expected[..]);
        assert_eq!(name.as_bytes()[16..], [0; 16]);
    }

    #[test]
    fn tokens_that_differ_have_names_that_do() {
        let marker = Marker::new().unwrap();
        let long = "a".repeat(8 * 1024);
        let mut names: Vec<_> = (0..=40).map(|it| marker.of(&vec![0; it])).collect();
        names.extend((0..8 * 1024).map(|at| {
            let mut token = long.clone().into_bytes();
            token[at] = b'b';
            marker.of(&token)
        }));
        names.push(marker.of(long.as_bytes()));
        assert!(marker.of(long.as_bytes()) == marker.of(long.as_bytes()));
        let all: std::collections::HashSet<_> = names.iter().map(|it| *it.as_bytes()).collect();
        assert_eq!(all.len(), names.len());
        assert!(Marker::new().unwrap().of(b"a") != marker.of(b"a"), "each has its own");
    }

    fn hex(digits: &[u8; 32]) -> [u8; 16] {
        let mut bytes = [0; 16];
        crate::hex::decode_into(digits, &mut bytes).unwrap();
        bytes
    }
}
