//! Where a target credential's secret may go: to the destinations of the targets it was first joined
//! with, and elsewhere only for whoever has the secret.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use crate::control_plane::config::change_error::Refused;
use crate::control_plane::config::outcome::{Moment, Outcome};
use crate::control_plane::config::resource::{Collection, Key, Kind, Resource, Spec};
use crate::control_plane::config::secret;
use crate::control_plane::config::snapshot::Config;
use crate::control_plane::wire::auth::form::Kind as Side;
use crate::control_plane::wire::credential::{Credential, CredentialDraft};
use crate::control_plane::wire::fields::Flaw;
use crate::control_plane::wire::rebind::Rebind;
use crate::model::BaseUrl;

/// Holds `written`, which is in the configuration of `outcome` already, against where the secrets of
/// the credentials that it concerns may go; binds those that are not bound yet, and those that
/// `rebind` gives anew.
pub(crate) fn settle(
    outcome: &mut Outcome,
    written: &Resource,
    rebind: Option<Rebind>,
    moment: Moment,
) -> Result<(), Refused> {
    if let Some(rebind) = rebind {
        give_again(outcome, written, rebind, moment)?;
    }
    for (credential, origin) in concerned(&outcome.config, written) {
        let Some(resource) = outcome.config.get(&credential).cloned() else { continue };
        let Some(spec) = resource.spec.as_credential() else { continue };
        if spec.auth.secret_pointer().is_none() || spec.destinations.contains(&origin) {
            continue;
        }
        if !spec.destinations.is_empty() {
            return Err(elsewhere(written, &credential, &origin));
        }
        let bound = Credential { destinations: vec![origin], ..spec.clone() };
        put(outcome, &resource, bound, moment);
    }
    Ok(())
}

/// Binds the credentials that a release without destinations left unbound to where they are used:
/// what they reached when it was stopped, and nothing else.
pub(crate) fn adopt(config: &mut Config) {
    let is_unbound = |it: &Credential| {
        it.kind == Side::Target && it.auth.secret_pointer().is_some() && it.destinations.is_empty()
    };
    let credentials = Collection::top(Kind::Credential);
    let ids: HashSet<&str> = config
        .list(&credentials, 0)
        .filter(|it| it.spec.as_credential().is_some_and(is_unbound))
        .map(|it| &*it.key.id)
        .collect();
    if ids.is_empty() {
        return;
    }
    let uses_one = |it: &Resource| {
        let id = it.spec.as_proxy().and_then(|it| it.target_credential_id.as_deref());
        id.is_some_and(|it| ids.contains(it))
    };
    let mut unbound: BTreeMap<Key, BTreeSet<String>> = BTreeMap::new();
    let proxies = Collection::top(Kind::Proxy);
    let users = config.list(&proxies, 0).filter(|it| uses_one(it));
    for (key, origin) in users.filter_map(|it| joined(config, it)) {
        unbound.entry(key).or_default().insert(origin);
    }
    for (key, origins) in unbound {
        let Some(resource) = config.get(&key).cloned() else { continue };
        let Some(spec) = resource.spec.as_credential() else { continue };
        let destinations = origins.into_iter().collect();
        let spec = Spec::Credential(Box::new(Credential { destinations, ..spec.clone() }));
        config.insert(Arc::new(Resource { content: spec.digest(), spec, ..(*resource).clone() }));
    }
}

// The credentials whose secrets go somewhere because of `written`, and where.
fn concerned(config: &Config, written: &Resource) -> BTreeSet<(Key, String)> {
    let is_concerned = |proxy: &Resource| match written.key.collection.kind {
        Kind::Proxy => proxy.key == written.key,
        Kind::Target => proxy.spec.as_proxy().is_some_and(|it| *it.target_id == *written.key.id),
        Kind::Credential => proxy
            .spec
            .as_proxy()
            .is_some_and(|it| it.target_credential_id.as_deref() == Some(&*written.key.id)),
        Kind::Rule | Kind::Filter | Kind::Meter | Kind::Configuration => false,
    };
    let all = Collection::top(Kind::Proxy);
    let proxies = config.list(&all, 0).filter(|it| is_concerned(it));
    proxies.filter_map(|it| joined(config, it)).collect()
}

