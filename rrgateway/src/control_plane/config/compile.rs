//! Makes what a data plane serves out of the configuration, once per content.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use rratelimit::{Limit, Policy};
use rrfilter::{FilterSet, Rewrite, Transform as Unchanged};
use rrrules::RuleSet;

use crate::control_plane::config::callers;
use crate::control_plane::config::common::Common;
use crate::control_plane::config::limits;
use crate::control_plane::config::lint::default_rule_effect;
use crate::control_plane::config::made::Made as Known;
use crate::control_plane::config::meters;
use crate::control_plane::config::resource::{Collection, Key, Kind, Resource, digest};
use crate::control_plane::config::scopes::{self, Hanging};
use crate::control_plane::config::served::{Kept, Made, Served};
use crate::control_plane::config::shown::{
    CLIENT, authentication, key_headers, presentation, secret_name,
};
use crate::control_plane::config::snapshot::Config;
use crate::control_plane::config::unservable::Unservable;
use crate::control_plane::wire::configuration::Configuration;
use crate::control_plane::wire::credential::Credential;
use crate::control_plane::wire::proxy::{NoAuthentication, Proxy as Spec};
use crate::control_plane::wire::route::Route;
use crate::control_plane::wire::transform::Transform;
use crate::model::{
    BaseUrl, Digest, Presentation, Proxy, Revision, Target, TargetCredential, Timeouts,
    Transformation, Validation,
};

/// Remembers what it made for the revision that is served.
#[derive(Debug, Default)]
pub(crate) struct Compiler {
    made: Known,
    found: Found,
    served: Option<Served>,
    attempt: Option<Served>,
}

/// What this attempt has found already: most proxies share their target and their credential.
#[derive(Debug, Default)]
struct Found {
    targets: HashMap<String, Arc<Target>>,
    credentials: HashMap<String, (Digest, Arc<TargetCredential>)>,
}

impl Compiler {
    /// The revision `number` that serves `config`, which has this `digest`. Call
    /// [`Compiler::settle`] once it does.
    pub(crate) fn compile(
        &mut self,
        config: &Config,
        number: u64,
        digest: Digest,
    ) -> Result<Arc<Revision>, Unservable> {
        (self.found, self.attempt) = (Found::default(), None);
        // Out of the way, so that what it keeps can be read while more is made.
        let served = self.served.take();
        let made = self.proxies(config, served.as_ref());
        self.served = served;
        let (common, proxies) = made?;
        let served = proxies.iter().map(|(_, it)| Arc::clone(it)).collect();
        let callers = HashMap::from([(CLIENT.into(), Arc::clone(&common.callers))]);
        self.attempt = Some(Served { config: config.clone(), common, proxies });
        Ok(Arc::new(Revision { number, digest, proxies: served, callers }))
    }

    fn proxies(
        &mut self,
        config: &Config,
        served: Option<&Served>,
    ) -> Result<(Common, Vec<Made>), Unservable> {
        let (common, mut kept) = match served.and_then(|it| it.kept(config)) {
            Some(kept) => kept,
            None => (self.common(config)?, Kept::default()),
        };
        let mut proxies = Vec::with_capacity(kept.len());
        for resource in config.list(&Collection::top(Kind::Proxy), 0) {
            let Some(spec) = resource.spec.as_proxy() else { continue };
            let proxy = match kept.take(resource) {
                Some(proxy) => proxy,
                None => self.proxy(config, resource, spec, &common)?,
            };
            proxies.push((Arc::clone(resource), proxy));
        }
        Ok((common, proxies))
    }

    /// The rules that hang on `owner`, whether it is in use or not. To be called between
    /// [`Compiler::compile`] and [`Compiler::settle`].
    pub(crate) fn rules(
        &mut self,
        config: &Config,
        owner: &Key,
    ) -> Result<Option<Arc<RuleSet>>, Unservable> {
        let default = config.get(owner).and_then(|it| default_rule_effect(&it.spec));
        let hanging = default.map(|it| self.made.scopes.of(config, owner, it)).transpose()?;
        Ok(hanging.map(|it| it.rules))
    }

    /// Whether `written` can be what it says that it is: to be asked of all that is written.
    pub(crate) fn check(&self, written: &Resource) -> Result<(), Unservable> {
        scopes::check(written, self.made.scopes.patterns())
    }

    /// The revision that was compiled last is served: what it does not use may go.
    pub(crate) fn settle(&mut self) {
        self.made.scopes.settle();
        self.served = self.attempt.take();
    }

