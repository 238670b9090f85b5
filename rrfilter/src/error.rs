//! Why a document cannot be filtered.

use rrcore::json;
use thiserror::Error;

/// Why a document cannot be filtered. Quotes nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotFilterable {
    /// It is not JSON, or not a JSON that all readers read alike.
    #[error("not JSON that can be filtered: {0}")]
    Json(#[from] json::Error),
    /// A filter leaves nothing of it, not even an empty object or array: it is a scalar that is
    /// not retained, or destroyed as a whole.
    #[error("nothing is left of the document")]
    NothingLeft,
    /// A filter needs the whole document at once, and it is longer than may be held.
    #[error("the document is too long to be held as a whole")]
    TooLarge,
    /// It is JSON, but has a number that the paths' comparisons cannot read, such as `1e400`.
    #[error("the document cannot be read for a path to look into it")]
    NotRead,
    /// To find out what a path finds takes too long in this document.
    #[error("a path takes too long to follow")]
    TooCostly,
}
