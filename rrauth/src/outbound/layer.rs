//! Builds [`Inject`] services.

use rrcore::{Clock, Current};
use tower_layer::Layer;

use crate::outbound::injection::Injection;
use crate::outbound::service::Inject;

/// Applies [`Inject`] to a service.
///
/// See the [crate docs](crate) for an example.
#[derive(Clone, Debug)]
#[must_use]
pub struct InjectLayer {
    injection: Current<Injection>,
    clock: Clock,
}

impl InjectLayer {
    /// Sends every request upstream with `injection`: a value or an `Arc`, which stays, or a
    /// [`Handle`](rrcore::Handle), under which it can be replaced while the service runs.
    pub fn new(injection: impl Into<Current<Injection>>) -> Self {
        Self { injection: injection.into(), clock: Clock::system() }
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
        Inject::new(inner, self.injection.clone(), self.clock.clone())
    }
}
