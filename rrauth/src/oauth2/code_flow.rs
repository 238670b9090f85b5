//! How somebody allows a client to act for them: a page in a browser, a code, and its exchange.

use std::fmt;
use std::time::Duration;

use http::Uri;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::client::http_client::HttpClient;
use crate::oauth2::answer;
use crate::oauth2::endpoint;
use crate::oauth2::form;
use crate::oauth2::invalid::InvalidGrant;
use crate::oauth2::pkce::PkceVerifier;
use crate::oauth2::registered::Registered;
use crate::outbound::token::{Token, TokenUnavailable};

/// The authorization code flow (RFC 6749 §4.1) with PKCE (RFC 7636, `S256`): made by
/// [`OAuth2::authorization_code`](crate::OAuth2::authorization_code).
///
/// ```
/// use rrauth::OAuth2;
///
/// let flow = OAuth2::new("https://auth.example.com/token", "client_7")
///     .secret("s3cret")
///     .scopes(["read"])
///     .authorization_code("https://auth.example.com/authorize")?;
/// let (url, verifier) = flow.authorize_url("state_1", "https://gw.example.com/callback")?;
/// assert!(url.starts_with("https://auth.example.com/authorize?response_type=code&client_id=client_7"));
/// # Ok::<(), rrauth::InvalidGrant>(())
/// ```
///
/// # Caveats
/// `state` must be unpredictable and belong to the browser's session, and the callback must compare
/// it: else a stranger's account is joined to this one (RFC 6749 §10.12).
pub struct CodeFlow {
    authorize_url: Uri,
    client: Registered,
    plaintext: bool,
}

/// What a code was exchanged for.
#[derive(Debug)]
#[non_exhaustive]
pub struct Granted {
    /// The first access token.
    pub access: Token,
    /// How long it lives, if that was said.
    pub life: Option<Duration>,
    /// What [`OAuth2::refresh_token`](crate::OAuth2::refresh_token) takes, if there is one: seal it.
    pub refresh: Option<RefreshToken>,
    /// What was granted, where that is not what was asked for.
    pub scope: Option<String>,
}

/// A refresh token. Prints nothing of itself.
pub struct RefreshToken(Zeroizing<String>);

impl CodeFlow {
    pub(crate) const fn new(authorize_url: Uri, client: Registered, plaintext: bool) -> Self {
        Self { authorize_url, client, plaintext }
    }

    /// Where to send the browser of whoever is to allow it, and what to keep until they come back to
    /// `redirect_uri` with a code.
    ///
    /// # Errors
    /// When `redirect_uri` is not such a URL as the endpoints' must be (one to `localhost`,
    /// `127.0.0.1` or `[::1]` may be plain http, RFC 8252 §7.3), when `state` is empty, or when the
    /// operating system gave no random bytes.
    pub fn authorize_url(
        &self,
        state: &str,
        redirect_uri: &str,
    ) -> Result<(String, PkceVerifier), InvalidGrant> {
        endpoint::parse("redirectUri", redirect_uri, self.plaintext || is_loopback(redirect_uri))?;
        if state.is_empty() {
            return Err(InvalidGrant::new("state", "it is empty"));
        }
        let verifier = PkceVerifier::new()
            .map_err(|error| InvalidGrant::new("verifier", error.to_string()))?;
        let challenge = verifier.challenge();
        let Registered { client_id, scope, audience, .. } = &self.client;
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", client_id.as_str()),
            ("redirect_uri", redirect_uri),
            ("state", state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        if !scope.is_empty() {
            pairs.push(("scope", scope));
        }
        if let Some(audience) = audience {
            pairs.push(("audience", audience));
        }
        // RFC 6749 §3.1: a query that is there already stays.
        let joint = if self.authorize_url.query().is_some() { '&' } else { '?' };
        Ok((format!("{}{joint}{}", self.authorize_url, *form::form(pairs)), verifier))
    }

    /// Exchanges the code that the browser brought back, within 10 s. A code is good for one try.
    ///
    /// # Errors
    /// When there is no answer, or it is not one that issues a token.
    pub async fn exchange(
        &self,
        client: &dyn HttpClient,
        code: &str,
        verifier: &PkceVerifier,
        redirect_uri: &str,
    ) -> Result<Granted, TokenUnavailable> {
        let request = self.client.request(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier.expose()),
        ]);
        let host = self.client.host();
        let failed = |why: String| TokenUnavailable::new(format!("token endpoint {host}: {why}"));
        let answer = timeout(PATIENCE, client.send(request, answer::LONGEST));
        let answer = answer.await.map_err(|_| failed("no answer within 10 s".to_owned()))?;
        let answer = answer.map_err(|error| failed(error.to_string()))?;
        let issued = answer::issued(&answer).map_err(failed)?;
        let refresh = issued.refresh.map(RefreshToken);
        Ok(Granted { access: issued.access, life: issued.life, refresh, scope: issued.scope })
    }
}

impl RefreshToken {
    /// The secret itself. Seal it; never log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

fn is_loopback(url: &str) -> bool {
    let host = url.parse::<Uri>().ok().and_then(|it| it.host().map(str::to_owned));
    host.is_some_and(|it| ["localhost", "127.0.0.1", "[::1]"].contains(&it.as_str()))
}

const PATIENCE: Duration = Duration::from_secs(10);

impl fmt::Debug for CodeFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeFlow")
            .field("client_id", &self.client.client_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}
