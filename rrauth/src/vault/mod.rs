//! Secrets at rest: sealed under a master key, bound to what they belong to.

pub(crate) mod binding;
mod cipher;
pub(crate) mod error;
pub(crate) mod key;
mod key_command;
#[cfg(unix)]
mod key_file;
pub(crate) mod key_id;
mod key_text;
mod record;
pub(crate) mod sealing;
mod strength;
