//! A credential that callers may show, without its secret.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How a credential is meant to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An API key: raw or as `Bearer` or as the user name of `Basic` in `Authorization`, or in a
    /// header of its own.
    ApiKey,
    /// A fixed bearer token (RFC 6750): only as `Authorization: Bearer`.
    Bearer,
}

impl Kind {
    /// The name in identities and audit records: `apiKey`, `bearer`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "apiKey",
            Self::Bearer => "bearer",
        }
    }
}

/// What is known of a credential once its secret has matched.
///
/// `T` is the embedder's: its clone becomes an extension of each request that shows the
/// credential, so that one look-up finds all that depends on the caller.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credential<T> {
    /// The id of the credential in logs and records; never its secret.
    pub id: Arc<str>,
    /// The stable name of the caller.
    pub subject: Arc<str>,
    /// How it may be shown.
    pub kind: Kind,
    /// From when on it is refused (time since the Unix epoch); `None`: never.
    pub expires_at: Option<Duration>,
    /// Whether it is accepted at all. A switched-off credential is refused like an unknown one.
    pub active: bool,
    /// What the inner layers need to know of the caller.
    pub caller: T,
}

impl<T> Credential<T> {
    /// An active credential that never expires.
    #[must_use]
    pub fn new(
        id: impl Into<Arc<str>>,
        subject: impl Into<Arc<str>>,
        kind: Kind,
        caller: T,
    ) -> Self {
        let (id, subject) = (id.into(), subject.into());
        Self { id, subject, kind, expires_at: None, active: true, caller }
    }

    /// Refuses it from `wall` on (time since the Unix epoch).
    #[must_use]
    pub fn expires_at(mut self, wall: impl Into<Option<Duration>>) -> Self {
        self.expires_at = wall.into();
        self
    }

    /// Switches it on or off.
    #[must_use]
    pub fn active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }
}

// By hand: `T` need not be `Debug`, and what an embedder puts there is not for logs.
impl<T> fmt::Debug for Credential<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("id", &self.id)
            .field("subject", &self.subject)
            .field("kind", &self.kind)
            .field("expires_at", &self.expires_at)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}
