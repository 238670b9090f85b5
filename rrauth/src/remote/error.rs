//! Why a document cannot be read.

/// There is no document, or the last one is too old: whoever needs it answers 503, never 401. For the
/// operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the document cannot be fetched: {reason}")]
pub struct RemoteUnavailable {
    reason: String,
}

impl RemoteUnavailable {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}
