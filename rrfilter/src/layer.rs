//! Builds [`Filters`] services.

use std::sync::Arc;

use http::Extensions;
use rrcore::{Clock, Current, Scope};
use tower_layer::Layer;

use crate::filter::{Filter, FilterSet, InvalidFilter, Operation};
use crate::policy::Policy;
use crate::service::Filters;

/// Applies [`Filters`] to a service. Without any filters it changes nothing.
///
/// See the [crate docs](crate) for an example.
#[derive(Clone, Debug)]
#[must_use]
pub struct FilterLayer {
    policy: Policy,
}

impl FilterLayer {
    /// Filters nothing yet.
    pub fn new() -> Self {
        Self { policy: Policy::new() }
    }

    /// Lets nothing pass but what `paths` find: one [`Filter`] with the id `retain` on
    /// [`Scope::Proxy`].
    ///
    /// # Errors
    ///
    /// As [`Filter::new`].
    pub fn retain(paths: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, InvalidFilter> {
        Ok(Self::new().scope(Scope::Proxy, Filter::new("retain", Operation::Retain, paths)?))
    }

    /// Takes out what `paths` find: one [`Filter`] with the id `destroy` on [`Scope::Proxy`].
    ///
    /// # Errors
    ///
    /// As [`Filter::new`].
    pub fn destroy(
        paths: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, InvalidFilter> {
        Ok(Self::new().scope(Scope::Proxy, Filter::new("destroy", Operation::Destroy, paths)?))
    }

    /// Applies `filters` to every response, as what hangs on `scope`; replaces what was given for
    /// that scope before.
    ///
    /// The scopes apply in the order target credential, target, proxy credential, proxy. Filters in
    /// a [`Handle`](rrcore::Handle) can be replaced while requests are under way; each is answered
    /// by those that were in force when it came.
    pub fn scope(mut self, scope: Scope, filters: impl Into<Current<FilterSet>>) -> Self {
        self.policy.shared.retain(|(it, _)| *it != scope);
        self.policy.shared.push((scope, filters.into()));
        self
    }

    /// Asks `find` for the filters that hang on the caller, as [`Scope::ProxyCredential`]; replaces
    /// what [`FilterLayer::scope`] gave for it.
    ///
    /// `find` reads what authentication left in the request's extensions. Where it finds nothing,
    /// the request is refused (500 `internal`) and not forwarded: for a caller without filters it
    /// returns an empty set.
    pub fn per_caller(
        mut self,
        find: impl Fn(&Extensions) -> Option<Arc<FilterSet>> + Send + Sync + 'static,
    ) -> Self {
        self.policy.per_caller = Some(Arc::new(find));
        self
    }

    /// The most that is held of one response, before and again after undoing its content coding:
    /// 8 MiB unless told. Larger ones are refused (502 `response-too-large`).
    pub const fn max_buffered_bytes(mut self, bytes: usize) -> Self {
        self.policy.max_buffered_bytes = bytes;
        self
    }

    /// Reads the time from `clock`.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.policy.clock = clock;
        self
    }
}

impl FilterLayer {
    /// The filters that would apply to the response to a request with these extensions, in their
    /// order, with what they hang on; `None` where nobody knows those of the caller.
    #[must_use]
    pub fn explain(&self, extensions: &Extensions) -> Option<Vec<(Scope, Filter)>> {
        let plan = self.policy.plan(extensions)?;
        Some(plan.filters().map(|(scope, filter)| (scope, filter.clone())).collect())
    }
}

impl Default for FilterLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for FilterLayer {
    type Service = Filters<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Filters::new(inner, Arc::new(self.policy.clone()))
    }
}
