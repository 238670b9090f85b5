//! Why a message is not valid, said without anything that its sender wrote.

use std::collections::BTreeSet;

/// Why a message is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// Its media type, charset or content coding is not one that may pass: 415.
    MediaType,
    /// It does not fit the schema: 422. At least one violation and at most [`MAX_VIOLATIONS`],
    /// sorted.
    Failed(Vec<Violation>),
}

/// One thing that is wrong with a message.
///
/// Neither part holds a value of the message, nor a name that only its sender knows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Violation {
    /// Where: `/body` and a JSON pointer (RFC 6901) into the body, or `/path/NAME`, `/query/NAME`,
    /// `/headers/NAME`, `/cookies/NAME`, `/path`, `/method`, `/status`.
    ///
    /// Made of indices and of names that the schema knows. It ends above a name that it does not.
    pub pointer: String,
    /// What is wrong there, as a short phrase for people.
    pub detail: String,
}

/// How many violations are reported of one message.
pub const MAX_VIOLATIONS: usize = 20;

/// Violations, sorted, without repetitions, the first few of them.
#[derive(Default)]
pub(super) struct Violations {
    found: BTreeSet<Violation>,
}

impl Violations {
    pub(super) fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.found.insert(Violation { pointer: pointer.into(), detail: detail.into() });
        if self.found.len() > MAX_VIOLATIONS {
            self.found.pop_last();
        }
    }

    pub(super) fn into_result(self) -> Result<(), Invalid> {
        match self.found.is_empty() {
            true => Ok(()),
            false => Err(Invalid::Failed(self.found.into_iter().collect())),
        }
    }
}

/// A violation alone.
pub(super) fn failed(pointer: &str, detail: &str) -> Invalid {
    let violation = Violation { pointer: pointer.to_owned(), detail: detail.to_owned() };
    Invalid::Failed(vec![violation])
}
