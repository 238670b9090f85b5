//! Opaque tokens that their issuer is asked about (RFC 7662).

mod answer;
mod asker;
mod breaker;
mod memory;
pub(crate) mod policy;
mod validity;
pub(crate) mod verifier;
