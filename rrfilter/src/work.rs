//! The filters of one message at work on its plain content.

use rrcore::records::{Framing, Record, Records};
use rrcore::{Fact, Facts, Scope};

use crate::chain::Chain;
use crate::fault::Fault;
use crate::filter::Filter;
use crate::policy::{Bounds, Plan};
use crate::report::Report;

/// What the content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One document.
    Document,
    /// Documents, each in a record.
    Records(Framing),
}

/// Filters content as it arrives; those in shadow mode see what they would filter.
pub(crate) struct Work {
    records: Option<(Framing, Records)>,
    // `None` where nothing is to be changed.
    enforced: Option<Chain>,
    // Each sees what the filters before it leave that are no shadows.
    shadows: Vec<Shadow>,
    who: Vec<(Scope, Filter)>,
    left: Vec<u8>,
}

struct Shadow {
    chain: Chain,
    unseen: Vec<u8>,
    // It met what it cannot filter: from there on there is nothing to report.
    is_blind: bool,
}

impl Work {
    pub(crate) fn new(plan: Plan, shape: Shape, bounds: Bounds) -> Self {
        let who = plan.into_filters();
        let chain = |filters: Vec<Filter>| {
            Chain::holding(filters, bounds.hold as u64).most_buffered(bounds.buffered)
        };
        let mut before = Vec::new();
        let mut shadows = Vec::new();
        for (_, filter) in &who {
            if filter.is_shadow() {
                let filters = before.iter().chain([filter]).cloned().collect();
                shadows.push(Shadow { chain: chain(filters), unseen: Vec::new(), is_blind: false });
            } else {
                before.push(filter.clone());
            }
        }
        let enforced = (!before.is_empty()).then(|| chain(before));
        let records = match shape {
            Shape::Document => None,
            Shape::Records(framing) => Some((framing, Records::new(framing, bounds.buffered))),
        };
        Self { records, enforced, shadows, who, left: Vec::new() }
    }

    /// Whether nothing leaves before the end.
    pub(crate) fn needs_all(&self) -> bool {
        let is_held = self.enforced.as_ref().is_some_and(Chain::needs_buffering);
        is_held && self.records.is_none()
    }

    /// Whether each record leaves by itself.
    pub(crate) const fn is_per_record(&self) -> bool {
        self.records.is_some()
    }

    /// Takes the next bytes. What is left of the content so far is added to `out`.
    pub(crate) fn push(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let Self { records, enforced, shadows, left, .. } = self;
        let Some((framing, records)) = records else {
            shadows.iter_mut().for_each(|it| it.push(plain));
            return match enforced {
                Some(chain) => Ok(chain.push(plain, out)?),
                None => Ok(()),
            };
        };
        records.push(plain, |it| one(*framing, it, enforced.as_mut(), shadows, left, out))
    }

    /// Ends the content.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        let Self { records, enforced, shadows, left, .. } = self;
        let Some((framing, records)) = records else {
            shadows.iter_mut().for_each(Shadow::finish);
            return match enforced {
                Some(chain) => Ok(chain.finish(out)?),
                None => Ok(()),
            };
        };
        records.finish(|it| one(*framing, it, enforced.as_mut(), shadows, left, out))
    }

    /// What each filter did so far, in their order.
    pub(crate) fn facts(&self) -> Facts {
        let mut enforced = self.enforced.iter().flat_map(Chain::reports);
        // Of its chain, it is the last.
        let mut shadows = self.shadows.iter().map(|it| it.chain.reports().pop());
        let fact = |(scope, filter): &(Scope, Filter)| {
            let is_shadow = filter.is_shadow();
            let report = if is_shadow { shadows.next().flatten() } else { enforced.next() };
            fact(*scope, filter, report)
        };
        self.who.iter().map(fact).collect()
    }
}

impl Shadow {
    fn push(&mut self, plain: &[u8]) {
        self.unseen.clear();
        self.is_blind |= self.is_blind || self.chain.push(plain, &mut self.unseen).is_err();
    }

    fn finish(&mut self) {
        self.unseen.clear();
        self.is_blind |= self.is_blind || self.chain.finish(&mut self.unseen).is_err();
    }
}

// Of a record, what the filters leave. The mark that ends some streams of events is no document, and
// passes; what else is none is refused.
fn one(
    framing: Framing,
    record: Record<'_>,
    enforced: Option<&mut Chain>,
    shadows: &mut [Shadow],
    left: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let Some(data) = record.data() else {
        // Blank lines between events are not events.
        let is_blank = record.raw().trim_ascii().is_empty();
        if !(is_blank && framing == Framing::EventStream) {
            record.write_with(None, out);
        }
        return Ok(());
    };
    if framing == Framing::EventStream && data.trim_ascii() == DONE {
        record.write_with(Some(DONE), out);
        return Ok(());
    }
    for shadow in shadows {
        shadow.push(&data);
        shadow.finish();
    }
    let Some(chain) = enforced else { return Ok(()) };
    left.clear();
    chain.push(&data, left)?;
    chain.finish(left)?;
    record.write_with(Some(left), out);
    Ok(())
}

fn fact(scope: Scope, filter: &Filter, report: Option<&Report>) -> Fact {
    let found = report.map(|it| it.found.as_slice()).unwrap_or_default();
    let paths = filter.texts().iter().cloned().zip(found.iter().copied());
    Fact::Filter {
        id: filter.id().clone(),
        scope,
        removed: report.map_or(0, |it| it.removed),
        paths: paths.filter(|it| it.1 > 0).collect(),
        shadow: filter.is_shadow(),
    }
}

const DONE: &[u8] = b"[DONE]";
