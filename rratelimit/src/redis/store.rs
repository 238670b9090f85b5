//! The store that several processes share.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::task::{Context, Poll};

use rrcore::Now;
use smallvec::SmallVec;

use super::answer::Answer;
use super::ask;
use super::breaker::BreakerState;
use super::counters::StoreState;
use super::fallback;
use super::local;
use super::lock::lock;
use super::look::Look;
use super::origin::Origin;
use super::owner::Owner;
use super::request::{Asked, Request};
use super::shared::Shared;
use super::shares;
use super::update::Change;
use crate::charge::{Charge, Receipt};
use crate::decision::Decision;
use crate::key::Key;
use crate::limiter::Usage;
use crate::policy::Policy;
use crate::store::{Store, Taking, Unavailable};
use crate::window::Mark;

#[doc = include_str!("store.md")]
#[derive(Clone)]
pub struct RedisStore {
    owner: Arc<Owner>,
}

/// The wait for a decision of a [`RedisStore`]: never much longer than its timeout.
// Boxed: it is made only where a network is waited for, and has no name of its own.
pub struct Asking {
    inner: Pin<Box<dyn Future<Output = Result<Decision, Unavailable>> + Send>>,
}

impl RedisStore {
    pub(crate) const fn new(owner: Arc<Owner>) -> Self {
        Self { owner }
    }

    /// How it stands with the store, in numbers.
    #[must_use]
    pub fn state(&self) -> StoreState {
        self.shared().state()
    }

    /// What each key has spent of each limit of its policy, on all nodes together; what is leased
    /// counts as spent. `None` when the store does not say so in time: then
    /// [`usage_here`](Self::usage_here) tells what this node knows.
    ///
    /// For who looks, and not for who decides: the thread waits, for twice the timeout at the most.
    #[must_use]
    pub fn usage<'a>(&self, asked: &[(&'a Policy, Key)], now: Now) -> Option<Vec<Vec<Usage<'a>>>> {
        let shared = self.shared();
        if shared.link.state() != BreakerState::Closed {
            return None;
        }
        let (tell, told) = sync_channel(1);
        shared.looks.try_send(Look::back(asked, &shared.names, shared.permits_last, tell)).ok()?;
        let mut spent = told.recv_timeout(shared.link.timeout() * 2).ok()?.into_iter();
        let mut usage = |limit| {
            let spent = spent.next()?;
            let resets_at = spent.more_in.map(|it| now.wall.saturating_add(it));
            Some(Usage { limit, spent: spent.units, resets_at })
        };
        let of_policy = |(policy, _): &(&'a Policy, Key)| {
            policy.limits().iter().map(&mut usage).collect::<Option<Vec<_>>>()
        };
        asked.iter().map(of_policy).collect()
    }

    /// What `key` has spent of each limit of `policy` at this node, as far as limits share when the
    /// store is gone: of others, a node has no count of its own.
    #[must_use]
    pub fn usage_here<'a>(&self, policy: &'a Policy, key: Key, now: Now) -> Vec<Usage<'a>> {
        self.shared().own.usage(policy, key, now)
    }

    /// What the store would answer; `None` when it does not say so in time.
    fn ahead(&self, request: &Request) -> Option<Answer> {
        let shared = self.shared();
        if shared.link.state() != BreakerState::Closed {
            return None;
        }
        let (tell, told) = sync_channel(1);
        let (run, limits) =
            (request.ahead(&shared.names, &shared.owed(request)), request.asked.len());
        shared.looks.try_send(Look::Ahead { run, limits, tell }).ok()?;
        told.recv_timeout(shared.link.timeout() * 2).ok()
    }

    fn shared(&self) -> &Shared {
        self.owner.shared()
    }

    fn request(&self, charges: &[Charge<'_>]) -> Request {
        Request::new(charges, self.shared().permits_last)
    }

    /// Each limit of a receipt with its mark; with `position`, of that charge alone.
    fn for_each_mark(
        &self,
        receipt: &Receipt,
        position: Option<usize>,
        mut then: impl FnMut(&Asked, Origin),
    ) -> Request {
        let request = Request::of_receipt(receipt, self.shared().permits_last);
        for (it, mark) in request.asked.iter().zip(&receipt.marks) {
            if position.is_none_or(|at| at == it.at.0) {
                then(it, Origin::unpack(*mark));
            }
        }
        request
    }

    /// Gives back `units` of a limit; less than none are taken of its window too.
    fn give_back(&self, it: &Asked, mark: u64, units: i64) {
        let shared = self.shared();
        if it.terms.is_concurrency() || units == 0 {
            return;
        }
        let change = Change::GiveBack { mark, units };
        let Ok(units) = u64::try_from(units) else { return shared.spend_beyond(it, change) };
        let now = shared.clock.monotonic();
        if !lock(&shared.leases).put_back((it.id, shared.slice), units, mark, now) {
            shared.update(it.id, it.terms, change);
        }
    }
}

