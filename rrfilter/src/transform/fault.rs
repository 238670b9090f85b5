//! Why content cannot be changed as it should.

use std::fmt;

use rrcore::json;
use thiserror::Error;

/// Content that could not be transformed: at which step, and why. Quotes nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotTransformable {
    step: Option<usize>,
    fault: Fault,
}

/// Why content could not be transformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Fault {
    /// It is not JSON, or not a JSON that all readers read alike.
    #[error("it is not JSON that all readers read alike: {0}")]
    Json(#[from] json::Error),
    #[error("it is not a form in UTF-8")]
    Form,
    /// XML, which needs more than we do for it, or has an error.
    #[error("it is not XML that is read: {0}")]
    Xml(&'static str),
    /// Objects in objects, or no object at all.
    #[error("it is not an object of texts and lists of texts, which a form could carry")]
    NoForm,
    /// Something is not where a step needs it.
    #[error("there is nothing where the step needs it")]
    Absent,
    /// A step leads through a value that is neither object nor array, or to an index that an array
    /// cannot have.
    #[error("the step leads where nothing can be")]
    NoPlace,
    /// A test of a patch failed.
    #[error("a test failed")]
    Test,
    /// What it became is larger than the limit.
    #[error("it becomes larger than the limit")]
    TooLarge,
}

impl NotTransformable {
    pub(crate) const fn reading(fault: Fault) -> Self {
        Self { step: None, fault }
    }

    pub(crate) const fn at(step: usize, fault: Fault) -> Self {
        Self { step: Some(step), fault }
    }

    /// The step that cannot be done, counted from 0; `None` where the content cannot be read, or
    /// not be written.
    #[must_use]
    pub const fn step(&self) -> Option<usize> {
        self.step
    }

    /// Whether it would become larger than the limit.
    #[must_use]
    pub const fn is_too_large(&self) -> bool {
        matches!(self.fault, Fault::TooLarge)
    }
}

impl fmt::Display for NotTransformable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(step) = self.step {
            write!(f, "step {step}: ")?;
        }
        self.fault.fmt(f)
    }
}

impl std::error::Error for NotTransformable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.fault)
    }
}
