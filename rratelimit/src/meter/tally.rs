//! What the response to one request is to be charged with, and to whom.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use rrcore::{Context, Fact, Facts, Outcome, Stage};

use super::account::{Account, Ledger};
use super::number::count;
use super::plan::Plan;
use super::reading::{Reading, Seen};

/// The meters that apply to one request, until each has been told what it cost.
///
/// Whatever becomes of the request, dropping this settles what is open.
pub(crate) struct Tally {
    plan: Arc<Plan>,
    ledger: Arc<dyn Ledger>,
    context: Context,
    open: Vec<Entry>,
    reading: Option<Reading>,
    has_response: bool,
    facts: Facts,
}

#[derive(Debug)]
pub(crate) struct Entry {
    /// Which of the plan's meters.
    pub(crate) meter: usize,
    pub(crate) account: Account,
}

impl Tally {
    pub(crate) fn new(
        plan: Arc<Plan>,
        ledger: Arc<dyn Ledger>,
        context: Context,
        open: Vec<Entry>,
    ) -> Self {
        let facts = Facts::none();
        Self { plan, ledger, context, open, reading: None, has_response: false, facts }
    }

    /// Whether something that is sought may be in the body.
    pub(crate) fn reads_bodies(&self) -> bool {
        self.in_body().next().is_some()
    }

    /// The response begins like this.
    pub(crate) fn begin(&mut self, headers: &HeaderMap) {
        self.has_response = true;
        self.settle_headers(headers);
        let in_body: Vec<_> = self.in_body().collect();
        if !in_body.is_empty() {
            self.reading = Some(self.plan.reading(headers, in_body.into_iter()));
        }
    }

    /// These are the next bytes of its body.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        let Some(reading) = &mut self.reading else { return };
        reading.push(self.plan.paths(), chunk);
        if reading.is_over() {
            self.settle_body(MISSING);
        }
    }

    /// And these its trailers.
    pub(crate) fn trailers(&mut self, trailers: &HeaderMap) {
        self.settle_headers(trailers);
    }

    /// It is whole.
    pub(crate) fn finish(&mut self) {
        if let Some(reading) = &mut self.reading {
            reading.finish(self.plan.paths());
        }
        self.settle_rest(MISSING);
    }

    /// Whether nothing is left to be told.
    pub(crate) fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    fn in_body(&self) -> impl Iterator<Item = usize> {
        let is_in_body = |it: &usize| {
            self.plan.get(*it).is_some_and(|it| it.0.extraction().header_name().is_none())
        };
        self.open.iter().map(|it| it.meter).filter(is_in_body)
    }

    fn settle_headers(&mut self, headers: &HeaderMap) {
        let plan = Arc::clone(&self.plan);
        let said = |entry: &Entry| {
            let (meter, _) = plan.get(entry.meter)?;
            let value = headers.get(meter.extraction().header_name()?)?;
            Some(count(value.as_bytes().trim_ascii()).map_or(Seen::Unusable, Seen::Value))
        };
        self.settle_where(said, MISSING);
    }

    fn settle_body(&mut self, otherwise: &'static str) {
        let Some(reading) = self.reading.take() else { return };
        let plan = Arc::clone(&self.plan);
        let otherwise = if reading.is_flawed() { UNREADABLE } else { otherwise };
        let seen = |entry: &Entry| {
            let (meter, formula) = plan.get(entry.meter)?;
            let is_in_body = meter.extraction().header_name().is_none();
            is_in_body.then(|| reading.value(formula))
        };
        self.settle_where(seen, otherwise);
    }

    fn settle_rest(&mut self, otherwise: &'static str) {
        self.settle_body(otherwise);
        self.settle_where(|_| Some(Seen::Nothing), otherwise);
    }

    fn settle_where(&mut self, seen: impl Fn(&Entry) -> Option<Seen>, otherwise: &'static str) {
        let open = std::mem::take(&mut self.open);
        for entry in open {
            match seen(&entry) {
                Some(seen) => self.settle(&entry, seen, otherwise),
                None => self.open.push(entry),
            }
        }
        if self.open.is_empty() && !self.facts.is_empty() {
            let facts = std::mem::take(&mut self.facts);
            self.context.record(Stage::Limit, Outcome::Passed, facts);
        }
    }

    fn settle(&mut self, entry: &Entry, seen: Seen, otherwise: &'static str) {
        let Some((meter, _)) = self.plan.get(entry.meter) else { return };
        let missing = || meter.missing(entry.account.reserved());
        let (counted, how) = match seen {
            Seen::Value(value) => (value, "value"),
            Seen::Unusable => (missing(), "unusable"),
            // Nobody has answered: there is nothing to pay for.
            Seen::Nothing if !self.has_response => (0, "noResponse"),
            Seen::Nothing => (missing(), otherwise),
        };
        let now = self.context.clock().now();
        entry.account.settle(&*self.ledger, counted, now);
        self.facts.push(Fact::Meter { meter: Arc::clone(meter.name()), counted, how });
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.settle_rest(CUT);
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally").field("open", &self.open).finish_non_exhaustive()
    }
}

const MISSING: &str = "missing";
const CUT: &str = "cut";
const UNREADABLE: &str = "unreadable";
