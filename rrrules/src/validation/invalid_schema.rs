//! Why a schema or an OpenAPI document cannot be used.

use std::fmt;

/// Where and why a schema or an OpenAPI document cannot be used. Fits on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSchema {
    pointer: String,
    reason: String,
}

impl InvalidSchema {
    pub(super) fn new(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), reason: reason.into() }
    }

    /// Where in the document: a JSON pointer (RFC 6901), empty for the whole.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// What is wrong there.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for InvalidSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => f.write_str(&self.reason),
            pointer => write!(f, "{pointer}: {}", self.reason),
        }
    }
}

impl std::error::Error for InvalidSchema {}
