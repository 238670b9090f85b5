//! Who is calling: what is shown, found, judged, and then taken off the request.

pub(crate) mod admission;
pub(crate) mod any_of;
#[cfg(feature = "cache")]
pub(crate) mod cached;
pub(crate) mod challenge;
pub(crate) mod credential;
pub(crate) mod digest;
pub(crate) mod explain;
pub(crate) mod future;
pub(crate) mod index;
pub(crate) mod judge;
pub(crate) mod layer;
pub(crate) mod page;
pub(crate) mod places;
pub(crate) mod privileges;
pub(crate) mod proof;
pub(crate) mod service;
pub(crate) mod shared;
pub(crate) mod shown;
pub(crate) mod source;
pub(crate) mod strip;
pub(crate) mod table;
pub(crate) mod verifiers;
pub(crate) mod verify;
