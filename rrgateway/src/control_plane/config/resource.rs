//! What the configuration consists of: resources, and the collections they stand in.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::control_plane::wire::configuration::Configuration;
use crate::control_plane::wire::credential::Credential;
use crate::control_plane::wire::filter::Filter;
use crate::control_plane::wire::meter::Meter;
use crate::control_plane::wire::proxy::Proxy;
use crate::control_plane::wire::rule_text::RuleText;
use crate::control_plane::wire::target::Target;
use crate::model::Digest;

/// The kinds of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Credential,
    Target,
    Proxy,
    Rule,
    Filter,
    /// Hangs on proxies only.
    Meter,
    /// What holds for the whole client: there is one.
    Configuration,
}

/// Where resources of one kind stand: beside the others of the client, or under one of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Collection {
    pub(crate) kind: Kind,
    /// What the rules, filters or meters hang on.
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
    /// Digest of what it says, wherever it stands: equal content is compiled once.
    pub(crate) content: Digest,
    pub(crate) spec: Spec,
}

/// What a resource says. Rules are most of what there is: no other kind makes them larger, and they
/// are not read before somebody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Spec {
    Credential(Box<Credential>),
    Target(Box<Target>),
    Proxy(Box<Proxy>),
    Rule(RuleText),
    Filter(Box<Filter>),
    Meter(Box<Meter>),
    Configuration(Box<Configuration>),
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Credential,
        Self::Target,
        Self::Proxy,
        Self::Rule,
        Self::Filter,
        Self::Meter,
        Self::Configuration,
    ];
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
            Self::Meter => "meter",
            Self::Configuration => "configuration",
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
            Self::Meter => "meters",
            Self::Configuration => "configuration",
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
            Self::Meter => "mtr_",
            Self::Configuration => "cfg_",
        }
    }

    /// The id of the only one that there is, where there is but one.
    pub(crate) const fn only(self) -> Option<&'static str> {
        match self {
            Self::Configuration => Some(ONLY),
            Self::Credential
            | Self::Target
            | Self::Proxy
            | Self::Rule
            | Self::Filter
            | Self::Meter => None,
        }
    }

    /// What hangs on resources of this kind.
    pub(crate) const fn hanging(self) -> &'static [Self] {
        match self {
            Self::Credential | Self::Target => &[Self::Rule, Self::Filter],
            Self::Proxy => &[Self::Rule, Self::Filter, Self::Meter],
            Self::Rule | Self::Filter | Self::Meter | Self::Configuration => &[],
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

    /// The rules, filters or meters of `parent`.
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
    /// Of its key and its content.
    pub(crate) fn digest(&self) -> Digest {
        digest([self.key.to_string().as_bytes(), &self.content.0])
    }
}

impl Spec {
    /// What [`Resource::content`] is of a resource that says this.
    pub(crate) fn digest(&self) -> Digest {
        Self::digest_of_stored(&self.to_stored())
    }

    /// As [`Spec::digest`], of what is stored as `text`.
    pub(crate) fn digest_of_stored(text: &str) -> Digest {
        digest([text.as_bytes()])
    }

    /// The text that is stored. Keys are in alphabetical order, so equal specs are equal texts.
    pub(crate) fn to_stored(&self) -> String {
        match self {
            Self::Rule(it) => it.as_str().to_owned(),
            other => other.to_json().to_string(),
        }
    }

    /// All of it, as it is shown.
    pub(crate) fn to_json(&self) -> Value {
        let json = match self {
            Self::Credential(it) => serde_json::to_value(it),
            Self::Target(it) => serde_json::to_value(it),
            Self::Proxy(it) => serde_json::to_value(it),
            Self::Rule(it) => Ok(it.to_json()),
            Self::Filter(it) => serde_json::to_value(it),
            Self::Meter(it) => serde_json::to_value(it),
            Self::Configuration(it) => serde_json::to_value(it),
        };
        // Only maps whose keys are no texts cannot be written, and there are none.
        json.unwrap_or_default()
    }

    pub(crate) fn from_json(kind: Kind, text: &str) -> serde_json::Result<Self> {
        Ok(match kind {
            Kind::Credential => Self::Credential(serde_json::from_str(text)?),
            Kind::Target => Self::Target(serde_json::from_str(text)?),
            Kind::Proxy => Self::Proxy(serde_json::from_str(text)?),
            Kind::Rule => Self::Rule(RuleText::stored(text)),
            Kind::Filter => Self::Filter(serde_json::from_str(text)?),
            Kind::Meter => Self::Meter(serde_json::from_str(text)?),
            Kind::Configuration => Self::Configuration(serde_json::from_str(text)?),
        })
    }

    /// The name, where the kind has names.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Credential(it) => Some(&it.name),
            Self::Target(it) => Some(&it.name),
            Self::Proxy(it) => Some(&it.name),
            Self::Meter(it) => Some(&it.name),
            Self::Rule(_) | Self::Filter(_) | Self::Configuration(_) => None,
        }
    }

    /// The version of its secret, where it has one.
    pub(crate) fn secret_version(&self) -> Option<u32> {
        Some(self.as_credential()?.secret.as_ref()?.version)
    }

    pub(crate) const fn as_credential(&self) -> Option<&Credential> {
        if let Self::Credential(it) = self { Some(it) } else { None }
    }

    pub(crate) const fn as_target(&self) -> Option<&Target> {
        if let Self::Target(it) = self { Some(it) } else { None }
    }

    pub(crate) const fn as_proxy(&self) -> Option<&Proxy> {
        if let Self::Proxy(it) = self { Some(it) } else { None }
    }

    pub(crate) const fn as_rule(&self) -> Option<&RuleText> {
        if let Self::Rule(it) = self { Some(it) } else { None }
    }

    pub(crate) const fn as_filter(&self) -> Option<&Filter> {
        if let Self::Filter(it) = self { Some(it) } else { None }
    }

    pub(crate) const fn as_meter(&self) -> Option<&Meter> {
        if let Self::Meter(it) = self { Some(it) } else { None }
    }

    pub(crate) const fn as_configuration(&self) -> Option<&Configuration> {
        if let Self::Configuration(it) = self { Some(it) } else { None }
    }
}

/// `credential/a/rule/b`: what it hangs on, if anything, then itself.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.collection, self.id)
    }
}

/// `credential/a/rule`.
impl fmt::Display for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((kind, id)) = &self.parent {
            write!(f, "{}/{id}/", kind.word())?;
        }
        f.write_str(self.kind.word())
    }
}

/// The id of what there is one of.
pub(crate) const ONLY: &str = "default";

/// Digests `parts` so that no two lists of parts digest alike.
pub(crate) fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    Digest(sha.finalize().into())
}
