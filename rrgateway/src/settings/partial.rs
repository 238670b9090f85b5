//! Settings as one source gives them: each may be absent.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use ipnet::IpNet;

use crate::settings::Settings;
use crate::telemetry::LogFormat;

/// Some settings. The fields are those of [`Settings`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is described in `Settings`")]
pub struct Partial {
    pub data_dir: Option<PathBuf>,
    pub data_listen: Option<SocketAddr>,
    pub data_workers: Option<usize>,
    pub control_listen: Option<SocketAddr>,
    pub egress_allow: Option<Vec<IpNet>>,
    pub trusted_proxies: Option<Vec<IpNet>>,
    pub max_request_bytes: Option<u64>,
    pub drain_grace_seconds: Option<u64>,
    pub log_format: Option<LogFormat>,
}

impl Partial {
    /// These settings, and `fallback`'s where these are silent.
    #[must_use]
    pub fn or(self, fallback: Self) -> Self {
        Self {
            data_dir: self.data_dir.or(fallback.data_dir),
            data_listen: self.data_listen.or(fallback.data_listen),
            data_workers: self.data_workers.or(fallback.data_workers),
            control_listen: self.control_listen.or(fallback.control_listen),
            egress_allow: self.egress_allow.or(fallback.egress_allow),
            trusted_proxies: self.trusted_proxies.or(fallback.trusted_proxies),
            max_request_bytes: self.max_request_bytes.or(fallback.max_request_bytes),
            drain_grace_seconds: self.drain_grace_seconds.or(fallback.drain_grace_seconds),
            log_format: self.log_format.or(fallback.log_format),
        }
    }

    /// All settings, with defaults where these are silent.
    #[must_use]
    pub fn filled(self) -> Settings {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        Settings {
            data_dir: self.data_dir.unwrap_or_else(|| PathBuf::from("./rr-data")),
            data_listen: self.data_listen.unwrap_or_else(|| local(8080)),
            data_workers: self.data_workers.unwrap_or(cores),
            control_listen: self.control_listen.unwrap_or_else(|| local(8081)),
            egress_allow: self.egress_allow.unwrap_or_default(),
            trusted_proxies: self.trusted_proxies.unwrap_or_default(),
            max_request_bytes: self.max_request_bytes.unwrap_or(100 * 1024 * 1024),
            drain_grace: Duration::from_secs(self.drain_grace_seconds.unwrap_or(30)),
            log_format: self.log_format.unwrap_or_default(),
        }
    }
}
