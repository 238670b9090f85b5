//! The key that all others depend on.

use std::fmt;
#[cfg(unix)]
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::vault::error::VaultError;
#[cfg(unix)]
use crate::vault::key_file;

/// The 256-bit key that a [`Vault`](crate::Vault) seals under. Prints nothing of itself, and is
/// wiped when dropped.
pub struct MasterKey {
    bytes: Zeroizing<[u8; 32]>,
}

impl MasterKey {
    /// Takes 32 bytes from elsewhere, such as a key management service.
    ///
    /// # Errors
    /// When all bytes are zero: that is what a key looks like that was never set.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, VaultError> {
        Self::new(Zeroizing::new(bytes))
    }

    /// Reads the key in the file `path`, which must exist.
    ///
    /// # Errors
    /// When it is missing, not a plain file (a symlink is refused), readable or writable by group
    /// or world, or not 64 hexadecimal digits and at most one line end. The file is left alone.
    #[cfg(unix)]
    pub fn load(path: &Path) -> Result<Self, VaultError> {
        Self::new(key_file::load(path)?)
    }

    /// Reads the key in the file `path`, or makes a new one there with mode 0600 if there is none.
    ///
    /// The file appears whole or not at all, is on disk when this returns, and of several
    /// processes that try at once one makes it and all read the same. The folder must exist.
    ///
    /// # Errors
    /// As [`MasterKey::load`], or when the file cannot be made. Never replaces a file.
    #[cfg(unix)]
    pub fn load_or_create(path: &Path) -> Result<Self, VaultError> {
        Self::new(key_file::load_or_create(path)?)
    }

    fn new(bytes: Zeroizing<[u8; 32]>) -> Result<Self, VaultError> {
        if bytes.iter().all(|it| *it == 0) {
            return Err(VaultError::zero_key());
        }
        Ok(Self { bytes })
    }

    /// A key of its own for each use: the first block of HKDF-Expand (RFC 5869 §2.3). The master
    /// key is uniformly random, so it needs no Extract.
    pub(crate) fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        mac(&self.bytes, &[purpose.as_bytes(), &[1]])
    }
}

/// HMAC-SHA-256 (RFC 2104) of the parts, one after the other.
pub(crate) fn mac(key: &[u8; 32], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    // Padded with zeros to a whole block, as HMAC itself does with a shorter key (RFC 2104 §2).
    let mut block = Zeroizing::new([0; 64]);
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    #[test]
    fn keys_are_derived_as_hkdf_expand_does() {
        // RFC 5869 A.1 has a PRK and an info; its OKM begins with T(1).
        let mut key = [0; 32];
        let prk = b"077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5";
        hex::decode_into(prk, &mut key).unwrap();
        let info = [0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9];
        let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf";
        assert_eq!(hex::encode(&*mac(&key, &[&info, &[1]])), expected);
    }

    #[test]
    fn uses_do_not_share_a_key() {
        let key = MasterKey::from_bytes([7; 32]).unwrap();
        assert_ne!(key.derive("a"), key.derive("b"));
        assert_eq!(format!("{key:?}"), "MasterKey(…)");
    }

    #[test]
    fn a_key_that_was_never_set_is_refused() {
        assert!(MasterKey::from_bytes([0; 32]).unwrap_err().is_key_file());
    }
}
