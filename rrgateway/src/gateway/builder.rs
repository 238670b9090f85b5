//! How a gateway is put together.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use rrcore::{Clock, TrustedProxies};

use crate::data_plane::{KeySources, LimitsConfig};
use crate::listen::TlsSettings;

/// Builds a [`Gateway`](crate::Gateway). Without further ado it listens on free ports of the loopback interface,
/// and keeps its data in a temporary directory: right for tests.
#[derive(Clone, Debug)]
#[must_use]
pub struct GatewayBuilder {
    pub(super) data_dir: Option<PathBuf>,
    pub(super) data_listen: SocketAddr,
    pub(super) data_tls: Option<TlsSettings>,
    pub(super) control_listen: SocketAddr,
    pub(super) control_hosts: Vec<String>,
    pub(super) workers: usize,
    pub(super) egress: Vec<IpNet>,
    pub(super) clock: Clock,
    pub(super) trusted: Vec<IpNet>,
    pub(super) max_request_bytes: u64,
    pub(super) grace: Duration,
    pub(super) keys: KeySources,
    pub(super) counting: LimitsConfig,
}

impl Default for GatewayBuilder {
    fn default() -> Self {
        Self {
            data_dir: None,
            data_listen: (Ipv4Addr::LOCALHOST, 0).into(),
            data_tls: None,
            control_listen: (Ipv4Addr::LOCALHOST, 0).into(),
            control_hosts: Vec::new(),
            workers: 1,
            egress: Vec::new(),
            clock: Clock::system(),
            trusted: Vec::new(),
            max_request_bytes: 100 * 1024 * 1024,
            grace: Duration::from_secs(30),
            keys: KeySources::default(),
            counting: LimitsConfig::default(),
        }
    }
}

impl GatewayBuilder {
    /// Keeps everything in `directory`, which is made if need be, instead of in a temporary
    /// directory that goes with the gateway.
    pub fn data_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(directory.into());
        self
    }

    /// Where callers connect.
    pub const fn data_listen(mut self, address: SocketAddr) -> Self {
        self.data_listen = address;
        self
    }

    /// Callers speak TLS, with this certificate; without it they speak plain HTTP.
    pub fn data_tls(mut self, tls: TlsSettings) -> Self {
        self.data_tls = Some(tls);
        self
    }

    /// Where the Core API listens.
    pub const fn control_listen(mut self, address: SocketAddr) -> Self {
        self.control_listen = address;
        self
    }

    /// Names by which the Core API may be called besides `localhost`, loopback addresses and the
    /// one that it listens on (`control.hosts`); a port is ignored.
    pub fn control_hosts(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.control_hosts.extend(names);
        self
    }

    /// Threads that serve traffic; 1 unless told otherwise.
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Networks that may be called although they are not public (`egress.allow`).
    pub fn egress_allow(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.egress.extend(networks);
        self
    }

    /// Reads the time from `clock`, so that a test can move it.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Peers whose `X-Forwarded-For` is believed (`trustedProxies`).
    pub fn trusted_proxies(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.trusted.extend(networks);
        self
    }

    /// The largest request body, in bytes; 100 MiB unless told otherwise.
    pub const fn max_request_bytes(mut self, bytes: u64) -> Self {
        self.max_request_bytes = bytes;
        self
    }

    /// How long [`Gateway::stop`](crate::Gateway::stop) waits for requests in flight; 30 s unless told otherwise.
    pub const fn drain_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Where the vault's master key comes from (`vault.…`); `<dataDir>/vault/master.key` unless told
    /// otherwise.
    pub fn vault_keys(mut self, keys: KeySources) -> Self {
        self.keys = keys;
        self
    }

    /// Where and how requests are counted (`limits.…`); by this gateway alone unless told otherwise.
    pub fn counting(mut self, counting: LimitsConfig) -> Self {
        self.counting = counting;
        self
    }

    // By which the Core API at `address` may be called.
    pub(super) fn hosts(&self, address: SocketAddr) -> Vec<String> {
        self.control_hosts.iter().cloned().chain([address.ip().to_string()]).collect()
    }

    pub(super) fn trusted(&self) -> TrustedProxies {
        TrustedProxies::new(self.trusted.iter().copied())
    }
}
