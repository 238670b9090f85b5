//! Signed tokens with keys that are fetched.

pub(crate) mod keys;
pub(crate) mod verifier;
