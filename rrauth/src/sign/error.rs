//! What can be wrong with a signer.

use std::borrow::Cow;
use std::fmt;

/// A signer that could sign nothing, or nothing that holds. Names the field, never a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSigner {
    field: &'static str,
    problem: Cow<'static, str>,
}

impl InvalidSigner {
    pub(crate) fn new(field: &'static str, problem: impl Into<Cow<'static, str>>) -> Self {
        Self { field, problem: problem.into() }
    }

    /// The argument that is wrong, such as `region` or `components`.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }
}

impl fmt::Display for InvalidSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}

impl std::error::Error for InvalidSigner {}
