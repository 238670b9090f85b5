//! What an operator may set: flag over environment over file over default.

mod environment;
mod file;
mod partial;
mod vault_key;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{bail, ensure};
use ipnet::IpNet;

use crate::data_plane::{KeySources, LimitsConfig, StoreUrl};
use crate::gateway::GatewayBuilder;
use crate::listen::TlsSettings;
use crate::telemetry::LogFormat;

pub use self::partial::Partial;

/// All settings, with their defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `dataDir`: where everything is kept.
    pub data_dir: PathBuf,
    /// `data.listen`: where callers connect.
    pub data_listen: SocketAddr,
    /// `data.workers`: threads that serve traffic.
    pub data_workers: usize,
    /// `data.tls`: the certificate that callers are shown; none, and they speak plain HTTP.
    pub data_tls: Option<TlsSettings>,
    /// `control.listen`: where the Core API listens.
    pub control_listen: SocketAddr,
    /// `control.hosts`: names by which the Core API may be called besides the loopback ones.
    pub control_hosts: Vec<String>,
    /// `egress.allow`: networks that may be called although they are not public.
    pub egress_allow: Vec<IpNet>,
    /// `trustedProxies`: peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// `maxRequestBytes`.
    pub max_request_bytes: u64,
    /// `drain.graceSeconds`.
    pub drain_grace: Duration,
    /// `log.format`.
    pub log_format: LogFormat,
    /// `coreDumps`: whether a core file may be written when the process crashes.
    pub core_dumps: bool,
    /// `limits.…`: where and how requests are counted.
    pub limits: LimitsConfig,
    /// `vault.keyFile`, `vault.keyEnv` or `vault.keyCommand`, and the same of `vault.previousKey…`.
    pub vault_keys: KeySources,
}

impl Settings {
    /// Reads the file at `path`, if there is one to read, then the environment, then `flags`.
    ///
    /// # Errors
    /// Says which file and line, variable or flag is wrong, and how.
    pub fn read(path: Option<&Path>, flags: Partial) -> anyhow::Result<Self> {
        let file = path.map_or_else(|| Ok(Partial::default()), file::read)?;
        let environment = environment::read(|name| std::env::var(name).ok())?;
        Self::filled(flags.or(environment).or(file))
    }

    /// The gateway that these settings describe.
    pub fn builder(&self) -> GatewayBuilder {
        let builder = GatewayBuilder::default()
            .data_dir(&self.data_dir)
            .data_listen(self.data_listen)
            .control_listen(self.control_listen)
            .control_hosts(self.control_hosts.iter().cloned())
            .workers(self.data_workers)
            .egress_allow(self.egress_allow.iter().copied())
            .trusted_proxies(self.trusted_proxies.iter().copied())
            .max_request_bytes(self.max_request_bytes)
            .drain_grace(self.drain_grace)
            .counting(self.limits.clone())
            .vault_keys(self.vault_keys.clone());
        match &self.data_tls {
            Some(tls) => builder.data_tls(tls.clone()),
            None => builder,
        }
    }

    fn filled(partial: Partial) -> anyhow::Result<Self> {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        let data_tls = tls(&partial)?;
        let limits = limits(&partial)?;
        let control_hosts = partial.control_hosts.unwrap_or_default();
        if let Some(it) = control_hosts.iter().find(|it| !is_host(it)) {
            bail!("control.hosts: `{it}` is no name or address of a host");
        }
        Ok(Self {
            data_dir: partial.data_dir.unwrap_or_else(|| PathBuf::from("./rr-data")),
            data_listen: partial.data_listen.unwrap_or_else(|| local(8080)),
            data_workers: partial.data_workers.unwrap_or(cores),
            data_tls,
            control_listen: partial.control_listen.unwrap_or_else(|| local(8081)),
            control_hosts,
            egress_allow: partial.egress_allow.unwrap_or_default(),
            trusted_proxies: partial.trusted_proxies.unwrap_or_default(),
            max_request_bytes: partial.max_request_bytes.unwrap_or(100 * 1024 * 1024),
            drain_grace: Duration::from_secs(partial.drain_grace_seconds.unwrap_or(30)),
            limits,
            log_format: partial.log_format.unwrap_or_default(),
            core_dumps: partial.core_dumps.unwrap_or(false),
            vault_keys: KeySources {
                current: partial.vault_key,
                previous: partial.vault_previous_key,
            },
        })
    }
}