    fn proxy(
        &mut self,
        config: &Config,
        resource: &Resource,
        spec: &Spec,
        common: &Common,
    ) -> Result<Arc<Proxy>, Unservable> {
        let key = &resource.key;
        let hanging = self.made.scopes.of(config, key, spec.default_rule_effect)?;
        let target = self.target(config, key, &spec.target_id)?;
        let (credential_digest, credential) = self.target_credential(config, key, spec)?;
        let callers_digest = match spec.authentication {
            Some(NoAuthentication::None) => of_headers(common),
            None => common.digest,
        };
        let own = of_parts(resource, &hanging);
        let parts = [own, target.digest, credential_digest, callers_digest];
        let status = common.rule_deny_status.as_u16().to_be_bytes();
        // What is made again under its id counts anew, whatever it says.
        let metered = config.standing(&Collection::under(Kind::Meter, key));
        let since = resource.created_in;
        let more = [status.as_slice(), &since.to_be_bytes(), &meters::digest(&metered).0];
        let digest = digest(parts.iter().map(|it| it.0.as_slice()).chain(more));
        let limits = limits::of(key, spec.limits, since)?;
        let patterns = self.made.scopes.patterns().clone();
        let validation = self.validation(key, spec)?;
        let transformation = self.transformation(key, spec)?;
        self.made.proxies.get(digest, || {
            Ok(Proxy {
                digest,
                id: Arc::clone(&key.id),
                alias: spec.alias.as_deref().map(Arc::from),
                routes: spec.routes.iter().map(Route::compiled).collect(),
                client: CLIENT.into(),
                active: spec.active,
                authentication: authentication(config, spec, common),
                limits,
                meters: meters::of(&metered, key, &patterns)?,
                rules: hanging.rules,
                rule_deny_status: common.rule_deny_status,
                validation,
                transformation,
                echo_shield: spec.echo_shield,
                allow_upgrade: spec.allow_upgrade,
                filters: hanging.filters,
                target,
                credential,
            })
        })
    }

    fn target(
        &mut self,
        config: &Config,
        proxy: &Key,
        id: &str,
    ) -> Result<Arc<Target>, Unservable> {
        if let Some(found) = self.found.targets.get(id) {
            return Ok(Arc::clone(found));
        }
        let dangling = || Unservable::new(proxy, "/targetId", "there is no such target");
        let resource = config.get(&Key::top(Kind::Target, id)).ok_or_else(dangling)?;
        let spec = resource.spec.as_target().ok_or_else(dangling)?;
        let hanging = self.made.scopes.of(config, &resource.key, spec.default_rule_effect)?;
        let digest = of_parts(resource, &hanging);
        let target = self.made.targets.get(digest, || {
            let base_url = BaseUrl::parse(&spec.base_url)
                .map_err(|it| Unservable::new(&resource.key, "/baseUrl", it.to_string()))?;
            Ok(Target {
                digest,
                id: Arc::clone(&resource.key.id),
                base_url,
                path_options: spec.path_options.compiled(),
                timeouts: Timeouts {
                    connect: Duration::from_millis(spec.connect_timeout_ms),
                    response: Duration::from_millis(spec.timeout_ms),
                    idle: Duration::from_millis(spec.idle_timeout_ms),
                },
                rules: hanging.rules,
                filters: hanging.filters,
            })
        })?;
        self.found.targets.insert(id.to_owned(), Arc::clone(&target));
        Ok(target)
    }

    fn target_credential(
        &mut self,
        config: &Config,
        proxy: &Key,
        spec: &Spec,
    ) -> Result<(Digest, Arc<TargetCredential>), Unservable> {
        let Some(id) = &spec.target_credential_id else { return self.no_credential() };
        if let Some(found) = self.found.credentials.get(id) {
            return Ok(found.clone());
        }
        let dangling =
            || Unservable::new(proxy, "/targetCredentialId", "there is no such credential");
        let resource = config.get(&Key::top(Kind::Credential, &**id)).ok_or_else(dangling)?;
        let spec = resource.spec.as_credential().ok_or_else(dangling)?;
        let hanging = self.made.scopes.of(config, &resource.key, spec.default_rule_effect)?;
        let digest = of_parts(resource, &hanging);
        let credential = self.made.credentials.get(digest, || {
            Ok(TargetCredential {
                digest: injected(&resource.key, spec),
                secret: secret_name(&resource.key, spec),
                destinations: spec.destinations.clone(),
                present: presentation(&resource.key, &spec.auth)?,
                active: spec.active,
                expires_at_ms: spec.expires_at_ms,
                rules: hanging.rules,
                filters: hanging.filters,
            })
        })?;
        self.found.credentials.insert(id.clone(), (digest, Arc::clone(&credential)));
        Ok((digest, credential))
    }

