//! Asks the store about a request, and falls back where it does not answer.

use std::sync::Arc;
use std::time::Duration;

use rrcore::Now;
use smallvec::SmallVec;

use super::answer::{Answer, AtStore, Wait};
use super::fallback;
use super::local;
use super::lock::lock;
use super::origin::Origin;
use super::owner::Owner;
use super::request::{Asked, Request};
use super::shared::Shared;
use super::shares;
use crate::decision::{Decision, Left};
use crate::policy::StoreFailure;
use crate::store::Unavailable;
use crate::threshold::{Crossing, Threshold};
use crate::time::nanos;

pub(crate) async fn ask(
    owner: Arc<Owner>,
    request: Request,
    now: Now,
    started: Duration,
) -> Result<Decision, Unavailable> {
    let shared = owner.shared();
    let asked_at = shared.clock.monotonic();
    let extra = wanted(&request, shared, asked_at);
    let permit = shared.new_permit();
    let run = request.run(
        &shared.names,
        permit,
        (&extra, shared.share_of_leases()),
        &shared.owed(&request),
    );
    let mut pending = Pending { shared, request: &request, permit, may_hold: true };
    let limits = request.asked.len();
    let waited = asked_at.saturating_sub(started);
    let read = |it: &_| Answer::read(it, limits);
    let answer = shared.link.call_after(waited, &shared.scripts.take, &run, read).await;
    match answer {
        Ok(answer) => {
            pending.may_hold = false;
            drop(pending);
            learn(&request, shared, &extra, &answer, asked_at);
            Ok(decide(&request, shared, &answer, permit, now))
        }
        Err(call) => {
            pending.may_hold = call.heard;
            drop(pending);
            give_up(&request, shared, &extra);
            shared.unanswered(call);
            fallback::decide(&request, shared, now, call.heard)
        }
    }
}

/// What the store's `answer` would make of a request that nobody has put; takes nothing.
pub(crate) fn foresee(request: &Request, shared: &Shared, answer: &Answer) -> Decision {
    let now = shared.clock.monotonic();
    let leases = lock(&shared.leases);
    let left = |(it, at): (&Asked, &AtStore)| {
        // What is leased here is spent there.
        let leased = leases.units(it.id, now);
        let left = left(it, at);
        let remaining = left.remaining.saturating_add(leased);
        let wait = left.wait.filter(|_| !local::has(it, &leases, now));
        Left { remaining, wait, ..left }
    };
    let mut left: SmallVec<[Left; 3]> =
        request.asked.iter().zip(&answer.limits).map(left).collect();
    if request.asked.iter().zip(&left).any(|(it, left)| it.binds && left.wait.is_some()) {
        return request.refused(&left);
    }
    if !answer.is_allowed {
        // It is spent of what is leased, and the store has not counted it.
        for (it, left) in request.asked.iter().zip(&mut left) {
            left.remaining = left.remaining.saturating_sub(it.cost);
        }
    }
    request.allowed(&left, left.iter().map(|_| Origin::Nowhere.pack()).collect())
}

/// Counts at this node what has passed: its share of it is known when the store is gone.
pub(crate) fn note(request: &Request, shared: &Shared, now: Now) {
    let is_shared = |at: usize| {
        request.asked.get(at).is_some_and(|it| {
            it.on_failure == StoreFailure::LeaseThenShare && !it.terms.is_concurrency()
        })
    };
    let parts = shared.shares.parts(request, is_shared, 1);
    shared.own.add(&shares::charges(&parts), now);
}

fn wanted(request: &Request, shared: &Shared, now: Duration) -> SmallVec<[u64; 3]> {
    if shared.slice == 0 {
        return request.asked.iter().map(|_| 0).collect();
    }
    let mut leases = lock(&shared.leases);
    request.asked.iter().map(|it| local::wanted(it, shared.slice, &mut leases, now)).collect()
}

fn learn(request: &Request, shared: &Shared, extra: &[u64], answer: &Answer, asked_at: Duration) {
    if shared.slice == 0 {
        return;
    }
    give_up(request, shared, extra);
    let mut leases = lock(&shared.leases);
    for (it, at) in request.asked.iter().zip(&answer.limits) {
        if !it.terms.is_concurrency() {
            leases.learn((it.id, it.terms), it.cost, at, asked_at);
        }
    }
    shared.counters.outstanding(leases.outstanding());
}

/// Others may ask for slices again.
fn give_up(request: &Request, shared: &Shared, extra: &[u64]) {
    let asked = request.asked.iter().zip(extra).filter(|(_, extra)| **extra > 0);
    for (it, _) in asked {
        lock(&shared.leases).give_up(it.id);
    }
}

fn decide(request: &Request, shared: &Shared, answer: &Answer, permit: u64, now: Now) -> Decision {
    let both = || request.asked.iter().zip(&answer.limits);
    let left: SmallVec<[Left; 3]> = both().map(|(it, at)| left(it, at)).collect();
    if !answer.is_allowed {
        return request.refused(&left);
    }
    let mark = |(it, at): (&Asked, &AtStore)| {
        if it.terms.is_concurrency() {
            shared.hold(it.id, permit);
            return Origin::Store(permit).pack();
        }
        Origin::Store(at.mark).pack()
    };
    let marks = both().map(mark).collect();
    tell(request, shared, answer);
    note(request, shared, now);
    request.allowed(&left, marks)
}

/// Tells of the thresholds that were passed by what has just been taken.
fn tell(request: &Request, shared: &Shared, answer: &Answer) {
    let Some(observer) = &shared.on_threshold else { return };
    for (it, at) in request.asked.iter().zip(&answer.limits) {
        let spent = it.capacity.saturating_sub(at.remaining);
        let before = spent.saturating_sub(it.cost).saturating_sub(at.leased);
        let Some(threshold) = crossed(before, spent, it.capacity) else { continue };
        let (charge, limit) = it.at;
        let Some(charge) = request.charges.get(charge) else { continue };
        let Some(limit) = charge.policy.limits().get(limit) else { continue };
        observer(&Crossing { policy: &charge.policy, limit, key: charge.key, threshold });
    }
}

fn crossed(before: u64, spent: u64, capacity: u64) -> Option<Threshold> {
    let is_nearly = |spent: u64| u128::from(spent) * 5 > u128::from(capacity) * 4;
    if before < capacity && spent >= capacity {
        return Some(Threshold::Spent);
    }
    (is_nearly(spent) && !is_nearly(before)).then_some(Threshold::NearlySpent)
}

fn left(it: &Asked, at: &AtStore) -> Left {
    let wait = match at.wait {
        Wait::None => None,
        Wait::For(wait) => Some(nanos(wait)),
        Wait::Forever => Some(nanos(it.forever)),
    };
    let reset = if it.terms.is_concurrency() { 0 } else { nanos(at.reset) };
    Left { remaining: at.remaining.saturating_add(at.leased), reset, wait }
}

/// A question to which there is no answer yet. The store may give permits to somebody who has left,
/// or given up, in the meantime: then they go back.
struct Pending<'a> {
    shared: &'a Shared,
    request: &'a Request,
    permit: u64,
    may_hold: bool,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.may_hold {
            return;
        }
        for it in self.request.asked.iter().filter(|it| it.terms.is_concurrency()) {
            self.shared.let_go(it.id, it.terms, self.permit);
        }
    }
}
