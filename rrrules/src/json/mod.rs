//! Rules as JSON: strict, so that a misspelt `deny` never becomes an `allow`.

mod check;
mod document;
mod error;
mod fields;
mod rule;
mod set;

pub(crate) use self::document::parse;
pub use self::error::JsonError;
pub(crate) use self::fields::Node;
