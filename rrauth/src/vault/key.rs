//! The key that all others depend on.

use std::ffi::OsString;
use std::fmt;
#[cfg(unix)]
use std::path::Path;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::random;
use crate::vault::error::{Origin, VaultError};
use crate::vault::key_command;
#[cfg(unix)]
use crate::vault::key_file;
use crate::vault::key_id::KeyId;
use crate::vault::key_text;
use crate::vault::strength;

/// The 256-bit key that a [`Vault`](crate::Vault) seals under. Prints nothing of itself, and is
/// wiped when dropped.
///
/// Wherever it comes from, a key that nobody can have drawn at random is refused: one whose bytes
/// are zero, repeat, count up or down, spell text, or are too much alike.
pub struct MasterKey {
    bytes: Zeroizing<[u8; 32]>,
}

impl MasterKey {
    /// Draws a new key, which is nowhere else.
    ///
    /// # Errors
    /// When the operating system has no random bytes to give.
    pub fn generate() -> Result<Self, VaultError> {
        let mut bytes = Zeroizing::new([0; 32]);
        random::fill(&mut *bytes)?;
        Self::new(bytes, || Origin::Caller)
    }

    /// Takes 32 bytes from elsewhere, such as a key management service.
    ///
    /// # Errors
    /// When the key is weak.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, VaultError> {
        Self::new(Zeroizing::new(bytes), || Origin::Caller)
    }

    /// Reads the key in the environment variable `name`: 64 hexadecimal digits, or 32 bytes in
    /// base64 (RFC 4648 §4 or §5), and at most one line end.
    ///
    /// The variable stays where it is, because a process with several threads cannot safely remove
    /// one: whoever may read `/proc/<pid>/environ` can read it, and so can every command that is
    /// started.
    ///
    /// # Errors
    /// When there is no such variable, or what it holds is no key, or a weak one.
    pub fn from_variable(name: &str) -> Result<Self, VaultError> {
        Self::in_variable(name, std::env::var_os(name))
    }

    /// Runs a command and reads the key that it prints on its standard output: 64 hexadecimal
    /// digits, or 32 bytes in base64 (RFC 4648 §4 or §5), and at most one line end.
    ///
    /// The first of `argv` is the program, the others its arguments; no shell is in between. It
    /// gets this process's environment and an empty standard input, and what it prints on its
    /// standard error is thrown away. Blocks until it ends, for `patience` at most (and once more
    /// for as long when it closes its output and goes on); then it is killed.
    ///
    /// # Errors
    /// When it cannot be started, does not end in time, fails, or prints what is no key, or a weak
    /// one. The error names the program and says nothing of its arguments or of what it printed.
    pub fn from_command(argv: &[String], patience: Duration) -> Result<Self, VaultError> {
        let origin = || Origin::Command(argv.first().cloned().unwrap_or_default());
        Self::new(key_command::load(argv, patience)?, origin)
    }

    /// Reads the key in the file `path`, which must exist.
    ///
    /// # Errors
    /// When it is missing, not a plain file (a symlink is refused), readable or writable by group
    /// or world, or not 64 hexadecimal digits and at most one line end, or a weak key. The file is
    /// left alone.
    #[cfg(unix)]
    pub fn load(path: &Path) -> Result<Self, VaultError> {
        Self::new(key_file::load(path)?, || Origin::File(path.to_owned()))
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
        Self::new(key_file::load_or_create(path)?, || Origin::File(path.to_owned()))
    }

    /// The name of this key, which records carry.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let [a, b, c, d, e, f, g, h, ..] = *self.derive("rr vault 1 key id");
        KeyId::new([a, b, c, d, e, f, g, h])
    }

    fn in_variable(name: &str, value: Option<OsString>) -> Result<Self, VaultError> {
        let origin = || Origin::Variable(name.to_owned());
        let Some(value) = value else {
            return Err(VaultError::key(origin(), "it is not set"));
        };
        let text = Zeroizing::new(value.into_encoded_bytes());
        let bytes = key_text::digits_or_base64(&text);
        Self::new(bytes.ok_or_else(|| VaultError::key(origin(), CONTENT))?, origin)
    }

    fn new(
        bytes: Zeroizing<[u8; 32]>,
        origin: impl FnOnce() -> Origin,
    ) -> Result<Self, VaultError> {
        match strength::weakness(&bytes) {
            Some(problem) => {
                Err(VaultError::key(origin(), format!("{problem} (`openssl rand -hex 32` does)")))
            }
            None => Ok(Self { bytes }),
        }
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

const CONTENT: &str = "it does not hold exactly 64 hexadecimal digits, or 32 bytes in base64";

// Its one field is wiped.
impl ZeroizeOnDrop for MasterKey {}

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
        let key = MasterKey::generate().unwrap();
        assert_ne!(key.derive("a"), key.derive("b"));
        assert_eq!(format!("{key:?}"), "MasterKey(…)");
    }

    #[test]
    fn a_variable_holds_exactly_a_key() {
        let digits = "5b0f9d2527db9191d327f5ad7f438949cbdf6d95376b2181431705fd4ff35959";
        check(Some(digits), None);
        check(Some("Ww+dJSfbkZHTJ/Wtf0OJScvfbZU3ayGBQxcF/U/zWVk="), None);
        check(None, Some("it is not set"));
        check(Some(""), Some(CONTENT));
        check(Some(&digits[1..]), Some(CONTENT));
        check(Some(&"0".repeat(64)), Some("all bytes are zero"));
        check(Some(&"5b0f".repeat(16)), Some("its bytes repeat"));
    }

    #[track_caller]
    fn check(value: Option<&str>, expected: Option<&str>) {
        let said = MasterKey::in_variable("RR_TEST", value.map(OsString::from)).map(drop);
        let said = said.map_err(|it| {
            assert!(it.is_unusable_key() && !format!("{it:?}").contains("5b0f"), "{it:?}");
            it.to_string()
        });
        let start = "master key in the environment variable RR_TEST: ";
        match expected {
            None => assert_eq!(said, Ok(())),
            Some(problem) => {
                assert!(said.unwrap_err().starts_with(&format!("{start}{problem}")));
            }
        }
    }
}
