//! Configuration as a file, YAML or JSON: resources that know each other by their names.
//!
//! `source` is the text and where what stands, `document` what it says, read by the same code as
//! what clients send; `check` makes of it the configuration that a gateway would have, touching
//! none.

pub(crate) mod check;
pub(crate) mod document;
pub(crate) mod names;
pub(crate) mod report;
pub(crate) mod secrets;
pub(crate) mod source;
pub(crate) mod warnings;