// Perhaps with a port. There are no patterns: whoever may choose a name could be anybody.
fn is_host(text: &str) -> bool {
    let is_named = text.bytes().any(|it| it.is_ascii_alphanumeric());
    is_named && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-._:[]".contains(&it))
}

fn limits(partial: &Partial) -> anyhow::Result<LimitsConfig> {
    let first = LimitsConfig::default();
    let store = partial.limits_store.clone().map(StoreUrl::checked).transpose();
    let timeout = partial.limits_timeout_ms.map(Duration::from_millis);
    let failure = partial.limits_on_store_failure;
    // Whoever says how a store is asked meant to have one, unless it is what holds anyway.
    let of_store = [
        ("limits.mode", partial.limits_mode.is_some_and(|it| it != first.mode)),
        ("limits.slice", partial.limits_slice.is_some_and(|it| it != first.slice)),
        ("limits.timeoutMs", timeout.is_some_and(|it| it != first.timeout)),
        ("limits.onStoreFailure", failure.is_some_and(|it| it != first.on_store_failure)),
    ];
    if let (None, Some((key, _))) = (&partial.limits_store, of_store.iter().find(|it| it.1)) {
        bail!("{key} is set, and limits.store is not");
    }
    ensure!(timeout.is_none_or(|it| it <= LONGEST_WAIT), "limits.timeoutMs is 1000 at the most");
    ensure!(timeout.is_none_or(|it| !it.is_zero()), "limits.timeoutMs is 1 at least");
    ensure!(partial.limits_slice.is_none_or(|it| it > 0), "limits.slice is 1 at least");
    Ok(LimitsConfig {
        store: store.map_err(|it| anyhow::anyhow!("limits.store: {it}"))?,
        mode: partial.limits_mode.unwrap_or(first.mode),
        slice: partial.limits_slice.unwrap_or(first.slice),
        timeout: timeout.unwrap_or(first.timeout),
        on_store_failure: failure.unwrap_or(first.on_store_failure),
        max_keys: partial.limits_max_keys.unwrap_or(first.max_keys),
        on_capacity: partial.limits_on_capacity.unwrap_or(first.on_capacity),
    })
}

/// A request must not wait long for whether it may pass.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

