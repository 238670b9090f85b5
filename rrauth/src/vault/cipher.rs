//! Seals secrets and opens them again.

use std::fmt;

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit};
use zeroize::Zeroizing;

use crate::hex;
use crate::random;
use crate::vault::binding::{self, Binding};
use crate::vault::error::VaultError;
use crate::vault::key::{self, MasterKey};
use crate::vault::record::{FORMAT, KEY_ID, NONCE, Record, WRAPPED};

/// Encrypts secrets at rest: AES-256-GCM-SIV (RFC 8452), each record under a data key of its own
/// that is wrapped under the master key, and all of it bound to a [`Binding`].
///
/// ```
/// use rrauth::{Binding, MasterKey, Vault};
///
/// let vault = Vault::new(MasterKey::from_bytes([7; 32])?);
/// let binding = Binding { client: "default", credential: "cred_1", version: 1, purpose: "target" };
/// let sealed = vault.seal(&binding, b"sk_live_4eC39HqLyjWDarjtT1zdp7dc")?;
/// assert_eq!(vault.open(&binding, &sealed)?.as_slice(), b"sk_live_4eC39HqLyjWDarjtT1zdp7dc");
///
/// let elsewhere = Binding { client: "mallory", ..binding };
/// assert!(vault.open(&elsewhere, &sealed).unwrap_err().is_damaged());
/// # Ok::<(), rrauth::VaultError>(())
/// ```
pub struct Vault {
    wrap: Aes256GcmSiv,
    fingerprint: Zeroizing<[u8; 32]>,
    // Not secret: names the master key in records and errors.
    key_id: [u8; KEY_ID],
}

impl Vault {
    /// A vault under `master`.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "the master key ends here, wiped")]
    pub fn new(master: MasterKey) -> Self {
        let mut key_id = [0; KEY_ID];
        for (place, byte) in key_id.iter_mut().zip(*master.derive("rr vault 1 key id")) {
            *place = byte;
        }
        Self {
            wrap: cipher(&master.derive("rr vault 1 wrap")),
            fingerprint: master.derive("rr vault 1 fingerprint"),
            key_id,
        }
    }

    /// Encrypts `plaintext` so that it opens only for this binding. Two records of the same secret
    /// share nothing.
    ///
    /// The record is 97 bytes longer than `plaintext`.
    ///
    /// # Errors
    /// When the operating system has no random bytes to give.
    pub fn seal(&self, binding: &Binding<'_>, plaintext: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut data_key = Zeroizing::new([0; 32]);
        let (mut wrap_nonce, mut nonce) = ([0; NONCE], [0; NONCE]);
        random::fill(&mut *data_key)?;
        random::fill(&mut wrap_nonce)?;
        random::fill(&mut nonce)?;

        let wrapped = encrypt(&self.wrap, &wrap_nonce, &*data_key, &self.aad(binding, KEY))?;
        let wrapped = <&[u8; WRAPPED]>::try_from(&*wrapped).map_err(|_| VaultError::damaged())?;
        let aad = self.aad(binding, SECRET);
        let ciphertext = &*encrypt(&cipher(&data_key), &nonce, plaintext, &aad)?;
        let (key_id, wrap_nonce, nonce) = (&self.key_id, &wrap_nonce, &nonce);
        Ok(Record { key_id, wrap_nonce, wrapped, nonce, ciphertext }.to_bytes())
    }

    /// Decrypts what [`Vault::seal`] made for this binding. The plaintext is wiped when dropped.
    ///
    /// # Errors
    /// When the record was sealed under another master key, or for another binding, or was
    /// changed in any bit. Never gives a wrong plaintext.
    pub fn open(
        &self,
        binding: &Binding<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let record = Record::parse(sealed).ok_or_else(VaultError::damaged)?;
        if *record.key_id != self.key_id {
            let (record, ours) = (hex::encode(record.key_id), hex::encode(&self.key_id));
            return Err(VaultError::other_key(record, ours));
        }
        let aad = self.aad(binding, KEY);
        let data_key = decrypt(&self.wrap, record.wrap_nonce, record.wrapped, &aad)?;
        let data_key = data_key.as_slice().try_into().map_err(|_| VaultError::damaged())?;
        let aad = self.aad(binding, SECRET);
        decrypt(&cipher(data_key), record.nonce, record.ciphertext, &aad)
    }

    /// Eight hexadecimal digits that let people see whether a secret has changed, and that nobody
    /// can search for without the master key: an HMAC-SHA-256, cut to 32 bits.
    ///
    /// Depends on `client` and `purpose` of the binding, not on `credential` and `version`: within
    /// one tenant, the same secret looks the same.
    #[must_use]
    pub fn fingerprint(&self, binding: &Binding<'_>, secret: &[u8]) -> String {
        let mut scope = Vec::new();
        binding::push(&mut scope, binding.client.as_bytes());
        binding::push(&mut scope, binding.purpose.as_bytes());
        let [a, b, c, d, ..] = *key::mac(&self.fingerprint, &[&scope, secret]);
        hex::encode(&[a, b, c, d])
    }

    fn aad(&self, binding: &Binding<'_>, label: &str) -> Vec<u8> {
        let [a, b, c, d, e, f, g, h] = self.key_id;
        binding.associated_data(label, &[FORMAT, a, b, c, d, e, f, g, h])
    }
}

fn cipher(key: &[u8; 32]) -> Aes256GcmSiv {
    Aes256GcmSiv::new(key.into())
}

fn encrypt(
    cipher: &Aes256GcmSiv,
    nonce: &[u8; NONCE],
    msg: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, VaultError> {
    // Fails only beyond 64 GiB (RFC 8452 §6).
    cipher.encrypt(nonce.into(), Payload { msg, aad }).map_err(|_| VaultError::damaged())
}

fn decrypt(
    cipher: &Aes256GcmSiv,
    nonce: &[u8; NONCE],
    msg: &[u8],
    aad: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let opened = cipher.decrypt(nonce.into(), Payload { msg, aad });
    opened.map(Zeroizing::new).map_err(|_| VaultError::damaged())
}

// What each of a record's two ciphertexts is, so that one cannot stand for the other.
const KEY: &str = "data key";
const SECRET: &str = "secret";

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("key_id", &hex::encode(&self.key_id)).finish_non_exhaustive()
    }
}
