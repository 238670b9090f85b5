//! An operation of GraphQL, as far as rules look at it.

/// An operation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Operation {
    /// `query`, `mutation` or `subscription`.
    pub(super) kind: &'static str,
    pub(super) name: Option<String>,
    pub(super) fields: Vec<Field>,
}

/// A field at the top of an operation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Its own, whatever alias the answer has it under.
    pub(super) name: String,
    /// Not if a directive, such as `@skip`, may leave it out.
    pub(super) sure: bool,
}
