//! What is called: where, and how long that may take.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::uri::{Authority, Scheme};
use http::{HeaderValue, Uri};
use rrfilter::FilterSet;
use rrrules::{PathOptions, RuleSet};

use crate::model::Digest;

/// An upstream API.
#[derive(Debug)]
pub struct Target {
    /// Of everything below.
    pub digest: Digest,
    /// `tgt_…`, or what the client chose.
    pub id: Arc<str>,
    /// Where it is.
    pub base_url: BaseUrl,
    /// What of a path its API needs as it was sent.
    pub path_options: PathOptions,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// The rules that hang on it.
    pub rules: Arc<RuleSet>,
    /// The filters that hang on it.
    pub filters: Arc<FilterSet>,
}

/// How long an upstream may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands, TLS included.
    pub connect: Duration,
    /// Until the response's headers are there.
    pub response: Duration,
    /// Between two pieces of the response's body.
    pub idle: Duration,
}

/// An absolute `http` or `https` URL without user, query and fragment; its path has no trailing
/// slash, so that `base + path` is the upstream's path.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    // The authority, as the `Host` header says it.
    host: HeaderValue,
    path: String,
}

/// Why a text is not a base URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidBaseUrl(&'static str);

impl BaseUrl {
    /// Reads a base URL.
    ///
    /// # Errors
    /// Says in one sentence what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidBaseUrl> {
        if text.contains('#') {
            return Err(InvalidBaseUrl("a base URL has no fragment"));
        }
        let uri: Uri = text.parse().map_err(|_| InvalidBaseUrl("this is not a URL"))?;
        let parts = uri.into_parts();
        let scheme = parts.scheme.ok_or(InvalidBaseUrl("give the scheme: https://…"))?;
        if scheme != Scheme::HTTPS && scheme != Scheme::HTTP {
            return Err(InvalidBaseUrl("the scheme must be https or http"));
        }
        let authority = parts.authority.ok_or(InvalidBaseUrl("give the host: https://host/…"))?;
        check_authority(&authority)?;
        let path = parts.path_and_query.ok_or(InvalidBaseUrl("this is not a URL"))?;
        if path.query().is_some() {
            return Err(InvalidBaseUrl("a base URL has no query"));
        }
        let path = rrrules::CanonicalPath::parse(path.path())
            .map_err(|_| InvalidBaseUrl("the path has more than one reading"))?;
        let path = path.as_str().trim_end_matches('/').to_owned();
        let host = HeaderValue::from_str(authority.as_str())
            .map_err(|_| InvalidBaseUrl("the host cannot be written in a header"))?;
        Ok(Self { scheme, authority, host, path })
    }

    /// As [`BaseUrl::parse`], for what is written from now on: also refuses what a store may hold
    /// that was written before, which must still be read.
    ///
    /// # Errors
    /// Says in one sentence what is wrong with it.
    pub fn given(text: &str) -> Result<Self, InvalidBaseUrl> {
        let url = Self::parse(text)?;
        let host = url.authority.host();
        if host.starts_with('[') && url.ip_literal().is_none() {
            // A zone (RFC 6874) means something on one machine only.
            return Err(InvalidBaseUrl("write an IPv6 address without a zone"));
        }
        // `u16` would take a sign.
        let port = url.authority.port();
        if port.is_some_and(|it| !it.as_str().bytes().all(|it| it.is_ascii_digit())) {
            return Err(InvalidBaseUrl("the port is not a number up to 65535"));
        }
        if NOT_HTTP.contains(&url.port()) {
            return Err(InvalidBaseUrl("ports 22 and 25 cannot be called: SSH and SMTP are there"));
        }
        Ok(url)
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Host and port, as in the `Host` header.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The authority, for the `Host` header.
    #[must_use]
    pub const fn host_field(&self) -> &HeaderValue {
        &self.host
    }

    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Scheme, host in lower case, and the port unless it is the scheme's own: where it is.
    #[must_use]
    pub fn origin(&self) -> String {
        let host = self.authority.host().trim_end_matches('.').to_ascii_lowercase();
        let own = if self.is_tls() { 443 } else { 80 };
        match self.authority.port_u16().filter(|it| *it != own) {
            None => format!("{}://{host}", self.scheme),
            Some(port) => format!("{}://{host}:{port}", self.scheme),
        }
    }

    /// The base path, without a trailing slash; empty for the root.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The address, where the host is written as one.
    #[must_use]
    pub fn ip_literal(&self) -> Option<IpAddr> {
        let host = self.authority.host();
        host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// The port, written or meant.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.is_tls() { 443 } else { 80 })
    }
}

