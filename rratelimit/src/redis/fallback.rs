//! Decisions while the store does not answer: what is leased, and then what each limit says.

use rrcore::Now;
use smallvec::SmallVec;

use super::counters::count;
use super::local;
use super::lock::lock;
use super::origin::Origin;
use super::request::{Asked, Request};
use super::shared::Shared;
use super::shares::{self, part};
use crate::decision::{Decision, Left};
use crate::policy::StoreFailure;
use crate::store::Unavailable;
use crate::window::Mark;

/// Where the units that one limit is asked for come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Lease(u64),
    Permit(u64),
    Share,
    Nowhere,
    /// Refused: this node holds its share of what may run at the same time.
    Nobody,
}

/// Decides without the store. Visible to who asks for it in the decision's standing.
///
/// What passes is told to the store later on, unless it has `heard` of the request: then it may have
/// counted it already.
pub(crate) fn decide(
    request: &Request,
    shared: &Shared,
    now: Now,
    heard: bool,
) -> Result<Decision, Unavailable> {
    let nodes = shared.nodes();
    let mut from = SmallVec::<[Source; 3]>::new();
    let mut denied = None;
    for it in &request.asked {
        match source(it, shared, nodes) {
            Some(source) => from.push(source),
            None => {
                denied = Some(it);
                break;
            }
        }
    }
    let decision = match denied {
        None => share(request, shared, &from, nodes, now),
        Some(it) => Err(request.unavailable(it)),
    };
    account(request, shared, &from, &decision);
    if !heard && matches!(decision, Ok(Decision::Allowed { .. })) {
        owe(request, shared, &from, now);
    }
    let is_leased = |it: &Source| matches!(it, Source::Lease(_));
    if from.iter().all(is_leased) { decision } else { decision.map(Decision::degraded) }
}

/// `None` where that which cannot be checked is denied.
fn source(it: &Asked, shared: &Shared, nodes: u64) -> Option<Source> {
    let now = shared.clock.monotonic();
    if let Some(mark) = local::spend(it, &mut lock(&shared.leases), now) {
        return Some(Source::Lease(mark));
    }
    match it.on_failure {
        StoreFailure::LeaseThenShare if it.terms.is_concurrency() => {
            let permit = shared.new_permit();
            let most = if it.binds { part(it.capacity, nodes) } else { u64::MAX };
            let holds = shared.hold_within(it.id, permit, most);
            Some(if holds { Source::Permit(permit) } else { Source::Nobody })
        }
        StoreFailure::LeaseThenShare => Some(Source::Share),
        StoreFailure::Deny if it.binds => None,
        StoreFailure::Deny | StoreFailure::Allow => Some(Source::Nowhere),
    }
}

/// Takes from this node's share what comes from there.
fn share(
    request: &Request,
    shared: &Shared,
    from: &[Source],
    nodes: u64,
    now: Now,
) -> Result<Decision, Unavailable> {
    let parts = shared.shares.parts(request, |at| from.get(at) == Some(&Source::Share), nodes);
    let (standing, receipt) = match shared.own.take(&shares::charges(&parts), now) {
        Decision::Allowed { standing, receipt } => (standing, Some(receipt)),
        Decision::Refused { standing, .. } => (standing, None),
    };
    let mut own_left = standing.lefts();
    let mut own_marks = receipt.iter().flat_map(|it| it.marks.iter().copied());
    let (mut left, mut marks) = (SmallVec::<[Left; 3]>::new(), SmallVec::<[Mark; 3]>::new());
    for (it, from) in request.asked.iter().zip(from) {
        let (is_left, mark) = match from {
            Source::Lease(mark) => (
                local::left(it, &lock(&shared.leases), shared.clock.monotonic()),
                Origin::Store(*mark),
            ),
            Source::Permit(permit) => (it.unknown(), Origin::Store(*permit)),
            Source::Nowhere => (it.unknown(), Origin::Nowhere),
            Source::Nobody => (it.spent(0, it.forever, it.forever), Origin::Nowhere),
            Source::Share => {
                let mark = own_marks.next().map_or(Origin::Nowhere, Origin::Own);
                (own_left.next().unwrap_or_else(|| it.unknown()), mark)
            }
        };
        left.push(is_left);
        marks.push(mark.pack());
    }
    let is_refused = receipt.is_none() || from.contains(&Source::Nobody);
    if is_refused {
        if let Some(receipt) = receipt {
            shared.own.refund(&receipt, now);
        }
        return Ok(request.refused(&left));
    }
    Ok(request.allowed(&left, marks))
}

fn owe(request: &Request, shared: &Shared, from: &[Source], now: Now) {
    let at = shared.clock.monotonic();
    let mut debts = lock(&shared.debts);
    for (it, from) in request.asked.iter().zip(from) {
        let is_noted = match (from, request.limit(it)) {
            (Source::Share | Source::Nowhere, Some(limit)) => debts.owe(it, limit, at, now.wall),
            (Source::Share | Source::Nowhere, None) => false,
            // The store has counted it, or has nothing to count.
            (Source::Lease(_) | Source::Permit(_) | Source::Nobody, _) => true,
        };
        if !is_noted {
            count(&shared.counters.lost_updates);
        }
    }
}

/// Counts what was decided; undoes what was taken for a request that does not pass.
fn account(
    request: &Request,
    shared: &Shared,
    from: &[Source],
    decision: &Result<Decision, Unavailable>,
) {
    let counters = &shared.counters;
    let by_share = |it: &Source| matches!(it, Source::Share | Source::Permit(_) | Source::Nobody);
    match decision {
        Ok(Decision::Allowed { .. }) if from.contains(&Source::Nowhere) => {
            count(&counters.fail_opens);
        }
        Ok(_) if from.iter().any(by_share) => count(&counters.shares),
        Ok(_) => {}
        Err(_) => count(&counters.denials),
    }
    if matches!(decision, Ok(Decision::Allowed { .. })) {
        return;
    }
    let now = shared.clock.monotonic();
    for (it, from) in request.asked.iter().zip(from) {
        match from {
            Source::Lease(mark) => {
                lock(&shared.leases).unspend(it.id, it.cost, *mark, now);
            }
            Source::Permit(permit) => shared.forget(it.id, *permit),
            Source::Share | Source::Nowhere | Source::Nobody => {}
        }
    }
}
