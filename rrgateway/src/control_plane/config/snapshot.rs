//! The whole configuration at one revision: shared, never changed.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::control_plane::config::resource::{
    Collection, Digests, Key, Kind, ONLY, Resource, Spec, digest,
};
use crate::control_plane::wire::configuration::Configuration;
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
    /// Of the ids and contents in order: made when first asked for, forgotten with each change.
    digest: OnceLock<Digest>,
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
    /// The first one: nothing but what holds until somebody says otherwise, since `at_ms`
    /// (milliseconds since the Unix epoch).
    pub(crate) fn first(at_ms: i64) -> Self {
        let mut config = Self::default();
        config.ensure_configuration(at_ms);
        config
    }

    /// Puts the first configuration in where none was written since `at_ms`.
    ///
    /// It counts as made by the first revision, which makes nothing else.
    pub(crate) fn ensure_configuration(&mut self, at_ms: i64) {
        let key = Key::top(Kind::Configuration, ONLY);
        if self.get(&key).is_some() {
            return;
        }
        let spec = Spec::Configuration(Configuration::first());
        self.insert(Arc::new(Resource {
            digests: Digests::of(&key, &spec),
            key,
            created_in: 1,
            changed_in: 1,
            created_ms: at_ms,
            updated_ms: at_ms,
            spec,
        }));
    }

    /// What holds for the whole client.
    pub(crate) fn configuration(&self) -> Configuration {
        let written = self.get(&Key::top(Kind::Configuration, ONLY));
        let written = written.and_then(|it| it.spec.as_configuration());
        written.copied().unwrap_or(Configuration::first())
    }

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
        let items = Items::changing(items);
        items.by_id.insert(Arc::clone(&resource.key.id), resource.created_in);
        items.in_order.insert(resource.created_in, resource);
    }

    /// Takes out the resource and what hangs on it; returns the keys of all of them.
    pub(crate) fn remove(&mut self, key: &Key) -> Vec<Key> {
        let mut gone = Vec::new();
        if let Some(items) = self.collections.get_mut(&key.collection) {
            let items = Items::changing(items);
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

    /// Of the ids and contents of `collection`, in order: not of what it hangs on.
    pub(crate) fn content(&self, collection: &Collection) -> Digest {
        self.collections.get(collection).map_or(Digest([0; 32]), |it| it.digest())
    }

    /// Of all resources, in a fixed order.
    pub(crate) fn digest(&self) -> Digest {
        let items = self.collections.iter().filter(|(_, it)| !it.in_order.is_empty());
        let parts: Vec<_> =
            items.map(|(collection, it)| (collection.to_string(), it.digest())).collect();
        digest(parts.iter().flat_map(|(name, it)| [name.as_bytes(), &it.0]))
    }
}

impl Items {
    fn changing(items: &mut Arc<Self>) -> &mut Self {
        let items = Arc::make_mut(items);
        items.digest = OnceLock::new();
        items
    }

    fn digest(&self) -> Digest {
        *self.digest.get_or_init(|| match self.in_order.is_empty() {
            // As where nothing has ever been.
            true => Digest([0; 32]),
            false => {
                let items = self.in_order.values();
                digest(items.flat_map(|it| [it.key.id.as_bytes(), &it.digests.content.0]))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_content_has_one_digest_wherever_it_hangs() {
        let mut config = Config::first(0);
        let (a, b) = (rules_of("a"), rules_of("b"));
        for (collection, id, text, created_in) in
            [(&a, "x", ALLOW, 2), (&a, "y", DENY, 3), (&b, "x", ALLOW, 4), (&b, "y", DENY, 5)]
        {
            config.insert(rule(collection, id, text, created_in));
        }
        let (whole, same) = (config.digest(), config.content(&a));
        assert_eq!(same, config.content(&b));
        config.insert(rule(&b, "y", ALLOW, 5));
        assert_ne!(config.content(&b), same, "a change is seen");
        config.insert(rule(&b, "y", DENY, 5));
        assert_eq!((config.content(&b), config.digest()), (same, whole));
        config.insert(rule(&b, "z", DENY, 6));
        config.remove(&b.key("y"));
        assert_ne!(config.content(&b), same, "another id is another content");
        config.remove(&b.key("x"));
        config.remove(&b.key("z"));
        assert_eq!(config.content(&b), config.content(&rules_of("c")));
    }

    fn rules_of(proxy: &str) -> Collection {
        Collection::under(Kind::Rule, &Key::top(Kind::Proxy, proxy))
    }

    fn rule(collection: &Collection, id: &str, text: &str, created_in: u64) -> Arc<Resource> {
        let key = collection.key(id);
        let spec = Spec::from_json(Kind::Rule, text).unwrap();
        let digests = Digests::of(&key, &spec);
        let (changed_in, created_ms, updated_ms) = (created_in, 0, 0);
        Arc::new(Resource { key, created_in, changed_in, created_ms, updated_ms, digests, spec })
    }

    const ALLOW: &str = r#"{"effect":"allow","priority":1,"headers":[]}"#;
    const DENY: &str = r#"{"effect":"deny","priority":1,"headers":[]}"#;
}
