//! What the layers inside know of a caller that was let in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rrcore::Validity;

#[cfg(feature = "claims")]
use crate::claims::Claims;
use crate::inbound::shared::SharedCredential;

/// A caller has proved to hold `credential`, perhaps with a token that says more.
#[derive(Clone)]
#[non_exhaustive]
pub struct Proof<T> {
    /// What was proved to be held.
    pub credential: SharedCredential<T>,
    /// Who the token says it is; `None`: the credential's subject.
    pub subject: Option<Arc<str>>,
    /// What the token says.
    #[cfg(feature = "claims")]
    pub claims: Option<Claims>,
    /// When the proof ends (time since the Unix epoch), if it does before the credential.
    pub expires_at: Option<Duration>,
    /// Who knows whether the proof still holds, where it may be taken back before it ends.
    pub validity: Option<Arc<dyn Validity>>,
}

impl<T> Proof<T> {
    /// The credential itself was shown.
    #[must_use]
    pub fn of(credential: impl Into<SharedCredential<T>>) -> Self {
        Self {
            credential: credential.into(),
            subject: None,
            #[cfg(feature = "claims")]
            claims: None,
            expires_at: None,
            validity: None,
        }
    }

    /// The caller is called so.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<Arc<str>>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// The token says this too.
    #[cfg(feature = "claims")]
    #[must_use]
    pub fn claims(mut self, claims: Claims) -> Self {
        self.claims = Some(claims);
        self
    }

    /// The proof ends at `wall` (time since the Unix epoch).
    #[must_use]
    pub fn expires_at(mut self, wall: impl Into<Option<Duration>>) -> Self {
        self.expires_at = wall.into();
        self
    }

    /// The proof may be taken back before it ends.
    #[must_use]
    pub fn while_valid(mut self, validity: impl Into<Option<Arc<dyn Validity>>>) -> Self {
        self.validity = validity.into();
        self
    }
}

// By hand: `T` need not be `Debug`, and a token's subject is not for logs.
impl<T> fmt::Debug for Proof<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof")
            .field("credential", &self.credential)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
