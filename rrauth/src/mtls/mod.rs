//! Client certificates that the TLS listener has verified.

pub(crate) mod certificate;
mod names;
pub(crate) mod rules;
mod subject;
