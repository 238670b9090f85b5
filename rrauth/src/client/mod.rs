//! How token endpoints and key servers are called.

pub(crate) mod error;
pub(crate) mod http_client;
pub(crate) mod service;
