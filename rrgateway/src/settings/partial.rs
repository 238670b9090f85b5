//! Settings as one source gives them: each may be absent.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use crate::data_plane::{KeySource, OnStoreFailure, StoreMode, StoreUrl, WhenFull};
use crate::listen::TlsVersion;
use crate::telemetry::LogFormat;

/// Some settings. The fields are those of [`Settings`](crate::settings::Settings).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is described in `Settings`")]
pub struct Partial {
    pub data_dir: Option<PathBuf>,
    pub data_listen: Option<SocketAddr>,
    pub data_workers: Option<usize>,
    pub data_tls_cert: Option<PathBuf>,
    pub data_tls_key: Option<PathBuf>,
    pub data_tls_client_ca: Option<PathBuf>,
    pub data_tls_min_version: Option<TlsVersion>,
    pub control_listen: Option<SocketAddr>,
    pub control_hosts: Option<Vec<String>>,
    pub egress_allow: Option<Vec<IpNet>>,
    pub trusted_proxies: Option<Vec<IpNet>>,
    pub max_request_bytes: Option<u64>,
    pub drain_grace_seconds: Option<u64>,
    pub limits_store: Option<StoreUrl>,
    pub limits_mode: Option<StoreMode>,
    pub limits_slice: Option<u64>,
    pub limits_timeout_ms: Option<u64>,
    pub limits_on_store_failure: Option<OnStoreFailure>,
    pub limits_max_keys: Option<usize>,
    pub limits_on_capacity: Option<WhenFull>,
    pub log_format: Option<LogFormat>,
    pub core_dumps: Option<bool>,
    pub vault_key: Option<KeySource>,
    pub vault_previous_key: Option<KeySource>,
}

impl Partial {
    /// These settings, and `fallback`'s where these are silent.
    #[must_use]
    pub fn or(self, fallback: Self) -> Self {
        Self {
            data_dir: self.data_dir.or(fallback.data_dir),
            data_listen: self.data_listen.or(fallback.data_listen),
            data_workers: self.data_workers.or(fallback.data_workers),
            data_tls_cert: self.data_tls_cert.or(fallback.data_tls_cert),
            data_tls_key: self.data_tls_key.or(fallback.data_tls_key),
            data_tls_client_ca: self.data_tls_client_ca.or(fallback.data_tls_client_ca),
            data_tls_min_version: self.data_tls_min_version.or(fallback.data_tls_min_version),
            control_listen: self.control_listen.or(fallback.control_listen),
            control_hosts: self.control_hosts.or(fallback.control_hosts),
            egress_allow: self.egress_allow.or(fallback.egress_allow),
            trusted_proxies: self.trusted_proxies.or(fallback.trusted_proxies),
            max_request_bytes: self.max_request_bytes.or(fallback.max_request_bytes),
            drain_grace_seconds: self.drain_grace_seconds.or(fallback.drain_grace_seconds),
            limits_store: self.limits_store.or(fallback.limits_store),
            limits_mode: self.limits_mode.or(fallback.limits_mode),
            limits_slice: self.limits_slice.or(fallback.limits_slice),
            limits_timeout_ms: self.limits_timeout_ms.or(fallback.limits_timeout_ms),
            limits_on_store_failure: self
                .limits_on_store_failure
                .or(fallback.limits_on_store_failure),
            limits_max_keys: self.limits_max_keys.or(fallback.limits_max_keys),
            limits_on_capacity: self.limits_on_capacity.or(fallback.limits_on_capacity),
            log_format: self.log_format.or(fallback.log_format),
            core_dumps: self.core_dumps.or(fallback.core_dumps),
            vault_key: self.vault_key.or(fallback.vault_key),
            vault_previous_key: self.vault_previous_key.or(fallback.vault_previous_key),
        }
    }
}
