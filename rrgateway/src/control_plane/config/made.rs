//! Everything that was made out of the configuration, by the digest of what it was made from.

use rrrules::Validator;

use crate::control_plane::config::memo::Memo;
use crate::control_plane::config::scopes::Scopes;
use crate::model::{Callers, Consumer, Proxy, Target, TargetCredential, Transformation, Verified};

/// What was made, as long as a revision uses it.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) scopes: Scopes,
    pub(crate) targets: Memo<Target>,
    pub(crate) credentials: Memo<TargetCredential>,
    pub(crate) consumers: Memo<Consumer>,
    pub(crate) verified: Memo<Verified>,
    pub(crate) callers: Memo<Callers>,
    pub(crate) validators: Memo<Validator>,
    pub(crate) transformations: Memo<Transformation>,
    pub(crate) proxies: Memo<Proxy>,
}
