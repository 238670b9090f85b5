//! Which filters apply to a request.

use std::fmt;
use std::sync::Arc;

use http::Extensions;
use rrcore::{Clock, Current, Scope};

use crate::filter::{Filter, FilterSet};
use crate::terms::{Asked, Side};

/// What a layer was told.
#[derive(Clone)]
pub(crate) struct Policy {
    pub(crate) shared: Vec<(Scope, Current<FilterSet>)>,
    pub(crate) per_caller: Option<Arc<PerCaller>>,
    pub(crate) bounds: Bounds,
    pub(crate) clock: Clock,
}

/// How much of a message may be held, and made of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// What is checked before anything leaves.
    pub(crate) hold: usize,
    /// The most that is held: of what must be whole to be filtered, and of one record.
    pub(crate) buffered: usize,
    /// How much more than its encoded bytes content may be.
    pub(crate) ratio: u64,
}

pub(crate) type PerCaller = dyn Fn(&Extensions) -> Option<Arc<FilterSet>> + Send + Sync;

/// The filters of one request: those that were in force when it came, in the order in which they
/// apply, with what they hang on.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    filters: Vec<(Scope, Filter)>,
}

impl Policy {
    pub(crate) const fn new() -> Self {
        let bounds = Bounds { hold: 64 << 10, buffered: 8 << 20, ratio: 200 };
        Self { shared: Vec::new(), per_caller: None, bounds, clock: Clock::system() }
    }

    pub(crate) fn hang(&mut self, scope: Scope, filters: Current<FilterSet>) {
        self.shared.retain(|(it, _)| *it != scope);
        self.shared.push((scope, filters));
    }

    /// The filters for this side of a request; `None` where nobody knows them.
    pub(crate) fn plan(&self, request: &Asked<'_>, side: Side) -> Option<Plan> {
        let applies = |it: &Filter| it.side() == side && it.applies(request);
        self.all(request.extensions, applies)
    }

    /// The filters of whoever has these extensions, as far as they are `wanted`.
    pub(crate) fn all(
        &self,
        extensions: &Extensions,
        wanted: impl Fn(&Filter) -> bool,
    ) -> Option<Plan> {
        let mut filters = Vec::new();
        for scope in ORDER {
            let set = match (scope, &self.per_caller) {
                (Scope::ProxyCredential, Some(find)) => Some(find(extensions)?),
                _ => self.shared.iter().find(|it| it.0 == scope).map(|it| it.1.to_arc()),
            };
            let set = set.iter().flat_map(|it| it.filters()).filter(|it| wanted(it));
            filters.extend(set.map(|it| (scope, it.clone())));
        }
        Some(Plan { filters })
    }
}

impl Plan {
    pub(crate) const fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    /// All of it, once.
    pub(crate) fn take(&mut self) -> Self {
        Self { filters: std::mem::take(&mut self.filters) }
    }

    pub(crate) fn into_filters(self) -> Vec<(Scope, Filter)> {
        self.filters
    }

    /// Those that change something.
    pub(crate) fn enforced(&self) -> impl Iterator<Item = &Filter> {
        self.filters.iter().map(|it| &it.1).filter(|it| !it.is_shadow())
    }

    /// Whether there is one that changes something.
    pub(crate) fn is_enforced(&self) -> bool {
        self.enforced().next().is_some()
    }

    /// Only those that apply to every status.
    pub(crate) fn for_errors(mut self) -> Self {
        self.filters.retain(|it| it.1.applies_to_errors());
        self
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("shared", &self.shared)
            .field("per_caller", &self.per_caller.is_some())
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}

// From the upstream outwards: what hangs on it knows best what must not leave it.
const ORDER: [Scope; 4] =
    [Scope::TargetCredential, Scope::Target, Scope::ProxyCredential, Scope::Proxy];
