//! Documents that are fetched ahead and kept, such as the keys of an issuer.

pub(crate) mod document;
pub(crate) mod endpoint;
pub(crate) mod error;
pub(crate) mod exchange;
pub(crate) mod fetching;
pub(crate) mod freshness;
pub(crate) mod handle;
pub(crate) mod record;
pub(crate) mod source;