    fn no_credential(&mut self) -> Result<(Digest, Arc<TargetCredential>), Unservable> {
        let digest = Digest([0; 32]);
        let credential = self.made.credentials.get(digest, || {
            Ok(TargetCredential {
                digest,
                secret: None,
                destinations: Vec::new(),
                present: Presentation::None,
                active: true,
                expires_at_ms: None,
                rules: Arc::new(RuleSet::allow_all()),
                filters: Arc::new(FilterSet::empty()),
            })
        })?;
        Ok((digest, credential))
    }

    fn validation(&mut self, proxy: &Key, spec: &Spec) -> Result<Option<Validation>, Unservable> {
        let Some(spec) = &spec.validation else { return Ok(None) };
        let text = serde_json::to_vec(spec)
            .map_err(|it| Unservable::new(proxy, "/validation", it.to_string()))?;
        let validator = self.made.validators.get(digest([text.as_slice()]), || {
            spec.compiled().map_err(|flaw| Unservable { key: proxy.clone(), flaw })
        })?;
        Ok(Some(Validation { validator, watches_responses: spec.watches_responses() }))
    }

    fn transformation(
        &mut self,
        proxy: &Key,
        spec: &Spec,
    ) -> Result<Arc<Transformation>, Unservable> {
        // Most have none, and are not worth a digest.
        let text = spec.transform.as_ref().map(Transform::text);
        let of = text.map_or(Digest([0; 32]), |it| digest([it.as_bytes()]));
        self.made.transformations.get(of, || match &spec.transform {
            Some(it) => it.compiled().map_err(|flaw| Unservable { key: proxy.clone(), flaw }),
            None => Ok(Transformation {
                transform: Arc::new(Unchanged::none()),
                rewrite: Rewrite::none(),
            }),
        })
    }

    fn common(&mut self, config: &Config) -> Result<Common, Unservable> {
        let configuration = config.configuration();
        let callers = callers::of(&mut self.made, config)?;
        let [failures, failures_with_passwords] =
            [configuration.auth_failures_per_minute, Some(GUESSES)].map(|it| {
                let per_minute = configuration.auth_failures_per_minute.or(it)?;
                Some(Limit::sliding("authFailuresPerMinute", per_minute, Duration::from_secs(60)))
            });
        let policy = |limit: Option<Limit>| {
            let policy = limit.map(|it| Policy::new([it])).transpose();
            policy.map(|it| it.map(Arc::new)).map_err(|it| {
                let key = Key::top(Kind::Configuration, CLIENT);
                Unservable::new(&key, "/authFailuresPerMinute", it.to_string())
            })
        };
        let failures = [policy(failures)?, policy(failures_with_passwords)?];
        Ok(Common::new(callers, failures, deny_status(configuration)?))
    }
}

// Of `resource` and what hangs on it. What the default is, the resource says.
fn of_parts(resource: &Resource, hanging: &Hanging) -> Digest {
    let [rules, filters] = &hanging.digests;
    digest([resource.digest().0.as_slice(), &rules.0, &filters.0])
}

// Of where callers show keys: a proxy that lets anybody in takes off what is there.
fn of_headers(common: &Common) -> Digest {
    let headers = key_headers(&common.callers);
    digest(headers.iter().map(|it| it.as_str().as_bytes()))
}

// Of nothing that a rule or a name changes: a token that was fetched outlives those, and a refresh
// token that is good for one use is not in two hands for their sake.
fn injected(key: &Key, spec: &Credential) -> Digest {
    let said = serde_json::to_vec(&(&spec.auth, &spec.destinations, spec.active));
    let version = spec.secret.as_ref().map_or(0, |it| it.version).to_be_bytes();
    digest([key.id.as_bytes(), &said.unwrap_or_default(), &version])
}

fn deny_status(configuration: Configuration) -> Result<StatusCode, Unservable> {
    StatusCode::from_u16(configuration.rule_deny_status).map_err(|it| {
        let key = Key::top(Kind::Configuration, CLIENT);
        Unservable::new(&key, "/ruleDenyStatus", it.to_string())
    })
}

/// Wrong passwords of one client address in a minute, unless told otherwise.
const GUESSES: u64 = 30;
