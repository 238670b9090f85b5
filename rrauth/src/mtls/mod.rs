//! Client certificates that the TLS listener has verified.

pub(crate) mod certificate;
pub(crate) mod error;
mod names;
pub(crate) mod rules;
mod subject;
