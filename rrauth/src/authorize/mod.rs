//! Whether a caller that has proved who it is may do this here.

pub(crate) mod access;
pub(crate) mod layer;
pub(crate) mod service;
