//! What can go wrong with a vault, without a byte of what it keeps.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::random::RandomUnavailable;
use crate::vault::key_id::KeyId;
use crate::vault::record::Malformed;

/// Why a vault refuses. Says which key or what is wrong with a record; holds no secret.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct VaultError(Reason);

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("master key{origin}: {problem}")]
    Key { origin: Origin, problem: Cow<'static, str> },
    #[error("master key{origin}: {source}")]
    KeyIo { origin: Origin, source: io::Error },
    #[error("the record was sealed under the master key {record}, not {}", Listed(ours))]
    OtherKey { record: KeyId, ours: Vec<KeyId> },
    #[error("the record is damaged, or belongs to something else")]
    Damaged,
    #[error("the record is damaged, or of a format that is not known here ({0})")]
    Format(u8),
    #[error(transparent)]
    Random(#[from] RandomUnavailable),
}

/// Where a master key comes from. A command's arguments may be secret, so only its name is kept.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    Caller,
    File(PathBuf),
    Variable(String),
    Command(String),
}

impl VaultError {
    /// Whether there is no usable master key: its source cannot be read or used, or what it gives
    /// is no key, or a weak one.
    #[must_use]
    pub const fn is_unusable_key(&self) -> bool {
        matches!(self.0, Reason::Key { .. } | Reason::KeyIo { .. })
    }

    /// Whether the record was sealed under a master key that the vault does not have.
    #[must_use]
    pub const fn is_other_key(&self) -> bool {
        matches!(self.0, Reason::OtherKey { .. })
    }

    /// Whether the record was changed, cut, or moved to another binding, or is of a format that
    /// this version does not know.
    #[must_use]
    pub const fn is_damaged(&self) -> bool {
        matches!(self.0, Reason::Damaged | Reason::Format(_))
    }

    pub(crate) fn key(origin: Origin, problem: impl Into<Cow<'static, str>>) -> Self {
        Self(Reason::Key { origin, problem: problem.into() })
    }

    pub(crate) const fn key_io(origin: Origin, source: io::Error) -> Self {
        Self(Reason::KeyIo { origin, source })
    }

    pub(crate) const fn other_key(record: KeyId, ours: Vec<KeyId>) -> Self {
        Self(Reason::OtherKey { record, ours })
    }

    pub(crate) const fn damaged() -> Self {
        Self(Reason::Damaged)
    }
}

impl From<Malformed> for VaultError {
    fn from(it: Malformed) -> Self {
        match it {
            Malformed::Cut => Self::damaged(),
            Malformed::Format(format) => Self(Reason::Format(format)),
        }
    }
}

impl From<RandomUnavailable> for VaultError {
    fn from(error: RandomUnavailable) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller => Ok(()),
            Self::File(path) => write!(f, " {}", path.display()),
            Self::Variable(name) => write!(f, " in the environment variable {name}"),
            Self::Command(program) => write!(f, " from the command {program}"),
        }
    }
}

struct Listed<'a>(&'a [KeyId]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, id) in self.0.iter().enumerate() {
            let before = if index == 0 { "" } else { " or " };
            write!(f, "{before}{id}")?;
        }
        Ok(())
    }
}
