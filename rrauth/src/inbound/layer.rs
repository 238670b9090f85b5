//! Builds [`Auth`] services.

use std::fmt;
use std::sync::Arc;

use http::HeaderName;
use rrcore::{Clock, Current};
use tower_layer::Layer;

use crate::inbound::admission::Settings;
use crate::inbound::challenge::Challenge;
use crate::inbound::places::Places;
use crate::inbound::service::Auth;
use crate::inbound::source::{CredentialSource, IntoSource};

/// Applies [`Auth`] to a service.
///
/// See the [crate docs](crate) for an example.
#[must_use]
pub struct AuthLayer<C> {
    source: Current<C>,
    settings: Settings,
}

impl<C: CredentialSource> AuthLayer<C> {
    /// Lets in the callers that `source` knows. Keys are looked for in `Authorization` and
    /// `X-API-Key`.
    ///
    /// Through a [`Handle`](rrcore::Handle) the source is replaced while the service runs: the next
    /// request asks the new one. A look-up that has begun ends where it began.
    pub fn new(source: impl IntoSource<Source = C>) -> Self {
        let (places, clock) = (Places::new(), Clock::system());
        let settings = Settings { places, challenge: Challenge::new("rr"), clock };
        Self { source: source.into_source(), settings }
    }
}

impl<C> AuthLayer<C> {
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
        self.settings.challenge = Challenge::new(realm);
        self
    }
}

impl<C> AuthLayer<C> {
    pub(crate) const fn source(&self) -> &Current<C> {
        &self.source
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }
}

impl<S, C> Layer<S> for AuthLayer<C> {
    type Service = Auth<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Auth::new(inner, self.source.clone(), Arc::new(self.settings.clone()))
    }
}

// By hand: the source is shared, so it need not be `Clone` or `Debug`.
impl<C> Clone for AuthLayer<C> {
    fn clone(&self) -> Self {
        Self { source: self.source.clone(), settings: self.settings.clone() }
    }
}

impl<C> fmt::Debug for AuthLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer").field("settings", &self.settings).finish_non_exhaustive()
    }
}
