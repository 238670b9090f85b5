//! Why a call came to nothing.

/// A call to a token endpoint or key server came to nothing. For the operator: callers never see it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct HttpError {
    reason: String,
}

impl HttpError {
    /// For the operator. Say what went wrong and where, and nothing of the request's secrets.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}
