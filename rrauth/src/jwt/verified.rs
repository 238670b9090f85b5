//! What is known of a token that was believed.

use std::sync::Arc;
use std::time::Duration;

use crate::claims::Claims;
use crate::inbound::credential::Credential;
use crate::inbound::proof::Proof;

/// A token whose signature was verified and that says what it must. A handle: clones share it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verified {
    /// All that it says.
    pub claims: Claims,
    /// Whom it is about (`sub`), if it says so.
    pub subject: Option<Arc<str>>,
    /// From when on it is refused (time since the Unix epoch): its `exp`, and the leeway.
    pub expires_at: Duration,
    /// Before when it is refused: its `nbf` or `iat`, less the leeway.
    pub(super) starts_at: Duration,
}

impl Verified {
    /// Whether it is believed at `wall` too.
    pub(super) fn holds_at(&self, wall: Duration) -> bool {
        (self.starts_at..self.expires_at).contains(&wall)
    }

    /// What it proves, where `credential` stands for its issuer.
    pub(crate) fn proof<T>(self, credential: &Arc<Credential<T>>) -> Proof<T> {
        let mut proof = Proof::of(Arc::clone(credential));
        proof.subject = self.subject;
        proof.claims(self.claims).expires_at(self.expires_at)
    }
}
