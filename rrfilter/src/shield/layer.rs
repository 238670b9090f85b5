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
    clock: Clock,
}

impl EchoShieldLayer {
    /// Shields what the inner stages inject.
    pub fn new() -> Self {
        Self { clock: Clock::system() }
    }

    /// Reads the time from `clock`.
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock }
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
        EchoShield::new(inner, self.clock.clone())
    }
}
