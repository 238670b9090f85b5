//! Decisions while the store does not answer: what is leased, and then what each limit says.

use rrcore::Now;
use smallvec::SmallVec;

use super::counters::count;
use super::local;
use super::lock::lock;
use super::origin::Origin;
use super::request::{Asked, Request};
use super::shared::Shared;
use super::shares::{self, Parts, part};
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
        None => Ok(take(request, shared, &from, nodes, now)),
        Some(it) => Err(request.unavailable(it)),
    };
    account(request, shared, &from, &decision);
    if !heard && matches!(decision, Ok(Decision::Allowed { .. })) {
        owe(request, shared, &from, now);
    }
    if is_leased(&from) { decision } else { decision.map(Decision::degraded) }
}

/// What [`decide`] would decide.
pub(crate) fn foresee(
    request: &Request,
    shared: &Shared,
    now: Now,
) -> Result<Decision, Unavailable> {
    let nodes = shared.nodes();
    let mut from = SmallVec::<[Source; 3]>::new();
    for it in &request.asked {
        from.push(foreseen(it, shared, nodes).ok_or_else(|| request.unavailable(it))?);
    }
    let parts = parts(request, shared, &from, nodes);
    let own = shared.own.foresee(&shares::charges(&parts), now);
    let decision = share(request, shared, &from, &own);
    Ok(if is_leased(&from) { decision } else { decision.degraded() })
}

fn is_leased(from: &[Source]) -> bool {
    from.iter().all(|it| matches!(it, Source::Lease(_)))
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

/// The source that [`source`] would take from.
fn foreseen(it: &Asked, shared: &Shared, nodes: u64) -> Option<Source> {
    if local::has(it, &lock(&shared.leases), shared.clock.monotonic()) {
        return Some(Source::Lease(0));
    }
    match it.on_failure {
        StoreFailure::LeaseThenShare if it.terms.is_concurrency() => {
            let has_room = !it.binds || shared.holds_less_than(it.id, part(it.capacity, nodes));
            Some(if has_room { Source::Permit(0) } else { Source::Nobody })
        }
        StoreFailure::LeaseThenShare => Some(Source::Share),
        StoreFailure::Deny if it.binds => None,
        StoreFailure::Deny | StoreFailure::Allow => Some(Source::Nowhere),
    }
}

/// Takes from this node's share what comes from there.
fn take(request: &Request, shared: &Shared, from: &[Source], nodes: u64, now: Now) -> Decision {
    let parts = parts(request, shared, from, nodes);
    let own = shared.own.take(&shares::charges(&parts), now);
    let decision = share(request, shared, from, &own);
    if let (false, Decision::Allowed { receipt, .. }) = (decision.is_allowed(), &own) {
        shared.own.refund(receipt, now);
    }
    decision
}

fn parts(request: &Request, shared: &Shared, from: &[Source], nodes: u64) -> Parts {
    shared.shares.parts(request, |at| from.get(at) == Some(&Source::Share), nodes)
}

/// The decision about all of it, where this node's share has decided `own`.
fn share(request: &Request, shared: &Shared, from: &[Source], own: &Decision) -> Decision {
    let mut own_left = own.standing().lefts();
    let receipt = match own {
        Decision::Allowed { receipt, .. } => Some(receipt),
        Decision::Refused { .. } => None,
    };
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
    if receipt.is_none() || from.contains(&Source::Nobody) {
        return request.refused(&left);
    }
    request.allowed(&left, marks)
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
