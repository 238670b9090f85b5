//! Opaque tokens that their issuer is asked about (RFC 7662).

mod answer;
mod asker;
mod breaker;
mod memory;
pub(crate) mod policy;
pub(crate) mod verifier;
