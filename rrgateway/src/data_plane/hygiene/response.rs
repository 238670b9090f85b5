//! What of an upstream's response head may reach the caller.

use std::fmt::Write;

use http::header::{CONTENT_LOCATION, LOCATION, SET_COOKIE};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::data_plane::hygiene::hop;
use crate::model::BaseUrl;

/// Removes what belongs to the upstream's hop, what claims to be ours, and cookies (a session
/// cookie is a credential made from ours); turns `Location` back into a URL of the proxy.
pub fn cleanse(headers: &mut HeaderMap, proxy: &str, base: &BaseUrl) {
    hop::strip(headers).remove_from(headers);
    hop::remove_prefixed(headers, "rr-");
    headers.remove(SET_COOKIE);
    for name in [LOCATION, CONTENT_LOCATION] {
        rewrite(headers, &name, proxy, base);
    }
}

fn rewrite(headers: &mut HeaderMap, name: &HeaderName, proxy: &str, base: &BaseUrl) {
    let Some(value) = headers.get(name) else { return };
    let Some(rest) = inside(&encoded(value.as_bytes()), base) else { return };
    match HeaderValue::try_from(format!("/api/{proxy}{rest}")) {
        Ok(value) => _ = headers.insert(name, value),
        Err(_) => _ = headers.remove(name),
    }
}

// As browsers read what is no URL by the letter.
fn encoded(location: &[u8]) -> String {
    let mut encoded = String::with_capacity(location.len());
    for byte in location {
        match byte {
            b' ' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x7f.. => {
                // A `String` takes all that is written.
                _ = write!(encoded, "%{byte:02X}");
            }
            _ => encoded.push(char::from(*byte)),
        }
    }
    encoded
}

// What stands behind the base URL, with its leading slash; `None` for what is not inside it.
fn inside(location: &str, base: &BaseUrl) -> Option<String> {
    if location.starts_with("//") {
        return inside(&format!("{}:{location}", base.scheme()), base);
    }
    let uri: Uri = location.parse().ok()?;
    let is_here = match (uri.scheme(), uri.authority()) {
        (Some(scheme), Some(authority)) => {
            scheme == base.scheme() && same_host(authority, base.authority(), base.is_tls())
        }
        (None, None) => location.starts_with('/'),
        (Some(_), None) | (None, Some(_)) => false,
    };
    let rest = uri.path().strip_prefix(base.path()).filter(|_| is_here)?;
    // A fragment is the browser's, and `Uri` drops it.
    let fragment = location.split_once('#').map(|(_, it)| format!("#{it}")).unwrap_or_default();
    let query = uri.query().map(|it| format!("?{it}")).unwrap_or_default();
    match rest {
        "" => Some(format!("/{query}{fragment}")),
        rest if rest.starts_with('/') => Some(format!("{rest}{query}{fragment}")),
        _ => None,
    }
}

fn same_host(a: &Authority, b: &Authority, is_tls: bool) -> bool {
    let default = if is_tls { 443 } else { 80 };
    let port = |it: &Authority| it.port_u16().unwrap_or(default);
    a.host().eq_ignore_ascii_case(b.host()) && port(a) == port(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_at_the_upstream_becomes_one_of_the_proxy() {
        check("https://api.test/v1/users/7?x=1#top", "/api/p/users/7?x=1#top");
        check("https://API.test:443/v1", "/api/p/");
        check("/v1/users", "/api/p/users");
        check("//api.test/v1/users", "/api/p/users");
        check("https://api.test/v1/a b<c>`d", "/api/p/a%20b%3Cc%3E%60d");
    }

    #[test]
    fn any_other_location_stays() {
        for location in [
            "https://other.test/v1/users",
            "http://api.test/v1/x",
            "users/7",
            "//other.test/v1",
            "https://other.test/a b",
            "/v1x",
            "/v2/x",
        ] {
            check(location, location);
        }
    }

    #[test]
    fn cookies_and_our_own_names_are_dropped() {
        let mut headers = HeaderMap::new();
        for name in ["set-cookie", "rr-proxy-code", "keep-alive", "etag"] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
        }
        cleanse(&mut headers, "p", &base());
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["etag"]);
    }

    fn base() -> BaseUrl {
        BaseUrl::parse("https://api.test/v1").unwrap()
    }

    #[track_caller]
    fn check(location: &str, expected: &str) {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, location.parse().unwrap());
        cleanse(&mut headers, "p", &base());
        assert_eq!(headers[LOCATION], expected);
    }
}
