//! Where the configuration and the records are kept: one SQLite file each.

pub(crate) mod disk;
pub(crate) mod error;
pub(crate) mod file;
mod named;
pub(crate) mod owner;
pub(crate) mod query;
pub(crate) mod reader;
pub(crate) mod records;
pub(crate) mod revise;
mod stored;
pub(crate) mod writer;
pub(crate) mod written;
