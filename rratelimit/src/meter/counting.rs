//! Which meters apply to a request, and on whose account.

use std::sync::Arc;

use http::request::Parts;
use rrcore::{Clock, Context};

use super::account::{Account, Ledger};
use super::definition::Meter;
use super::plan::Plan;
use super::tally::{Entry, Tally};

/// What a layer and its services know.
#[derive(Clone)]
pub(crate) struct Counting {
    pub(crate) plan: Arc<Plan>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) admitted_only: bool,
    pub(crate) clock: Clock,
}

impl Counting {
    /// What is to be told what the request with this head costs; `None` if no meter applies.
    pub(crate) fn tally(&self, head: &mut Parts) -> Option<Tally> {
        let open: Vec<_> = self.plan.meters().filter_map(|it| self.entry(it, head)).collect();
        if open.is_empty() {
            return None;
        }
        let context = Context::of(&mut head.extensions, &self.clock);
        Some(Tally::new(Arc::clone(&self.plan), Arc::clone(&self.ledger), context, open))
    }

    fn entry(&self, (index, meter): (usize, &Meter), head: &Parts) -> Option<Entry> {
        let admitted = self.ledger.admitted(&head.extensions, meter.name());
        let account = match admitted {
            None if !self.admitted_only => meter.charge(head).map(Account::of),
            admitted => admitted,
        }?;
        Some(Entry { meter: index, account })
    }
}
