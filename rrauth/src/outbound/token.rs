//! Upstream tokens that somebody fetches, and who does.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use http::HeaderValue;
use rrcore::InjectedSecret;

use crate::outbound::sendable::{self, InvalidInjection};

/// Has tokens for the upstream: one at hand, usually, and others when that one is used up.
///
/// With the feature `oauth2`, `TokenSource` is one. Implement it yourself for tokens that come from
/// elsewhere; [`Injection::token`](crate::Injection::token) takes either.
pub trait Tokens: fmt::Debug + Send + Sync + 'static {
    /// The token to send now, if a valid one is at hand. Asked by every request: takes no lock that
    /// others hold, and waits for nothing.
    fn current(&self) -> Option<Arc<Token>>;

    /// A valid token, which is fetched if none is at hand. Asked by many requests at once, it
    /// fetches one.
    fn fetch(&self) -> TokenFuture;

    /// The upstream answered 401 to `refused`: a token other than that one, or an error when there
    /// is none to be had. Begins at once; dropping the future gives up waiting only.
    fn replace(&self, refused: &Arc<Token>) -> TokenFuture;

    /// What [`Tokens::current`] and [`Tokens::fetch`] would say now. Fetches nothing.
    fn outlook(&self) -> Outlook;
}

/// The wait for a token.
pub type TokenFuture = Pin<Box<dyn Future<Output = Result<Arc<Token>, TokenUnavailable>> + Send>>;

/// A token as it is sent upstream.
///
/// Prints nothing of itself, and is wiped when the last holder lets go.
pub struct Token {
    secret: InjectedSecret,
    // One source has one presentation, nearly always: its line is written once.
    line: OnceLock<(Box<str>, HeaderValue)>,
}

/// There is no token, and none could be had. For the operator: callers see 503
/// `credential-unavailable`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct TokenUnavailable {
    reason: Arc<str>,
}

/// Whether a token can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// A valid one is at hand.
    AtHand,
    /// None is at hand: the next request fetches one.
    ToBeFetched,
    /// None can be had at the moment.
    Unavailable(TokenUnavailable),
}

impl Token {
    /// A token as it was issued.
    ///
    /// # Errors
    /// When it cannot be sent: see [`Injection::header`](crate::Injection::header).
    pub fn new(text: &str) -> Result<Self, InvalidInjection> {
        sendable::check_secret(text)?;
        let secret = InjectedSecret::new(text.as_bytes().to_vec());
        Ok(Self { secret, line: OnceLock::new() })
    }

    /// The secret itself.
    #[must_use]
    pub const fn secret(&self) -> &InjectedSecret {
        &self.secret
    }

    pub(crate) fn text(&self) -> &str {
        // Always is: it was made of text.
        std::str::from_utf8(self.secret.expose()).unwrap_or_default()
    }

    /// `None` where the prefix cannot be sent.
    pub(crate) fn line(&self, prefix: &str) -> Option<HeaderValue> {
        if let Some((_, line)) = self.line.get().filter(|it| &*it.0 == prefix) {
            return Some(line.clone());
        }
        let line = sendable::value(prefix, self.text()).ok()?;
        _ = self.line.set((prefix.into(), line.clone()));
        Some(line)
    }
}

impl TokenUnavailable {
    /// For the operator. Say what went wrong and where, and nothing of any secret.
    #[must_use]
    pub fn new(reason: impl Into<Arc<str>>) -> Self {
        Self { reason: reason.into() }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
