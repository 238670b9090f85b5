//! What an operator says about TLS.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

/// Where a listener's certificate is, and whom it asks for one. All files are PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct TlsSettings {
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
    pub(super) client_ca: Option<PathBuf>,
    pub(super) min_version: TlsVersion,
    pub(super) handshake_timeout: Duration,
    pub(super) check_every: Duration,
}

/// A version of TLS. There are no older ones here: RFC 8996 ends them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// RFC 5246, with forward secrecy and authenticated ciphers only.
    #[default]
    V1_2,
    /// RFC 8446.
    V1_3,
}

impl TlsSettings {
    /// The certificate, followed by those between it and its root, and its key (PKCS #8, SEC 1 or
    /// PKCS #1, not encrypted), which not everybody on the machine may read.
    pub fn new(cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            cert: cert.into(),
            key: key.into(),
            client_ca: None,
            min_version: TlsVersion::default(),
            handshake_timeout: Duration::from_secs(10),
            check_every: Duration::from_secs(10),
        }
    }

    /// Asks clients for a certificate that one of these signs. A client need not have one; one that
    /// shows another gets no connection.
    pub fn client_ca(mut self, bundle: impl Into<PathBuf>) -> Self {
        self.client_ca = Some(bundle.into());
        self
    }

    /// The oldest version that is spoken; 1.2 unless told otherwise.
    pub const fn min_version(mut self, version: TlsVersion) -> Self {
        self.min_version = version;
        self
    }

    /// From the connection to the end of the handshake; 10 s unless told otherwise.
    pub const fn handshake_timeout(mut self, most: Duration) -> Self {
        self.handshake_timeout = most;
        self
    }

    /// How often the files are looked at again; 10 s unless told otherwise, and at least 1 ms.
    pub fn check_every(mut self, interval: Duration) -> Self {
        self.check_every = interval.max(Duration::from_millis(1));
        self
    }
}

impl FromStr for TlsVersion {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "1.2" => Ok(Self::V1_2),
            "1.3" => Ok(Self::V1_3),
            _ => Err("the TLS version is 1.2 or 1.3"),
        }
    }
}

// A string or a number: without quotes, `1.2` is a number in YAML and in TOML.
impl<'de> Deserialize<'de> for TlsVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Version)
    }
}

struct Version;

impl Visitor<'_> for Version {
    type Value = TlsVersion;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a TLS version, 1.2 or 1.3")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TlsVersion, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<TlsVersion, E> {
        number.to_string().parse().map_err(E::custom)
    }
}
