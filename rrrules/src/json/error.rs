//! What is wrong with a JSON document, and where.

use std::fmt;

use crate::one_line::one_line;

/// A JSON document that does not say what it should: where, and why.
///
/// One line, such as `/rules/3/path/pattern: unclosed group at byte 4`. Quotes no value of the
/// document but an id; of a member that should not be there, its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    pointer: String,
    reason: String,
}

impl JsonError {
    pub(crate) fn new(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), reason: one_line(&reason.into()) }
    }

    /// Where in the document: a pointer (RFC 6901), empty for the document itself.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// What is wrong there, for a person: one line.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => f.write_str(&self.reason),
            pointer => write!(f, "{}: {}", one_line(pointer), self.reason),
        }
    }
}

impl std::error::Error for JsonError {}
