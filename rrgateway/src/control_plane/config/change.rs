//! Decides what a write makes of the configuration, or why it may not. Touches nothing.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::control_plane::config::change_error::Refused;
use crate::control_plane::config::document;
use crate::control_plane::config::draft::Draft;
use crate::control_plane::config::reference;
use crate::control_plane::config::resource::{Digests, Key, Resource, Spec};
use crate::control_plane::config::secret::{self, Generate};
use crate::control_plane::config::snapshot::Config;
use crate::control_plane::wire::json::Json;
use crate::model::EgressPolicy;

/// A write.
#[derive(Debug)]
pub(crate) enum Change {
    /// Makes a resource.
    Create { key: Key, draft: Draft },
    /// Makes or replaces a resource.
    Put { key: Key, draft: Draft, if_match: Option<IfMatch> },
    /// Changes a resource as `patch` says (RFC 7396).
    Patch { key: Key, patch: Json, if_match: Option<IfMatch> },
    /// Deletes a resource and what hangs on it.
    Delete { key: Key, if_match: Option<IfMatch> },
}

/// What `If-Match` asks for (RFC 9110 §13.1.1).
#[derive(Debug)]
pub(crate) enum IfMatch {
    /// `*`: that it exists.
    Any,
    /// That one of these revisions is the one that last changed it.
    ChangedIn(Vec<u64>),
}

/// What a write makes of the configuration.
pub(crate) struct Outcome {
    pub(crate) config: Config,
    /// The resource as it was; `None` when there was none.
    pub(crate) before: Option<Arc<Resource>>,
    /// The resource as it is now; `None` when it was deleted.
    pub(crate) written: Option<Arc<Resource>>,
    /// What is no longer there.
    pub(crate) gone: Vec<Key>,
    /// A secret for the vault. The resource gets its fingerprint through [`Outcome::sealed`].
    pub(crate) seal: Option<Zeroizing<String>>,
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

/// What making a change needs besides.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a> {
    pub(crate) generate: Generate,
    pub(crate) egress: &'a EgressPolicy,
}

/// Makes `change` on `config`.
pub(crate) fn apply(
    config: &Config,
    change: Change,
    moment: Moment,
    means: Means<'_>,
) -> Result<Outcome, Refused> {
    match change {
        Change::Create { key, draft } => {
            is_hanging_on_something(config, &key)?;
            write(config, key, draft, moment, means)
        }
        Change::Put { key, draft, if_match } => {
            is_hanging_on_something(config, &key)?;
            check(if_match.as_ref(), config.get(&key))?;
            write(config, key, draft, moment, means)
        }
        Change::Patch { key, patch, if_match } => {
            let old = config.get(&key).ok_or(Refused::NotFound)?;
            check(if_match.as_ref(), Some(old))?;
            let draft = document::patched(old, patch, means.egress).map_err(Refused::Invalid)?;
            write(config, key, draft, moment, means)
        }
        Change::Delete { key, if_match } => delete(config, &key, if_match.as_ref()),
    }
}

fn write(
    config: &Config,
    key: Key,
    draft: Draft,
    moment: Moment,
    means: Means<'_>,
) -> Result<Outcome, Refused> {
    let before = config.get(&key).cloned();
    let old = before.as_deref();
    let (spec, secret) = match draft {
        Draft::Credential(draft) => {
            let (old, last) =
                (old.and_then(|it| it.spec.as_credential()), config.last_version(&key.id));
            let settled = secret::settle(draft, old, last, moment.at_ms, means.generate)?;
            (Spec::Credential(settled.0), settled.1)
        }
        Draft::Target(it) => (Spec::Target(it), secret::Fresh::default()),
        Draft::Proxy { mut proxy, is_limited } => {
            if old.is_none() && !is_limited {
                proxy.limits = config.configuration().limits;
            }
            (Spec::Proxy(proxy), secret::Fresh::default())
        }
        Draft::Rule(it) => (Spec::Rule(it), secret::Fresh::default()),
        Draft::Filter(it) => (Spec::Filter(it), secret::Fresh::default()),
        Draft::Configuration(it) => (Spec::Configuration(it), secret::Fresh::default()),
    };
    reference::check(config, &key, &spec)?;
    let resource = Arc::new(Resource {
        digests: Digests::of(&key, &spec),
        created_in: old.map_or(moment.revision, |it| it.created_in),
        changed_in: moment.revision,
        created_ms: old.map_or(moment.at_ms, |it| it.created_ms),
        updated_ms: moment.at_ms,
        key,
        spec,
    });
    let mut config = config.clone();
    config.insert(Arc::clone(&resource));
    let secret::Fresh { seal, shown } = secret;
    Ok(Outcome { config, before, written: Some(resource), gone: Vec::new(), seal, shown })
}

fn delete(config: &Config, key: &Key, if_match: Option<&IfMatch>) -> Result<Outcome, Refused> {
    let before = config.get(key).cloned().ok_or(Refused::NotFound)?;
    check(if_match, Some(&before))?;
    let users = reference::users(config, key);
    if !users.is_empty() {
        return Err(Refused::InUse(users));
    }
    let mut config = config.clone();
    let gone = config.remove(key);
    Ok(Outcome { config, before: Some(before), written: None, gone, seal: None, shown: None })
}

fn is_hanging_on_something(config: &Config, key: &Key) -> Result<(), Refused> {
    let owner = key.collection.owner();
    let is_gone = owner.is_some_and(|it| config.get(&it).is_none());
    if is_gone { Err(Refused::NotFound) } else { Ok(()) }
}

fn check(if_match: Option<&IfMatch>, old: Option<&Arc<Resource>>) -> Result<(), Refused> {
    let holds = match (if_match, old) {
        (None, _) | (Some(IfMatch::Any), Some(_)) => true,
        (Some(IfMatch::Any | IfMatch::ChangedIn(_)), None) => false,
        (Some(IfMatch::ChangedIn(revisions)), Some(old)) => revisions.contains(&old.changed_in),
    };
    holds.then_some(()).ok_or(Refused::Precondition)
}

impl Outcome {
    /// Gives the resource the fingerprint that the vault made of its secret.
    pub(crate) fn sealed(&mut self, fingerprint: String) {
        let Some(written) = &mut self.written else { return };
        let resource = Arc::make_mut(written);
        if let Spec::Credential(credential) = &mut resource.spec
            && let Some(secret) = &mut credential.secret
        {
            secret.fingerprint = fingerprint;
        }
        resource.digests = Digests::of(&resource.key, &resource.spec);
        self.config.insert(Arc::clone(written));
    }
}
