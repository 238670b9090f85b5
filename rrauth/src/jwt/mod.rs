//! Signed tokens (JWT): what is read strictly, whose key signed it, and what it must say.

pub(crate) mod algorithm;
pub(crate) mod cache;
mod claim_rules;
mod curves;
pub(crate) mod error;
mod header;
mod jws;
mod key;
pub(crate) mod key_set;
mod mark;
pub(crate) mod policy;
pub(crate) mod policy_builder;
mod provider;
mod roca;
mod times;
pub(crate) mod verified;
pub(crate) mod verifier;

#[cfg(test)]
mod wycheproof;
