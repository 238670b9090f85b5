//! A line that describes no request.

use std::fmt;

/// A line that describes no request, or could not be read: which, where in it, and why.
///
/// One line, such as `line 3: /method: this is required`. Quotes no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    line: u64,
    reason: String,
}

impl LineError {
    pub(super) fn new(line: u64, reason: impl ToString) -> Self {
        Self { line, reason: reason.to_string() }
    }

    /// The number of the line, from 1.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for LineError {}
