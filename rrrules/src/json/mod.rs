//! Rules as JSON: strict, so that a misspelt `deny` never becomes an `allow`.

mod check;
mod document;
mod error;
mod fields;
mod rule;
mod set;

pub use self::error::JsonError;
pub(crate) use self::document::parse;
pub(crate) use self::fields::{Fields, Node};
