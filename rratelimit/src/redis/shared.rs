//! What a store's clones, its requests in flight and its worker have in common.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis::Value;
use rrcore::Clock;
use tokio::sync::mpsc::Sender;

use super::answer::{Answer, Beat};
use super::breaker::BreakerState;
use super::counters::{Counters, StoreState, count};
use super::debts::{Debts, Late};
use super::leases::{LeaseId, Leases, Slice};
use super::link::{Link, NoAnswer};
use super::lock::lock;
use super::look::{Look, Spent};
use super::names::Names;
use super::outbox::{Outbox, Owed};
use super::request::{Asked, Request};
use super::script::{Run, Script, Scripts};
use super::shares::Shares;
use super::terms::Terms;
use super::update::{Change, Update};
use crate::limiter::Limiter;
use crate::threshold;

pub(crate) struct Shared {
    pub(crate) link: Link,
    pub(crate) scripts: Scripts,
    pub(crate) names: Names,
    pub(crate) counters: Counters,
    /// As last known.
    pub(crate) live_nodes: AtomicU64,
    pub(crate) leases: Mutex<Leases>,
    /// The most that is held on lease of one limit of one key; 0 in the exact mode.
    pub(crate) slice: u64,
    /// What this node has let pass, for the time when the store is gone.
    pub(crate) own: Limiter,
    pub(crate) shares: Shares,
    /// What passed of it, and the store does not know.
    pub(crate) debts: Mutex<Debts>,
    pub(crate) clock: Clock,
    pub(crate) beat_every: Duration,
    pub(crate) permits_last: Duration,
    /// The permits that requests hold, by the limit that they are of.
    pub(crate) permits: Mutex<HashMap<LeaseId, HashSet<u64>>>,
    pub(crate) next_permit: AtomicU64,
    pub(crate) observer: Option<Observer>,
    pub(crate) on_threshold: Option<threshold::Observer>,
    pub(crate) outbox: Mutex<Outbox>,
    pub(crate) looks: Sender<Look>,
}

/// Hears of each change of state, once.
pub(crate) type Observer = Arc<dyn Fn(&StoreState) + Send + Sync>;

impl Shared {
    pub(crate) fn state(&self) -> StoreState {
        self.state_with(self.link.state())
    }

    fn state_with(&self, breaker: BreakerState) -> StoreState {
        let outstanding = lock(&self.leases).outstanding();
        let trouble = self.link.trouble().filter(|_| breaker != BreakerState::Closed);
        self.counters.state((breaker, trouble), self.live_nodes.load(Relaxed), outstanding)
    }

    /// Calls the store for nobody in particular.
    pub(crate) async fn call<T>(
        &self,
        script: &Script,
        run: &Run,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        self.link.call(script, run, read).await.map_err(|it| self.unanswered(it)).ok()
    }

    /// Whoever asked hears it all, or, that nothing more is to come. Who has not waited does not want
    /// to know.
    pub(crate) async fn answer(&self, look: Look) {
        match look {
            Look::Back { runs, tell } => {
                let mut all = Vec::new();
                for (run, limits) in &runs {
                    let read = |it: &_| Spent::read(it, *limits);
                    let Some(spent) = self.call(&self.scripts.look, run, read).await else {
                        return;
                    };
                    all.extend(spent);
                }
                _ = tell.try_send(all);
            }
            Look::Ahead { run, limits, tell } => {
                let read = |it: &_| Answer::read(it, limits);
                let answer = self.call(&self.scripts.take, &run, read).await;
                _ = answer.map(|it| tell.try_send(it));
            }
        }
    }

    /// Counts a call that was not answered.
    pub(crate) fn unanswered(&self, call: NoAnswer) {
        if call.heard {
            count(&self.counters.failed_calls);
        }
        if call.opened {
            count(&self.counters.opened);
        }
    }

    /// Says that the breaker has turned, and how: it may be further by now. By the worker alone: so
    /// turns are told in their order, and no request waits for who hears of them.
    pub(crate) fn tell(&self, turned: BreakerState) {
        if let Some(observer) = &self.observer {
            observer(&self.state_with(turned));
        }
    }

    /// Takes note of the answer to a sign of life; says how many nodes are alive.
    pub(crate) fn heard(&self, beat: Beat) -> Option<u64> {
        let nodes = match beat {
            Beat::Nodes(nodes) => Some(nodes),
            Beat::OtherSeed => None,
        };
        self.counters.has_foreign_seed.store(nodes.is_none(), Relaxed);
        self.live_nodes.store(nodes?, Relaxed);
        nodes
    }

    pub(crate) fn nodes(&self) -> u64 {
        self.live_nodes.load(Relaxed).max(1)
    }

    /// Of what is left, a node leases half of what would be its share of it. So leases get smaller
    /// as the end comes near, and the last units are not held by those who do not need them.
    pub(crate) fn share_of_leases(&self) -> u64 {
        self.nodes().saturating_mul(2)
    }

    /// Hands over to the worker what nobody waits for.
    pub(crate) fn update(&self, id: LeaseId, terms: Terms, change: Change) {
        let update = Update { name: self.names.of(id), terms, change, number: 0 };
        if !lock(&self.outbox).send(id, update) {
            count(&self.counters.lost_updates);
        }
    }

