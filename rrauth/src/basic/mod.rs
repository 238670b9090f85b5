//! Passwords of callers (`Basic`, RFC 7617).

pub(crate) mod accounts;
mod attempt;
mod book;
pub(crate) mod cost;
pub(crate) mod error;
mod flight;
pub(crate) mod hash;
pub(crate) mod workers;
