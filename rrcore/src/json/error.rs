//! Why something is not JSON. Says where and what, and quotes nothing of the document.

use std::fmt;

/// Where and why a document was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Error {
    /// Bytes from the start of the document to the byte that cannot be.
    pub offset: u64,
    /// What is wrong with it.
    pub kind: ErrorKind,
}

/// What is wrong with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A byte that the grammar has no place for here.
    Unexpected,
    /// The document ends before it is complete; also: it is empty.
    Truncated,
    /// Something follows the document.
    Trailing,
    /// A control character in a string that is not escaped.
    ControlCharacter,
    /// Not UTF-8.
    Encoding,
    /// An escape that JSON does not have.
    Escape,
    /// Not a number by JSON's grammar.
    Number,
    /// A name of a member is longer than [`Limits`](super::Limits) allow.
    KeyTooLong,
    /// Nested deeper than [`Limits`](super::Limits) allow.
    TooDeep,
    /// An object has two members of one name. Readers disagree about which of them counts.
    DuplicateKey,
}

// What a part of the scanner found wrong, counted from the bytes it was given.
pub(super) type Fault = (usize, ErrorKind);

// How far a token was read.
#[derive(Clone, Copy)]
pub(super) struct Progress {
    pub(super) used: usize,
    pub(super) done: bool,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::Unexpected => "unexpected byte",
            ErrorKind::Truncated => "the document is not complete",
            ErrorKind::Trailing => "something follows the document",
            ErrorKind::ControlCharacter => "control character in a string",
            ErrorKind::Encoding => "not UTF-8",
            ErrorKind::Escape => "unknown escape in a string",
            ErrorKind::Number => "not a number",
            ErrorKind::KeyTooLong => "a name is too long",
            ErrorKind::TooDeep => "nested too deep",
            ErrorKind::DuplicateKey => "two members of one name",
        };
        write!(f, "{what} at byte {}", self.offset)
    }
}

impl std::error::Error for Error {}