fn joined(config: &Config, proxy: &Resource) -> Option<(Key, String)> {
    let proxy = proxy.spec.as_proxy()?;
    let credential = Key::top(Kind::Credential, proxy.target_credential_id.as_deref()?);
    let target = config.get(&Key::top(Kind::Target, &*proxy.target_id))?;
    let url = BaseUrl::parse(&target.spec.as_target()?.base_url).ok()?;
    Some((credential, url.origin()))
}

fn give_again(
    outcome: &mut Outcome,
    written: &Resource,
    rebind: Rebind,
    moment: Moment,
) -> Result<(), Refused> {
    let wrong = |member: &str, why: &str| {
        Refused::Invalid(vec![Flaw::new(format!("/rebind/{member}"), why)])
    };
    let key = Key::top(Kind::Credential, &*rebind.credential_id);
    let found = outcome.config.get(&key).cloned();
    let old = found.as_deref().and_then(|it| it.spec.as_credential());
    let (Some(resource), Some(old)) = (&found, old.filter(|it| it.kind == Side::Target)) else {
        return Err(wrong("credentialId", "there is no such credential of kind target"));
    };
    if !concerned(&outcome.config, written).iter().any(|(it, _)| *it == key) {
        return Err(wrong("credentialId", "this write does not concern that credential"));
    }
    let all = Collection::top(Kind::Proxy);
    let proxies = outcome.config.list(&all, 0);
    let joined = proxies.filter_map(|it| joined(&outcome.config, it));
    let destinations: BTreeSet<_> = joined.filter(|it| it.0 == key).map(|it| it.1).collect();
    let credential = Credential {
        auth: rebind.auth,
        destinations: destinations.into_iter().collect(),
        secret: None,
        ..old.clone()
    };
    let standing = secret::Standing {
        old: Some(old),
        last: outcome.config.last_version(&key.id),
        at_ms: moment.at_ms,
        grace_seconds: None,
    };
    let draft = CredentialDraft { credential, secret: Some(rebind.secret), is_bound: true };
    // It is the client's, so none is generated.
    let settled = secret::settle(draft, standing, || Err(rrauth::RandomUnavailable));
    let (bound, fresh) = settled.map_err(in_rebind)?;
    outcome.incoming = fresh.incoming.map(|it| (key, it));
    put(outcome, resource, bound, moment);
    Ok(())
}

fn in_rebind(refused: Refused) -> Refused {
    match refused {
        Refused::Invalid(flaws) => {
            let below = |it: Flaw| Flaw::new(format!("/rebind{}", it.pointer), it.detail);
            Refused::Invalid(flaws.into_iter().map(below).collect())
        }
        it @ (Refused::NotFound
        | Refused::Precondition
        | Refused::InUse(_)
        | Refused::Conflict(_)
        | Refused::NoRandomness) => it,
    }
}

fn put(outcome: &mut Outcome, old: &Resource, bound: Credential, moment: Moment) {
    let new = Arc::new(moment.resource(old.key.clone(), Spec::Credential(bound.into()), Some(old)));
    outcome.config.insert(Arc::clone(&new));
    let places = outcome.written.iter_mut().chain(&mut outcome.bound);
    match places.into_iter().find(|it| it.key == new.key) {
        Some(place) => *place = new,
        None => outcome.bound.push(new),
    }
}

fn elsewhere(written: &Resource, credential: &Key, origin: &str) -> Refused {
    let pointer = match written.key.collection.kind {
        Kind::Target => "/baseUrl",
        Kind::Proxy => "/targetId",
        Kind::Credential => "/destinations",
        Kind::Rule | Kind::Filter | Kind::Meter | Kind::Configuration => "",
    };
    let id = &credential.id;
    let why = match written.key.collection.kind {
        // There is no `rebind` on a credential, and what it is used with stays.
        Kind::Credential => {
            format!(
                "a proxy uses this credential with {origin}: name that too, or change the proxy"
            )
        }
        _ => format!(
            "this would send the secret of credential {id} to {origin}, which it is not bound to: \
             give it again with \"rebind\": {{\"credentialId\": \"{id}\", \"auth\": …}}"
        ),
    };
    Refused::Conflict(Flaw::new(pointer, why))
}
