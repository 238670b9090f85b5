//! What became of a write.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::control_plane::config::change_error::Refused;
use crate::control_plane::config::lint::Concerned;
use crate::control_plane::config::resource::Resource;

/// What a write did.
pub(crate) struct Written {
    /// The revision that it made.
    pub(crate) number: u64,
    /// `None` when it was deleted.
    pub(crate) resource: Option<Arc<Resource>>,
    pub(crate) created: bool,
    /// What may be wrong with it although it is legal; `None` when it was deleted.
    pub(crate) concerned: Option<Concerned>,
    /// A generated secret, to be shown once.
    pub(crate) shown: Option<Zeroizing<String>>,
}

/// Why a write did nothing.
#[derive(Debug)]
pub(crate) enum WriteError {
    Refused(Refused),
    /// The store or the vault could not take it. The operator finds why in the log.
    Unavailable,
}
