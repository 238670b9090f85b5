//! Decides what a write makes of the configuration, or why it may not. Touches nothing.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::control_plane::config::change_error::Refused;
use crate::control_plane::config::draft::Draft;
use crate::control_plane::config::reference;
use crate::control_plane::config::resource::{Key, Resource, Spec};
use crate::control_plane::config::secret::{self, Generate};
use crate::control_plane::config::snapshot::Config;

/// A write.
#[derive(Debug)]
pub(crate) enum Change {
    /// Makes a resource.
    Create { key: Key, draft: Draft },
    /// Makes or replaces a resource.
    Put { key: Key, draft: Draft, if_match: Option<IfMatch> },
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
    /// The resource as it is now; `None` when it was deleted.
    pub(crate) written: Option<Arc<Resource>>,
    pub(crate) created: bool,
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

/// Makes `change` on `config`.
pub(crate) fn apply(
    config: &Config,
    change: Change,
    moment: Moment,
    generate: Generate,
) -> Result<Outcome, Refused> {
    match change {
        Change::Create { key, draft } => write(config, key, draft, None, moment, generate),
        Change::Put { key, draft, if_match } => {
            write(config, key, draft, if_match, moment, generate)
        }
        Change::Delete { key, if_match } => delete(config, &key, if_match.as_ref()),
    }
}

fn write(
    config: &Config,
    key: Key,
    draft: Draft,
    if_match: Option<IfMatch>,
    moment: Moment,
    generate: Generate,
) -> Result<Outcome, Refused> {
    if key.collection.owner().is_some_and(|it| config.get(&it).is_none()) {
        return Err(Refused::NotFound);
    }
    let old = config.get(&key).map(Arc::as_ref);
    if_match.map_or(Ok(()), |it| it.check(old))?;
    let (spec, secret) = match draft {
        Draft::Credential(draft) => {
            let old = old.and_then(|it| it.spec.as_credential());
            let (credential, secret) = secret::settle(draft, old, moment.at_ms, generate)?;
            (Spec::Credential(credential), secret)
        }
        Draft::Target(it) => (Spec::Target(it), secret::Fresh::default()),
        Draft::Proxy(it) => (Spec::Proxy(it), secret::Fresh::default()),
        Draft::Rule(it) => (Spec::Rule(it), secret::Fresh::default()),
        Draft::Filter(it) => (Spec::Filter(it), secret::Fresh::default()),
    };
    reference::check(config, &key, &spec)?;
    let resource = Arc::new(Resource {
        digest: Resource::digest_of(&key, &spec),
        created_in: old.map_or(moment.revision, |it| it.created_in),
        changed_in: moment.revision,
        created_ms: old.map_or(moment.at_ms, |it| it.created_ms),
        updated_ms: moment.at_ms,
        key,
        spec,
    });
    let mut config = config.clone();
    let created = config.get(&resource.key).is_none();
    config.insert(Arc::clone(&resource));
    let secret::Fresh { seal, shown } = secret;
    Ok(Outcome { config, written: Some(resource), created, gone: Vec::new(), seal, shown })
}

fn delete(config: &Config, key: &Key, if_match: Option<&IfMatch>) -> Result<Outcome, Refused> {
    let old = config.get(key).ok_or(Refused::NotFound)?;
    if_match.map_or(Ok(()), |it| it.check(Some(old)))?;
    let users = reference::users(config, key);
    if !users.is_empty() {
        return Err(Refused::InUse(users));
    }
    let mut config = config.clone();
    let gone = config.remove(key);
    Ok(Outcome { config, written: None, created: false, gone, seal: None, shown: None })
}

impl IfMatch {
    fn check(&self, old: Option<&Resource>) -> Result<(), Refused> {
        let holds = match (self, old) {
            (Self::Any, old) => old.is_some(),
            (Self::ChangedIn(_), None) => false,
            (Self::ChangedIn(revisions), Some(old)) => revisions.contains(&old.changed_in),
        };
        holds.then_some(()).ok_or(Refused::Precondition)
    }
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
        resource.digest = Resource::digest_of(&resource.key, &resource.spec);
        self.config.insert(Arc::clone(written));
    }
}
