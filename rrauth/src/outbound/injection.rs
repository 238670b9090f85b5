//! What is put onto a request to the upstream, and how.

use std::fmt;
use std::sync::Arc;

use http::header::{self, AUTHORIZATION};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use rrcore::{Code, InjectedSecret, Refusal};
use zeroize::Zeroizing;

use crate::names;
use crate::query::{self, Unwritable};

/// The upstream credential and where it goes. Made once, when its configuration arrives.
///
/// ```
/// use rrauth::Injection;
///
/// let stripe = Injection::bearer("Bearer ", "sk_live_4eC39HqLyjWDarjtT1zdp7dc")?;
/// assert_eq!(format!("{stripe:?}"), "Injection::header(authorization)");
///
/// let error = Injection::bearer("Bearer ", "line\r\nbreak").unwrap_err();
/// assert_eq!(error.field(), "secret");
/// # Ok::<(), rrauth::InvalidInjection>(())
/// ```
pub struct Injection {
    kind: Kind,
}

enum Kind {
    None,
    Header { name: HeaderName, value: HeaderValue, secret: InjectedSecret },
    // `pair` is `name=secret`, percent-encoded.
    Query { name: Box<str>, pair: Zeroizing<String>, secret: InjectedSecret },
    Unavailable { reason: Arc<str> },
}

/// A credential that no request could carry, refused before any does. Names the field, never the
/// value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidInjection {
    field: &'static str,
    problem: &'static str,
}

impl InvalidInjection {
    /// The argument that is wrong: `name`, `prefix` or `secret`.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }
}

impl Injection {
    /// The upstream wants no credential.
    #[must_use]
    pub const fn none() -> Self {
        Self { kind: Kind::None }
    }

    /// Sends `prefix` and `secret` in the header `name`.
    ///
    /// # Errors
    /// When `name` belongs to the connection or the framing of messages (RFC 9110 §7.6.1), when
    /// prefix or secret hold anything but visible ASCII and inner spaces, or when the secret is
    /// empty or longer than 8 KiB.
    pub fn header(name: HeaderName, prefix: &str, secret: &str) -> Result<Self, InvalidInjection> {
        if NOT_OURS.contains(&name) {
            return Err(invalid("name", "this header belongs to the connection"));
        }
        check_secret(secret)?;
        if !prefix.bytes().all(is_printable) || prefix.starts_with(' ') {
            return Err(invalid("prefix", "only visible ASCII and inner spaces can be sent"));
        }
        let line = Zeroizing::new(format!("{prefix}{secret}"));
        let mut value = HeaderValue::from_str(&line)
            .map_err(|_| invalid("secret", "it cannot be sent in a header"))?;
        value.set_sensitive(true);
        Ok(Self { kind: Kind::Header { name, value, secret: injected(secret) } })
    }

    /// Sends `prefix` (usually `Bearer` and a space) and `token` in `Authorization`.
    ///
    /// # Errors
    /// As [`Injection::header`].
    pub fn bearer(prefix: &str, token: &str) -> Result<Self, InvalidInjection> {
        Self::header(AUTHORIZATION, prefix, token)
    }

    /// Sends `secret` in the query parameter `name`; both are percent-encoded.
    ///
    /// # Errors
    /// When `name` is empty or holds control characters, or `secret` is as in
    /// [`Injection::header`].
    pub fn query(name: &str, secret: &str) -> Result<Self, InvalidInjection> {
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(invalid("name", "it must be visible text"));
        }
        check_secret(secret)?;
        let (key, value) = (query::encoded(name), query::encoded(secret));
        let pair = Zeroizing::new(format!("{}={}", *key, *value));
        Ok(Self { kind: Kind::Query { name: name.into(), pair, secret: injected(secret) } })
    }

    /// There should be a credential, but it cannot be had: every request is refused with 503
    /// `credential-unavailable`. Only the operator sees `reason`.
    #[must_use]
    pub fn unavailable(reason: impl Into<Arc<str>>) -> Self {
        Self { kind: Kind::Unavailable { reason: reason.into() } }
    }

    /// Puts the credential where every client's copy has been removed, and says what it was.
    pub(crate) fn apply(
        &self,
        headers: &mut HeaderMap,
        uri: &mut Uri,
    ) -> Result<Option<&InjectedSecret>, Refusal> {
        match &self.kind {
            Kind::None => Ok(None),
            Kind::Header { name, value, secret } => {
                names::remove_alike(headers, name);
                headers.insert(name, value.clone());
                Ok(Some(secret))
            }
            Kind::Query { name, pair, secret } => match query::set(uri, name, pair) {
                Ok(()) => Ok(Some(secret)),
                Err(Unwritable) => Err(unavailable("the request target cannot carry it")),
            },
            Kind::Unavailable { reason } => Err(unavailable(reason)),
        }
    }
}

