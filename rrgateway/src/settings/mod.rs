//! What an operator may set: flag over environment over file over default.

mod environment;
mod file;
mod partial;
mod vault_key;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use ipnet::IpNet;

use crate::data_plane::KeySources;
use crate::gateway::GatewayBuilder;
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
    /// `control.listen`: where the Core API listens.
    pub control_listen: SocketAddr,
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
        Ok(Self::filled(flags.or(environment).or(file)))
    }

    /// The gateway that these settings describe.
    pub fn builder(&self) -> GatewayBuilder {
        GatewayBuilder::default()
            .data_dir(&self.data_dir)
            .data_listen(self.data_listen)
            .control_listen(self.control_listen)
            .workers(self.data_workers)
            .egress_allow(self.egress_allow.iter().copied())
            .trusted_proxies(self.trusted_proxies.iter().copied())
            .max_request_bytes(self.max_request_bytes)
            .drain_grace(self.drain_grace)
            .vault_keys(self.vault_keys.clone())
    }

    fn filled(partial: Partial) -> Self {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            data_dir: partial.data_dir.unwrap_or_else(|| PathBuf::from("./rr-data")),
            data_listen: partial.data_listen.unwrap_or_else(|| local(8080)),
            data_workers: partial.data_workers.unwrap_or(cores),
            control_listen: partial.control_listen.unwrap_or_else(|| local(8081)),
            egress_allow: partial.egress_allow.unwrap_or_default(),
            trusted_proxies: partial.trusted_proxies.unwrap_or_default(),
            max_request_bytes: partial.max_request_bytes.unwrap_or(100 * 1024 * 1024),
            drain_grace: Duration::from_secs(partial.drain_grace_seconds.unwrap_or(30)),
            log_format: partial.log_format.unwrap_or_default(),
            vault_keys: KeySources {
                current: partial.vault_key,
                previous: partial.vault_previous_key,
            },
        }
    }
}
