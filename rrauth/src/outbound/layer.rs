//! Builds [`Inject`] and [`BodyInject`] services.

use std::sync::Arc;

use http::Request;
use rrcore::{Budget, Clock, Current, Refusal};
use tower_layer::Layer;

use crate::outbound::body_service::{BodyInject, Shared};
use crate::outbound::explained::{self, InjectExplained};
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

/// Applies [`BodyInject`] to a service: made by [`InjectLayer::bodies`].
#[derive(Clone, Debug)]
#[must_use]
pub struct BodyInjectLayer {
    shared: Shared,
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

    /// Reads bodies for signatures that cover them, and sends a request again when the upstream does
    /// not take its token. The request's body is then a [`rrcore::Body`] for what is inside.
    pub fn bodies(self) -> BodyInjectLayer {
        let Self { injection, clock } = self;
        let shared = Shared { injection, clock, max_body_bytes: MAX_BODY_BYTES, budget: None };
        BodyInjectLayer { shared }
    }

    /// What would become of a request with this head, which is not changed. Shows no secret,
    /// fetches no token, and reads no body.
    ///
    /// # Errors
    /// What the answer would be, where the credential cannot be had, may not go there, or cannot be
    /// carried by the request.
    pub fn explain<B>(&self, request: &Request<B>) -> Result<InjectExplained, Refusal> {
        explained::explain(&self.injection.get(), request, self.clock.now().wall)
    }
}

impl BodyInjectLayer {
    /// Reads bodies of up to `bytes` to sign them: 1 MiB unless told. A larger one is refused with
    /// 413 `content-too-large`.
    pub const fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.shared.max_body_bytes = bytes;
        self
    }

    /// Takes the memory for bodies from `budget`. Where that is used up, what has to be signed is
    /// refused with 503 `overloaded`, and what has a token is not sent again.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.shared.budget = Some(budget.clone());
        self
    }
}

impl<S> Layer<S> for InjectLayer {
    type Service = Inject<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Inject::new(inner, self.injection.clone(), self.clock.clone())
    }
}

impl<S> Layer<S> for BodyInjectLayer {
    type Service = BodyInject<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BodyInject::new(inner, Arc::new(self.shared.clone()))
    }
}

const MAX_BODY_BYTES: usize = 1024 * 1024;
