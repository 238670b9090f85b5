//! Why a store is not asked.

use std::fmt;

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// What stands between this node and its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreTrouble {
    /// Nobody listens there.
    Refused,
    /// There is no way there, or no longer.
    Unreachable,
    /// There was no answer in time.
    Silent,
    /// It does not know this user or password, or lets this user do too little.
    Authentication,
    /// It may not be written to: it is a replica.
    ReadOnly,
    /// It has no memory left.
    Full,
    /// The nodes that are alive make their keys under another [`Seed`](crate::Seed).
    ForeignSeed,
    /// It answers, but not as a store does.
    Nonsense,
}

impl StoreTrouble {
    /// Every trouble there is.
    pub const ALL: &'static [Self] = &[
        Self::Refused,
        Self::Unreachable,
        Self::Silent,
        Self::Authentication,
        Self::ReadOnly,
        Self::Full,
        Self::ForeignSeed,
        Self::Nonsense,
    ];

    /// Its name where there is little room, such as in a metric's label: `refused`, `unreachable`,
    /// `silent`, `authentication`, `read-only`, `full`, `foreign-seed`, `nonsense`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Silent => "silent",
            Self::Authentication => "authentication",
            Self::ReadOnly => "read-only",
            Self::Full => "full",
            Self::ForeignSeed => "foreign-seed",
            Self::Nonsense => "nonsense",
        }
    }

    pub(crate) fn of(error: &RedisError) -> Self {
        match error.kind() {
            ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm) => {
                return Self::Authentication;
            }
            ErrorKind::Server(ServerErrorKind::ReadOnly) => return Self::ReadOnly,
            ErrorKind::Io if error.is_connection_refusal() => return Self::Refused,
            ErrorKind::Io if error.is_timeout() => return Self::Silent,
            ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => return Self::Unreachable,
            _ => {}
        }
        match error.code() {
            Some("NOAUTH" | "WRONGPASS") => Self::Authentication,
            Some("OOM") => Self::Full,
            _ => Self::Nonsense,
        }
    }
}

impl fmt::Display for StoreTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "connection refused",
            Self::Unreachable => "it cannot be reached",
            Self::Silent => "no answer in time",
            Self::Authentication => "authentication: not with this user and password",
            Self::ReadOnly => "READONLY: it may not be written to",
            Self::Full => "OOM: it has no memory left",
            Self::ForeignSeed => "foreign seed: others make their keys in another way",
            Self::Nonsense => "it does not answer as a store does",
        })
    }
}
