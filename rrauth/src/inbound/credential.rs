//! A credential that callers may show, without its secret.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rrcore::Named;

/// How a credential is meant to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An API key: raw or as `Bearer` or as the user name of `Basic` in `Authorization`, or in a
    /// header of its own.
    ApiKey,
    /// A fixed bearer token (RFC 6750): only as `Authorization: Bearer`.
    Bearer,
    /// A user name and a password (RFC 7617): only as `Authorization: Basic`, and only through a
    /// [`PasswordVerifier`](crate::PasswordVerifier).
    Basic,
    /// A fixed bearer token that is a JWT (RFC 7519). It is compared, not verified.
    Jwt,
    /// Whatever tokens an issuer has signed: only through a
    /// [`TokenVerifier`](crate::TokenVerifier).
    JwtVerify,
    /// Whatever tokens their issuer says are active (RFC 7662): only through a
    /// [`TokenVerifier`](crate::TokenVerifier).
    Introspection,
    /// A client certificate that the TLS listener has verified.
    Mtls,
}

impl Kind {
    /// The name in identities and audit records: `apiKey`, `bearer`, `basicAuth`, `jwt`,
    /// `jwtVerify`, `introspection`, `mtls`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "apiKey",
            Self::Bearer => "bearer",
            Self::Basic => "basicAuth",
            Self::Jwt => "jwt",
            Self::JwtVerify => "jwtVerify",
            Self::Introspection => "introspection",
            Self::Mtls => "mtls",
        }
    }
}

/// What is known of a credential once its secret has matched.
///
/// `T` is the embedder's: its clone becomes an extension of each request that shows the
/// credential, so that one look-up finds all that depends on the caller.
// In this order: what every request reads is beside the counts of the `Arc` around it, and the names,
// which only who asks for them reads, are behind that.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
#[repr(C)]
pub struct Credential<T> {
    /// How it may be shown.
    pub kind: Kind,
    /// From when on it is refused (time since the Unix epoch); `None`: never.
    pub expires_at: Option<Duration>,
    /// Whether it is accepted at all. A switched-off credential is refused like an unknown one.
    pub active: bool,
    /// What it grants, besides what a token grants that was shown for it.
    pub scopes: Arc<[Box<str>]>,
    /// What the inner layers need to know of the caller.
    pub caller: T,
    /// The id of the credential in logs and records; never its secret.
    pub id: Arc<str>,
    /// The stable name of the caller.
    pub subject: Arc<str>,
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
        Self { id, subject, kind, expires_at: None, active: true, scopes: Arc::new([]), caller }
    }

    /// Refuses it from `wall` on (time since the Unix epoch).
    #[must_use]
    pub fn expires_at(mut self, wall: impl Into<Option<Duration>>) -> Self {
        self.expires_at = wall.into();
        self
    }

    /// Grants these scopes.
    #[must_use]
    pub fn scopes<S: Into<Box<str>>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Switches it on or off.
    #[must_use]
    pub fn active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }
}

impl<T: Send + Sync> Named for Credential<T> {
    fn credential(&self) -> &Arc<str> {
        &self.id
    }

    fn subject(&self) -> &Arc<str> {
        &self.subject
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
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}
