//! What is put onto a request to the upstream, and how.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Request};
use rrcore::{Context, InjectedSecret, Refusal};
use zeroize::Zeroizing;

use crate::names;
use crate::outbound::destinations::Destinations;
use crate::outbound::presentation::Presentation;
use crate::outbound::refusal::{self, unavailable};
use crate::outbound::sendable::{self, InvalidInjection};
use crate::outbound::signer::Sign;
use crate::outbound::token::{Token, Tokens};
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
    bound: Option<Destinations>,
}

pub(crate) enum Kind {
    None,
    Headers { lines: Box<[(HeaderName, HeaderValue)]>, secrets: Box<[InjectedSecret]> },
    // `pair` is `name=secret`, percent-encoded.
    Query { name: Box<str>, pair: Zeroizing<String>, secret: InjectedSecret },
    Token(Arc<Fetched>),
    Signed(Arc<dyn Sign>),
    Unavailable { reason: Arc<str> },
}

/// A credential that is fetched, and where it goes.
pub(crate) struct Fetched {
    pub(crate) tokens: Arc<dyn Tokens>,
    presentation: Presentation,
}

impl Injection {
    /// The upstream wants no credential.
    #[must_use]
    pub const fn none() -> Self {
        Self::of(Kind::None)
    }

    /// Sends `prefix` and `secret` in the header `name`.
    ///
    /// # Errors
    /// When `name` belongs to the connection or the framing of messages (RFC 9110 §7.6.1), when
    /// prefix or secret hold anything but visible ASCII and inner spaces, or when the secret is
    /// empty or longer than 8 KiB.
    pub fn header(name: HeaderName, prefix: &str, secret: &str) -> Result<Self, InvalidInjection> {
        let value = sendable::line(&name, prefix, secret)?;
        Ok(Self::lines([(name, value)], [secret]))
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
        Ok(Self::lines(lines, secrets.iter().map(AsRef::as_ref)))
    }

    /// Sends `prefix` (usually `Bearer` and a space) and `token` in `Authorization`.
    ///
    /// ```
    /// use rrauth::Injection;
    ///
    /// let error = Injection::bearer("Bearer", "sk_live_4eC39HqLyjWDarjt").unwrap_err();
    /// assert_eq!(error.to_string(), "prefix: end it with a blank, or it runs into the token");
    /// # Injection::bearer("Token token=", "t").unwrap();
    /// # Injection::bearer("", "t").unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Injection::header`]; and when `prefix` ends in a letter or a digit, so that it would run
    /// into the token. Where an upstream wants just that, [`Injection::header`] does it.
    pub fn bearer(prefix: &str, token: &str) -> Result<Self, InvalidInjection> {
        if prefix.ends_with(|it: char| it.is_ascii_alphanumeric()) {
            let problem = "end it with a blank, or it runs into the token";
            return Err(InvalidInjection::new("prefix", problem));
        }
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
        // Vendors that take a key alone take it for the user name.
        let secret = if password.is_empty() { username } else { password };
        // As it is sent, too: what an upstream makes of its headers, it makes of that.
        Ok(Self::lines([(AUTHORIZATION, value)], [&**pair, secret, &**encoded]))
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
        Ok(Self::of(Kind::Query { name: name.into(), pair, secret: injected(secret) }))
    }

    /// Sends a token that `tokens` fetches and keeps fresh, as `presentation` says.
    ///
    /// The first request waits for it; later ones find it at hand.
    #[must_use]
    pub fn token(tokens: Arc<dyn Tokens>, presentation: Presentation) -> Self {
        Self::of(Kind::Token(Arc::new(Fetched { tokens, presentation })))
    }

    /// Has each request signed.
    #[must_use]
    pub const fn signed(signer: Arc<dyn Sign>) -> Self {
        Self::of(Kind::Signed(signer))
    }

    /// There should be a credential, but it cannot be had: every request is refused with 503
    /// `credential-unavailable`. Only the operator sees `reason`.
    #[must_use]
    pub fn unavailable(reason: impl Into<Arc<str>>) -> Self {
        Self::of(Kind::Unavailable { reason: reason.into() })
    }

    /// Sends the credential with requests to `destinations` only. A request whose URI is not at one of
    /// them, or has no scheme and host, is refused with 503 `credential-unavailable`.
    ///
    /// ```
    /// use rrauth::{Destinations, Injection};
    ///
    /// let there = Destinations::parse(["https://api.stripe.com"])?;
    /// let stripe = Injection::bearer("Bearer ", "sk_live_4eC39HqLyjWDarjt")?.bound_to(there);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Caveats
    /// It is the request as it comes to this layer that is looked at. A client inside it that follows
    /// redirects takes headers of one's own naming along, to wherever it is sent: switch that off, or
    /// follow redirects outside this layer.
    #[must_use]
    pub fn bound_to(mut self, destinations: Destinations) -> Self {
        self.bound = Some(destinations);
        self
    }

