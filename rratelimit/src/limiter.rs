//! The memory of what was spent, shared by all threads.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rrcore::Now;
use smallvec::SmallVec;

use crate::capacity::OnCapacity;
use crate::charge::{Charge, Receipt};
use crate::decision::Decision;
use crate::key::Key;
use crate::policy::{Limit, Policy};
use crate::shard::{Place, Shard};
use crate::spent::Spent;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::take::{Copies, Locked, Tally, all, of_known};
use crate::threshold::{Crossed, Crossing, Observer, tell};
use crate::time::Time;

/// Remembers what each [`Key`] has spent, and decides by it.
///
/// Keep one for as long as counts are to last, and give it to every layer that is to share them:
/// a new [`Policy`] with other maxima goes on where the old one was.
///
/// Bounded: at most so many keys. A key of which nothing counts any more makes room for others; a
/// key that still counts is never forgotten. What becomes of keys for which there is no room,
/// [`Limiter::on_capacity`] says: either way they are refused too early rather than too late.
///
/// ```
/// use std::time::Duration;
/// use rratelimit::{Key, Limit, Limiter, Policy};
/// use rrcore::ManualClock;
///
/// let clock = ManualClock::starting_at(Duration::from_secs(1_700_000_000)).clock();
/// let policy = Policy::new([Limit::sliding("perMinute", 2, Duration::from_secs(60))])?;
/// let limiter = Limiter::new();
///
/// let alice = Key::of(&["alice"]);
/// assert!(limiter.check(&policy, alice, clock.now()).is_allowed());
/// assert!(limiter.check(&policy, alice, clock.now()).is_allowed());
/// let refused = limiter.check(&policy, alice, clock.now());
/// assert_eq!(refused.retry_after(), Some(Duration::from_secs(61)));
/// assert!(limiter.check(&policy, Key::of(&["bob"]), clock.now()).is_allowed());
/// # Ok::<_, rratelimit::InvalidPolicy>(())
/// ```
pub struct Limiter {
    // Never empty, and so in two.
    first: Part,
    others: Box<[Part]>,
    max_keys: usize,
    observer: Option<Observer>,
}

// Whoever writes on one part takes no line of the cache from those who use others: two lines, as
// machines fetch them in pairs.
#[repr(align(128))]
struct Part(Mutex<Shard>);

/// What of one limit is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage<'a> {
    /// The limit, with its maximum.
    pub limit: &'a Limit,
    /// What was spent and still counts. Of a token bucket, what has not come back whole.
    pub spent: u64,
    /// When it has room for more than now, if nothing else passes (time since the Unix epoch);
    /// `None` where nothing is spent, and of a concurrency limit, which cannot know.
    pub resets_at: Option<Duration>,
}

