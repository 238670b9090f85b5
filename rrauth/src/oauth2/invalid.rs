//! What is wrong with a configuration, before any request is sent.

/// A token endpoint or request that cannot be used. Names the field, never a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidGrant {
    field: &'static str,
    problem: String,
}

impl InvalidGrant {
    pub(crate) fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }

    /// What is wrong: `tokenUrl`, `authorizeUrl`, `redirectUri`, `state`, `clientId`,
    /// `clientSecret`, `refreshToken`, `scopes`, `audience`, `request`, `tokenPath`, `expiresPath`,
    /// `ttl`, or `verifier` where the operating system gave no random bytes.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }
}
