//! What can go wrong with a vault, without a byte of what it keeps.

use std::io;
use std::path::{Path, PathBuf};

use crate::random::RandomUnavailable;

/// Why a vault refuses. Says which file or what is wrong with a record; holds no secret.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct VaultError(Reason);

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("master key {}: {problem}", path.display())]
    KeyFile { path: PathBuf, problem: &'static str },
    #[error("master key {}: {source}", path.display())]
    KeyFileIo { path: PathBuf, source: io::Error },
    #[error("master key: all bytes are zero")]
    ZeroKey,
    #[error("the record was sealed under the master key {record}, not {ours}")]
    OtherKey { record: String, ours: String },
    #[error("the record is damaged, or belongs to something else")]
    Damaged,
    #[error(transparent)]
    Random(#[from] RandomUnavailable),
}

impl VaultError {
    /// Whether the key file could not be used as it is: wrong access, wrong content, unreadable.
    #[must_use]
    pub const fn is_key_file(&self) -> bool {
        matches!(self.0, Reason::KeyFile { .. } | Reason::KeyFileIo { .. } | Reason::ZeroKey)
    }

    /// Whether the record was sealed under another master key.
    #[must_use]
    pub const fn is_other_key(&self) -> bool {
        matches!(self.0, Reason::OtherKey { .. })
    }

    /// Whether the record was changed, cut, or moved to another binding.
    #[must_use]
    pub const fn is_damaged(&self) -> bool {
        matches!(self.0, Reason::Damaged)
    }

    pub(crate) fn key_file(path: &Path, problem: &'static str) -> Self {
        Self(Reason::KeyFile { path: path.to_owned(), problem })
    }

    pub(crate) fn key_file_io(path: &Path, source: io::Error) -> Self {
        Self(Reason::KeyFileIo { path: path.to_owned(), source })
    }

    pub(crate) const fn zero_key() -> Self {
        Self(Reason::ZeroKey)
    }

    pub(crate) const fn other_key(record: String, ours: String) -> Self {
        Self(Reason::OtherKey { record, ours })
    }

    pub(crate) const fn damaged() -> Self {
        Self(Reason::Damaged)
    }
}

impl From<RandomUnavailable> for VaultError {
    fn from(error: RandomUnavailable) -> Self {
        Self(error.into())
    }
}
