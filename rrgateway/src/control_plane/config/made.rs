//! Everything that was made out of the configuration, by the digest of what it was made from.

use rrrules::Validator;

use crate::control_plane::config::memo::Memo;
use crate::control_plane::config::scopes::Scopes;
use crate::model::{Callers, Consumer, Proxy, Target, TargetCredential, Transformation, Verified};

/// What was made for the revision that is served, and for the one that is attempted.
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

impl Made {
    /// Drops what the last attempt made, and starts another.
    pub(crate) fn begin(&mut self) {
        self.scopes.begin();
        self.targets.begin();
        self.credentials.begin();
        self.consumers.begin();
        self.verified.begin();
        self.callers.begin();
        self.validators.begin();
        self.transformations.begin();
        self.proxies.begin();
    }

    /// The attempt is what is served from now on.
    pub(crate) fn settle(&mut self) {
        self.scopes.settle();
        self.targets.settle();
        self.credentials.settle();
        self.consumers.settle();
        self.verified.settle();
        self.callers.settle();
        self.validators.settle();
        self.transformations.settle();
        self.proxies.settle();
    }
}
