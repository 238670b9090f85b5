//! Builds [`Transforms`] services.

use std::sync::Arc;

use http::Extensions;
use rrcore::{Budget, Clock, Current};
use serde_json::Value;
use tower_layer::Layer;

use crate::transform::message::Transform;
use crate::transform::policy::Policy;
use crate::transform::service::Transforms;

/// Applies [`Transforms`] to a service: changes requests on their way in, and their responses on
/// the way out.
///
/// ```
/// use http::{Request, Response};
/// use rrcore::Identity;
/// use rrfilter::{HeaderEdits, RequestTransform, TransformLayer};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// type Body = http_body_util::Full<bytes::Bytes>;
/// async fn inner(request: Request<rrcore::Body<Body>>) -> Result<Response<Body>, std::io::Error> {
///     assert_eq!(request.headers()["x-user"], "alice");
///     Ok(Response::default())
/// }
///
/// let headers = HeaderEdits::new().set("x-user", "{identity.subject}")?;
/// let service = ServiceBuilder::new()
///     .layer(TransformLayer::new(RequestTransform::new().headers(headers)?))
///     .service_fn(inner);
///
/// let mut request = Request::builder().header("x-user", "root").body(Body::default())?;
/// let context = rrcore::Context::of(request.extensions_mut(), &rrcore::Clock::system());
/// context.identify(Identity::new("alice", "cred_1", "apiKey"));
/// service.oneshot(request).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TransformLayer {
    policy: Policy,
}

impl TransformLayer {
    /// Changes what `transform` says: a [`Transform`], a part of one, or a
    /// [`Handle`](rrcore::Handle) on one that is replaced while requests are under way. Each is
    /// changed, and answered, by the one that was in force when it came.
    pub fn new(transform: impl Into<Current<Transform>>) -> Self {
        Self { policy: Policy::new(transform.into()) }
    }

    /// What is in force now.
    #[must_use]
    pub fn in_force(&self) -> Arc<Transform> {
        self.policy.transform.to_arc()
    }

    /// Finds a verified claim of the caller for `{claim.NAME}`, in what authentication left in the
    /// request's extensions. Without this, every claim is missing.
    pub fn claims(
        mut self,
        find: impl Fn(&Extensions, &str) -> Option<Value> + Send + Sync + 'static,
    ) -> Self {
        self.policy.sources.claims = Some(Arc::new(find));
        self
    }

    /// Finds a parameter of the route for `{path.NAME}`, in what the router left in the request's
    /// extensions. Without this, every parameter is missing.
    pub fn parameters(
        mut self,
        find: impl Fn(&Extensions, &str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.policy.sources.parameters = Some(Arc::new(find));
        self
    }

    /// The most that is read of a request's body, and that it may become: 1 MiB unless told. Larger
    /// ones are refused (413 `content-too-large`).
    pub const fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.policy.max_body_bytes = bytes;
        self
    }

    /// The most that is held of a response, and that it may become: 8 MiB unless told. Larger ones
    /// are refused (502 `response-too-large`).
    pub const fn max_buffered_bytes(mut self, bytes: usize) -> Self {
        self.policy.max_buffered_bytes = bytes;
        self
    }

    /// Takes the memory for request bodies from `budget`; where that is used up, the answer is 503
    /// `overloaded`.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.policy.budget = Some(budget.clone());
        self
    }

    /// Reads the time from `clock`, where this is the first layer that asks for it.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.policy.clock = clock;
        self
    }
}

impl<S> Layer<S> for TransformLayer {
    type Service = Transforms<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Transforms::new(inner, Arc::new(self.policy.clone()))
    }
}