    const fn of(kind: Kind) -> Self {
        Self { kind, bound: None }
    }

    fn lines<'a>(
        lines: impl Into<Box<[(HeaderName, HeaderValue)]>>,
        secrets: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let secrets = secrets.into_iter().map(injected).collect();
        Self::of(Kind::Headers { lines: lines.into(), secrets })
    }

    pub(crate) const fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Whether the credential may go where `request` goes.
    pub(crate) fn admit<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        match &self.bound {
            None => Ok(()),
            Some(bound) if bound.holds(request.uri()) => Ok(()),
            Some(_) => {
                let host = request.uri().host().unwrap_or("no host");
                Err(unavailable(format!("the credential is not bound to this destination: {host}")))
            }
        }
    }

    /// Puts what is at hand where every client's copy has been removed, and tells `context` of it.
    /// Tokens and signatures are another matter.
    pub(crate) fn apply<B>(
        &self,
        request: &mut Request<B>,
        context: &Context,
    ) -> Result<(), Refusal> {
        match &self.kind {
            Kind::None => Ok(()),
            Kind::Headers { lines, secrets } => {
                let headers = request.headers_mut();
                // All before any is set: names of ours may be alike.
                lines.iter().for_each(|(name, _)| names::remove_alike(headers, name));
                for (name, value) in lines {
                    refusal::set(headers, name, value.clone())?;
                }
                secrets.iter().for_each(|it| context.add_injected(it.clone()));
                Ok(())
            }
            Kind::Query { name, pair, secret } => {
                let set = query::set(request.uri_mut(), name, pair);
                set.map_err(|Unwritable| unavailable(refusal::NO_QUERY))?;
                context.add_injected(secret.clone());
                Ok(())
            }
            Kind::Token(_) | Kind::Signed(_) => Err(unavailable("it is not at hand")),
            Kind::Unavailable { reason } => Err(unavailable(&**reason)),
        }
    }
}

impl Fetched {
    /// Puts `token` where every client's copy has been removed, and tells `context` of it.
    pub(crate) fn apply<B>(
        &self,
        token: &Token,
        request: &mut Request<B>,
        context: &Context,
    ) -> Result<(), Refusal> {
        let mut uri = std::mem::take(request.uri_mut());
        let written = self.presentation.write(token, request.headers_mut(), &mut uri);
        *request.uri_mut() = uri;
        written?;
        context.add_injected(token.secret().clone());
        Ok(())
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
            Kind::Token(it) => {
                write!(f, "Injection::token({:?}, {:?})", it.tokens, it.presentation)
            }
            Kind::Signed(signer) => write!(f, "Injection::signed({signer:?})"),
            Kind::Unavailable { reason } => write!(f, "Injection::unavailable({reason:?})"),
        }
    }
}

fn injected(secret: &str) -> InjectedSecret {
    InjectedSecret::new(secret.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;
    use rrcore::Clock;

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
        let secrets = apply(&injection, &mut headers);
        assert_eq!((headers.len(), secrets), (4, vec!["7".to_owned(), "k".to_owned()]));
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
            let secrets = apply(&injection, &mut headers);
            assert_eq!(secrets[0], seen);
            let printed = format!("{injection:?} {headers:?}");
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
        let secrets = apply(&Injection::basic(username, password).unwrap(), &mut headers);
        assert_eq!((headers.len(), &headers[AUTHORIZATION]), (1, &expected.parse().unwrap()));
        assert!(headers[AUTHORIZATION].is_sensitive());
        let alone = if password.is_empty() { username } else { password };
        let sent = expected.strip_prefix("Basic ").unwrap();
        assert_eq!(secrets, [&format!("{username}:{password}"), alone, sent]);
    }

    #[track_caller]
    fn check_headers(headers: &[(&'static str, &str)], field: &str, header: Option<&str>) {
        let headers = headers.iter().map(|it| (HeaderName::from_static(it.0), it.1));
        let error = Injection::headers(headers).unwrap_err();
        assert_eq!(error.field(), field);
        assert_eq!(error.header().map(HeaderName::as_str), header);
    }

    #[track_caller]
    fn apply(injection: &Injection, headers: &mut HeaderMap) -> Vec<String> {
        let (mut request, context) = (Request::new(()), Context::new(&Clock::system()));
        std::mem::swap(request.headers_mut(), headers);
        injection.apply(&mut request, &context).unwrap();
        std::mem::swap(request.headers_mut(), headers);
        let secrets = context.injected();
        secrets.iter().map(|it| String::from_utf8(it.expose().to_vec()).unwrap()).collect()
    }
}
