//! Who is calling, once an authenticator has vouched for it.

use std::sync::Arc;
use std::time::Duration;

/// A caller that has proved who it is.
///
/// Lives in the request's [`Context`](crate::Context). Its absence means "nobody has vouched",
/// never "trusted".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The stable name of the caller.
    pub subject: Arc<str>,
    /// The id of the credential that it showed; never the credential itself.
    pub credential: Arc<str>,
    /// How it was shown: `apiKey`, `bearer`, …
    pub kind: &'static str,
    /// When what it showed ends (time since the Unix epoch), where that is known: a stream that it
    /// opened should end then, too.
    pub expires_at: Option<Duration>,
}

impl Identity {
    /// Vouches for `subject`, who showed the credential with the id `credential`.
    pub fn new(
        subject: impl Into<Arc<str>>,
        credential: impl Into<Arc<str>>,
        kind: &'static str,
    ) -> Self {
        Self { subject: subject.into(), credential: credential.into(), kind, expires_at: None }
    }

    /// What was shown ends at `wall` (time since the Unix epoch).
    #[must_use]
    pub fn expires_at(mut self, wall: impl Into<Option<Duration>>) -> Self {
        self.expires_at = wall.into();
        self
    }
}
