//! Settings from environment variables: `RR_` and the key path in upper snake case.

use std::fmt::Display;
use std::str::FromStr;

use anyhow::Context as _;

use crate::settings::partial::Partial;
use crate::settings::vault_key;
use crate::telemetry::LogFormat;

/// Reads the variables that `get` knows.
pub fn read(get: impl Fn(&str) -> Option<String>) -> anyhow::Result<Partial> {
    let source = Source { get: &get };
    Ok(Partial {
        data_dir: source.one("RR_DATA_DIR")?,
        data_listen: source.one("RR_DATA_LISTEN")?,
        data_workers: source.one("RR_DATA_WORKERS")?,
        data_tls_cert: source.one("RR_DATA_TLS_CERT")?,
        data_tls_key: source.one("RR_DATA_TLS_KEY")?,
        data_tls_client_ca: source.one("RR_DATA_TLS_CLIENT_CA")?,
        data_tls_min_version: source.one("RR_DATA_TLS_MIN_VERSION")?,
        control_listen: source.one("RR_CONTROL_LISTEN")?,
        control_hosts: source.list("RR_CONTROL_HOSTS")?,
        egress_allow: source.list("RR_EGRESS_ALLOW")?,
        trusted_proxies: source.list("RR_TRUSTED_PROXIES")?,
        max_request_bytes: source.one("RR_MAX_REQUEST_BYTES")?,
        drain_grace_seconds: source.one("RR_DRAIN_GRACE_SECONDS")?,
        limits_store: source.secret("RR_LIMITS_STORE")?,
        limits_mode: source.one("RR_LIMITS_MODE")?,
        limits_slice: source.one("RR_LIMITS_SLICE")?,
        limits_timeout_ms: source.one("RR_LIMITS_TIMEOUT_MS")?,
        limits_on_store_failure: source.one("RR_LIMITS_ON_STORE_FAILURE")?,
        limits_max_keys: source.one("RR_LIMITS_MAX_KEYS")?,
        limits_on_capacity: source.one("RR_LIMITS_ON_CAPACITY")?,
        log_format: source.one("RR_LOG_FORMAT")?,
        core_dumps: source.one("RR_CORE_DUMPS")?,
        vault_key: vault_key::source(
            "RR_VAULT_KEY_FILE, RR_VAULT_KEY_ENV and RR_VAULT_KEY_COMMAND",
            source.one("RR_VAULT_KEY_FILE")?,
            source.one("RR_VAULT_KEY_ENV")?,
            source.list("RR_VAULT_KEY_COMMAND")?,
        )?,
        vault_previous_key: vault_key::source(
            "RR_VAULT_PREVIOUS_KEY_FILE, RR_VAULT_PREVIOUS_KEY_ENV and \
             RR_VAULT_PREVIOUS_KEY_COMMAND",
            source.one("RR_VAULT_PREVIOUS_KEY_FILE")?,
            source.one("RR_VAULT_PREVIOUS_KEY_ENV")?,
            source.list("RR_VAULT_PREVIOUS_KEY_COMMAND")?,
        )?,
    })
}

struct Source<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
}

impl Source<'_> {
    fn one<T: FromStr>(&self, name: &str) -> anyhow::Result<Option<T>>
    where
        T::Err: Display + Send + Sync + std::fmt::Debug + 'static,
    {
        let Some(text) = (self.get)(name) else { return Ok(None) };
        parse(name, text.trim()).map(Some)
    }

    // As `one`, of what must not be shown when it is wrong.
    fn secret<T: FromStr<Err = &'static str>>(&self, name: &str) -> anyhow::Result<Option<T>> {
        let Some(text) = (self.get)(name) else { return Ok(None) };
        let read = text.trim().parse().map_err(|error| anyhow::anyhow!("{name}: {error}"));
        read.map(Some)
    }

    fn list<T: FromStr>(&self, name: &str) -> anyhow::Result<Option<Vec<T>>>
    where
        T::Err: Display + Send + Sync + std::fmt::Debug + 'static,
    {
        let Some(text) = (self.get)(name) else { return Ok(None) };
        let items = text.split(',').map(str::trim).filter(|it| !it.is_empty());
        items.map(|it| parse(name, it)).collect::<anyhow::Result<_>>().map(Some)
    }
}

fn parse<T: FromStr>(name: &str, text: &str) -> anyhow::Result<T>
where
    T::Err: Display + Send + Sync + std::fmt::Debug + 'static,
{
    text.parse()
        .map_err(|error| anyhow::anyhow!("{error}"))
        .with_context(|| format!("{name}={text}"))
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            _ => Err("the log format is auto, human or json"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::TlsVersion;

    #[test]
    fn a_list_is_separated_by_commas() {
        let partial =
            read(|name| (name == "RR_EGRESS_ALLOW").then(|| "127.0.0.0/8, ::1/128".to_owned()));
        let expected = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        assert_eq!(partial.unwrap().egress_allow, Some(expected));
        let hosts = read(|name| (name == "RR_CONTROL_HOSTS").then(|| "a.example,b".to_owned()));
        let expected = vec!["a.example".to_owned(), "b".to_owned()];
        assert_eq!(hosts.unwrap().control_hosts, Some(expected));
    }

    #[test]
    fn tls_has_a_version_that_is_known() {
        let read_version =
            |text: &str| read(|name| (name == "RR_DATA_TLS_MIN_VERSION").then(|| text.to_owned()));
        let version = |text| read_version(text).unwrap().data_tls_min_version;
        assert_eq!(version("1.2"), Some(TlsVersion::V1_2));
        assert_eq!(version("1.3"), Some(TlsVersion::V1_3));
        let error = format!("{:#}", read_version("1.1").unwrap_err());
        assert_eq!(error, "RR_DATA_TLS_MIN_VERSION=1.1: the TLS version is 1.2 or 1.3");
    }

    #[test]
    fn an_error_names_the_variable() {
        let error =
            read(|name| (name == "RR_DATA_LISTEN").then(|| "nowhere".to_owned())).unwrap_err();
        assert_eq!(format!("{error:#}"), "RR_DATA_LISTEN=nowhere: invalid socket address syntax");
    }
}
