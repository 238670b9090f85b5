//! The way secrets go: down into the data plane's vault, and never back up.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// Names one version of one secret. Part of the associated data that the vault seals it with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecretName {
    /// The tenant.
    pub client: Arc<str>,
    /// The credential.
    pub credential: Arc<str>,
    /// Grows with each new secret of that credential, also when it is deleted and made again: no
    /// two secrets are ever given one name.
    pub version: u32,
}

/// As the API says where a secret is: `vault:default/up/3`.
impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, credential, version } = self;
        write!(f, "vault:{client}/{credential}/{version}")
    }
}

/// Where the control plane puts secrets. There is no way to read one back through it.
pub trait SecretSink: Send + Sync + 'static {
    /// Seals `secret` under `name`; returns its fingerprint (8 hex digits of a MAC) once the
    /// record is on disk. Blocks on the disk.
    ///
    /// # Errors
    /// When the record could not be written: the revision that names it must not be published.
    fn put(&self, name: &SecretName, secret: Zeroizing<String>) -> Result<String, SecretRefused>;

    /// What people may see of a secret that callers show, of which only `kept` is kept, such as its
    /// digest: 8 hex digits of a MAC that nobody can make without the master key. The same for the
    /// same text of one tenant, until that key is changed.
    fn fingerprint(&self, client: &str, kept: &str) -> String;

    /// Forgets a secret that no revision names any more. Blocks on the disk.
    fn forget(&self, name: &SecretName);

    /// Forgets everything but `live`, since a crash may leave secrets behind that no revision names;
    /// not at once what a newer revision than the one that was found may name.
    /// Called once at the start, before anything is put. Blocks on the disk.
    fn retain(&self, live: &[SecretName]) {
        _ = live;
    }

    /// Makes a new master key, seals every secret anew under it, and does away with the old key.
    /// Everything can be read and written meanwhile. Blocks on the disk, for as long as it takes.
    ///
    /// # Errors
    /// When it cannot be done here or now, or not to the end: then both keys are kept, and what was
    /// begun goes on with the next start or the next call.
    fn rotate(&self) -> Result<Rotated, RotationFailed>;
}

/// What a change of the master key did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The name of the new key, which says nothing about it: 16 hex digits.
    pub key_id: String,
    /// How many secrets are sealed under it.
    pub records: usize,
}

/// Why the master key was not changed. Says nothing of keys or secrets; for the operator's eyes.
#[derive(Debug, thiserror::Error)]
pub enum RotationFailed {
    /// It cannot be done here, or not now. Nothing was changed.
    #[error("{0}")]
    Refused(String),
    /// There is no new key, because it could not be written. Nothing was changed.
    #[error("there is no new master key: {0}")]
    NoKey(String),
    /// The new key is in use, and the old one is kept because it is still needed.
    #[error("both master keys are kept: {0}")]
    Unfinished(String),
}

/// Why a secret was not taken. Says nothing of the secret.
#[derive(Debug)]
pub struct SecretRefused {
    why: String,
}

impl SecretRefused {
    /// For the operator's eyes.
    #[must_use]
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}

impl fmt::Display for SecretRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the vault did not take the secret: {}", self.why)
    }
}

impl std::error::Error for SecretRefused {}
