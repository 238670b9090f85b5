//! Which filters apply to a request.

use std::fmt;
use std::sync::Arc;

use http::Extensions;
use rrcore::{Clock, Current, Scope};

use crate::filter::{Filter, FilterSet};

/// What a layer was told.
#[derive(Clone)]
pub(crate) struct Policy {
    pub(crate) shared: Vec<(Scope, Current<FilterSet>)>,
    pub(crate) per_caller: Option<Arc<PerCaller>>,
    pub(crate) max_buffered_bytes: usize,
    pub(crate) clock: Clock,
}

pub(crate) type PerCaller = dyn Fn(&Extensions) -> Option<Arc<FilterSet>> + Send + Sync;

/// The filters of one request: those that were in force when it came.
#[derive(Debug)]
pub(crate) struct Plan {
    sets: Vec<(Scope, Arc<FilterSet>)>,
}

impl Policy {
    pub(crate) const fn new() -> Self {
        Self {
            shared: Vec::new(),
            per_caller: None,
            max_buffered_bytes: 8 << 20,
            clock: Clock::system(),
        }
    }

    /// The filters of the request with these extensions; `None` where nobody knows them.
    pub(crate) fn plan(&self, extensions: &Extensions) -> Option<Plan> {
        let mut sets = Vec::new();
        for scope in ORDER {
            let set = match (scope, &self.per_caller) {
                (Scope::ProxyCredential, Some(find)) => Some(find(extensions)?),
                _ => self.shared.iter().find(|it| it.0 == scope).map(|it| it.1.to_arc()),
            };
            sets.extend(set.filter(|it| !it.is_empty()).map(|it| (scope, it)));
        }
        Some(Plan { sets })
    }
}

impl Plan {
    pub(crate) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// All filters in the order in which they apply, with what they hang on.
    pub(crate) fn filters(&self) -> impl Iterator<Item = (Scope, &Filter)> {
        self.sets.iter().flat_map(|(scope, set)| set.filters().iter().map(|it| (*scope, it)))
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("shared", &self.shared)
            .field("per_caller", &self.per_caller.is_some())
            .field("max_buffered_bytes", &self.max_buffered_bytes)
            .finish_non_exhaustive()
    }
}

// From the upstream outwards: what hangs on it knows best what must not leave it.
const ORDER: [Scope; 4] =
    [Scope::TargetCredential, Scope::Target, Scope::ProxyCredential, Scope::Proxy];
