//! Where calls may be configured to go.

use http::Uri;
use http::uri::Scheme;

/// What was configured for calls cannot be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidEndpoint {
    reason: &'static str,
}

impl InvalidEndpoint {
    pub(crate) const fn new(reason: &'static str) -> Self {
        Self { reason }
    }
}

/// `url`, if it is `https`, or `http` where that is allowed, and has a host and no user.
///
/// Whoever can change what goes over plain http says which keys are good, and reads the tokens that
/// are asked about: it takes somebody who says that the network is safe, as for
/// [`OAuth2`](crate::OAuth2). A loopback address is no exception, as it is none there.
///
/// Whether the host may be called at all is for the [`HttpClient`](crate::HttpClient) to decide, on
/// the address that it connects to. The reason does not quote the URL: its query may be a secret.
pub(crate) fn checked(url: Uri, plaintext: bool) -> Result<Uri, InvalidEndpoint> {
    if ![Some(&Scheme::HTTP), Some(&Scheme::HTTPS)].contains(&url.scheme()) {
        return Err(InvalidEndpoint::new("the URL must start with http:// or https://"));
    }
    if url.host().is_none_or(str::is_empty) {
        return Err(InvalidEndpoint::new("the URL has no host"));
    }
    if url.authority().is_some_and(|it| it.as_str().contains('@')) {
        return Err(InvalidEndpoint::new("the URL must not name a user"));
    }
    if url.scheme() == Some(&Scheme::HTTP) && !plaintext {
        return Err(InvalidEndpoint::new("the URL is plain http, which is not allowed"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_web_addresses_without_users_are_called() {
        for good in ["http://a", "https://a.example/keys?x=1", "https://[::1]:8443/"] {
            check(good, true);
        }
        for bad in ["/keys", "a.example:443", "ftp://a/", "file:///etc/passwd", "*"] {
            check(bad, false);
        }
        for bad in ["https://alice@a/", "https://alice:secret@a/", "https://@a/"] {
            check(bad, false);
        }
    }

    #[test]
    fn plain_http_is_called_only_where_it_is_allowed() {
        for url in ["http://a.example/keys", "http://127.0.0.1:8080/", "http://localhost/"] {
            let url = url.parse::<Uri>().unwrap();
            let refused = checked(url.clone(), false).unwrap_err().to_string();
            assert_eq!(refused, "the URL is plain http, which is not allowed");
            assert_eq!(checked(url.clone(), true), Ok(url));
        }
        assert!(checked(Uri::from_static("https://a.example/keys"), false).is_ok());
    }

    #[track_caller]
    fn check(url: &str, expected: bool) {
        let parsed = url.parse::<Uri>();
        assert_eq!(parsed.is_ok_and(|it| checked(it, true).is_ok()), expected, "{url}");
    }
}
