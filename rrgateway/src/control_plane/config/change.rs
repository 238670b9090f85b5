//! Decides what a write makes of the configuration, or why it may not. Touches nothing.

use std::sync::Arc;

use crate::control_plane::config::binding;
use crate::control_plane::config::change_error::Refused;
use crate::control_plane::config::document;
use crate::control_plane::config::draft::Draft;
use crate::control_plane::config::outcome::{Moment, Outcome};
use crate::control_plane::config::reference;
use crate::control_plane::config::resource::{Key, Resource, Spec};
use crate::control_plane::config::rotation::Rotation;
use crate::control_plane::config::secret::{self, Generate};
use crate::control_plane::config::snapshot::Config;
use crate::control_plane::wire::json::Json;
use crate::control_plane::wire::proxy::ProxyDraft;
use crate::control_plane::wire::rebind::Rebind;
use crate::control_plane::wire::rule_text::RuleText;
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
    /// Gives a credential a new secret.
    Rotate { key: Key, rotation: Json, if_match: Option<IfMatch> },
}

/// What `If-Match` asks for (RFC 9110 §13.1.1).
#[derive(Debug)]
pub(crate) enum IfMatch {
    /// `*`: that it exists.
    Any,
    /// That one of these revisions is the one that last changed it.
    ChangedIn(Vec<u64>),
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
            write(config, key, draft.into(), moment, means)
        }
        Change::Put { key, draft, if_match } => {
            is_hanging_on_something(config, &key)?;
            check(if_match.as_ref(), config.get(&key))?;
            write(config, key, draft.into(), moment, means)
        }
        Change::Patch { key, patch, if_match } => {
            let old = config.get(&key).ok_or(Refused::NotFound)?;
            check(if_match.as_ref(), Some(old))?;
            let draft = document::patched(old, patch, means.egress).map_err(Refused::Invalid)?;
            write(config, key, draft.into(), moment, means)
        }
        Change::Delete { key, if_match } => delete(config, &key, if_match.as_ref()),
        Change::Rotate { key, rotation, if_match } => {
            let old = config.get(&key).ok_or(Refused::NotFound)?;
            check(if_match.as_ref(), Some(old))?;
            let rotation = Rotation::read(rotation).map_err(Refused::Invalid)?;
            let draft = document::rotated(old, rotation.auth, means.egress);
            let draft = draft.map_err(Refused::Invalid)?;
            let new = New { draft, grace_seconds: Some(rotation.grace_seconds) };
            write(config, key, new, moment, means)
        }
    }
}

/// What is to stand in a resource's place.
struct New {
    draft: Draft,
    /// That its secret must be a new one, and for how long the one before stays good.
    grace_seconds: Option<u64>,
}

impl From<Draft> for New {
    fn from(draft: Draft) -> Self {
        Self { draft, grace_seconds: None }
    }
}

fn write(
    config: &Config,
    key: Key,
    new: New,
    moment: Moment,
    means: Means<'_>,
) -> Result<Outcome, Refused> {
    let before = config.get(&key).cloned();
    let old = before.as_deref();
    let is_rotation = new.grace_seconds.is_some();
    let Settled { spec, fresh, rebind } = settled(config, &key, new, moment, means)?;
    reference::check(config, &key, &spec, moment.at_ms)?;
    let resource = Arc::new(moment.resource(key, spec, old));
    let mut config = config.clone();
    config.insert(Arc::clone(&resource));
    let secret::Fresh { incoming, shown } = fresh;
    let incoming = incoming.map(|it| (resource.key.clone(), it));
    let mut outcome = Outcome {
        config,
        before,
        written: Some(Arc::clone(&resource)),
        bound: Vec::new(),
        is_rotation,
        gone: Vec::new(),
        incoming,
        shown,
    };
    binding::settle(&mut outcome, &resource, rebind, moment)?;
    Ok(outcome)
}

/// A resource as it is to stand, and what came with it.
struct Settled {
    spec: Spec,
    fresh: secret::Fresh,
    rebind: Option<Rebind>,
}

fn settled(
    config: &Config,
    key: &Key,
    new: New,
    moment: Moment,
    means: Means<'_>,
) -> Result<Settled, Refused> {
    let old = config.get(key);
    let (mut fresh, mut rebind) = (secret::Fresh::default(), None);
    let spec = match new.draft {
        Draft::Credential(draft) => {
            let standing = secret::Standing {
                old: old.and_then(|it| it.spec.as_credential()),
                last: config.last_version(&key.id),
                at_ms: moment.at_ms,
                grace_seconds: new.grace_seconds,
            };
            let (credential, secret) = secret::settle(draft, standing, means.generate)?;
            fresh = secret;
            Spec::Credential(credential.into())
        }
        Draft::Target { target, rebind: it } => {
            rebind = it;
            Spec::Target(target.into())
        }
        Draft::Proxy(ProxyDraft { mut proxy, is_limited, rebind: it }) => {
            match old.and_then(|it| it.spec.as_proxy()) {
                Some(old) => proxy.limits.succeed(&old.limits),
                None if !is_limited => proxy.limits = config.configuration().limits,
                None => {}
            }
            rebind = it;
            Spec::Proxy(proxy.into())
        }
        Draft::Rule(it) => Spec::Rule(RuleText::from(&it)),
        Draft::Filter(it) => Spec::Filter(it.into()),
        Draft::Meter(mut it) => {
            if let Some(old) = old.and_then(|it| it.spec.as_meter()) {
                it.succeed(old);
            }
            Spec::Meter(it.into())
        }
        Draft::Configuration(it) => Spec::Configuration(it.into()),
    };
    Ok(Settled { spec, fresh, rebind })
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
    Ok(Outcome {
        config,
        before: Some(before),
        written: None,
        bound: Vec::new(),
        is_rotation: false,
        gone,
        incoming: None,
        shown: None,
    })
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
