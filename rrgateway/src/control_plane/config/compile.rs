//! Makes what a data plane serves out of the configuration, once per content.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use rratelimit::{Limit, Policy};
use rrauth::Index;
use rrfilter::FilterSet;
use rrrules::RuleSet;

use crate::control_plane::config::memo::Memo;
use crate::control_plane::config::resource::{Collection, Key, Kind, Resource, digest};
use crate::control_plane::config::scopes::{Hanging, Scopes};
use crate::control_plane::config::shown::{
    CLIENT, authentication, presentation, secret_name, shown_as,
};
use crate::control_plane::config::snapshot::Config;
use crate::control_plane::config::unservable::Unservable;
use crate::control_plane::wire::configuration::Configuration;
use crate::control_plane::wire::credential::Credential;
use crate::control_plane::wire::proxy::{Limits, NoAuthentication, Proxy as Spec};
use crate::control_plane::wire::route::Route;
use crate::model::{
    BaseUrl, Consumer, Digest, Presentation, Proxy, Revision, Target, TargetCredential, Timeouts,
};

/// Remembers what it made for the revision that is served.
#[derive(Debug, Default)]
pub(crate) struct Compiler {
    scopes: Scopes,
    policies: Memo<Policy>,
    targets: Memo<Target>,
    credentials: Memo<TargetCredential>,
    consumers: Memo<Consumer>,
    indexes: Memo<Index<Arc<Consumer>>>,
    proxies: Memo<Proxy>,
}

/// What all proxies of the client share.
struct Common {
    /// Of the callers.
    digest: Digest,
    index: Arc<Index<Arc<Consumer>>>,
    rule_deny_status: StatusCode,
}

impl Compiler {
    /// The revision `number` that serves `config`. Call [`Compiler::settle`] once it does.
    pub(crate) fn compile(
        &mut self,
        config: &Config,
        number: u64,
    ) -> Result<Arc<Revision>, Unservable> {
        self.begin();
        let common = self.common(config)?;
        let proxies: Result<Vec<_>, _> = config
            .list(&Collection::top(Kind::Proxy), 0)
            .filter_map(|it| it.spec.as_proxy().map(|spec| (it, spec)))
            .map(|(it, spec)| self.proxy(config, it, spec, &common))
            .collect();
        Ok(Arc::new(Revision { number, digest: config.digest(), proxies: proxies? }))
    }

    /// The revision that was compiled last is served: what it does not use may go.
    pub(crate) fn settle(&mut self) {
        let Self { scopes, policies, targets, credentials, consumers, indexes, proxies } = self;
        scopes.settle();
        policies.settle();
        targets.settle();
        credentials.settle();
        consumers.settle();
        indexes.settle();
        proxies.settle();
    }

    fn begin(&mut self) {
        let Self { scopes, policies, targets, credentials, consumers, indexes, proxies } = self;
        scopes.begin();
        policies.begin();
        targets.begin();
        credentials.begin();
        consumers.begin();
        indexes.begin();
        proxies.begin();
    }