impl Limiter {
    /// Remembers up to a million keys.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(1_000_000)
    }

    /// Remembers up to `max_keys` keys: of each, about 90 bytes with one limit, 50 for each limit
    /// where there are several, and up to 1 KiB for each sliding window that it uses all the time.
    /// Takes no memory before keys come.
    #[must_use]
    pub fn with_capacity(max_keys: usize) -> Self {
        let most = (max_keys / KEYS_OF_A_LARGE_SHARD).clamp(SHARDS, MOST_SHARDS);
        let shards = (max_keys / KEYS_OF_A_SMALL_SHARD).clamp(1, most);
        let shard = || Part(Mutex::new(Shard::new(max_keys / shards)));
        let others = (1..shards).map(|_| shard()).collect();
        Self { first: shard(), others, max_keys, observer: None }
    }

    /// Says what becomes of a key for which there is no room; [`OnCapacity::ShareOne`] otherwise.
    #[must_use]
    pub fn on_capacity(mut self, then: OnCapacity) -> Self {
        self.every(|shard| shard.on_capacity = then);
        self
    }

    /// Tells `observer` when a limit passes 80 % and 100 %, on the path of the request that passed
    /// it: count, send or note, but do not wait.
    #[must_use]
    pub fn on_threshold(
        mut self,
        observer: impl Fn(&Crossing<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Counts one request of `key` against all limits of `policy`, or against none.
    ///
    /// Exact however many threads ask at once. `now` is a reading of one and the same clock each
    /// time; a reading that is older than one before it counts as that one.
    pub fn check(&self, policy: &Policy, key: Key, now: Now) -> Decision {
        self.take(&[Charge::one(policy, key)], now)
    }

    /// As [`check`](Self::check), but says neither what is left nor what was taken: for who only
    /// wants to know whether. Not for a policy with a concurrency limit, of which nothing could be
    /// given back.
    #[must_use]
    pub fn admit(&self, policy: &Policy, key: Key, now: Now) -> bool {
        let charge = Charge::one(policy, key);
        let mut crossed = Crossed::new();
        // Outside the lock: who holds one is done sooner.
        let reading = Time::from(now);
        let known = self.with_shard(key, |shard| {
            let time = shard.advance(reading);
            let spent = shard.known(key)?;
            let admits = spent.admit(policy, time, |at, it| crossed.push((0, at, it)));
            if admits {
                shard.changed(key, policy);
            }
            Some(admits)
        });
        let Some(admits) = known else { return self.take(&[charge], now).is_allowed() };
        tell(self.observer.as_ref(), &[charge], &crossed);
        admits
    }

    /// The answer that [`check`](Self::check) would give, without counting the request.
    pub fn peek(&self, policy: &Policy, key: Key, now: Now) -> Decision {
        self.foresee(&[Charge::one(policy, key)], now)
    }

    /// Takes all that is charged, or, when one of the limits has no room for it, nothing.
    ///
    /// Exact over all keys together, however many threads ask at once. What a concurrency limit
    /// counts stays counted until [`release`](Self::release), or the drop of a
    /// [`Permit`](crate::Permit).
    pub fn take(&self, charges: &[Charge<'_>], now: Now) -> Decision {
        let mut tally = Tally::default();
        let admits = self.decide(charges, now, &mut tally);
        tell(self.observer.as_ref(), charges, &tally.crossed);
        tally.decision(admits)
    }

    /// The answer that [`take`](Self::take) would give, without taking anything.
    pub fn foresee(&self, charges: &[Charge<'_>], now: Now) -> Decision {
        let (guards, of) = self.lock_all(charges);
        let mut books = Copies::new(&guards, &of, charges, now);
        drop(guards);
        let mut tally = Tally::default();
        let admits = all(&mut books, charges, &mut tally);
        tally.decision(admits)
    }

    /// Adds to all that is charged, whether there is room or not: what turned out to be spent. A
    /// concurrency limit is left out.
    pub fn add(&self, charges: &[Charge<'_>], now: Now) {
        let reading = Time::from(now);
        for charge in charges {
            let mut crossed = Crossed::new();
            self.with_shard(charge.key, |shard| {
                let time = shard.advance(reading);
                let place = match shard.known(charge.key) {
                    Some(_) => Place::Own,
                    None => {
                        shard.sweep();
                        shard.enter(charge.key, charge.policy)
                    }
                };
                let Some(spent) = shard.spent(place, charge.key) else { return };
                spent.add(charge.policy, charge.cost, time, |at, crossing| {
                    crossed.push((0, at, crossing));
                });
                shard.changed(charge.key, charge.policy);
            });
            tell(self.observer.as_ref(), &[*charge], &crossed);
        }
    }

    /// Puts back all that was taken, each into the window it came from; where that is over, nothing.
    /// What a concurrency limit counts is not put back, but [released](Self::release).
    ///
    /// A receipt is good for one refund: nothing here remembers that it was used.
    pub fn refund(&self, receipt: &Receipt, now: Now) {
        for at in 0..receipt.charges.len() {
            self.settle(receipt, at, 0, now);
        }
    }

    /// The charge at `position` of the receipt turns out to cost `actual`: what was taken in excess
    /// goes back into the window it came from, what is missing is taken of that window, whether
    /// there is room or not; where that is over, nothing. Of a token bucket, what is missing is
    /// taken now.
    ///
    /// A receipt is good for one settlement of each charge: nothing here remembers that it was used.
    pub fn settle(&self, receipt: &Receipt, position: usize, actual: u64, now: Now) {
        let Some((charged, marks)) = receipt.parts().nth(position) else { return };
        let mut crossed = Crossed::new();
        let reading = Time::from(now);
        self.with_shard(charged.key, |shard| {
            let time = shard.advance(reading);
            if actual > charged.cost && shard.charged(charged).is_none() {
                // It held nothing yet, and was forgotten.
                shard.sweep();
                shard.enter(charged.key, &charged.policy);
            }
            let Some(spent) = shard.charged(charged) else { return };
            if actual > charged.cost {
                spent.make_room(&charged.policy, time);
            }
            for (at, (limit, mark)) in charged.policy.limits().iter().zip(marks).enumerate() {
                let Some(counter) = spent.counter_mut(limit) else { continue };
                match actual.checked_sub(charged.cost) {
                    None => counter.refund(charged.cost - actual, *mark, limit, time),
                    Some(0) => {}
                    Some(more) => {
                        counter.charge(more, *mark, limit, time);
                        let crossing = counter.crossing(limit, time);
                        crossed.extend(crossing.map(|it| (0, at, it)));
                    }
                }
            }
            shard.changed(charged.key, &charged.policy);
        });
        let charge = Charge { policy: &charged.policy, key: charged.key, cost: actual };
        tell(self.observer.as_ref(), &[charge], &crossed);
    }

    /// What concurrency limits counted for this receipt has ended. Once for each receipt; a
    /// [`Permit`](crate::Permit) does it when it is dropped.
    pub fn release(&self, receipt: &Receipt) {
        for charged in receipt.charges.iter().filter(|it| it.policy.has_concurrency()) {
            self.with_shard(charged.key, |shard| {
                let Some(spent) = shard.charged(charged) else { return };
                for limit in charged.policy.limits() {
                    if let Some(counter) = spent.counter_mut(limit) {
                        counter.release();
                    }
                }
            });
        }
    }

    /// What `key` has spent of each limit of `policy`, in the order of the policy.
    #[must_use]
    pub fn usage<'a>(&self, policy: &'a Policy, key: Key, now: Now) -> Vec<Usage<'a>> {
        let of = |limit, spent: Option<&Spent>, time: Time| {
            let count = spent.map_or(0, |it| it.count(limit, time));
            let reset = spent.map_or(0, |it| it.left(limit, 0, time).reset);
            let resets_at = now.wall.saturating_add(Duration::from_nanos(reset));
            Usage { limit, spent: count, resets_at: (count > 0 && reset > 0).then_some(resets_at) }
        };
        let reading = Time::from(now);
        self.with_shard(key, |shard| {
            let time = shard.time_at(reading);
            let spent = shard.known(key);
            policy.limits().iter().map(|it| of(it, spent.as_deref(), time)).collect()
        })
    }

    /// How many decisions so far were about keys for which there was no room: what became of those,
    /// [`Limiter::on_capacity`] says. Where it grows, some callers are refused for what others do, and
    /// the limiter should have room for more keys.
    #[must_use]
    pub fn crowded_out(&self) -> u64 {
        self.shards().map(|it| it.crowded_out).sum()
    }

    /// Forgets what `key` has spent of all limits: it starts anew. What it has running is
    /// forgotten, too.
    pub fn forget(&self, key: Key) {
        self.with_shard(key, |shard| shard.leave(key));
    }

    fn decide(&self, charges: &[Charge<'_>], now: Now, tally: &mut Tally) -> bool {
        if let [charge] = charges {
            let at = Time::from(now);
            let known = self.with_shard(charge.key, |shard| of_known(shard, charge, at, tally));
            if let Some(admits) = known {
                tally.close(charge, admits, false);
                return admits;
            }
        }
        self.decide_all(charges, now, tally)
    }

    fn decide_all(&self, charges: &[Charge<'_>], now: Now, tally: &mut Tally) -> bool {
        let (guards, of) = self.lock_all(charges);
        let mut books = Locked::new(guards, &of, charges, now);
        let admits = all(&mut books, charges, tally);
        books.close(charges, admits);
        admits
    }

    /// Locks the shards of all charges, in ascending order, each once; and which is whose.
    fn lock_all(&self, charges: &[Charge<'_>]) -> (Guards<'_>, SmallVec<[usize; 4]>) {
        let wanted: SmallVec<[usize; 4]> = charges.iter().map(|it| self.index(it.key)).collect();
        let mut ascending = wanted.clone();
        ascending.sort_unstable();
        ascending.dedup();
        let guards = ascending.iter().map(|it| self.lock(*it)).collect();
        let of = wanted.iter().map(|it| ascending.binary_search(it).unwrap_or(0)).collect();
        (guards, of)
    }

    #[inline]
    pub(crate) fn with_shard<T>(&self, key: Key, then: impl FnOnce(&mut Shard) -> T) -> T {
        then(&mut self.lock(self.index(key)))
    }

    #[inline]
    fn index(&self, key: Key) -> usize {
        let [high, _] = key.halves();
        let shards = self.others.len() as u64 + 1;
        // Scaled, not divided: as even, and faster.
        (((high >> 32) * shards) >> 32) as usize
    }

    #[inline]
    fn lock(&self, index: usize) -> MutexGuard<'_, Shard> {
        let other = index.checked_sub(1).and_then(|it| self.others.get(it));
        lock(&other.unwrap_or(&self.first).0)
    }

    /// Each part of the table, one at a time.
    pub(crate) fn shards(&self) -> impl Iterator<Item = MutexGuard<'_, Shard>> {
        (0..=self.others.len()).map(|it| self.lock(it))
    }

    pub(crate) fn every(&mut self, mut change: impl FnMut(&mut Shard)) {
        for shard in std::iter::once(&mut self.first).chain(&mut self.others) {
            change(shard.0.get_mut().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("max_keys", &self.max_keys).finish_non_exhaustive()
    }
}

type Guards<'a> = SmallVec<[MutexGuard<'a, Shard>; 2]>;

// So that a full table of a million keys has a load of 0.76: a hash table doubles, and a table of
// as many parts as usual would have doubled just before that.
const SHARDS: usize = 80;
// A larger table has more parts of that size: to make one anew takes as long as it is large.
const KEYS_OF_A_LARGE_SHARD: usize = 12_500;
const MOST_SHARDS: usize = 8_192;
// Fewer, and by chance one part of the table would be full long before the others.
const KEYS_OF_A_SMALL_SHARD: usize = 1_024;
