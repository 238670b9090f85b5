//! What a credential is: how it is shown, and to whom.

mod callers;
mod fetched;
pub(crate) mod form;
pub(crate) mod names;
pub(crate) mod parts;
mod read;
mod sealed;
mod signed;
pub(crate) mod tokens;
mod upstreams;
