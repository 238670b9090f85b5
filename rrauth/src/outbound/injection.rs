//! What is put onto a request to the upstream, and how.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use rrcore::{Code, InjectedSecret, Refusal};
use zeroize::Zeroizing;

use crate::names;
use crate::outbound::sendable::{self, InvalidInjection};
use crate::query::{self, Unwritable};

/// The upstream credential and where it goes. Made once, when its configuration arrives.
///
/// ```
/// use rrauth::Injection;
///
/// let stripe = Injection::bearer("Bearer ", "sk_live_4eC39HqLyjWDarjtT1zdp7dc")?;
/// assert_eq!(format!("{stripe:?}"), "Injection::headers(authorization)");
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
    Headers { lines: Box<[(HeaderName, HeaderValue)]>, secret: InjectedSecret },
    // `pair` is `name=secret`, percent-encoded.
    Query { name: Box<str>, pair: Zeroizing<String>, secret: InjectedSecret },
    Unavailable { reason: Arc<str> },
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
        let value = sendable::line(&name, prefix, secret)?;
        Ok(Self::lines([(name, value)], secret))
    }

    /// Sends each secret in the header that it comes with, as it is.
    ///
    /// ```
    /// use http::HeaderName;
    /// use rrauth::Injection;
    ///
    /// let two = Injection::headers([
    ///     (HeaderName::from_static("x-app-id"), "app_7"),
    ///     (HeaderName::from_static("x-app-key"), "k_4eC39HqLyjWDarjt"),
    /// ])?;
    /// assert_eq!(format!("{two:?}"), "Injection::headers(x-app-id, x-app-key)");
    /// # Ok::<(), rrauth::InvalidInjection>(())
    /// ```
    ///
    /// # Errors
    /// As [`Injection::header`]; and when there is no header at all, or one comes twice.
    pub fn headers(
        headers: impl IntoIterator<Item = (HeaderName, impl AsRef<str>)>,
    ) -> Result<Self, InvalidInjection> {
        let (mut lines, mut secrets) = (Vec::<(HeaderName, _)>::new(), Vec::new());
        for (name, secret) in headers {
            let value = sendable::line(&name, "", secret.as_ref());
            let value = value.map_err(|it| it.of(name.clone()))?;
            if lines.iter().any(|it| it.0 == name) {
                return Err(InvalidInjection::new("name", "it comes twice").of(name));
            }
            lines.push((name, value));
            secrets.push(secret);
        }
        if lines.is_empty() {
            return Err(InvalidInjection::new("name", "there is none"));
        }
        let secrets: Vec<_> = secrets.iter().map(AsRef::as_ref).collect();
        // No secret holds a line break, so they can be told apart.
        Ok(Self::lines(lines, &Zeroizing::new(secrets.join("\n"))))
    }

    /// Sends `prefix` (usually `Bearer` and a space) and `token` in `Authorization`.
    ///
    /// # Errors
    /// As [`Injection::header`].
    pub fn bearer(prefix: &str, token: &str) -> Result<Self, InvalidInjection> {
        Self::header(AUTHORIZATION, prefix, token)
    }

    /// Sends `username` and `password` in `Authorization` as `Basic` does (RFC 7617), in UTF-8.
    ///
    /// Either may be empty, as with vendors that take a key for the user name.
    ///
    /// ```
    /// use rrauth::Injection;
    ///
    /// let aladdin = Injection::basic("Aladdin", "open sesame")?;
    /// let error = Injection::basic("Aladdin:Ali", "open sesame").unwrap_err();
    /// assert_eq!(error.to_string(), "username: it holds a colon");
    /// # Ok::<(), rrauth::InvalidInjection>(())
    /// ```
    ///
    /// # Errors
    /// When the user name holds a colon, when either holds a control character or is longer than
    /// 4 KiB, or when both are empty.
    pub fn basic(username: &str, password: &str) -> Result<Self, InvalidInjection> {
        sendable::check_user(username, password)?;
        let pair = Zeroizing::new(format!("{username}:{password}"));
        let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
        let line = Zeroizing::new(format!("Basic {}", *encoded));
        let mut value = HeaderValue::from_str(&line)
            .map_err(|_| InvalidInjection::new("password", "it cannot be sent in a header"))?;
        value.set_sensitive(true);
        Ok(Self::lines([(AUTHORIZATION, value)], &pair))
    }

    /// Sends `secret` in the query parameter `name`; both are percent-encoded.
    ///
    /// # Errors
    /// When `name` is empty or holds control characters, or `secret` is as in
    /// [`Injection::header`].
    pub fn query(name: &str, secret: &str) -> Result<Self, InvalidInjection> {
        sendable::check_parameter(name)?;
        sendable::check_secret(secret)?;
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

    fn lines(lines: impl Into<Box<[(HeaderName, HeaderValue)]>>, secret: &str) -> Self {
        Self { kind: Kind::Headers { lines: lines.into(), secret: injected(secret) } }
    }

    /// Puts the credential where every client's copy has been removed, and says what it was.
    pub(crate) fn apply(
        &self,
        headers: &mut HeaderMap,
        uri: &mut Uri,
    ) -> Result<Option<InjectedSecret>, Refusal> {
        match &self.kind {
            Kind::None => Ok(None),
            Kind::Headers { lines, secret } => {
                // All before any is set: names of ours may be alike.
                lines.iter().for_each(|(name, _)| names::remove_alike(headers, name));
                for (name, value) in lines {
                    let set = headers.try_insert(name, value.clone());
                    set.map_err(|_| unavailable("the request has no room for another header"))?;
                }
                Ok(Some(secret.clone()))
            }
            Kind::Query { name, pair, secret } => match query::set(uri, name, pair) {
                Ok(()) => Ok(Some(secret.clone())),
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
            Kind::Headers { lines, .. } => {
                let names: Vec<_> = lines.iter().map(|it| it.0.as_str()).collect();
                write!(f, "Injection::headers({})", names.join(", "))
            }
            Kind::Query { name, .. } => write!(f, "Injection::query({name:?})"),
            Kind::Unavailable { reason } => write!(f, "Injection::unavailable({reason:?})"),
        }
    }
}

fn injected(secret: &str) -> InjectedSecret {
    InjectedSecret::new(secret.as_bytes().to_vec())
}

fn unavailable(reason: &str) -> Refusal {
    Refusal::new(Code::CredentialUnavailable).because(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_is_written_as_the_rfc_writes_it() {
        check_basic("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        check_basic("test", "123£", "Basic dGVzdDoxMjPCow==");
        check_basic("sk_test", "", "Basic c2tfdGVzdDo=");
        check_basic("", "a:b", "Basic OmE6Yg==");
    }

    #[test]
    fn the_longest_user_and_password_can_be_sent() {
        let longest = "a".repeat(4 * 1024);
        assert!(Injection::basic(&longest, &longest).is_ok());
    }

    #[test]
    fn all_headers_are_ours_or_none_is() {
        let [id, key] = ["x-app-id", "x-app-key"].map(HeaderName::from_static);
        let injection = Injection::headers([(id.clone(), "7"), (key.clone(), "k")]).unwrap();
        let mut headers = HeaderMap::new();
        for theirs in ["x-app-id", "x_app_id", "x-app-key", "x.app.key", "x-app"] {
            headers.append(theirs, "theirs".parse().unwrap());
            headers.append(theirs, "again".parse().unwrap());
        }
        let secret = apply(&injection, &mut headers);
        assert_eq!((headers.len(), secret.expose()), (4, &b"7\nk"[..]));
        assert_eq!((&headers[&id], &headers[&key]), (&"7".parse().unwrap(), &"k".parse().unwrap()));
        assert!(headers[&id].is_sensitive() && headers[&key].is_sensitive());
    }

    #[test]
    fn names_of_ours_that_are_alike_are_both_sent() {
        let names = ["x-key", "x_key"].map(HeaderName::from_static);
        let injection = Injection::headers(names.map(|it| (it, "k"))).unwrap();
        let mut headers = HeaderMap::new();
        apply(&injection, &mut headers);
        assert_eq!(headers.len(), 2);
    }

    #[test]
    fn headers_that_are_none_or_twice_or_not_ours_are_refused_by_name() {
        check_headers(&[], "name", None);
        check_headers(&[("x-a", "1"), ("x-b", "2"), ("x-a", "3")], "name", Some("x-a"));
        check_headers(&[("x-a", "1"), ("host", "2")], "name", Some("host"));
        check_headers(&[("x-a", "1"), ("x-b", "2\n")], "secret", Some("x-b"));
        check_headers(&[("x-a", "")], "secret", Some("x-a"));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let name = HeaderName::from_static("x-key");
        for (injection, seen) in [
            (Injection::header(name.clone(), "Token ", "canary"), "canary"),
            (Injection::headers([(name, "canary")]), "canary"),
            (Injection::query("key", "canary"), "canary"),
            (Injection::bearer("Bearer ", "canary"), "canary"),
            (Injection::basic("user", "canary"), "user:canary"),
        ] {
            let (injection, mut headers) = (injection.unwrap(), HeaderMap::new());
            let secret = apply(&injection, &mut headers);
            assert_eq!(secret.expose(), seen.as_bytes());
            let printed = format!("{injection:?} {headers:?} {secret:?}");
            assert!(
                !printed.contains("canary") && !printed.contains("dXNlcjpjYW5hcnk"),
                "{printed}"
            );
        }
        assert!(!format!("{:?}", Injection::query("k", "canary\n")).contains("canary"));
        assert!(!format!("{:?}", Injection::basic("u", "canary\n")).contains("canary"));
    }

    #[track_caller]
    fn check_basic(username: &str, password: &str, expected: &str) {
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, "theirs".parse().unwrap());
        let secret = apply(&Injection::basic(username, password).unwrap(), &mut headers);
        assert_eq!((headers.len(), &headers[AUTHORIZATION]), (1, &expected.parse().unwrap()));
        assert!(headers[AUTHORIZATION].is_sensitive());
        assert_eq!(secret.expose(), format!("{username}:{password}").as_bytes());
    }

    #[track_caller]
    fn check_headers(headers: &[(&'static str, &str)], field: &str, header: Option<&str>) {
        let headers = headers.iter().map(|it| (HeaderName::from_static(it.0), it.1));
        let error = Injection::headers(headers).unwrap_err();
        assert_eq!(error.field(), field);
        assert_eq!(error.header().map(HeaderName::as_str), header);
    }

    #[track_caller]
    fn apply(injection: &Injection, headers: &mut HeaderMap) -> InjectedSecret {
        injection.apply(headers, &mut Uri::from_static("/")).unwrap().unwrap()
    }
}