fn check_authority(authority: &Authority) -> Result<(), InvalidBaseUrl> {
    if authority.as_str().contains('@') {
        return Err(InvalidBaseUrl("a base URL has no user name: use a credential"));
    }
    let host = authority.host();
    if host.is_empty() {
        return Err(InvalidBaseUrl("give the host: https://host/…"));
    }
    if authority.port_u16() == Some(0) {
        return Err(InvalidBaseUrl("port 0 cannot be called"));
    }
    let port_is_odd = authority.port().is_none() && authority.as_str().ends_with(':');
    let text = authority.as_str().strip_prefix(host).unwrap_or_default();
    if port_is_odd || (!text.is_empty() && authority.port_u16().is_none()) {
        return Err(InvalidBaseUrl("the port is not a number up to 65535"));
    }
    if looks_numeric(host) && host.parse::<IpAddr>().is_err() {
        // `127.1`, `0x7f000001`, `2130706433`: addresses to some resolvers, names to others.
        return Err(InvalidBaseUrl("write an IPv4 address as four decimal numbers"));
    }
    Ok(())
}

/// Servers there may take a request for commands of their own.
const NOT_HTTP: [u16; 2] = [22, 25];

fn looks_numeric(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    last.bytes().all(|it| it.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X")
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for InvalidBaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidBaseUrl {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_loses_only_its_trailing_slash() {
        check("https://api.example.com", Ok("https://api.example.com"));
        check("https://api.example.com/", Ok("https://api.example.com"));
        check("https://api.example.com:8443/v1/", Ok("https://api.example.com:8443/v1"));
        check("http://127.0.0.1:9000/a/../b", Ok("http://127.0.0.1:9000/b"));
        check("http://[::1]:9000", Ok("http://[::1]:9000"));
    }

    #[test]
    fn what_could_mean_something_else_is_refused() {
        check("api.example.com", Err("give the scheme: https://…"));
        check("ftp://example.com", Err("the scheme must be https or http"));
        check("https://a:b@example.com", Err("a base URL has no user name: use a credential"));
        check("https://example.com?x=1", Err("a base URL has no query"));
        check("https://example.com/#x", Err("a base URL has no fragment"));
        check("https://example.com:0", Err("port 0 cannot be called"));
        check("https://example.com:99999", Err("the port is not a number up to 65535"));
        check("http://127.1", Err("write an IPv4 address as four decimal numbers"));
        check("http://0x7f000001", Err("write an IPv4 address as four decimal numbers"));
        check("http://2130706433", Err("write an IPv4 address as four decimal numbers"));
        check("https://example.com/%2e%2e%2f", Err("the path has more than one reading"));
    }

    #[test]
    fn what_is_given_has_a_port_of_digits_and_no_zone() {
        let port = Err("the port is not a number up to 65535");
        check_given("http://127.0.0.1:+23027", port);
        check_given("http://127.0.0.1:-1", port);
        check_given("http://127.0.0.1:", port);
        check_given("http://127.0.0.1:0", Err("port 0 cannot be called"));
        for url in ["http://127.0.0.1:22", "http://[::1]:25", "https://example.com:0025"] {
            check_given(url, Err("ports 22 and 25 cannot be called: SSH and SMTP are there"));
        }
        for url in ["https://[fe80::1%25lo]", "http://[::1%25lo]:9000", "https://[v1.a]"] {
            let said = BaseUrl::given(url).unwrap_err().to_string();
            assert!(said.contains("zone") || said == "this is not a URL", "{url}: {said}");
        }
        check_given("https://[fe80::1%25lo]", Err("write an IPv6 address without a zone"));
        check_given("http://[::1]:9000", Ok("http://[::1]:9000"));
        check_given("https://example.com:2225/a", Ok("https://example.com:2225/a"));
        // A store may hold them.
        check("http://127.0.0.1:22", Ok("http://127.0.0.1:22"));
    }

    #[track_caller]
    fn check_given(text: &str, expected: Result<&str, &str>) {
        let parsed = BaseUrl::given(text).map(|it| it.to_string()).map_err(|it| it.to_string());
        assert_eq!(parsed.as_deref().map_err(|it| it.as_str()), expected, "{text}");
    }

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        let parsed = BaseUrl::parse(text).map(|it| it.to_string()).map_err(|it| it.to_string());
        assert_eq!(parsed.as_deref().map_err(|it| it.as_str()), expected, "{text}");
    }
}
