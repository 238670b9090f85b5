//! Builds [`Validate`] services.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use rrcore::{Budget, Clock, Current, Refusal};
use tower_layer::Layer;

use super::service::{Shared, Validate};
use super::validator::Validator;

/// Applies [`Validate`] to a service.
///
/// ```
/// use http::{Request, Response, StatusCode};
/// use rrrules::{ValidateLayer, Validator};
/// use serde_json::json;
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let validator = Validator::json_schema(&json!({ "required": ["name"] }))?;
/// let service = ValidateLayer::new(validator).layer(service_fn(async |_| {
///     Ok::<_, std::convert::Infallible>(Response::new(String::new()))
/// }));
/// let post = |body: &str| {
///     Request::post("/").header("content-type", "application/json").body(body.to_owned())
/// };
/// let good = service.clone().oneshot(post(r#"{"name":"Ada"}"#)?).await?;
/// assert_eq!(good.status(), StatusCode::OK);
/// let bad = service.oneshot(post("{}")?).await?;
/// assert_eq!(bad.status(), StatusCode::UNPROCESSABLE_ENTITY);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ValidateLayer {
    shared: Shared,
}

impl ValidateLayer {
    /// Lets pass what `validator` does: a [`Validator`], an `Arc` of one, or a
    /// [`Handle`](rrcore::Handle) on one that is replaced while requests run.
    pub fn new(validator: impl Into<Current<Validator>>) -> Self {
        Self::of(Some(validator.into()))
    }

    /// Lets everything pass, unread: for a stack whose shape does not depend on its policy.
    pub fn off() -> Self {
        Self::of(None)
    }

    fn of(validator: Option<Current<Validator>>) -> Self {
        let shared = Shared {
            validator,
            clock: Clock::system(),
            max_body_bytes: MAX_BODY_BYTES,
            budget: None,
            response_bytes: None,
        };
        Self { shared }
    }

    /// Takes bodies of up to `bytes`, sent and decoded: 1 MiB unless told. Larger ones are refused
    /// with 413, where somebody looks into them.
    pub const fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.shared.max_body_bytes = bytes;
        self
    }

    /// Takes the memory for bodies from `budget`; where that is used up, the answer is 503.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.shared.budget = Some(budget.clone());
        self
    }

    /// Also looks at responses, where the validator was compiled for that
    /// ([`OpenApi::responses`](crate::OpenApi::responses)), and tells the trail what it finds
    /// ([`Fact::Validation`](rrcore::Fact)). They pass unchanged and undelayed; up to `bytes` of
    /// each are kept to be looked at when the last has passed.
    pub const fn responses(mut self, bytes: usize) -> Self {
        self.shared.response_bytes = Some(bytes);
        self
    }

    /// Decides about a request that is only described, by what is in force; `body` as it would be
    /// sent. The same code decides about requests.
    ///
    /// # Errors
    /// What the answer would be.
    pub fn explain<B>(&self, request: &Request<B>, body: &Bytes) -> Result<(), Refusal> {
        self.shared.explain(request, body)
    }

    /// Reads the time from `clock`, where this is the first layer that asks for it.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.shared.clock = clock;
        self
    }
}

impl<S> Layer<S> for ValidateLayer {
    type Service = Validate<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Validate::new(inner, Arc::new(self.shared.clone()))
    }
}

const MAX_BODY_BYTES: usize = 1 << 20;
