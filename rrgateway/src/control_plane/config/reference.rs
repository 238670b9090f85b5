//! What resources say of each other: names that must be there, and may be there once only.

use std::sync::Arc;

use crate::control_plane::config::change_error::Refused;
use crate::control_plane::config::resource::{Collection, Key, Kind, Spec};
use crate::control_plane::config::routes;
use crate::control_plane::config::snapshot::Config;
use crate::control_plane::wire::auth::form::Kind as Side;
use crate::control_plane::wire::credential::Credential;
use crate::control_plane::wire::fields::Flaw;
use crate::control_plane::wire::proxy::Proxy;
use crate::control_plane::wire::secret::SecretState;

/// Whether `spec` can stand in `config` as `key`, from `at_ms` on (milliseconds since the Unix
/// epoch).
pub(crate) fn check(config: &Config, key: &Key, spec: &Spec, at_ms: i64) -> Result<(), Refused> {
    let mut others = config.list(&key.collection, 0).filter(|it| it.key != *key);
    if spec.name().is_some() && others.any(|it| it.spec.name() == spec.name()) {
        return Err(conflict("/name", "there is one of this name already"));
    }
    let hanging = || config.list(&key.collection, 0).filter(|it| it.key != *key).count();
    let most = if key.collection.kind == Kind::Meter { MOST_METERS } else { MOST };
    if key.collection.parent.is_some() && hanging() >= most {
        let detail = format!("there are {most} here already, and no more may be");
        return Err(Refused::Invalid(vec![Flaw::new("", detail)]));
    }
    match spec {
        Spec::Credential(it) => has_its_own_secret(config, key, it, at_ms),
        Spec::Proxy(it) => {
            names_what_exists(config, it)?;
            is_named_alone(config, key, it)?;
            routes::check(config, key, it)
        }
        Spec::Target(_)
        | Spec::Rule(_)
        | Spec::Filter(_)
        | Spec::Meter(_)
        | Spec::Configuration(_) => Ok(()),
    }
}

/// The proxies that name `key`.
pub(crate) fn users(config: &Config, key: &Key) -> Vec<Key> {
    let id = &*key.id;
    config
        .list(&Collection::top(Kind::Proxy), 0)
        .filter(|it| it.spec.as_proxy().is_some_and(|it| names(it, key.collection.kind, id)))
        .map(|it| it.key.clone())
        .collect()
}

fn names(proxy: &Proxy, kind: Kind, id: &str) -> bool {
    match kind {
        Kind::Target => proxy.target_id == id,
        Kind::Credential => {
            proxy.target_credential_id.as_deref() == Some(id)
                || proxy.proxy_credential_ids.iter().any(|it| it == id)
        }
        Kind::Proxy | Kind::Rule | Kind::Filter | Kind::Meter | Kind::Configuration => false,
    }
}

// `/api/{name}/…` must lead to one proxy, whether by its id or its alias.
fn is_named_alone(config: &Config, key: &Key, proxy: &Proxy) -> Result<(), Refused> {
    let alias = proxy.alias.as_deref();
    for other in config.list(&key.collection, 0).filter(|it| it.key != *key) {
        let theirs = other.spec.as_proxy().and_then(|it| it.alias.as_deref());
        if theirs == Some(&*key.id) {
            return Err(conflict("/id", "another proxy has the id of this one as its alias"));
        }
        if alias.is_some() && (alias == theirs || alias == Some(&*other.key.id)) {
            return Err(conflict("/alias", "another proxy has this as its alias or id"));
        }
    }
    Ok(())
}

fn conflict(pointer: &str, why: &str) -> Refused {
    Refused::Conflict(Flaw::new(pointer, why))
}

