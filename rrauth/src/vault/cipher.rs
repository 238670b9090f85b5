//! AES-256-GCM-SIV (RFC 8452), with keys and plaintexts that are wiped.

use aes::Aes256;
use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{AesGcmSiv, KeyInit};
// Named for its feature `zeroize`, which wipes the authentication key of every message.
use polyval as _;
use zeroize::Zeroizing;

use crate::vault::error::VaultError;
use crate::vault::record::NONCE;

/// A cipher under one key: nothing but its key schedule, which is wiped when dropped.
pub(crate) type Cipher = AesGcmSiv<Aes256>;

pub(crate) fn cipher(key: &[u8; 32]) -> Cipher {
    Cipher::new(key.into())
}

pub(crate) fn encrypt(
    cipher: &Cipher,
    nonce: &[u8; NONCE],
    msg: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, VaultError> {
    // Fails only beyond 64 GiB (RFC 8452 §6).
    cipher.encrypt(nonce.into(), Payload { msg, aad }).map_err(|_| VaultError::damaged())
}

pub(crate) fn decrypt(
    cipher: &Cipher,
    nonce: &[u8; NONCE],
    msg: &[u8],
    aad: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let opened = cipher.decrypt(nonce.into(), Payload { msg, aad });
    opened.map(Zeroizing::new).map_err(|_| VaultError::damaged())
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::ZeroizeOnDrop;

    #[test]
    fn what_holds_a_key_or_a_plaintext_is_wiped_when_dropped() {
        const fn wiped<T: ZeroizeOnDrop>(_: &T) {}
        wiped(&Aes256::new(&[7; 32].into()));
        let key = cipher(&[7; 32]);
        let sealed = encrypt(&key, &[0; NONCE], b"s", b"").unwrap();
        wiped(&decrypt(&key, &[0; NONCE], &sealed, b"").unwrap());
        wiped(&crate::MasterKey::generate().unwrap());
    }
}
