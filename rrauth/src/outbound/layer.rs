//! Builds [`Inject`] services.

use std::sync::Arc;

use rrcore::Clock;
use tower_layer::Layer;

use crate::outbound::injection::Injection;
use crate::outbound::service::Inject;

/// Applies [`Inject`] to a service.
///
/// See the [crate docs](crate) for an example.
#[derive(Clone, Debug)]
#[must_use]
pub struct InjectLayer {
    injection: Arc<Injection>,
    clock: Clock,
}

impl InjectLayer {
    /// Sends every request upstream with `injection`.
    pub fn new(injection: Arc<Injection>) -> Self {
        Self { injection, clock: Clock::system() }
    }

    /// Times requests that have no [`Context`](rrcore::Context) yet by this clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}

impl<S> Layer<S> for InjectLayer {
    type Service = Inject<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Inject::new(inner, Arc::clone(&self.injection), self.clock.clone())
    }
}
