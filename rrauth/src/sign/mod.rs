//! Requests that are signed: the upstream gets proof of a key, and never the key.

pub(crate) mod aws;
pub(crate) mod error;
pub(crate) mod http_signature;

mod aws_key;
mod aws_request;
mod aws_time;
mod aws_uri;
mod component;
mod content_digest;
mod mac;
mod percent;
mod signature_base;
mod structured;
mod target;
