//! Seals secrets and opens them again.

use std::fmt;

use zeroize::Zeroizing;

use crate::hex;
use crate::random;
use crate::vault::binding::{self, Binding};
use crate::vault::cipher::{Cipher, cipher, decrypt, encrypt};
use crate::vault::error::VaultError;
use crate::vault::key::{self, MasterKey};
use crate::vault::key_id::KeyId;
use crate::vault::record::{Format, Head, NONCE, Record, WRAPPED};

/// Encrypts secrets at rest: AES-256-GCM-SIV (RFC 8452), each record under a data key of its own
/// that is wrapped under a master key, and all of it bound to a [`Binding`].
///
/// ```
/// use rrauth::{Binding, MasterKey, Vault};
///
/// let vault = Vault::new(MasterKey::generate()?);
/// let binding = Binding { client: "default", credential: "cred_1", version: 1, purpose: "target" };
/// let sealed = vault.seal(&binding, b"sk_live_4eC39HqLyjWDarjtT1zdp7dc")?;
/// assert_eq!(vault.open(&binding, &sealed)?.as_slice(), b"sk_live_4eC39HqLyjWDarjtT1zdp7dc");
///
/// let elsewhere = Binding { client: "mallory", ..binding };
/// assert!(vault.open(&elsewhere, &sealed).unwrap_err().is_damaged());
/// # Ok::<(), rrauth::VaultError>(())
/// ```
///
/// # Changing the master key
///
/// A vault seals under one key and opens under any number of [older](Vault::older) ones, so records
/// are moved to a new key one by one while all of them can be read:
///
/// ```
/// # use rrauth::{Binding, MasterKey, Vault};
/// # let folder = tempfile::tempdir()?;
/// # let (old_file, new_file) = (folder.path().join("old"), folder.path().join("new"));
/// # let binding = Binding { client: "default", credential: "cred_1", version: 1, purpose: "target" };
/// # let mut record = Vault::new(MasterKey::load_or_create(&old_file)?).seal(&binding, b"s3cret")?;
/// let vault = Vault::new(MasterKey::load_or_create(&new_file)?)
///     .older(MasterKey::load(&old_file)?);
/// if vault.needs_reseal(&record) {
///     record = vault.reseal(&binding, &record)?; // and write it, whole or not at all
/// }
/// // Once that holds for every record, nobody needs the old key.
/// let vault = Vault::new(MasterKey::load(&new_file)?);
/// assert_eq!(vault.open(&binding, &record)?.as_slice(), b"s3cret");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Vault {
    primary: Wrapping,
    older: Vec<Wrapping>,
    fingerprint: Zeroizing<[u8; 32]>,
}

// What is made of one master key.
struct Wrapping {
    id: KeyId,
    cipher: Cipher,
}

impl Vault {
    /// A vault that seals under `primary`, and opens what was sealed under it.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "the master key ends here, wiped")]
    pub fn new(primary: MasterKey) -> Self {
        Self::under(&primary)
    }

    /// Opens what was sealed under `key` too. Nothing is sealed under it any more.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "the master key ends here, wiped")]
    pub fn older(mut self, key: MasterKey) -> Self {
        if !self.has_key(key.id()) {
            self.older.push(Wrapping::new(&key));
        }
        self
    }

    /// Seals under `primary` from now on. What was sealed so far still opens.
    #[expect(clippy::needless_pass_by_value, reason = "the master key ends here, wiped")]
    pub fn rotate(&mut self, primary: MasterKey) {
        let Self { primary: last, older, fingerprint: _ } =
            std::mem::replace(self, Self::under(&primary));
        self.older = std::iter::once(last).chain(older).collect();
        self.older.retain(|it| it.id != self.primary.id);
    }

    /// Lets go of all keys but the primary one. What was sealed under them opens no longer.
    pub fn forget_older(&mut self) {
        self.older.clear();
    }

