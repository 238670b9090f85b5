//! Why a write may not be.

use crate::control_plane::config::resource::Key;
use crate::control_plane::wire::fields::Flaw;

/// Why a write may not be. Nothing was changed.
#[derive(Debug)]
pub(crate) enum Refused {
    /// There is no such resource, or nothing for it to hang on.
    NotFound,
    /// It is not what `If-Match` says.
    Precondition,
    /// These name it.
    InUse(Vec<Key>),
    /// Another one has what only one may have: here.
    Conflict(Flaw),
    /// It does not fit the rest.
    Invalid(Vec<Flaw>),
    /// The operating system has no random bytes to make a key of.
    NoRandomness,
}