impl Store for RedisStore {
    type Later = Asking;

    fn take(&self, charges: &[Charge<'_>], now: Now) -> Taking<Asking> {
        let shared = self.shared();
        let request = self.request(charges);
        if shared.slice > 0 {
            let time = shared.clock.monotonic();
            let decided = local::decide(&request, &mut lock(&shared.leases), time);
            if let Some(decision) = decided {
                if decision.is_allowed() {
                    ask::note(&request, shared, now);
                }
                return Taking::Now(Ok(decision));
            }
        }
        match shared.link.state() {
            BreakerState::Open | BreakerState::HalfOpen => {
                Taking::Now(fallback::decide(&request, shared, now, false))
            }
            BreakerState::Closed => {
                // From now on, and not from when the answer is first waited for.
                let started = shared.clock.monotonic();
                let asking = ask::ask(Arc::clone(&self.owner), request, now, started);
                Taking::Later(Asking { inner: Box::pin(asking) })
            }
        }
    }

    /// As the store says, which the thread waits for, for twice the timeout at the most; where it does
    /// not answer, as this node would decide without it.
    fn foresee(&self, charges: &[Charge<'_>], now: Now) -> Result<Decision, Unavailable> {
        let (shared, request) = (self.shared(), self.request(charges));
        match self.ahead(&request) {
            Some(answer) => Ok(ask::foresee(&request, shared, &answer)),
            None => fallback::foresee(&request, shared, now),
        }
    }

    fn add(&self, charges: &[Charge<'_>], now: Now) {
        let shared = self.shared();
        let request = self.request(charges);
        for it in request.asked.iter().filter(|it| !it.terms.is_concurrency() && it.cost > 0) {
            shared.spend_beyond(it, Change::Add(it.cost));
        }
        ask::note(&request, shared, now);
    }

    fn refund(&self, receipt: &Receipt, now: Now) {
        for (position, charge) in receipt.charges().enumerate() {
            if charge.cost > 0 {
                self.settle(receipt, position, 0, now);
            }
        }
    }

    fn settle(&self, receipt: &Receipt, position: usize, actual: u64, now: Now) {
        let shared = self.shared();
        let mut own_marks = SmallVec::<[Mark; 3]>::new();
        let request = self.for_each_mark(receipt, Some(position), |it, mark| match mark {
            Origin::Store(mark) => self.give_back(it, mark, difference(it.cost, actual)),
            Origin::Own(mark) => {
                own_marks.push(mark);
                shared.settle_debt(it, actual);
            }
            Origin::Nowhere => shared.settle_debt(it, actual),
        });
        let is_own = |at: usize| {
            let of = request.asked.get(at).filter(|it| it.at.0 == position);
            let mark = of.and_then(|_| receipt.marks.get(at));
            matches!(mark.map(|it| Origin::unpack(*it)), Some(Origin::Own(_)))
        };
        let parts = shared.shares.parts(&request, is_own, 1);
        if let Some(receipt) = shares::receipt(&parts, own_marks) {
            shared.own.settle(&receipt, 0, actual, now);
        }
    }

    fn release(&self, receipt: &Receipt) {
        let shared = self.shared();
        self.for_each_mark(receipt, None, |it, mark| match mark {
            Origin::Store(permit) if it.terms.is_concurrency() => {
                shared.let_go(it.id, it.terms, permit);
            }
            Origin::Store(_) | Origin::Own(_) | Origin::Nowhere => {}
        });
    }
}

fn difference(cost: u64, actual: u64) -> i64 {
    let signed = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
    signed(cost) - signed(actual)
}

impl Future for Asking {
    type Output = Result<Decision, Unavailable>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.inner.as_mut().poll(cx)
    }
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").finish_non_exhaustive()
    }
}

impl fmt::Debug for RedisStore {
    // Not where it is: an URL may have a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("state", &self.state()).finish_non_exhaustive()
    }
}