    /// Which key this seals under.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.primary.id
    }

    /// Whether this opens what was sealed under the key `id`.
    #[must_use]
    pub fn has_key(&self, id: KeyId) -> bool {
        self.wrapping(id).is_some()
    }

    /// Encrypts `plaintext` so that it opens only for this binding. Two records of the same secret
    /// share nothing.
    ///
    /// The record is 101 bytes longer than `plaintext`. It carries, in clear and authenticated, its
    /// format, the id of the master key and the version of the secret.
    ///
    /// # Errors
    /// When the operating system has no random bytes to give.
    pub fn seal(&self, binding: &Binding<'_>, plaintext: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut data_key = Zeroizing::new([0; 32]);
        let (mut wrap_nonce, mut nonce) = ([0; NONCE], [0; NONCE]);
        random::fill(&mut *data_key)?;
        random::fill(&mut wrap_nonce)?;
        random::fill(&mut nonce)?;

        let Wrapping { id: key_id, cipher: wrap } = &self.primary;
        let head = Head { format: Format::Two, key_id: *key_id, version: Some(binding.version) };
        let aad = |label| binding.associated_data(head.format, *key_id, label);
        let wrapped = encrypt(wrap, &wrap_nonce, &*data_key, &aad(KEY))?;
        let wrapped = <&[u8; WRAPPED]>::try_from(&*wrapped).map_err(|_| VaultError::damaged())?;
        let ciphertext = &*encrypt(&cipher(&data_key), &nonce, plaintext, &aad(SECRET))?;
        let (wrap_nonce, nonce) = (&wrap_nonce, &nonce);
        Ok(Record { head, wrap_nonce, wrapped, nonce, ciphertext }.to_bytes())
    }

    /// Decrypts what [`Vault::seal`] made for this binding, now or in an earlier version of this
    /// crate. The plaintext is wiped when dropped.
    ///
    /// # Errors
    /// When the record was sealed under a master key that is not here, or for another binding, or
    /// was changed in any bit. Never gives a wrong plaintext.
    pub fn open(
        &self,
        binding: &Binding<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let Record { head, wrap_nonce, wrapped, nonce, ciphertext } = Record::parse(sealed)?;
        let Head { format, key_id, version } = head;
        if version.is_some_and(|it| it != binding.version) {
            return Err(VaultError::damaged());
        }
        let wrapping = self.wrapping(key_id);
        let wrapping = wrapping.ok_or_else(|| VaultError::other_key(key_id, self.key_ids()))?;
        let aad = |label| binding.associated_data(format, key_id, label);
        let data_key = decrypt(&wrapping.cipher, wrap_nonce, wrapped, &aad(KEY))?;
        let data_key = data_key.as_slice().try_into().map_err(|_| VaultError::damaged())?;
        decrypt(&cipher(data_key), nonce, ciphertext, &aad(SECRET))
    }

    /// Whether `sealed` is under an older key, or in an older format. Also true of what is no
    /// record: [`Vault::reseal`] says what is wrong with it.
    #[must_use]
    pub fn needs_reseal(&self, sealed: &[u8]) -> bool {
        let Ok((Head { format, key_id, version: _ }, _)) = Head::parse(sealed) else { return true };
        format != Format::Two || key_id != self.primary.id
    }

    /// Seals anew under the primary key what was sealed for this binding under any key of this
    /// vault.
    ///
    /// The whole record, not just its data key under another wrapping: a data key that somebody
    /// took together with the old master key is then worth nothing, and what takes the place of a
    /// record is known to open.
    ///
    /// # Errors
    /// As [`Vault::open`] and [`Vault::seal`].
    pub fn reseal(&self, binding: &Binding<'_>, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.seal(binding, &self.open(binding, sealed)?)
    }

    /// Eight hexadecimal digits that let people see whether a secret has changed, and that nobody
    /// can search for without the master key: an HMAC-SHA-256, cut to 32 bits.
    ///
    /// Depends on the primary key, and on `client` and `purpose` of the binding, not on
    /// `credential` and `version`: within one tenant, the same secret looks the same until the
    /// master key is changed.
    #[must_use]
    pub fn fingerprint(&self, binding: &Binding<'_>, secret: &[u8]) -> String {
        let scope = binding::joined(&[binding.client.as_bytes(), binding.purpose.as_bytes()]);
        let [a, b, c, d, ..] = *key::mac(&self.fingerprint, &[&scope, secret]);
        hex::encode(&[a, b, c, d])
    }

    fn under(primary: &MasterKey) -> Self {
        Self {
            primary: Wrapping::new(primary),
            older: Vec::new(),
            fingerprint: primary.derive("rr vault 1 fingerprint"),
        }
    }

    fn wrappings(&self) -> impl Iterator<Item = &Wrapping> {
        std::iter::once(&self.primary).chain(&self.older)
    }

    fn wrapping(&self, id: KeyId) -> Option<&Wrapping> {
        self.wrappings().find(|it| it.id == id)
    }

    fn key_ids(&self) -> Vec<KeyId> {
        self.wrappings().map(|it| it.id).collect()
    }
}

impl Wrapping {
    fn new(master: &MasterKey) -> Self {
        Self { id: master.id(), cipher: cipher(&master.derive("rr vault 1 wrap")) }
    }
}

// What each of a record's two ciphertexts is, so that one cannot stand for the other.
const KEY: &str = "data key";
const SECRET: &str = "secret";

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("keys", &self.key_ids()).finish_non_exhaustive()
    }
}
