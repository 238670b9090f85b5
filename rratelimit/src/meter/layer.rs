//! Builds [`Metered`] services.

use std::fmt;
use std::sync::Arc;

use rrcore::Clock;
use tower_layer::Layer;

use super::counting::Counting;
use super::definition::Meter;
use super::plan::Plan;
use super::service::Metered;
#[cfg(doc)]
use super::{estimate::Estimate, extraction::Extraction};
use crate::store::Store;

#[doc = include_str!("../../docs/meters.md")]
#[derive(Clone)]
#[must_use]
pub struct MeterLayer {
    counting: Counting,
}

impl MeterLayer {
    /// Counts by `meters`, and remembers in `store` what was spent: that of the
    /// [`RateLimitLayer`](crate::RateLimitLayer) which refuses what is too much, if there is one.
    ///
    /// What such a layer has taken by a meter of the same name, for the same request, is settled:
    /// with the same key, and in the window it was taken from. A meter that no such layer knows adds
    /// what it counts by itself.
    pub fn new(meters: impl IntoIterator<Item = Meter>, store: impl Store) -> Self {
        let (plan, ledger) = (Arc::new(Plan::new(meters)), Arc::new(store));
        let clock = Clock::system();
        Self { counting: Counting { plan, ledger, admitted_only: false, clock } }
    }

    /// Leaves it to the layer that admits requests to say which meters apply: a meter that it has
    /// charged nothing by, not even 0, does not. For where the head has changed on the way here.
    pub fn admitted_only(mut self) -> Self {
        self.counting.admitted_only = true;
        self
    }

    /// Reads `clock` for requests that have no [`Context`](rrcore::Context) yet; those that have
    /// bring theirs.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.counting.clock = clock;
        self
    }
}

impl<S> Layer<S> for MeterLayer {
    type Service = Metered<S>;

    fn layer(&self, inner: S) -> Metered<S> {
        Metered::new(inner, self.counting.clone())
    }
}

impl fmt::Debug for MeterLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeterLayer").field("plan", &self.counting.plan).finish_non_exhaustive()
    }
}