    /// A limit turns out to have spent `change` beyond what was taken.
    ///
    /// What is leased is counted by the store: so much of it is spent now. It is told of the rest, and
    /// while it may not know of it, nothing is decided by a lease.
    pub(crate) fn spend_beyond(&self, it: &Asked, change: Change) {
        let Some((units, mark)) = change.spent() else { return };
        // Held until the store is being told: who asks it after that, asks with that.
        let mut leases = (self.slice > 0).then(|| lock(&self.leases));
        let left = leases
            .as_mut()
            .map_or(units, |leases| leases.charge(it.id, units, mark, self.clock.monotonic()));
        if left > 0 {
            self.update(it.id, it.terms, change.of(left));
        }
    }

    /// What the store may not know yet of what is asked of, each limit by its place.
    pub(crate) fn owed(&self, request: &Request) -> Vec<(usize, Owed)> {
        let outbox = lock(&self.outbox);
        let asked = request.asked.iter().enumerate();
        let first =
            asked.filter(|(at, it)| request.asked.iter().take(*at).all(|of| of.id != it.id));
        first.flat_map(|(at, it)| outbox.owed(it.id).map(move |owed| (at, owed))).collect()
    }

    /// What passed without the store turns out to cost `actual`. Once that is told, what was too much
    /// stays: nobody knows in which window of the store it is.
    pub(crate) fn settle_debt(&self, it: &Asked, actual: u64) {
        if it.terms.is_concurrency() || lock(&self.debts).settle(it.id, it.cost, actual) {
            return;
        }
        let more = actual.saturating_sub(it.cost);
        if more > 0 {
            self.spend_beyond(it, Change::Add(more));
        }
    }

    /// What `late.lua` is told.
    pub(crate) fn late(&self, lates: &[Late]) -> Run {
        let (mut run, now) = (Run::default(), self.clock.monotonic());
        for Late { id, terms, at, units, .. } in lates {
            run.keys.push(self.names.of(*id));
            terms.push_bucket_on(&mut run);
            run.number(micros(now.saturating_sub(*at)));
            run.number(*units);
        }
        run
    }

    /// What `beat.lua` and `leave.lua` are told.
    pub(crate) fn beat(&self) -> Run {
        let mut run = Run::default();
        run.keys.extend([self.names.nodes(), self.names.seed()]);
        run.name(self.names.node().into());
        // Three signs of life may get lost.
        run.number(micros(self.beat_every * 4));
        run.name(self.names.which_seed());
        run
    }

    /// What some leases held too long, and whether there may be more of them.
    pub(crate) fn expired_leases(&self) -> (Vec<Update>, bool) {
        let now = self.clock.monotonic();
        let (expired, is_all) = lock(&self.leases).expire(now, EXPIRED_AT_ONCE);
        (expired.into_iter().map(|it| self.unspent(it)).collect(), !is_all)
    }

    pub(crate) fn all_leases(&self) -> Vec<Update> {
        let all = lock(&self.leases).drain();
        all.into_iter().map(|it| self.unspent(it)).collect()
    }

    fn unspent(&self, (id, terms, slice): (LeaseId, Terms, Slice)) -> Update {
        let units = i64::try_from(slice.units).unwrap_or(i64::MAX);
        let change = Change::GiveBack { mark: slice.mark, units };
        Update { name: self.names.of(id), terms, change, number: 0 }
    }

    /// Says of every permit that is still held that it is.
    pub(crate) fn renewals(&self) -> Vec<Run> {
        let permits = lock(&self.permits);
        let run = |(id, held): (&LeaseId, &HashSet<u64>)| {
            let mut run = Run::default();
            run.keys.push(self.names.of(*id));
            run.number(micros(self.permits_last));
            held.iter().for_each(|it| run.name(self.names.permit(*it)));
            run
        };
        permits.iter().map(run).collect()
    }

    pub(crate) fn new_permit(&self) -> u64 {
        self.next_permit.fetch_add(1, Relaxed)
    }

    pub(crate) fn hold(&self, id: LeaseId, permit: u64) {
        lock(&self.permits).entry(id).or_default().insert(permit);
    }

    /// Whether fewer than `most` are held.
    pub(crate) fn holds_less_than(&self, id: LeaseId, most: u64) -> bool {
        let held = lock(&self.permits).get(&id).map_or(0, HashSet::len);
        u64::try_from(held).is_ok_and(|it| it < most)
    }

    /// Holds it if no more than `most` are held then.
    pub(crate) fn hold_within(&self, id: LeaseId, permit: u64, most: u64) -> bool {
        let mut permits = lock(&self.permits);
        let held = permits.get(&id).map_or(0, HashSet::len);
        let has_room = u64::try_from(held).is_ok_and(|it| it < most);
        if has_room {
            permits.entry(id).or_default().insert(permit);
        }
        has_room
    }

    pub(crate) fn forget(&self, id: LeaseId, permit: u64) {
        let mut permits = lock(&self.permits);
        if let Some(held) = permits.get_mut(&id) {
            held.remove(&permit);
            if held.is_empty() {
                permits.remove(&id);
            }
        }
    }

    /// Gives it back, whether the store knows of it or not.
    pub(crate) fn let_go(&self, id: LeaseId, terms: Terms, permit: u64) {
        self.forget(id, permit);
        self.update(id, terms, Change::Release(self.names.permit(permit)));
    }
}

/// Requests wait for the lock meanwhile.
const EXPIRED_AT_ONCE: usize = 256;

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
