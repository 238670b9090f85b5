//! What a write makes of the configuration, and when.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::control_plane::config::resource::{Key, Resource, Spec};
use crate::control_plane::config::secret::Incoming;
use crate::control_plane::config::snapshot::Config;

/// What a write makes of the configuration.
pub(crate) struct Outcome {
    pub(crate) config: Config,
    /// The resource as it was; `None` when there was none.
    pub(crate) before: Option<Arc<Resource>>,
    /// The resource as it is now; `None` when it was deleted.
    pub(crate) written: Option<Arc<Resource>>,
    /// Credentials that this write says more about: where their secrets may go.
    pub(crate) bound: Vec<Arc<Resource>>,
    /// Whether a new secret is what the write is about.
    pub(crate) is_rotation: bool,
    /// What is no longer there.
    pub(crate) gone: Vec<Key>,
    /// What the vault is to do with a new secret, and whose it is. That gets its fingerprint through
    /// [`Outcome::recognise_by`].
    pub(crate) incoming: Option<(Key, Incoming)>,
    /// A generated secret, to be shown once.
    pub(crate) shown: Option<Zeroizing<String>>,
}

/// When, and as which revision, a change is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) revision: u64,
    /// Milliseconds since the Unix epoch.
    pub(crate) at_ms: i64,
}

impl Moment {
    /// `spec` as it stands from now on, in the place of `old`.
    pub(crate) fn resource(self, key: Key, spec: Spec, old: Option<&Resource>) -> Resource {
        Resource {
            content: spec.digest(),
            created_in: old.map_or(self.revision, |it| it.created_in),
            changed_in: self.revision,
            created_ms: old.map_or(self.at_ms, |it| it.created_ms),
            updated_ms: self.at_ms,
            key,
            spec,
        }
    }
}

impl Outcome {
    /// Gives `key` the fingerprint that the vault made of its secret.
    pub(crate) fn recognise_by(&mut self, key: &Key, fingerprint: &str) {
        let places = self.written.iter_mut().chain(&mut self.bound);
        for place in places.filter(|it| it.key == *key) {
            let resource = Arc::make_mut(place);
            if let Spec::Credential(credential) = &mut resource.spec
                && let Some(secret) = &mut credential.secret
            {
                fingerprint.clone_into(&mut secret.fingerprint);
            }
            resource.content = resource.spec.digest();
            self.config.insert(Arc::clone(place));
        }
    }
}
