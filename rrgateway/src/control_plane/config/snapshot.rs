//! The whole configuration at one revision: shared, never changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::control_plane::config::resource::{Collection, Key, Resource, digest};
use crate::model::Digest;

/// All resources. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    collections: BTreeMap<Collection, Arc<Items>>,
    /// The last version of each credential's secret, also of those that are gone: under one name,
    /// the vault must never be given two secrets.
    versions: Arc<BTreeMap<Arc<str>, u32>>,
}

/// The resources of one collection.
#[derive(Clone, Debug, Default)]
struct Items {
    /// By the revision that made them: each makes one at the most.
    in_order: BTreeMap<u64, Arc<Resource>>,
    by_id: BTreeMap<Arc<str>, u64>,
}

/// The configuration, and what is known of the revision that it is.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) number: u64,
    pub(crate) digest: Digest,
    pub(crate) author: Arc<str>,
    /// Milliseconds since the Unix epoch.
    pub(crate) created_ms: i64,
    pub(crate) config: Config,
}

impl Config {
    pub(crate) fn get(&self, key: &Key) -> Option<&Arc<Resource>> {
        let items = self.collections.get(&key.collection)?;
        items.in_order.get(items.by_id.get(&key.id)?)
    }

    /// The resources of `collection` in order of creation, from after `position` on.
    pub(crate) fn list(
        &self,
        collection: &Collection,
        after: u64,
    ) -> impl Iterator<Item = &Arc<Resource>> {
        let items = self.collections.get(collection).into_iter();
        items
            .flat_map(move |it| it.in_order.range(after.saturating_add(1)..))
            .map(|(_, resource)| resource)
    }

    /// The last version of the secret that credential `id` has, or had; 0 where there was none.
    pub(crate) fn last_version(&self, id: &str) -> u32 {
        self.versions.get(id).copied().unwrap_or(0)
    }

    /// Says that credential `id` has, or had, a secret of `version`.
    pub(crate) fn know_version(&mut self, id: &Arc<str>, version: u32) {
        if version > self.last_version(id) {
            Arc::make_mut(&mut self.versions).insert(Arc::clone(id), version);
        }
    }

    /// Puts `resource` in, in the place of the one with its key.
    pub(crate) fn insert(&mut self, resource: Arc<Resource>) {
        if let Some(version) = resource.spec.secret_version() {
            self.know_version(&resource.key.id, version);
        }
        let items = self.collections.entry(resource.key.collection.clone()).or_default();
        let items = Arc::make_mut(items);
        items.by_id.insert(Arc::clone(&resource.key.id), resource.created_in);
        items.in_order.insert(resource.created_in, resource);
    }

    /// Takes out the resource and what hangs on it; returns the keys of all of them.
    pub(crate) fn remove(&mut self, key: &Key) -> Vec<Key> {
        let mut gone = Vec::new();
        if let Some(items) = self.collections.get_mut(&key.collection) {
            let items = Arc::make_mut(items);
            if let Some(position) = items.by_id.remove(&key.id) {
                items.in_order.remove(&position);
                gone.push(key.clone());
            }
        }
        let hanging: Vec<_> = self
            .collections
            .keys()
            .filter(|it| it.owner().as_ref() == Some(key))
            .cloned()
            .collect();
        for collection in hanging {
            gone.extend(self.list(&collection, 0).map(|it| it.key.clone()));
            self.collections.remove(&collection);
        }
        gone
    }

    /// Of all resources, in a fixed order.
    pub(crate) fn digest(&self) -> Digest {
        let items = self.collections.values().flat_map(|it| it.in_order.values());
        digest(items.map(|it| it.digest.0.as_slice()))
    }
}