impl fmt::Debug for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::None => f.write_str("Injection::none"),
            Kind::Header { name, .. } => write!(f, "Injection::header({name})"),
            Kind::Query { name, .. } => write!(f, "Injection::query({name:?})"),
            Kind::Unavailable { reason } => write!(f, "Injection::unavailable({reason:?})"),
        }
    }
}

fn check_secret(secret: &str) -> Result<(), InvalidInjection> {
    if secret.is_empty() {
        Err(invalid("secret", "it is empty"))
    } else if secret.len() > LONGEST {
        Err(invalid("secret", "it is longer than 8 KiB"))
    } else if !secret.bytes().all(is_printable) || secret.trim_matches(' ') != secret {
        // CR and LF would begin another header; bytes beyond ASCII are read in several ways; and
        // outer spaces are lost on the way (RFC 9110 §5.5).
        Err(invalid("secret", "only visible ASCII and inner spaces can be sent"))
    } else {
        Ok(())
    }
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

fn injected(secret: &str) -> InjectedSecret {
    InjectedSecret::new(secret.as_bytes().to_vec())
}

const fn invalid(field: &'static str, problem: &'static str) -> InvalidInjection {
    InvalidInjection { field, problem }
}

fn unavailable(reason: &str) -> Refusal {
    Refusal::new(Code::CredentialUnavailable).because(reason)
}

const LONGEST: usize = 8 * 1024;
// A credential there would change where the message goes or where it ends.
const NOT_OURS: [HeaderName; 11] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_request_can_carry_is_refused_by_field() {
        for bad in ["", "a\r\nb", "a\nb", "a\0", "a\u{7f}", "ä", "a\tb", " a", "a ", "\u{2028}"] {
            check(Injection::bearer("Bearer ", bad), "secret");
            check(Injection::query("key", bad), "secret");
        }
        check(Injection::bearer("Bearer ", &"a".repeat(LONGEST + 1)), "secret");
        check(Injection::bearer("Bearer\r\n", "a"), "prefix");
        check(Injection::bearer(" Bearer ", "a"), "prefix");
        check(Injection::bearer("Ü ", "a"), "prefix");
        check(Injection::header(header::HOST, "", "a"), "name");
        check(Injection::header(header::TRANSFER_ENCODING, "", "a"), "name");
        check(Injection::query("", "a"), "name");
        check(Injection::query("a\n", "a"), "name");
    }

    #[test]
    fn nothing_secret_is_printed() {
        for injection in [
            Injection::header(HeaderName::from_static("x-key"), "Token ", "canary").unwrap(),
            Injection::query("key", "canary").unwrap(),
            Injection::bearer("Bearer ", "canary").unwrap(),
        ] {
            let mut headers = HeaderMap::new();
            let secret =
                injection.apply(&mut headers, &mut Uri::from_static("/")).unwrap().unwrap();
            assert_eq!(secret.expose(), b"canary");
            assert!(!format!("{injection:?} {headers:?} {secret:?}").contains("canary"));
        }
        assert!(!format!("{:?}", Injection::query("k", "canary\n")).contains("canary"));
    }

    #[track_caller]
    fn check(result: Result<Injection, InvalidInjection>, field: &str) {
        let error = result.unwrap_err();
        assert_eq!(error.field(), field);
        assert!(error.to_string().starts_with(field));
    }
}
