//! Whom to ask about tokens, as whom, and what the answer must say.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use zeroize::Zeroizing;

use crate::introspection::answer::Rules;
use crate::query;
use crate::remote::endpoint::{self, InvalidEndpoint};

/// Whom to ask about tokens (RFC 7662), as which client, and which answers are believed.
///
/// ```
/// use std::time::Duration;
/// use rrauth::IntrospectionPolicy;
///
/// let url = "https://login.example/introspect".parse().unwrap();
/// let policy = IntrospectionPolicy::new(url, "gateway", "s3cret")?
///     .audience(["https://api.example"])
///     .cache(Duration::from_secs(30));
/// assert!(!format!("{policy:?}").contains("s3cret"));
/// # Ok::<_, rrauth::InvalidEndpoint>(())
/// ```
#[derive(Clone)]
pub struct IntrospectionPolicy {
    url: Uri,
    authorization: HeaderValue,
    pub(super) rules: Rules,
    pub(super) cache: Duration,
    pub(super) cached_tokens: usize,
    pub(super) timeout: Duration,
    pub(super) concurrency: usize,
}

impl IntrospectionPolicy {
    /// Asks at `url`, as the client of this id and secret (`Basic`, RFC 6749 §2.3.1). Answers are
    /// believed for a minute, and awaited for 3 seconds.
    ///
    /// # Errors
    /// When `url` is not an absolute one of `https`, or `client_id` is empty. For plain http see
    /// [`builder`](Self::builder).
    pub fn new(url: Uri, client_id: &str, client_secret: &str) -> Result<Self, InvalidEndpoint> {
        Self::builder(url, client_id, client_secret).build()
    }

    /// As [`new`](Self::new), for whom the URL may be plain http.
    ///
    /// ```
    /// use rrauth::IntrospectionPolicy;
    ///
    /// let url = || "http://introspection.internal/".parse().unwrap();
    /// assert!(IntrospectionPolicy::new(url(), "gateway", "s3cret").is_err());
    /// let builder = IntrospectionPolicy::builder(url(), "gateway", "s3cret");
    /// assert!(builder.allow_plaintext(true).build().is_ok());
    /// ```
    pub fn builder(url: Uri, client_id: &str, client_secret: &str) -> IntrospectionPolicyBuilder {
        IntrospectionPolicyBuilder {
            url,
            client_id: client_id.to_owned(),
            client_secret: Zeroizing::new(client_secret.to_owned()),
            plaintext: false,
        }
    }

    /// One of these must be in the answer's `aud`. Not said: any `aud`, or none.
    #[must_use]
    pub fn audience<S: Into<Box<str>>>(mut self, audience: impl IntoIterator<Item = S>) -> Self {
        self.rules.audience = Some(audience.into_iter().map(Into::into).collect());
        self
    }

    /// What the answer's `iss` must be, if it has one.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.rules.issuer = Some(issuer.into());
        self
    }

    /// How wrong the issuer's clock may be against ours: 60 s unless said.
    #[must_use]
    pub const fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway;
        self
    }

    /// How long a token is believed without asking again, if it does not expire before: how late a
    /// revocation is noticed. Zero: each time it is shown. One that is refused is, for at most 10
    /// seconds of that.
    #[must_use]
    pub const fn cache(mut self, longest: Duration) -> Self {
        self.cache = longest;
        self
    }

    /// About how many answers of up to 1 KiB are remembered; longer ones count as several.
    #[must_use]
    pub const fn cached_tokens(mut self, tokens: usize) -> Self {
        self.cached_tokens = tokens;
        self
    }

    /// How long an answer may take in all.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many questions may be open at once; whoever needs another gets 503.
    #[must_use]
    pub const fn concurrency(mut self, questions: usize) -> Self {
        self.concurrency = questions;
        self
    }

    /// The question about `token`.
    pub(super) fn request(&self, token: &str) -> Request<Bytes> {
        let form = format!("token={}&token_type_hint=access_token", *query::encoded(token));
        let mut request = Request::new(form.into());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        request
    }
}

// Each form-encoded before they are joined: either may have a colon.
fn basic(id: &str, secret: &str) -> Result<HeaderValue, InvalidEndpoint> {
    let pair = Zeroizing::new(format!("{}:{}", *query::encoded(id), *query::encoded(secret)));
    let text = Zeroizing::new(format!("Basic {}", *Zeroizing::new(STANDARD.encode(&*pair))));
    let value = HeaderValue::try_from(&**text);
    let mut value = value.map_err(|_| InvalidEndpoint::new("the client cannot be named"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What is checked before there is an [`IntrospectionPolicy`]; see [`IntrospectionPolicy::builder`].
#[derive(Clone)]
#[must_use]
pub struct IntrospectionPolicyBuilder {
    url: Uri,
    client_id: String,
    client_secret: Zeroizing<String>,
    plaintext: bool,
}

impl IntrospectionPolicyBuilder {
    /// Allows plain http, where the network is known to be safe: the client's secret and the tokens
    /// that it asks about go over it, and whoever can change the answer lets in whom they like.
    pub const fn allow_plaintext(mut self, allowed: bool) -> Self {
        self.plaintext = allowed;
        self
    }

    /// Checks all of it.
    ///
    /// # Errors
    /// When the URL is not https and plain http not allowed, or the client's id is empty.
    pub fn build(self) -> Result<IntrospectionPolicy, InvalidEndpoint> {
        if self.client_id.is_empty() {
            return Err(InvalidEndpoint::new("the client has no id"));
        }
        Ok(IntrospectionPolicy {
            url: endpoint::checked(self.url, self.plaintext)?,
            authorization: basic(&self.client_id, &self.client_secret)?,
            rules: Rules { issuer: None, audience: None, leeway: LEEWAY },
            cache: Duration::from_secs(60),
            cached_tokens: 10_000,
            timeout: Duration::from_secs(3),
            concurrency: 64,
        })
    }
}

// By hand: it has a secret, and the query of the URL may be one.
impl fmt::Debug for IntrospectionPolicyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionPolicyBuilder")
            .field("host", &self.url.host())
            .field("plaintext", &self.plaintext)
            .finish_non_exhaustive()
    }
}

// By hand: it has a secret, and the query of the URL may be one.
impl fmt::Debug for IntrospectionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionPolicy")
            .field("host", &self.url.host())
            .field("rules", &self.rules)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

const LEEWAY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_form_encoded_before_it_is_base64() {
        check("gateway", "s3cret", "gateway:s3cret");
        check("a:b", ":%+& /", "a%3Ab:%3A%25%2B%26%20%2F");
        check("ü", "", "%C3%BC:");
        check("-._~", "*", "-._~:%2A");
    }

    #[track_caller]
    fn check(id: &str, secret: &str, expected: &str) {
        let value = basic(id, secret).unwrap();
        let shown = value.to_str().unwrap().strip_prefix("Basic ").unwrap().to_owned();
        assert_eq!(STANDARD.decode(shown).unwrap(), expected.as_bytes());
        assert_eq!(format!("{value:?}"), "Sensitive");
    }

    #[test]
    fn a_token_is_form_encoded() {
        let url = "https://a.example/introspect".parse().unwrap();
        let policy = IntrospectionPolicy::new(url, "a", "b").unwrap();
        let request = policy.request("a+b/c~d==");
        assert_eq!(request.body(), "token=a%2Bb%2Fc~d%3D%3D&token_type_hint=access_token");
    }
}
