//! Builds [`Auth`] services.

use std::fmt;
use std::sync::Arc;

use http::HeaderName;
use rrcore::{Clock, Current, Refusal};
use tower_layer::Layer;

use crate::failures::FailureLimit;
use crate::inbound::admission::Settings;
use crate::inbound::challenge::Challenge;
use crate::inbound::judge::Rejection;
use crate::inbound::places::Places;
use crate::inbound::service::Auth;
use crate::inbound::source::{CredentialSource, IntoSource};
use crate::inbound::verifiers::Verifiers;
use crate::inbound::verify::{ConnectionVerifier, PasswordVerifier, TokenVerifier};

/// Applies [`Auth`] to a service.
///
/// See the [crate docs](crate) for an example.
#[must_use]
pub struct AuthLayer<C: CredentialSource> {
    source: Current<C>,
    settings: Settings<C::Caller>,
}

impl<C: CredentialSource> AuthLayer<C> {
    /// Lets in the callers that `source` knows. Keys are looked for in `Authorization` and
    /// `X-API-Key`.
    ///
    /// Through a [`Handle`](rrcore::Handle) the source is replaced while the service runs: the next
    /// request asks the new one. A look-up that has begun ends where it began.
    pub fn new(source: impl IntoSource<Source = C>) -> Self {
        let (places, clock) = (Places::new(), Clock::system());
        let (challenge, verifiers) = (Challenge::new("rr"), Verifiers::none());
        let settings = Settings { places, challenge, verifiers, clock };
        Self { source: source.into_source(), settings }
    }
}

impl<C: CredentialSource> AuthLayer<C> {
    /// Looks for API keys in this header too.
    pub fn header(mut self, name: HeaderName) -> Self {
        self.settings.places.name(name);
        self
    }

    /// Looks for API keys in these headers (and `Authorization`) instead of `X-API-Key`.
    pub fn headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.settings.places.rename(names);
        self
    }

    /// Whether the query parameter `Authorization` is read. It is removed either way.
    pub fn allow_query(mut self, allowed: bool) -> Self {
        self.settings.places.allow_query(allowed);
        self
    }

    /// Times requests that have no [`Context`](rrcore::Context) yet by this clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.settings.clock = clock;
        self
    }

    /// The realm in `WWW-Authenticate`, by default `rr`. What is neither visible ASCII nor a space
    /// becomes `?`.
    pub fn realm(mut self, realm: &str) -> Self {
        self.settings.challenge = self.settings.challenge.renamed(realm);
        self
    }
}

impl<C: CredentialSource> AuthLayer<C> {
    /// Asks this about `Bearer` tokens that the source does not know; of several, the one that was
    /// given first is asked first, and the next where it says
    /// [`NotMine`](crate::Verdict::NotMine).
    pub fn tokens(mut self, verifier: impl TokenVerifier<C::Caller> + 'static) -> Self {
        self.settings.verifiers.tokens(Arc::new(verifier));
        self.settings.places.want().tokens = true;
        self
    }

    /// Asks this about `Basic` pairs of which the source does not know the user name as a key; and
    /// tells rejected callers that `Basic` would do.
    pub fn passwords(mut self, verifier: impl PasswordVerifier<C::Caller> + 'static) -> Self {
        self.settings.verifiers.passwords(Arc::new(verifier));
        self.settings.places.want().passwords = true;
        self.settings.challenge.ask_for_passwords();
        self
    }

    /// Asks this about callers that show nothing, such as whose connection a client certificate
    /// vouches for. A credential that is shown counts before it.
    pub fn connections(mut self, verifier: impl ConnectionVerifier<C::Caller> + 'static) -> Self {
        self.settings.verifiers.connection(Arc::new(verifier));
        self
    }

    /// Answers clients that have failed too often with `429 Too Many Requests` before anything is
    /// checked. None by default. Needs the client's address in the [`Context`](rrcore::Context).
    pub fn failures(mut self, limit: impl FailureLimit + 'static) -> Self {
        self.settings.verifiers.failures(Arc::new(limit));
        self
    }
}

impl<C: CredentialSource> AuthLayer<C> {
    /// What a caller is answered who was let in, and whose credential has stopped to be good since:
    /// by its time, where it `has_expired`, or because somebody has ended it. For who looks again
    /// while a request goes on for long.
    pub fn lapsed(&self, has_expired: bool) -> Refusal {
        let rejection = match has_expired {
            true => Rejection::Expired("", "it expired while in use".to_owned()),
            false => Rejection::Invalid("it was revoked while in use".to_owned()),
        };
        self.settings.challenge.answer(rejection).0
    }
}

impl<C: CredentialSource> AuthLayer<C> {
    pub(crate) const fn source(&self) -> &Current<C> {
        &self.source
    }

    pub(crate) const fn settings(&self) -> &Settings<C::Caller> {
        &self.settings
    }
}

impl<S, C: CredentialSource> Layer<S> for AuthLayer<C> {
    type Service = Auth<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Auth::new(inner, self.source.clone(), Arc::new(self.settings.clone()))
    }
}

// By hand: the source is shared, so it need not be `Clone` or `Debug`.
impl<C: CredentialSource> Clone for AuthLayer<C> {
    fn clone(&self) -> Self {
        Self { source: self.source.clone(), settings: self.settings.clone() }
    }
}

impl<C: CredentialSource> fmt::Debug for AuthLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer").finish_non_exhaustive()
    }
}
