//! What the configuration consists of: resources, and the collections they stand in.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::control_plane::wire::credential::Credential;
use crate::control_plane::wire::filter::Filter;
use crate::control_plane::wire::proxy::Proxy;
use crate::control_plane::wire::rule::Rule;
use crate::control_plane::wire::target::Target;
use crate::model::Digest;

/// The five kinds of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Credential,
    Target,
    Proxy,
    Rule,
    Filter,
}

/// Where resources of one kind stand: beside the others of the client, or under one of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Collection {
    pub(crate) kind: Kind,
    /// What the rules or filters hang on.
    pub(crate) parent: Option<(Kind, Arc<str>)>,
}

/// Names one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) collection: Collection,
    pub(crate) id: Arc<str>,
}

/// One resource, as of the revision that last changed it.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) key: Key,
    /// The revision that made it: with it comes its place in the order of creation.
    pub(crate) created_in: u64,
    /// The revision that last changed it.
    pub(crate) changed_in: u64,
    /// Milliseconds since the Unix epoch.
    pub(crate) created_ms: i64,
    /// Milliseconds since the Unix epoch.
    pub(crate) updated_ms: i64,
    /// Of the key and what it says.
    pub(crate) digest: Digest,
    pub(crate) spec: Spec,
}

/// What a resource says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Spec {
    Credential(Credential),
    Target(Target),
    Proxy(Proxy),
    Rule(Rule),
    Filter(Filter),
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Credential, Self::Target, Self::Proxy, Self::Rule, Self::Filter];
    /// What rules and filters hang on.
    pub(crate) const PARENTS: [Self; 3] = [Self::Credential, Self::Target, Self::Proxy];

    /// The word for it in answers, and in the store.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Target => "target",
            Self::Proxy => "proxy",
            Self::Rule => "rule",
            Self::Filter => "filter",
        }
    }

    /// The segment of its paths.
    pub(crate) const fn segment(self) -> &'static str {
        match self {
            Self::Credential => "credentials",
            Self::Target => "targets",
            Self::Proxy => "proxies",
            Self::Rule => "rules",
            Self::Filter => "filters",
        }
    }

    /// How ids start that the gateway makes.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Credential => "cred_",
            Self::Target => "tgt_",
            Self::Proxy => "prx_",
            Self::Rule => "rul_",
            Self::Filter => "flt_",
        }
    }

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }
}

impl Collection {
    pub(crate) const fn top(kind: Kind) -> Self {
        Self { kind, parent: None }
    }

    /// The rules or filters of `parent`.
    pub(crate) fn under(kind: Kind, parent: &Key) -> Self {
        Self { kind, parent: Some((parent.collection.kind, Arc::clone(&parent.id))) }
    }

    /// The resource that this collection hangs on.
    pub(crate) fn owner(&self) -> Option<Key> {
        let (kind, id) = self.parent.as_ref()?;
        Some(Key { collection: Self::top(*kind), id: Arc::clone(id) })
    }

    pub(crate) fn key(&self, id: impl Into<Arc<str>>) -> Key {
        Key { collection: self.clone(), id: id.into() }
    }
}

impl Key {
    pub(crate) fn top(kind: Kind, id: impl Into<Arc<str>>) -> Self {
        Collection::top(kind).key(id)
    }
}

impl Resource {
    /// Digests `spec` under `key`.
    pub(crate) fn digest_of(key: &Key, spec: &Spec) -> Digest {
        digest([key.to_string().as_bytes(), spec.to_json().to_string().as_bytes()])
    }
}

impl Spec {
    /// The form in which it is stored. Keys are in alphabetical order, so equal specs are equal
    /// texts.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let json = match self {
            Self::Credential(it) => serde_json::to_value(it),
            Self::Target(it) => serde_json::to_value(it),
            Self::Proxy(it) => serde_json::to_value(it),
            Self::Rule(it) => serde_json::to_value(it),
            Self::Filter(it) => serde_json::to_value(it),
        };
        // Only maps whose keys are no texts cannot be written, and there are none.
        json.unwrap_or_default()
    }

    pub(crate) fn from_json(kind: Kind, text: &str) -> serde_json::Result<Self> {
        Ok(match kind {
            Kind::Credential => Self::Credential(serde_json::from_str(text)?),
            Kind::Target => Self::Target(serde_json::from_str(text)?),
            Kind::Proxy => Self::Proxy(serde_json::from_str(text)?),
            Kind::Rule => Self::Rule(serde_json::from_str(text)?),
            Kind::Filter => Self::Filter(serde_json::from_str(text)?),
        })
    }

    /// The name, where the kind has names.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Credential(it) => Some(&it.name),
            Self::Target(it) => Some(&it.name),
            Self::Proxy(it) => Some(&it.name),
            Self::Rule(_) | Self::Filter(_) => None,
        }
    }

    /// The version of its secret, where it has one.
    pub(crate) fn secret_version(&self) -> Option<u32> {
        Some(self.as_credential()?.secret.as_ref()?.version)
    }

    pub(crate) const fn as_credential(&self) -> Option<&Credential> {
        match self {
            Self::Credential(it) => Some(it),
            Self::Target(_) | Self::Proxy(_) | Self::Rule(_) | Self::Filter(_) => None,
        }
    }

    pub(crate) const fn as_target(&self) -> Option<&Target> {
        match self {
            Self::Target(it) => Some(it),
            Self::Credential(_) | Self::Proxy(_) | Self::Rule(_) | Self::Filter(_) => None,
        }
    }

    pub(crate) const fn as_proxy(&self) -> Option<&Proxy> {
        match self {
            Self::Proxy(it) => Some(it),
            Self::Credential(_) | Self::Target(_) | Self::Rule(_) | Self::Filter(_) => None,
        }
    }

    pub(crate) const fn as_rule(&self) -> Option<&Rule> {
        match self {
            Self::Rule(it) => Some(it),
            Self::Credential(_) | Self::Target(_) | Self::Proxy(_) | Self::Filter(_) => None,
        }
    }

    pub(crate) const fn as_filter(&self) -> Option<&Filter> {
        match self {
            Self::Filter(it) => Some(it),
            Self::Credential(_) | Self::Target(_) | Self::Proxy(_) | Self::Rule(_) => None,
        }
    }
}

/// `credential/a/rule/b`: what it hangs on, if anything, then itself.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((kind, id)) = &self.collection.parent {
            write!(f, "{}/{id}/", kind.word())?;
        }
        write!(f, "{}/{}", self.collection.kind.word(), self.id)
    }
}

/// Digests `parts` so that no two lists of parts digest alike.
pub(crate) fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    Digest(sha.finalize().into())
}
