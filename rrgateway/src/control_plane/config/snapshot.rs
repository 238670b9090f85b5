//! The whole configuration at one revision: shared, never changed.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::control_plane::config::resource::{Collection, Key, Kind, ONLY, Resource, Spec, digest};
use crate::control_plane::wire::configuration::Configuration;
use crate::model::Digest;

/// All resources. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    collections: Arc<BTreeMap<Collection, Arc<Items>>>,
    /// The last version of each credential's secret, also of those that are gone: under one name,
    /// the vault must never be given two secrets.
    versions: Arc<BTreeMap<Arc<str>, u32>>,
    /// A bit for each kind of which there has been something: most proxies have no meters, and
    /// nobody has to look for them where there are none at all.
    kinds: u8,
}

/// The resources of one collection.
#[derive(Clone, Debug, Default)]
struct Items {
    /// By the revision that made them: each makes one at the most.
    in_order: BTreeMap<u64, Arc<Resource>>,
    by_id: BTreeMap<Arc<str>, u64>,
    /// Of the ids and contents in order. Made when first asked for, forgotten with each change.
    content: OnceLock<Digest>,
    /// Of that, and of where they stand: asked for by the first write, and not by the start.
    whole: OnceLock<Digest>,
}

/// What stands in one collection. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// Of the ids and contents in order: not of what the collection hangs on.
    pub(crate) digest: Digest,
    items: Option<Arc<Items>>,
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
        let spec = Spec::Configuration(Configuration::first().into());
        self.insert(Arc::new(Resource {
            content: spec.digest(),
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

    /// All resources of `kind`, whatever they hang on.
    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = &Arc<Resource>> {
        let of_kind = self.collections.iter().filter(move |(it, _)| it.kind == kind);
        of_kind.flat_map(|(_, items)| items.in_order.values())
    }

    /// The last version of the secret that credential `id` has, or had; 0 where there was none.
    pub(crate) fn last_version(&self, id: &str) -> u32 {
        self.versions.get(id).copied().unwrap_or(0)
    }

    /// The last version of each credential's secret, also of those that are gone.
    pub(crate) fn last_versions(&self) -> impl Iterator<Item = (&Arc<str>, u32)> {
        self.versions.iter().map(|(id, version)| (id, *version))
    }

    /// Says that credential `id` has, or had, a secret of `version`.
    pub(crate) fn know_version(&mut self, id: &Arc<str>, version: u32) {
        if version > self.last_version(id) {
            Arc::make_mut(&mut self.versions).insert(Arc::clone(id), version);
        }
    }

    /// Puts `resource` in, in the place of the one with its key.
    pub(crate) fn insert(&mut self, resource: Arc<Resource>) {
        let collection = resource.key.collection.clone();
        self.insert_all(&collection, vec![resource]);
    }

    /// Puts `resources` in, which all stand in `collection`, as [`Config::insert`] does.
    pub(crate) fn insert_all(&mut self, collection: &Collection, resources: Vec<Arc<Resource>>) {
        if resources.is_empty() {
            return;
        }
        for it in &resources {
            if let Some(version) = it.spec.secret_version() {
                self.know_version(&it.key.id, version);
            }
        }
        self.kinds |= bit(collection.kind);
        let collections = Arc::make_mut(&mut self.collections);
        let items = Items::changing(collections.entry(collection.clone()).or_default());
        let ids = resources.iter().map(|it| (Arc::clone(&it.key.id), it.created_in));
        extend(&mut items.by_id, ids);
        extend(&mut items.in_order, resources.into_iter().map(|it| (it.created_in, it)));
    }

    /// Puts everything in that is in `other`.
    pub(crate) fn absorb(&mut self, other: Self) {
        other.versions.iter().for_each(|(id, version)| self.know_version(id, *version));
        self.kinds |= other.kinds;
        let mine = std::mem::take(Arc::make_mut(&mut self.collections));
        // Two that are sorted make one that is: that is done sooner than one by one.
        let mut all: Vec<_> =
            mine.into_iter().chain(Arc::unwrap_or_clone(other.collections)).collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all.dedup_by(|(collection, more), (before, items)| {
            if collection != before {
                return false;
            }
            let (all, more) = (Items::changing(items), Arc::make_mut(more));
            all.in_order.append(&mut more.in_order);
            all.by_id.append(&mut more.by_id);
            true
        });
        self.collections = Arc::new(all.into_iter().collect());
    }

    /// Takes out the resource and what hangs on it; returns the keys of all of them.
    pub(crate) fn remove(&mut self, key: &Key) -> Vec<Key> {
        let mut gone = Vec::new();
        let collections = Arc::make_mut(&mut self.collections);
        if let Some(items) = collections.get_mut(&key.collection) {
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
            Arc::make_mut(&mut self.collections).remove(&collection);
        }
        gone
    }

    /// What stands in `collection`.
    pub(crate) fn standing(&self, collection: &Collection) -> Standing {
        let are_any = self.kinds & bit(collection.kind) != 0;
        let items = are_any.then(|| self.collections.get(collection)).flatten();
        let digest = items.map_or(Digest([0; 32]), |it| it.content());
        Standing { digest, items: items.cloned() }
    }

    /// Makes the digests that [`Config::standing`] gives out.
    pub(crate) fn digest_contents(&self) {
        self.collections.values().for_each(|it| _ = it.content());
    }

    /// Of all resources, in a fixed order.
    pub(crate) fn digest(&self) -> Digest {
        let items = self.collections.iter().filter(|(_, it)| !it.in_order.is_empty());
        let parts: Vec<_> = items.map(|(collection, it)| it.whole(collection)).collect();
        digest(parts.iter().map(|it| it.0.as_slice()))
    }

    /// The collections that are not the same in `newer`, made out of this one.
    pub(crate) fn changes<'a>(&'a self, newer: &'a Self) -> impl Iterator<Item = &'a Collection> {
        let mut old = self.collections.iter().peekable();
        let mut new = newer.collections.iter().peekable();
        std::iter::from_fn(move || {
            loop {
                let order = match (old.peek(), new.peek()) {
                    (Some((old, _)), Some((new, _))) => old.cmp(new),
                    (Some(_), None) => Ordering::Less,
                    (None, _) => Ordering::Greater,
                };
                match order {
                    Ordering::Less => return old.next().map(|(gone, _)| gone),
                    Ordering::Greater => return new.next().map(|(made, _)| made),
                    Ordering::Equal => {
                        let (was, is) = (old.next()?, new.next()?);
                        if !Arc::ptr_eq(was.1, is.1) {
                            return Some(is.0);
                        }
                    }
                }
            }
        })
    }
}

const fn bit(kind: Kind) -> u8 {
    1 << kind as u8
}

// At the start most are empty: one that is made of everything at once takes less time, and less
// memory.
fn extend<K: Ord, V>(map: &mut BTreeMap<K, V>, more: impl Iterator<Item = (K, V)>) {
    if map.is_empty() {
        *map = more.collect();
    } else {
        map.extend(more);
    }
}

impl Standing {
    /// In order of creation.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.items.iter().flat_map(|it| it.in_order.values())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.as_ref().is_none_or(|it| it.in_order.is_empty())
    }
}

impl Items {
    fn changing(items: &mut Arc<Self>) -> &mut Self {
        let items = Arc::make_mut(items);
        (items.content, items.whole) = (OnceLock::new(), OnceLock::new());
        items
    }

    fn content(&self) -> Digest {
        *self.content.get_or_init(|| match self.in_order.is_empty() {
            // As where nothing has ever been.
            true => Digest([0; 32]),
            false => {
                let items = self.in_order.values();
                digest(items.flat_map(|it| [it.key.id.as_bytes(), &it.content.0]))
            }
        })
    }

    // These are the items of `collection`.
    fn whole(&self, collection: &Collection) -> Digest {
        *self.whole.get_or_init(|| digest([collection.to_string().as_bytes(), &self.content().0]))
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
        let (whole, same) = (config.digest(), config.standing(&a).digest);
        assert_eq!(same, config.standing(&b).digest);
        config.insert(rule(&b, "y", ALLOW, 5));
        assert_ne!(config.standing(&b).digest, same, "a change is seen");
        config.insert(rule(&b, "y", DENY, 5));
        assert_eq!((config.standing(&b).digest, config.digest()), (same, whole));
        config.insert(rule(&b, "z", DENY, 6));
        config.remove(&b.key("y"));
        assert_ne!(config.standing(&b).digest, same, "another id is another content");
        config.remove(&b.key("x"));
        config.remove(&b.key("z"));
        assert_eq!(config.standing(&b).digest, config.standing(&rules_of("c")).digest);
    }

    #[test]
    fn what_is_put_together_is_what_would_have_been_put_in_one_by_one() {
        let (a, b) = (rules_of("a"), rules_of("b"));
        let all = [(&a, "y", 2), (&b, "x", 3), (&a, "x", 4), (&a, "z", 5)];
        let mut config = Config::first(0);
        let mut halves = [Config::first(0), Config::default()];
        for (index, (collection, id, created_in)) in all.into_iter().enumerate() {
            let rule = rule(collection, id, ALLOW, created_in);
            config.insert(Arc::clone(&rule));
            halves[index / 2].insert_all(collection, vec![rule]);
        }
        let [mut whole, later] = halves;
        _ = (whole.digest(), later.digest());
        whole.absorb(later);
        assert_eq!(whole.digest(), config.digest());
        let ids: Vec<_> = whole.list(&a, 0).map(|it| &*it.key.id).collect();
        assert_eq!(ids, ["y", "x", "z"]);
        assert!(whole.get(&a.key("z")).is_some());
    }

    #[test]
    fn changes_are_the_collections_that_are_not_the_same() {
        let (a, b, c) = (rules_of("a"), rules_of("b"), rules_of("c"));
        let mut config = Config::first(0);
        for (collection, created_in) in [(&a, 2), (&b, 3)] {
            config.insert(rule(collection, "r", ALLOW, created_in));
        }
        let mut newer = config.clone();
        assert_eq!(config.changes(&newer).count(), 0);
        newer.insert(rule(&b, "s", ALLOW, 4));
        newer.insert(rule(&c, "r", ALLOW, 5));
        assert!(config.changes(&newer).eq([&b, &c]));
        assert!(newer.changes(&config).eq([&b, &c]), "also those that are gone");
    }

    fn rules_of(proxy: &str) -> Collection {
        Collection::under(Kind::Rule, &Key::top(Kind::Proxy, proxy))
    }

    fn rule(collection: &Collection, id: &str, text: &str, created_in: u64) -> Arc<Resource> {
        let key = collection.key(id);
        let spec = Spec::from_json(Kind::Rule, text).unwrap();
        let content = spec.digest();
        let (changed_in, created_ms, updated_ms) = (created_in, 0, 0);
        Arc::new(Resource { key, created_in, changed_in, created_ms, updated_ms, content, spec })
    }

    const ALLOW: &str = r#"{"effect":"allow","priority":1,"headers":[]}"#;
    const DENY: &str = r#"{"effect":"deny","priority":1,"headers":[]}"#;
}
