//! Decisions while the store does not answer: what is leased, and then what each limit says.

use rrcore::Now;
use smallvec::SmallVec;

use super::counters::count;
use super::local;
use super::mark::Mark;
use super::request::{Asked, Request};
use super::shared::{Shared, lock};
use super::shares::{self, part};
use crate::decision::{Decision, Left};
use crate::policy::StoreFailure;
use crate::store::Unavailable;

/// Where the units that one limit is asked for come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Lease(u64),
    Permit(u64),
    Share,
    Nowhere,
    /// Refused: this node holds its share of what may run at the same time.
    Nobody,
}

/// Decides without the store. Visible to who asks for it in the decision's standing.
pub(crate) fn decide(
    request: &Request,
    shared: &Shared,
    now: Now,
) -> Result<Decision, Unavailable> {
    let nodes = shared.nodes();
    let mut from = SmallVec::<[From; 3]>::new();
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
    decision
}

/// `None` where that which cannot be checked is denied.
fn source(it: &Asked, shared: &Shared, nodes: u64) -> Option<From> {
    let now = shared.clock.monotonic();
    if let Some(mark) = local::spend(it, &mut lock(&shared.leases), now) {
        return Some(From::Lease(mark));
    }
    match it.on_failure {
        StoreFailure::LeaseThenShare if it.terms.is_concurrency() => {
            let permit = shared.new_permit();
            let most = if it.binds { part(it.capacity, nodes) } else { u64::MAX };
            let holds = shared.hold_within(it.id, permit, most);
            Some(if holds { From::Permit(permit) } else { From::Nobody })
        }
        StoreFailure::LeaseThenShare => Some(From::Share),
        StoreFailure::Allow => Some(From::Nowhere),
        StoreFailure::Deny if it.binds => None,
        StoreFailure::Deny => Some(From::Nowhere),
    }
}

/// Takes from this node's share what comes from there.
fn share(
    request: &Request,
    shared: &Shared,
    from: &[From],
    nodes: u64,
    now: Now,
) -> Result<Decision, Unavailable> {
    let parts = shared.shares.parts(request, |at| from.get(at) == Some(&From::Share), nodes);
    let (standing, receipt) = match shared.own.take(&shares::charges(&parts), now) {
        Decision::Allowed { standing, receipt } => (standing, Some(receipt)),
        Decision::Refused { standing, .. } => (standing, None),
    };
    let mut own_left = standing.lefts();
    let mut own_marks = receipt.iter().flat_map(|it| it.marks.iter().copied());
    let (mut left, mut marks) = (SmallVec::<[Left; 3]>::new(), SmallVec::<[u64; 3]>::new());
    for (it, from) in request.asked.iter().zip(from) {
        let (is_left, mark) = match from {
            From::Lease(mark) => (shared.left(it), Mark::Store(*mark)),
            From::Permit(permit) => (it.unknown(), Mark::Store(*permit)),
            From::Nowhere => (it.unknown(), Mark::Nowhere),
            From::Nobody => (it.spent(0, it.forever, it.forever), Mark::Nowhere),
            From::Share => {
                let mark = own_marks.next().map_or(Mark::Nowhere, Mark::Own);
                (own_left.next().unwrap_or_else(|| it.unknown()), mark)
            }
        };
        left.push(is_left);
        marks.push(mark.pack());
    }
    let is_refused = receipt.is_none() || from.contains(&From::Nobody);
    if is_refused {
        if let Some(receipt) = receipt {
            shared.own.refund(&receipt, now);
        }
        return Ok(request.refused(&left));
    }
    Ok(request.allowed(&left, marks))
}

/// Counts what was decided; undoes what was taken for a request that does not pass.
fn account(
    request: &Request,
    shared: &Shared,
    from: &[From],
    decision: &Result<Decision, Unavailable>,
) {
    let counters = &shared.counters;
    let by_share = |it: &From| matches!(it, From::Share | From::Permit(_) | From::Nobody);
    match decision {
        Ok(Decision::Allowed { .. }) if from.contains(&From::Nowhere) => {
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
            From::Lease(mark) => {
                lock(&shared.leases).unspend(it.id, it.cost, *mark, now);
            }
            From::Permit(permit) => shared.forget(it.id, *permit),
            From::Share | From::Nowhere | From::Nobody => {}
        }
    }
}