    fn proxy(
        &mut self,
        config: &Config,
        resource: &Resource,
        spec: &Spec,
        common: &Common,
    ) -> Result<Arc<Proxy>, Unservable> {
        let key = &resource.key;
        let hanging = self.scopes.of(config, key, spec.default_rule_effect)?;
        let target = self.target(config, key, &spec.target_id)?;
        let (credential_digest, credential) = self.target_credential(config, key, spec)?;
        let callers_digest = match spec.authentication {
            Some(NoAuthentication::None) => Digest([0; 32]),
            None => common.digest,
        };
        let parts = [
            resource.digests.whole,
            hanging.digest,
            target.digest,
            credential_digest,
            callers_digest,
        ];
        let status = common.rule_deny_status.as_u16().to_be_bytes();
        let digest = digest(parts.iter().map(|it| it.0.as_slice()).chain([status.as_slice()]));
        let limits = self.policy(key, spec.limits)?;
        self.proxies.get(digest, || {
            Ok(Proxy {
                digest,
                id: Arc::clone(&key.id),
                alias: spec.alias.as_deref().map(Arc::from),
                routes: spec.routes.iter().map(Route::compiled).collect(),
                client: CLIENT.into(),
                active: spec.active,
                authentication: authentication(config, spec, &common.index),
                limits,
                rules: hanging.rules,
                rule_deny_status: common.rule_deny_status,
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
        let dangling = || Unservable::new(proxy, "/targetId", "there is no such target");
        let resource = config.get(&Key::top(Kind::Target, id)).ok_or_else(dangling)?;
        let spec = resource.spec.as_target().ok_or_else(dangling)?;
        let hanging = self.scopes.of(config, &resource.key, spec.default_rule_effect)?;
        let digest = digest([resource.digests.whole.0.as_slice(), &hanging.digest.0]);
        self.targets.get(digest, || {
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
        })
    }

    fn target_credential(
        &mut self,
        config: &Config,
        proxy: &Key,
        spec: &Spec,
    ) -> Result<(Digest, Arc<TargetCredential>), Unservable> {
        let Some(id) = &spec.target_credential_id else { return self.no_credential() };
        let dangling =
            || Unservable::new(proxy, "/targetCredentialId", "there is no such credential");
        let resource = config.get(&Key::top(Kind::Credential, &**id)).ok_or_else(dangling)?;
        let spec = resource.spec.as_credential().ok_or_else(dangling)?;
        let hanging = self.scopes.of(config, &resource.key, spec.default_rule_effect)?;
        let digest = digest([resource.digests.whole.0.as_slice(), &hanging.digest.0]);
        let credential = self.credentials.get(digest, || {
            Ok(TargetCredential {
                secret: secret_name(&resource.key, spec),
                present: presentation(&resource.key, &spec.auth)?,
                active: spec.active,
                expires_at_ms: spec.expires_at_ms,
                rules: hanging.rules,
                filters: hanging.filters,
            })
        })?;
        Ok((digest, credential))
    }

    fn no_credential(&mut self) -> Result<(Digest, Arc<TargetCredential>), Unservable> {
        let digest = Digest([0; 32]);
        let credential = self.credentials.get(digest, || {
            Ok(TargetCredential {
                secret: None,
                present: Presentation::None,
                active: true,
                expires_at_ms: None,
                rules: Arc::new(RuleSet::allow_all()),
                filters: Arc::new(FilterSet::empty()),
            })
        })?;
        Ok((digest, credential))
    }

    fn policy(&mut self, proxy: &Key, limits: Limits) -> Result<Arc<Policy>, Unservable> {
        let Limits { requests_per_minute, requests_per_day } = limits;
        let digest = digest([format!("{limits:?}").as_bytes()]);
        let minute = requests_per_minute
            .map(|max| Limit::sliding("requestsPerMinute", max, Duration::from_secs(60)));
        let day = requests_per_day.map(|max| Limit::calendar_day("requestsPerDay", max));
        self.policies.get(digest, || {
            Policy::new(minute.into_iter().chain(day))
                .map_err(|it| Unservable::new(proxy, "/limits", it.to_string()))
        })
    }

    fn common(&mut self, config: &Config) -> Result<Common, Unservable> {
        let mut known = Vec::new();
        for resource in config.list(&Collection::top(Kind::Credential), 0) {
            let Some(spec) = resource.spec.as_credential() else { continue };
            if let Some(it) = spec.secret.as_ref().and_then(|it| it.digest)
                && let Some(kind) = shown_as(spec)
            {
                let (digest, consumer) = self.consumer(config, resource, spec)?;
                let (id, name) = (Arc::clone(&resource.key.id), spec.name.as_str());
                let credential = rrauth::Credential::new(id, name, kind, consumer)
                    .active(spec.active)
                    .expires_at(spec.expires_at_ms.map(since_epoch));
                known.push((digest, it.0, credential));
            }
        }
        let digest = digest(known.iter().map(|(digest, _, _)| digest.0.as_slice()));
        let index = self.indexes.get(digest, || {
            Ok(known.into_iter().map(|(_, key, credential)| (key, credential)).collect())
        })?;
        Ok(Common { digest, index, rule_deny_status: deny_status(config.configuration())? })
    }

    fn consumer(
        &mut self,
        config: &Config,
        resource: &Resource,
        spec: &Credential,
    ) -> Result<(Digest, Arc<Consumer>), Unservable> {
        let hanging = self.scopes.of(config, &resource.key, spec.default_rule_effect)?;
        let digest = digest([resource.digests.whole.0.as_slice(), &hanging.digest.0]);
        let credential = Arc::clone(&resource.key.id);
        let Hanging { digest: _, rules, filters } = hanging;
        let consumer =
            self.consumers.get(digest, || Ok(Consumer { credential, rules, filters }))?;
        Ok((digest, consumer))
    }
}

fn deny_status(configuration: Configuration) -> Result<StatusCode, Unservable> {
    StatusCode::from_u16(configuration.rule_deny_status).map_err(|it| {
        let key = Key::top(Kind::Configuration, CLIENT);
        Unservable::new(&key, "/ruleDenyStatus", it.to_string())
    })
}

// What expired before 1970 has expired.
fn since_epoch(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
