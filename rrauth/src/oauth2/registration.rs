//! A client that is registered at an authorization server, and the ways it gets tokens.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::oauth2::code_flow::CodeFlow;
use crate::oauth2::consent::Consent;
use crate::oauth2::endpoint;
use crate::oauth2::grant::Grant;
use crate::oauth2::invalid::InvalidGrant;
use crate::oauth2::registered::{Authentication, ClientAuth, Registered};
use crate::oauth2::standard::{ClientCredentials, Refresh};

/// A client of an OAuth 2.0 authorization server (RFC 6749): where its tokens come from, and how it
/// shows who it is.
///
/// ```
/// use rrauth::{ClientAuth, OAuth2};
///
/// let grant = OAuth2::new("https://auth.example.com/token", "client_7")
///     .secret("s3cr:t%")
///     .client_auth(ClientAuth::Post)
///     .scopes(["read", "write"])
///     .client_credentials()?;
///
/// let error = OAuth2::new("http://auth.example.com/token", "client_7").secret("s").client_credentials();
/// assert_eq!(error.unwrap_err().to_string(), "tokenUrl: it is plain http, which is not allowed");
/// # Ok::<(), rrauth::InvalidGrant>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct OAuth2 {
    token_url: String,
    client_id: String,
    secret: Option<Zeroizing<String>>,
    auth: ClientAuth,
    scopes: Vec<String>,
    audience: Option<String>,
    plaintext: bool,
}

impl OAuth2 {
    /// The client `client_id`, whose tokens come from `token_url`. Nothing is checked before a way
    /// to get tokens is chosen.
    pub fn new(token_url: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            token_url: token_url.into(),
            client_id: client_id.into(),
            secret: None,
            auth: ClientAuth::Basic,
            scopes: Vec::new(),
            audience: None,
            plaintext: false,
        }
    }

    /// The client's secret; a public client has none.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(Zeroizing::new(secret.into()));
        self
    }

    /// How the secret is shown: [`ClientAuth::Basic`] unless told.
    pub const fn client_auth(mut self, auth: ClientAuth) -> Self {
        self.auth = auth;
        self
    }

    /// What the tokens should grant; what the server thinks best unless told.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Whom the tokens are for, where the server asks for an `audience`.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Allows plain http, where the network is known to be safe.
    pub const fn allow_plaintext(mut self, allowed: bool) -> Self {
        self.plaintext = allowed;
        self
    }

    /// Tokens for the client itself (RFC 6749 §4.4).
    ///
    /// # Errors
    /// When the URL is not https and plain http not allowed, when the client has no secret, or when
    /// something holds characters that it may not.
    pub fn client_credentials(self) -> Result<Grant, InvalidGrant> {
        if self.secret.is_none() {
            return Err(InvalidGrant::new("clientSecret", "there is none"));
        }
        let client = self.registered()?;
        let host = client.host();
        Ok(Grant::new(&host, ClientCredentials(client)))
    }

    /// Tokens for whoever allowed it once (RFC 6749 §6). `refresh_token` is from
    /// [`CodeFlow::exchange`], or was handed to `rotated` since.
    ///
    /// Servers may replace the refresh token with every answer, and the old one is worth nothing
    /// then: `rotated` is called with the new one before the access token is used, and should see to
    /// it that it is sealed and kept. It may block, and requests wait for it. Where it can fail, take
    /// [`OAuth2::refreshing`], which tries again.
    ///
    /// # Errors
    /// As for [`OAuth2::client_credentials`], but that a public client needs no secret; and when the
    /// refresh token is empty.
    ///
    /// # Caveats
    /// Two sources with one refresh token that is replaced at every use lock each other out, but where
    /// it is of one [`Consent`].
    pub fn refresh_token(
        self,
        refresh_token: impl Into<String>,
        rotated: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Grant, InvalidGrant> {
        let store = move |new: &str| {
            rotated(new);
            Ok::<_, Infallible>(())
        };
        self.refreshing(&Arc::new(Consent::new(refresh_token, store)?))
    }

    /// As [`OAuth2::refresh_token`], with a refresh token that other grants may use too: in turn, and
    /// each the newest.
    ///
    /// # Errors
    /// As for [`OAuth2::client_credentials`], but that a public client needs no secret.
    pub fn refreshing(self, consent: &Arc<Consent>) -> Result<Grant, InvalidGrant> {
        let client = self.registered()?;
        let host = client.host();
        Ok(Grant::new(&host, Refresh { client, consent: Arc::clone(consent) }))
    }

    /// The way to a first refresh token: somebody allows it in a browser (RFC 6749 §4.1), with
    /// PKCE (RFC 7636).
    ///
    /// # Errors
    /// As for [`OAuth2::refresh_token`], of either URL.
    pub fn authorization_code(self, authorize_url: &str) -> Result<CodeFlow, InvalidGrant> {
        let authorize_url = endpoint::parse("authorizeUrl", authorize_url, self.plaintext)?;
        let plaintext = self.plaintext;
        Ok(CodeFlow::new(authorize_url, self.registered()?, plaintext))
    }

    fn registered(self) -> Result<Registered, InvalidGrant> {
        let token_url = endpoint::parse("tokenUrl", &self.token_url, self.plaintext)?;
        if self.client_id.is_empty() || !is_visible(&self.client_id) {
            return Err(InvalidGrant::new("clientId", "it must be visible ASCII"));
        }
        // RFC 6749 §3.3: `scope-token`.
        let is_scope =
            |it: &String| !it.is_empty() && !it.contains([' ', '"', '\\']) && is_visible(it);
        if !self.scopes.iter().all(is_scope) {
            return Err(InvalidGrant::new("scopes", "each must be one word of visible ASCII"));
        }
        if self.audience.as_ref().is_some_and(|it| it.is_empty() || it.contains(char::is_control)) {
            return Err(InvalidGrant::new("audience", "it must be visible text"));
        }
        let secret = self.secret.as_ref();
        if secret.is_some_and(|it| it.is_empty() || it.contains(char::is_control)) {
            return Err(InvalidGrant::new("clientSecret", "it must be visible text"));
        }
        let authentication =
            Authentication::new(&self.client_id, secret.map(|it| &***it), self.auth)?;
        let (client_id, audience) = (self.client_id, self.audience);
        let scope = self.scopes.join(" ");
        Ok(Registered { token_url, client_id, authentication, scope, audience })
    }
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|it| matches!(it, b' '..=b'~'))
}

impl fmt::Debug for OAuth2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth2").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}
