//! Settings from a TOML or YAML file. A key that is not known is an error that names the line.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ipnet::IpNet;
use serde::Deserialize;

use crate::data_plane::{OnStoreFailure, StoreMode, StoreUrl, WhenFull};
use crate::listen::TlsVersion;
use crate::settings::partial::Partial;
use crate::settings::vault_key;
use crate::telemetry::LogFormat;

/// Reads the file at `path`: YAML if it is called `.yaml` or `.yml`, else TOML.
pub fn read(path: &Path) -> anyhow::Result<Partial> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let is_yaml = path.extension().is_some_and(|it| it == "yaml" || it == "yml");
    let parsed = if is_yaml { from_yaml(&text) } else { from_toml(&text) };
    parsed.with_context(|| format!("{} is not a valid settings file", path.display()))
}

fn from_toml(text: &str) -> anyhow::Result<Partial> {
    toml::from_str::<File>(text)?.try_into()
}

fn from_yaml(text: &str) -> anyhow::Result<Partial> {
    serde_saphyr::from_str::<File>(text)?.try_into()
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct File {
    data_dir: Option<PathBuf>,
    data: Data,
    control: Control,
    egress: Egress,
    drain: Drain,
    limits: Limits,
    log: Log,
    vault: Vault,
    trusted_proxies: Option<Vec<IpNet>>,
    max_request_bytes: Option<u64>,
    core_dumps: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Data {
    listen: Option<SocketAddr>,
    workers: Option<usize>,
    tls: Tls,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Tls {
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    client_ca: Option<PathBuf>,
    min_version: Option<TlsVersion>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Control {
    listen: Option<SocketAddr>,
    hosts: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Egress {
    allow: Option<Vec<IpNet>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Drain {
    grace_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Limits {
    store: Option<StoreUrl>,
    mode: Option<StoreMode>,
    slice: Option<u64>,
    timeout_ms: Option<u64>,
    on_store_failure: Option<OnStoreFailure>,
    max_keys: Option<usize>,
    on_capacity: Option<WhenFull>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Log {
    format: Option<Format>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Vault {
    key_file: Option<PathBuf>,
    key_env: Option<String>,
    key_command: Option<Vec<String>>,
    previous_key_file: Option<PathBuf>,
    previous_key_env: Option<String>,
    previous_key_command: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Format {
    Auto,
    Human,
    Json,
}

impl TryFrom<File> for Partial {
    type Error = anyhow::Error;

    fn try_from(file: File) -> anyhow::Result<Self> {
        let vault = file.vault;
        Ok(Self {
            data_dir: file.data_dir,
            data_listen: file.data.listen,
            data_workers: file.data.workers,
            data_tls_cert: file.data.tls.cert,
            data_tls_key: file.data.tls.key,
            data_tls_client_ca: file.data.tls.client_ca,
            data_tls_min_version: file.data.tls.min_version,
            control_listen: file.control.listen,
            control_hosts: file.control.hosts,
            egress_allow: file.egress.allow,
            trusted_proxies: file.trusted_proxies,
            max_request_bytes: file.max_request_bytes,
            core_dumps: file.core_dumps,
            drain_grace_seconds: file.drain.grace_seconds,
            limits_store: file.limits.store,
            limits_mode: file.limits.mode,
            limits_slice: file.limits.slice,
            limits_timeout_ms: file.limits.timeout_ms,
            limits_on_store_failure: file.limits.on_store_failure,
            limits_max_keys: file.limits.max_keys,
            limits_on_capacity: file.limits.on_capacity,
            log_format: file.log.format.map(|it| match it {
                Format::Auto => LogFormat::Auto,
                Format::Human => LogFormat::Human,
                Format::Json => LogFormat::Json,
            }),
            vault_key: vault_key::source(
                "vault.keyFile, vault.keyEnv and vault.keyCommand",
                vault.key_file,
                vault.key_env,
                vault.key_command,
            )?,
            vault_previous_key: vault_key::source(
                "vault.previousKeyFile, vault.previousKeyEnv and vault.previousKeyCommand",
                vault.previous_key_file,
                vault.previous_key_env,
                vault.previous_key_command,
            )?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_plane::KeySource;

    #[test]
    fn toml_and_yaml_say_the_same() {
        let toml = "dataDir = '/d'\nmaxRequestBytes = 7\ncoreDumps = true\n[data]\nlisten = '127.0.0.1:1'\n[control]\nhosts = ['gw.example']\n[drain]\ngraceSeconds = 3\n";
        let yaml = "dataDir: /d\nmaxRequestBytes: 7\ncoreDumps: true\ndata: {listen: '127.0.0.1:1'}\ncontrol: {hosts: [gw.example]}\ndrain: {graceSeconds: 3}\n";
        let expected = Partial {
            data_dir: Some("/d".into()),
            data_listen: Some("127.0.0.1:1".parse().unwrap()),
            control_hosts: Some(vec!["gw.example".to_owned()]),
            max_request_bytes: Some(7),
            core_dumps: Some(true),
            drain_grace_seconds: Some(3),
            ..Partial::default()
        };
        assert_eq!(from_toml(toml).unwrap(), expected);
        assert_eq!(from_yaml(yaml).unwrap(), expected);
    }

    #[test]
    fn tls_versions_need_no_quotes() {
        let toml = |it: &str| from_toml(&format!("[data.tls]\ncert = 'c'\nminVersion = {it}\n"));
        let yaml = |it: &str| from_yaml(&format!("data:\n  tls:\n    minVersion: {it}\n"));
        for read in [&toml as &dyn Fn(&str) -> anyhow::Result<Partial>, &yaml] {
            for text in ["1.3", "'1.3'"] {
                let version = read(text).unwrap().data_tls_min_version;
                assert_eq!(version, Some(TlsVersion::V1_3));
            }
            for text in ["1.1", "'1.0'", "true", "2"] {
                let error = format!("{:#}", read(text).unwrap_err());
                assert!(error.contains("1.2 or 1.3") && error.contains('3'), "{error}");
            }
        }
    }

    #[test]
    fn the_master_key_comes_from_one_place() {
        let toml = "[vault]\nkeyEnv = 'KEY'\npreviousKeyCommand = ['get', 'a,b']\n";
        let yaml = "vault: {keyEnv: KEY, previousKeyCommand: [get, 'a,b']}\n";
        let command = KeySource::Command(vec!["get".to_owned(), "a,b".to_owned()]);
        let expected = Partial {
            vault_key: Some(KeySource::Variable("KEY".to_owned())),
            vault_previous_key: Some(command),
            ..Partial::default()
        };
        assert_eq!(from_toml(toml).unwrap(), expected);
        assert_eq!(from_yaml(yaml).unwrap(), expected);
        let both = from_yaml("vault: {keyEnv: KEY, keyFile: /k}\n").unwrap_err();
        assert!(both.to_string().contains("only one of vault.keyFile, vault.keyEnv"), "{both}");
    }

    #[test]
    fn limits_have_a_store_that_is_not_shown() {
        let toml =
            "[limits]\nstore = 'redis://:canary@h'\nmode = 'leases'\nonCapacity = 'refuse'\n";
        let yaml = "limits: {store: 'redis://:canary@h', mode: leases, onCapacity: refuse}\n";
        let partial = from_toml(toml).unwrap();
        assert_eq!(partial, from_yaml(yaml).unwrap());
        assert_eq!(partial.limits_mode, Some(StoreMode::Leases));
        assert!(!format!("{partial:?}").contains("canary"));
        from_toml("[limits]\nonCapacity = 'evict'\n").unwrap_err();
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_the_line() {
        let error =
            format!("{:#}", from_toml("[data]\nlisten = '127.0.0.1:1'\nlisen = 1\n").unwrap_err());
        assert!(error.contains("line 3") && error.contains("lisen"), "{error}");
        let error = format!("{:#}", from_yaml("data:\n  lisen: 1\n").unwrap_err());
        assert!(error.contains('2') && error.contains("lisen"), "{error}");
    }
}
