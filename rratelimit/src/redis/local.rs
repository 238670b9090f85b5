//! Decisions that need nobody but this node: by what it has leased.

use std::time::Duration;

use smallvec::SmallVec;

use super::leases::Leases;
use super::origin::Origin;
use super::request::{Asked, Request};
use crate::decision::{Decision, Left};
use crate::time::nanos;

/// `None` where the store has to be asked.
pub(crate) fn decide(request: &Request, leases: &mut Leases, now: Duration) -> Option<Decision> {
    if request.asked.iter().any(|it| it.terms.is_concurrency()) {
        return None;
    }
    let refuses = |it: &Asked| it.binds && refusal(it, leases, now).is_some();
    if request.asked.iter().any(refuses) {
        let left = |it: &Asked| refusal(it, leases, now).unwrap_or_else(|| left(it, leases, now));
        let left: SmallVec<[Left; 3]> = request.asked.iter().map(left).collect();
        return Some(request.refused(&left));
    }
    let marks = spend_all(request, leases, now)?;
    let left: SmallVec<[Left; 3]> = request.asked.iter().map(|it| left(it, leases, now)).collect();
    Some(request.allowed(&left, marks.iter().map(|it| Origin::Store(*it).pack()).collect()))
}

/// Spends what each limit is asked for, or nothing.
fn spend_all(request: &Request, leases: &mut Leases, now: Duration) -> Option<SmallVec<[u64; 3]>> {
    let mut marks = SmallVec::<[u64; 3]>::new();
    for it in &request.asked {
        match spend(it, leases, now) {
            Some(mark) => marks.push(mark),
            None => {
                for (it, mark) in request.asked.iter().zip(&marks) {
                    leases.unspend(it.id, it.cost, *mark, now);
                }
                return None;
            }
        }
    }
    Some(marks)
}

/// Spends what one limit is asked for. Where that is nothing, there must be something left.
pub(crate) fn spend(it: &Asked, leases: &mut Leases, now: Duration) -> Option<u64> {
    if !has(it, leases, now) {
        return None;
    }
    leases.spend(it.id, it.cost, now)
}

/// Whether one limit has leased what it is asked for.
pub(crate) fn has(it: &Asked, leases: &Leases, now: Duration) -> bool {
    leases.units(it.id, now) >= it.cost.max(1)
}

/// How many units more this node may hold, where it is the only request to ask for them.
pub(crate) fn wanted(it: &Asked, slice: u64, leases: &mut Leases, now: Duration) -> u64 {
    let missing = slice.saturating_sub(leases.units(it.id, now));
    if it.terms.is_concurrency() || missing == 0 || !leases.begin(it.id, it.terms, now) {
        return 0;
    }
    missing
}

/// What is left of a limit, as far as this node knows.
pub(crate) fn left(it: &Asked, leases: &Leases, now: Duration) -> Left {
    let Some(seen) = leases.seen(it.id) else { return it.unknown() };
    let remaining = seen.remaining.saturating_add(leases.units(it.id, now));
    Left { remaining, reset: nanos(seen.more_at.saturating_sub(now)), wait: None }
}

fn refusal(it: &Asked, leases: &Leases, now: Duration) -> Option<Left> {
    let seen = leases.seen(it.id)?;
    let refused = seen.refused.filter(|of| now < of.ask_again && it.cost >= of.cost)?;
    if leases.units(it.id, now) >= it.cost.max(1) {
        return None;
    }
    let wait = refused.room_at.map_or(it.forever, |at| at.saturating_sub(now));
    Some(it.spent(seen.remaining, seen.more_at.saturating_sub(now), wait))
}
