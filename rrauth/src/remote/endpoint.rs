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

/// `url`, if it is `http` or `https`, and has a host and no user.
///
/// Whether the host may be called at all is for the [`HttpClient`](crate::HttpClient) to decide, on
/// the address that it connects to. The reason does not quote the URL: its query may be a secret.
pub(crate) fn checked(url: Uri) -> Result<Uri, InvalidEndpoint> {
    if ![Some(&Scheme::HTTP), Some(&Scheme::HTTPS)].contains(&url.scheme()) {
        return Err(InvalidEndpoint::new("the URL must start with http:// or https://"));
    }
    if url.host().is_none_or(str::is_empty) {
        return Err(InvalidEndpoint::new("the URL has no host"));
    }
    if url.authority().is_some_and(|it| it.as_str().contains('@')) {
        return Err(InvalidEndpoint::new("the URL must not name a user"));
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

    #[track_caller]
    fn check(url: &str, expected: bool) {
        let parsed = url.parse::<Uri>();
        assert_eq!(parsed.is_ok_and(|it| checked(it).is_ok()), expected, "{url}");
    }
}
