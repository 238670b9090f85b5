//! Builds [`EchoShield`] services.

use rrcore::Clock;
use tower_layer::Layer;

use super::service::EchoShield;

/// Applies [`EchoShield`] to a service. Goes right outside of what injects the secret.
///
/// See the [crate docs](crate) for an example.
#[derive(Clone, Debug)]
#[must_use]
pub struct EchoShieldLayer {
    is_on: bool,
    clock: Clock,
}

impl EchoShieldLayer {
    /// Shields what the inner stages inject.
    pub fn new() -> Self {
        Self { is_on: true, clock: Clock::system() }
    }

    /// Changes nothing at all.
    pub fn off() -> Self {
        Self { is_on: false, ..Self::new() }
    }

    /// Reads the time from `clock`.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Whether it shields anything.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.is_on
    }
}

impl Default for EchoShieldLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for EchoShieldLayer {
    type Service = EchoShield<S>;

    fn layer(&self, inner: S) -> Self::Service {
        EchoShield::new(inner, self.is_on.then(|| self.clock.clone()))
    }
}
