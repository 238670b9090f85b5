//! Secrets at rest: sealed under a master key, bound to what they belong to.

pub(crate) mod binding;
pub(crate) mod cipher;
pub(crate) mod error;
pub(crate) mod key;
#[cfg(unix)]
mod key_file;
pub(crate) mod record;
