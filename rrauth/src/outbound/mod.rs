//! As whom we call: the upstream credential goes onto the request.

pub(crate) mod injection;
pub(crate) mod layer;
pub(crate) mod sendable;
pub(crate) mod service;
