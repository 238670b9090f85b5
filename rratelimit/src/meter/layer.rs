//! Builds [`Metered`] services.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use rrcore::{Clock, Context};
use tower_layer::Layer;

use super::account::{Account, Ledger};
use super::meter::Meter;
use super::plan::Plan;
use super::service::Metered;
use super::tally::{Entry, Tally};
use crate::store::Store;

/// Counts what the responses of a service say that they cost.
///
/// The innermost layer: it reads what the service itself says, before anybody changes it. Responses
/// pass byte for byte.
#[derive(Clone)]
#[must_use]
pub struct MeterLayer {
    plan: Arc<Plan>,
    ledger: Arc<dyn Ledger>,
    admitted_only: bool,
    clock: Clock,
}

impl MeterLayer {
    /// Counts by `meters`, and remembers in `store` what was spent: that of the
    /// [`RateLimitLayer`](crate::RateLimitLayer) which refuses what is too much, if there is one.
    ///
    /// What such a layer has taken by a meter of the same name, for the same request, is settled:
    /// with the same key, and by the policy that was in force then. A meter that no such layer knows
    /// adds what it counts by itself.
    pub fn new(meters: impl IntoIterator<Item = Meter>, store: impl Store) -> Self {
        Self {
            plan: Arc::new(Plan::new(meters)),
            ledger: Arc::new(store),
            admitted_only: false,
            clock: Clock::system(),
        }
    }

    /// Leaves it to the layer that admits requests to say which meters apply: a meter that it has
    /// charged nothing by, not even 0, does not. For where the head has changed on the way here.
    pub const fn admitted_only(mut self) -> Self {
        self.admitted_only = true;
        self
    }

    /// Reads `clock` for requests that have no [`Context`](rrcore::Context) yet; those that have
    /// bring theirs.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}

impl MeterLayer {
    /// What is to be told of the request with this head, once there is a response; `None` if no
    /// meter applies.
    pub(crate) fn tally(&self, head: &mut Parts) -> Option<Tally> {
        let entry = |(index, meter): (usize, &Meter)| {
            let admitted = self.ledger.admitted(&head.extensions, meter.name());
            let applies = || meter.charge(head).map(|it| Account::of(it.key));
            let account = match admitted {
                None if !self.admitted_only => applies(),
                admitted => admitted,
            }?;
            Some(Entry { meter: index, account })
        };
        let open: Vec<_> = self.plan.meters().filter_map(entry).collect();
        if open.is_empty() {
            return None;
        }
        let context = Context::of(&mut head.extensions, &self.clock);
        Some(Tally::new(Arc::clone(&self.plan), Arc::clone(&self.ledger), context, open))
    }
}

impl<S> Layer<S> for MeterLayer {
    type Service = Metered<S>;

    fn layer(&self, inner: S) -> Metered<S> {
        Metered::new(inner, self.clone())
    }
}

impl fmt::Debug for MeterLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeterLayer").field("plan", &self.plan).finish_non_exhaustive()
    }
}
