//! Where a request goes, as the wire will say it.

use std::borrow::Cow;

use http::header::HOST;
use http::request::Parts;
use http::uri::{Authority, Scheme};

use crate::outbound::signer::SignError;

/// The scheme in lower case, which only an absolute URI tells.
pub(crate) fn scheme(parts: &Parts) -> Result<&str, SignError> {
    match known_scheme(parts) {
        Some(scheme) if *scheme == Scheme::HTTPS => Ok("https"),
        Some(scheme) if *scheme == Scheme::HTTP => Ok("http"),
        Some(_) => Err(SignError::new("the scheme is neither http nor https")),
        None => Err(SignError::new("the scheme is not known, as the URI is not absolute")),
    }
}

/// Whether the request is known to go over TLS.
pub(crate) fn is_https(parts: &Parts) -> bool {
    known_scheme(parts) == Some(&Scheme::HTTPS)
}

/// The value of `Host` that is sent: the header, or what clients make of the URI.
pub(crate) fn host(parts: &Parts) -> Result<Cow<'_, [u8]>, SignError> {
    match host_header(parts)? {
        Some(host) => Ok(Cow::Borrowed(host)),
        None => {
            let authority = parts.uri.authority().ok_or_else(|| SignError::new(NO_HOST))?;
            Ok(Cow::Owned(written(authority, default_port(parts)).into_bytes()))
        }
    }
}

/// Host and port (RFC 9110 §7.2), in lower case, without the scheme's default port (§4.2.3).
pub(crate) fn authority(parts: &Parts) -> Result<String, SignError> {
    let authority = match host_header(parts)? {
        Some(host) => Authority::try_from(host)
            .map_err(|_| SignError::new("the Host header names no host"))?,
        None => parts.uri.authority().cloned().ok_or_else(|| SignError::new(NO_HOST))?,
    };
    let default = default_port(parts);
    if default.is_none() && matches!(authority.port_u16(), Some(80 | 443)) {
        return Err(SignError::new(
            "whether the port is the default is not known, as the URI is not absolute",
        ));
    }
    let mut written = written(&authority, default);
    written.make_ascii_lowercase();
    Ok(written)
}

fn host_header(parts: &Parts) -> Result<Option<&[u8]>, SignError> {
    let mut lines = parts.headers.get_all(HOST).iter();
    match (lines.next(), lines.next()) {
        (first, None) => Ok(first.map(|it| it.as_bytes().trim_ascii())),
        (_, Some(_)) => Err(SignError::new("the request has several Host headers")),
    }
}

// Never the user information that an authority may hold.
fn written(authority: &Authority, default_port: Option<u16>) -> String {
    match authority.port_u16() {
        Some(port) if Some(port) != default_port => format!("{}:{port}", authority.host()),
        Some(_) | None => authority.host().to_owned(),
    }
}

fn default_port(parts: &Parts) -> Option<u16> {
    match known_scheme(parts)? {
        scheme if *scheme == Scheme::HTTPS => Some(443),
        scheme if *scheme == Scheme::HTTP => Some(80),
        _ => None,
    }
}

fn known_scheme(parts: &Parts) -> Option<&Scheme> {
    parts.uri.scheme()
}

const NO_HOST: &str = "the request names no host";

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    #[test]
    fn the_authority_is_what_the_wire_says_normalised() {
        check("https://Example.COM:443/", &[], Some("example.com"));
        check("https://example.com:80/", &[], Some("example.com:80"));
        check("http://example.com:80/", &[], Some("example.com"));
        check("http://user:pass@example.com/", &[], Some("example.com"));
        check("http://[2001:DB8::1]:8080/", &[], Some("[2001:db8::1]:8080"));
        check("/", &["Api.example:8080"], Some("api.example:8080"));
        check("https://10.0.0.1/", &["api.example:443"], Some("api.example"));
        check("/", &["api.example:443"], None);
        check("/", &["a.example", "b.example"], None);
        check("/", &["a b"], None);
        check("/", &[], None);
    }

    #[test]
    fn the_host_is_what_clients_send() {
        let host = |uri: &str| host(&parts(uri, &[])).map(Cow::into_owned);
        assert_eq!(host("https://Example.com:443/"), Ok(b"Example.com".to_vec()));
        assert_eq!(host("https://u@example.com:80/"), Ok(b"example.com:80".to_vec()));
        assert!(host("/").is_err());
    }

    #[test]
    fn only_an_absolute_uri_tells_the_scheme() {
        assert_eq!(scheme(&parts("HTTPS://a/", &[])), Ok("https"));
        assert_eq!(scheme(&parts("http://a/", &[])), Ok("http"));
        assert!(scheme(&parts("ws://a/", &[])).is_err());
        assert!(scheme(&parts("/", &["a"])).is_err());
        assert!(is_https(&parts("https://a/", &[])) && !is_https(&parts("http://a/", &[])));
    }

    #[track_caller]
    fn check(uri: &str, hosts: &[&str], expected: Option<&str>) {
        assert_eq!(authority(&parts(uri, hosts)).ok().as_deref(), expected, "{uri} {hosts:?}");
    }

    fn parts(uri: &str, hosts: &[&str]) -> Parts {
        let mut request = Request::get(uri);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        request.body(()).unwrap().into_parts().0
    }
}
