//! As whom we call: the upstream credential goes onto the request.

pub(crate) mod body_future;
pub(crate) mod body_service;
pub(crate) mod destinations;
pub(crate) mod exchange;
pub(crate) mod explained;
pub(crate) mod future;
pub(crate) mod injection;
pub(crate) mod layer;
pub(crate) mod presentation;
pub(crate) mod refusal;
pub(crate) mod sendable;
pub(crate) mod service;
pub(crate) mod signer;
pub(crate) mod signing;
pub(crate) mod token;
