//! Builds [`Filters`] services.

use std::sync::Arc;

use http::Extensions;
use rrcore::{Clock, Current, Scope};
use tower_layer::Layer;

use crate::filter::{Filter, FilterSet, InvalidFilter, Operation};
use crate::policy::Policy;
use crate::service::Filters;
use crate::terms::Side;

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
    /// [`Scope::Proxy`]. [`scope`](Self::scope) with that scope replaces it: for both give it a set.
    ///
    /// # Errors
    ///
    /// As [`Filter::new`].
    pub fn retain(paths: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, InvalidFilter> {
        Ok(Self::new().scope(Scope::Proxy, Filter::new("retain", Operation::Retain, paths)?))
    }

    /// Takes out what `paths` find: one [`Filter`] with the id `destroy` on [`Scope::Proxy`].
    /// [`scope`](Self::scope) with that scope replaces it: for both give it a set.
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
    /// that scope before. For [`Scope::ProxyCredential`], [`per_caller`](Self::per_caller) counts instead
    /// where it is given, also if it was given before.
    ///
    /// The scopes apply in the order target credential, target, proxy credential, proxy. Filters in
    /// a [`Handle`](rrcore::Handle) can be replaced while requests are under way; each is answered
    /// by those that were in force when it came.
    pub fn scope(mut self, scope: Scope, filters: impl Into<Current<FilterSet>>) -> Self {
        self.policy.hang(scope, filters.into());
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

    /// So much of a response is checked before anything of it leaves: 64 KiB unless told. What is
    /// longer is filtered while it streams, and breaks off where it cannot be.
    ///
    /// A stream of records leaves record by record, whatever this says.
    pub const fn hold_bytes(mut self, bytes: usize) -> Self {
        self.policy.bounds.hold = bytes;
        self
    }

    /// The most that is held of one response where a filter needs the whole document
    /// ([`Filter::needs_buffering`]), and of one record: 8 MiB unless told. What is larger is refused
    /// (502 `response-too-large`).
    pub const fn max_buffered_bytes(mut self, bytes: usize) -> Self {
        self.policy.bounds.buffered = bytes;
        self
    }

    /// How many bytes encoded content may decode to for each of its own, beyond the first MiB: 200
    /// unless told. What is more is taken for a bomb, and refused.
    pub const fn max_ratio(mut self, ratio: u64) -> Self {
        self.policy.bounds.ratio = ratio;
        self
    }

    /// Reads the time from `clock`.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.policy.clock = clock;
        self
    }
}

impl FilterLayer {
    /// The filters for responses to a request with these extensions, in their order, with what they
    /// hang on; `None` where nobody knows those of the caller. Whether one
    /// [`applies`](Filter::applies) depends on the request.
    #[must_use]
    pub fn explain(&self, extensions: &Extensions) -> Option<Vec<(Scope, Filter)>> {
        let plan = self.policy.all(extensions, |it| it.side() == Side::Response)?;
        Some(plan.into_filters())
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
