//! Transformations as JSON: strict, so that a misspelt `remove` never becomes nothing.

mod edits;
mod fields;
mod steps;
mod whole;
