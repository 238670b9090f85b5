//! Builds [`RequestFilters`] services.

use std::sync::Arc;

use http::Extensions;
use rrcore::{Budget, Clock, Current, Scope};
use tower_layer::Layer;

use super::service::RequestFilters;
use crate::filter::{Filter, FilterSet};
use crate::policy::Policy;
use crate::terms::Side;

/// Filters the JSON bodies of requests, by those filters that are for them ([`Side::Request`]).
///
/// A body is read only where such a filter applies, once for all stages, and is filtered whole. What
/// is not JSON is refused (422 `request-not-filterable`); a request without a body passes.
///
/// ```
/// use std::convert::Infallible;
///
/// use http::{Request, Response};
/// use http_body_util::{BodyExt, Full};
/// use rrcore::{Body, Scope};
/// use rrfilter::{Filter, Operation, RequestFilterLayer, Side};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// type Sent = Full<bytes::Bytes>;
/// let no_debug = Filter::new("flt_1", Operation::Destroy, ["$.debug"])?.on(Side::Request);
/// let service = ServiceBuilder::new()
///     .layer(RequestFilterLayer::new().scope(Scope::Proxy, no_debug))
///     .service_fn(async |request: Request<Body<Sent>>| {
///         Ok::<_, Infallible>(Response::new(request.into_body()))
///     });
/// let request = Request::builder()
///     .header("content-type", "application/json")
///     .body(Sent::from(r#"{"name":"Ada","debug":true}"#))?;
/// let echoed = service.oneshot(request).await?.into_body().collect().await?.to_bytes();
/// assert_eq!(echoed, r#"{"name":"Ada"}"#);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RequestFilterLayer {
    policy: Policy,
    budget: Option<Budget>,
}

impl RequestFilterLayer {
    /// Filters nothing yet. Bodies of up to 1 MiB are read.
    pub fn new() -> Self {
        let mut policy = Policy::new();
        policy.bounds.buffered = 1 << 20;
        Self { policy, budget: None }
    }

    /// As [`FilterLayer::scope`](crate::FilterLayer::scope). Filters for responses are passed over.
    pub fn scope(mut self, scope: Scope, filters: impl Into<Current<FilterSet>>) -> Self {
        self.policy.hang(scope, filters.into());
        self
    }

    /// As [`FilterLayer::per_caller`](crate::FilterLayer::per_caller).
    pub fn per_caller(
        mut self,
        find: impl Fn(&Extensions) -> Option<Arc<FilterSet>> + Send + Sync + 'static,
    ) -> Self {
        self.policy.per_caller = Some(Arc::new(find));
        self
    }

    /// Larger bodies are refused (413 `content-too-large`), as they were sent and decoded.
    pub const fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.policy.bounds.buffered = bytes;
        self
    }

    /// Takes the memory for bodies from `budget`.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.budget = Some(budget.clone());
        self
    }

    /// Reads the time from `clock`.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.policy.clock = clock;
        self
    }

    /// The filters for requests with these extensions, in their order, with what they hang on; `None`
    /// where nobody knows those of the caller.
    #[must_use]
    pub fn explain(&self, extensions: &Extensions) -> Option<Vec<(Scope, Filter)>> {
        let plan = self.policy.all(extensions, |it| it.side() == Side::Request)?;
        Some(plan.into_filters())
    }
}

impl Default for RequestFilterLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for RequestFilterLayer {
    type Service = RequestFilters<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequestFilters::new(inner, Arc::new(self.policy.clone()), self.budget.clone())
    }
}
