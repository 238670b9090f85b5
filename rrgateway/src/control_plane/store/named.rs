//! Which secrets of the vault a configuration names.

use std::sync::Arc;

use crate::control_plane::config::resource::{Collection, Key, Kind, Resource};
use crate::control_plane::config::shown::{CLIENT, previous_name, secret_name};
use crate::control_plane::config::snapshot::{Config, Snapshot};
use crate::model::SecretName;

/// All that `config` names.
pub(super) fn all(config: &Config) -> Vec<SecretName> {
    let all = Collection::top(Kind::Credential);
    config.list(&all, 0).flat_map(|it| all_by(it)).collect()
}

/// Whether `config` names `name`.
pub(super) fn names(config: &Config, name: &SecretName) -> bool {
    let credential = config.get(&credential(&name.credential));
    credential.is_some_and(|it| all_by(it).any(|it| it == *name))
}

/// The last that credentials had which are not there any more.
pub(super) fn gone(config: &Config) -> impl Iterator<Item = SecretName> {
    let gone = config.last_versions().filter(|(id, _)| config.get(&credential(id)).is_none());
    gone.flat_map(|(id, last)| {
        // The one before may have had its time of grace.
        let versions = last.saturating_sub(1)..=last;
        versions.map(|version| SecretName {
            client: CLIENT.into(),
            credential: Arc::clone(id),
            version,
        })
    })
}

/// What `key` named before and does not name any more.
pub(super) fn stale(key: &Key, before: &Snapshot, after: &Snapshot) -> Vec<SecretName> {
    let names = |it: &Snapshot| it.config.get(key).map(|it| all_by(it).collect::<Vec<_>>());
    let new = names(after).unwrap_or_default();
    names(before).unwrap_or_default().into_iter().filter(|it| !new.contains(it)).collect()
}

/// The secret of `resource`, if the vault has it.
pub(super) fn by(resource: &Resource) -> Option<SecretName> {
    secret_name(&resource.key, resource.spec.as_credential()?)
}

// Its secret, and the one before for its time of grace.
fn all_by(resource: &Resource) -> impl Iterator<Item = SecretName> {
    let credential = resource.spec.as_credential();
    let previous = credential.and_then(|it| previous_name(&resource.key, it));
    by(resource).into_iter().chain(previous)
}

fn credential(id: &Arc<str>) -> Key {
    Key::top(Kind::Credential, Arc::clone(id))
}