// Two credentials with one secret: nobody could say who is calling.
fn has_its_own_secret(
    config: &Config,
    key: &Key,
    it: &Credential,
    at_ms: i64,
) -> Result<(), Refused> {
    let Some(digest) = it.secret.as_ref().and_then(|it| it.digest) else { return Ok(()) };
    let mut others = config
        .list(&key.collection, 0)
        .filter(|it| it.key != *key)
        .filter_map(|it| it.spec.as_credential()?.secret.as_ref());
    let is_theirs = |it: &SecretState| {
        // The one before is good while its grace lasts.
        let previous = it.previous.as_ref().filter(|it| at_ms < it.until_ms);
        it.digest == Some(digest) || previous.is_some_and(|it| it.digest == Some(digest))
    };
    if others.any(is_theirs) {
        let pointer = it.auth.secret_pointer().unwrap_or_default();
        return Err(conflict(pointer, "another credential has this secret: choose another"));
    }
    Ok(())
}

fn names_what_exists(config: &Config, proxy: &Proxy) -> Result<(), Refused> {
    let mut flaws = Vec::new();
    for (index, id) in proxy.proxy_credential_ids.iter().enumerate() {
        let pointer = format!("/proxyCredentialIds/{index}");
        flaws.extend(credential_flaw(config, id, Side::Proxy, pointer));
    }
    if config.get(&Key::top(Kind::Target, Arc::from(&*proxy.target_id))).is_none() {
        flaws.push(Flaw::new("/targetId", "there is no such target"));
    }
    if let Some(id) = &proxy.target_credential_id {
        let pointer = "/targetCredentialId".to_owned();
        flaws.extend(credential_flaw(config, id, Side::Target, pointer));
    }
    if flaws.is_empty() { Ok(()) } else { Err(Refused::Invalid(flaws)) }
}

// As many as a set of rules holds.
const MOST: usize = 1_000;
// Each of them is asked about each request.
const MOST_METERS: usize = 50;

fn credential_flaw(config: &Config, id: &str, side: Side, pointer: String) -> Option<Flaw> {
    let found = config.get(&Key::top(Kind::Credential, id));
    let why = match (found.and_then(|it| it.spec.as_credential()), side) {
        (None, _) => "there is no such credential",
        (Some(it), side) if it.kind == side => return None,
        (Some(_), Side::Proxy) => "this is a credential of kind target",
        (Some(_), Side::Target) => "this is a credential of kind proxy",
    };
    Some(Flaw::new(pointer, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::config::outcome::Moment;
    use crate::control_plane::wire::secret::SecretDigest;
    use serde_json::json;

    #[test]
    fn a_secret_is_somebody_elses_while_its_grace_lasts() {
        let mut config = Config::first(0);
        let (key, rotated) = credential("rotated", "new", Some(("old", 1_000)));
        let moment = Moment { revision: 2, at_ms: 0 };
        config.insert(Arc::new(moment.resource(key.clone(), rotated.clone(), None)));
        check(&config, &key, &rotated, 999).unwrap();
        for (secret, at_ms, expected) in [
            ("new", 999, false),
            ("new", 1_000, false),
            ("old", 999, false),
            ("old", 1_000, true),
            ("other", 999, true),
        ] {
            let (key, spec) = credential("another", secret, None);
            let checked = check(&config, &key, &spec, at_ms);
            assert_eq!(checked.is_ok(), expected, "{secret} at {at_ms}: {checked:?}");
        }
    }

    fn credential(name: &str, secret: &str, previous: Option<(&str, i64)>) -> (Key, Spec) {
        let previous = previous.map(|(secret, until_ms)| {
            json!({"version": 1, "untilMs": until_ms, "digest": SecretDigest::of(secret)})
        });
        let spec = json!({"name": name, "kind": "proxy",
            "auth": {"type": "apiKey", "in": "header", "name": "X-API-Key", "prefix": ""},
            "defaultRuleEffect": "allow", "expiresAtMs": null, "active": true, "region": "local",
            "secret": {"version": 2, "fingerprint": "", "rotatedAtMs": 0,
                "digest": SecretDigest::of(secret), "previous": previous}});
        let spec = Spec::from_json(Kind::Credential, &spec.to_string()).unwrap();
        (Key::top(Kind::Credential, name), spec)
    }
}