// Half of TLS is none, and whoever asks for half meant the whole.
fn tls(partial: &Partial) -> anyhow::Result<Option<TlsSettings>> {
    let (cert, key) = match (&partial.data_tls_cert, &partial.data_tls_key) {
        (Some(cert), Some(key)) => (cert, key),
        (Some(_), None) => bail!("data.tls.cert is set, and data.tls.key is not"),
        (None, Some(_)) => bail!("data.tls.key is set, and data.tls.cert is not"),
        (None, None) => {
            let is_off =
                partial.data_tls_client_ca.is_none() && partial.data_tls_min_version.is_none();
            ensure!(is_off, "data.tls is set, but for data.tls.cert and data.tls.key");
            return Ok(None);
        }
    };
    let tls = TlsSettings::new(cert, key);
    let tls = tls.min_version(partial.data_tls_min_version.unwrap_or_default());
    Ok(Some(match &partial.data_tls_client_ca {
        Some(bundle) => tls.client_ca(bundle),
        None => tls,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_plane::StoreMode;
    use crate::listen::TlsVersion;

    #[test]
    fn a_store_that_cannot_be_one_is_refused_without_being_shown() {
        for url in ["http://canary", "rediss://:canary@h", "canary", "redis://"] {
            let partial = Partial { limits_store: url.parse().ok(), ..Partial::default() };
            let error = limits(&partial).unwrap_err().to_string();
            assert!(error.starts_with("limits.store: expected redis://"), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
        let partial = Partial { limits_store: "redis://:p@h/0".parse().ok(), ..Partial::default() };
        assert_eq!(limits(&partial).unwrap().store.unwrap().expose(), "redis://:p@h/0");
    }

    #[test]
    fn tls_is_whole_or_off() {
        let whole = || TlsSettings::new("c", "k");
        let none = Partial::default;
        let both =
            || Partial { data_tls_cert: path("c"), data_tls_key: path("k"), ..Partial::default() };
        check(none(), Ok(None));
        check(both(), Ok(Some(whole())));
        let asks = Partial { data_tls_client_ca: path("ca"), ..both() };
        check(asks, Ok(Some(whole().client_ca("ca"))));
        let strict = Partial { data_tls_min_version: Some(TlsVersion::V1_3), ..both() };
        check(strict, Ok(Some(whole().min_version(TlsVersion::V1_3))));

        let no_key = Partial { data_tls_key: None, ..both() };
        check(no_key, Err("data.tls.cert is set, and data.tls.key is not"));
        let no_cert = Partial { data_tls_cert: None, ..both() };
        check(no_cert, Err("data.tls.key is set, and data.tls.cert is not"));
        let neither = "data.tls is set, but for data.tls.cert and data.tls.key";
        check(Partial { data_tls_client_ca: path("ca"), ..none() }, Err(neither));
        check(Partial { data_tls_min_version: Some(TlsVersion::V1_3), ..none() }, Err(neither));
    }

    #[test]
    fn the_core_api_has_names_and_no_patterns() {
        let named = |it: &str| {
            let control_hosts = Some(vec![it.to_owned()]);
            Settings::filled(Partial { control_hosts, ..Partial::default() })
        };
        for it in ["gw.example", "gw.example:8443", "10.0.0.7", "[fd00::1]:1"] {
            assert_eq!(named(it).unwrap().control_hosts, [it]);
        }
        for it in ["", "*", "*.example", "https://gw.example", "a@b", "a b", "."] {
            let said = named(it).unwrap_err().to_string();
            assert_eq!(said, format!("control.hosts: `{it}` is no name or address of a host"));
        }
    }

    #[test]
    fn how_a_store_is_asked_needs_one_unless_it_is_the_default() {
        let first = LimitsConfig::default();
        let defaults = Partial {
            limits_mode: Some(first.mode),
            limits_slice: Some(first.slice),
            limits_timeout_ms: u64::try_from(first.timeout.as_millis()).ok(),
            limits_on_store_failure: Some(first.on_store_failure),
            ..Partial::default()
        };
        assert_eq!(Settings::filled(defaults).unwrap().limits, first);
        let leases = || Partial { limits_mode: Some(StoreMode::Leases), ..Partial::default() };
        refuses(leases(), "limits.mode is set, and limits.store is not");
        let slice = Partial { limits_slice: Some(first.slice + 1), ..Partial::default() };
        refuses(slice, "limits.slice is set, and limits.store is not");
        let timeout = Partial { limits_timeout_ms: Some(7), ..Partial::default() };
        refuses(timeout, "limits.timeoutMs is set, and limits.store is not");
        let failure = "deny".parse().ok();
        let failure = Partial { limits_on_store_failure: failure, ..Partial::default() };
        refuses(failure, "limits.onStoreFailure is set, and limits.store is not");
        let store = "redis://127.0.0.1".parse().ok();
        let limits = Settings::filled(Partial { limits_store: store, ..leases() }).unwrap().limits;
        assert_eq!(limits.mode, StoreMode::Leases);
    }

    #[track_caller]
    fn refuses(partial: Partial, why: &str) {
        assert_eq!(Settings::filled(partial).unwrap_err().to_string(), why);
    }

    fn path(text: &str) -> Option<PathBuf> {
        Some(text.into())
    }

    #[track_caller]
    fn check(partial: Partial, expected: Result<Option<TlsSettings>, &str>) {
        let found = Settings::filled(partial).map(|it| it.data_tls);
        assert_eq!(found.map_err(|it| it.to_string()), expected.map_err(str::to_owned));
    }
}
