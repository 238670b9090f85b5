//! Slices of budgets that this node has taken from the store, to be spent without asking it.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::Duration;

use super::answer::{AtStore, Wait};
use super::terms::Terms;
use crate::key::Key;

/// Whose slice of which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LeaseId {
    pub(crate) key: Key,
    pub(crate) limit: u64,
}

/// All slices of this node. Bounded: when it is full, keys that are not in it are asked for at the
/// store each time.
#[derive(Debug)]
pub(crate) struct Leases {
    table: HashMap<LeaseId, Lease>,
    capacity: usize,
    lasts: Duration,
    /// How long somebody may take to ask.
    asking: Duration,
    outstanding: u64,
    /// What was not spent in time, and has not gone back yet.
    expired: Vec<(LeaseId, Terms, Slice)>,
    /// When to look at which, the first first: nobody waits while all are looked at.
    due: BinaryHeap<Reverse<Due>>,
}

#[derive(Clone, Copy, Debug)]
struct Due {
    at: Duration,
    id: LeaseId,
}

#[derive(Debug)]
struct Lease {
    terms: Terms,
    slices: VecDeque<Slice>,
    seen: Option<Seen>,
    touched: Duration,
    /// Somebody asks for more; if he is not back by then, somebody else may.
    asking_until: Duration,
    /// When more was spent than was held. What was asked for before then is of no use: the store did
    /// not know of that when it answered.
    overdrawn: Option<Duration>,
    /// When it is looked at next.
    due: Duration,
}

/// Units that the store has counted in the window `mark`, to be spent before `use_by`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) units: u64,
    pub(crate) mark: u64,
    pub(crate) use_by: Duration,
}

/// How the limit stood when the store was last asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) remaining: u64,
    pub(crate) more_at: Duration,
    pub(crate) refused: Option<Refused>,
}

/// What the store had no room for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused {
    /// So much, or more, would be refused again...
    pub(crate) cost: u64,
    /// ...until then: there is no use in asking.
    pub(crate) ask_again: Duration,
    /// When there will be room, as it looks; `None` if never.
    pub(crate) room_at: Option<Duration>,
}

impl Leases {
    pub(crate) fn new(capacity: usize, lasts: Duration, asking: Duration) -> Self {
        let (table, expired, due) = (HashMap::new(), Vec::new(), BinaryHeap::new());
        Self { table, capacity, lasts, asking, outstanding: 0, expired, due }
    }

    pub(crate) const fn outstanding(&self) -> u64 {
        self.outstanding
    }

    /// Whether another slice may be asked for; then nobody else may, until that has an answer.
    pub(crate) fn begin(&mut self, id: LeaseId, terms: Terms, now: Duration) -> bool {
        if !self.has_room_for(id) {
            return false;
        }
        let lease = self.table.entry(id).or_insert_with(|| Lease::new(terms, now));
        let may = lease.asking_until <= now;
        if may {
            lease.asking_until = now + self.asking;
            lease.look(id, now + self.asking, &mut self.due);
        }
        may
    }

    /// There was no answer: somebody else may ask.
    pub(crate) fn give_up(&mut self, id: LeaseId) {
        if let Some(lease) = self.table.get_mut(&id) {
            lease.asking_until = Duration::ZERO;
        }
    }

    fn has_room_for(&self, id: LeaseId) -> bool {
        self.table.len() < self.capacity || self.table.contains_key(&id)
    }

    /// What can be spent now.
    pub(crate) fn units(&self, id: LeaseId, now: Duration) -> u64 {
        let slices = self.table.get(&id).map(|it| it.slices.iter());
        slices.into_iter().flatten().filter(|it| it.use_by > now).map(|it| it.units).sum()
    }

    pub(crate) fn seen(&self, id: LeaseId) -> Option<Seen> {
        self.table.get(&id).and_then(|it| it.seen)
    }

    /// Spends `units`, of which so many must be there. Says from which window they are; where from
    /// several, the newest.
    pub(crate) fn spend(&mut self, id: LeaseId, units: u64, now: Duration) -> Option<u64> {
        if self.units(id, now) < units {
            return None;
        }
        let lease = self.table.get_mut(&id)?;
        let (mut left, mut mark) = (units, 0);
        for slice in lease.slices.iter_mut().filter(|it| it.use_by > now && it.units > 0) {
            let spent = left.min(slice.units);
            slice.units -= spent;
            left -= spent;
            mark = slice.mark;
            if left == 0 {
                break;
            }
        }
        self.outstanding = self.outstanding.saturating_sub(units);
        Some(mark)
    }

    /// As [`unspend`](Self::unspend), but never so much that more than `slice` would be held.
    pub(crate) fn put_back(
        &mut self,
        (id, slice): (LeaseId, u64),
        units: u64,
        mark: u64,
        now: Duration,
    ) -> bool {
        let is_asking = self.table.get(&id).is_none_or(|it| it.asking_until > now);
        let fits = self.units(id, now).saturating_add(units) <= slice;
        !is_asking && fits && self.unspend(id, units, mark, now)
    }

    /// Puts units back that were spent from the window `mark`, unless that slice is over.
    pub(crate) fn unspend(&mut self, id: LeaseId, units: u64, mark: u64, now: Duration) -> bool {
        if units == 0 {
            return true;
        }
        let lease = self.table.get_mut(&id);
        let slice =
            lease.and_then(|it| it.slices.iter_mut().find(|it| it.mark == mark && it.use_by > now));
        let Some(slice) = slice else { return false };
        slice.units = slice.units.saturating_add(units);
        self.outstanding = self.outstanding.saturating_add(units);
        true
    }

    /// Spends `units` that are spent already, `of` that window, if it is a certain one; says how many
    /// are not held. If there are any, nothing is decided by what is held until the store was asked.
    pub(crate) fn charge(
        &mut self,
        id: LeaseId,
        units: u64,
        of: Option<u64>,
        now: Duration,
    ) -> u64 {
        let Some(lease) = self.table.get_mut(&id) else { return units };
        let mut left = units;
        let is_of = |it: &&mut Slice| it.use_by > now && of.is_none_or(|mark| it.mark == mark);
        for slice in lease.slices.iter_mut().filter(is_of) {
            let spent = left.min(slice.units);
            slice.units -= spent;
            left -= spent;
        }
        self.outstanding = self.outstanding.saturating_sub(units - left);
        if left > 0 {
            lease.overdrawn = Some(now);
            // What is of other windows goes back.
            lease.slices.iter_mut().for_each(|it| it.use_by = it.use_by.min(now));
            lease.look(id, now, &mut self.due);
        }
        left
    }

    /// Takes note of what the store said to a question that was put at `asked`.
    pub(crate) fn learn(
        &mut self,
        (id, terms): (LeaseId, Terms),
        need: u64,
        at: &AtStore,
        asked: Duration,
    ) {
        if !self.has_room_for(id) {
            return;
        }
        let until = |wait: Duration| asked + wait.min(LONGEST_REFUSAL);
        let refused = match at.wait {
            Wait::None => None,
            Wait::For(wait) => Some((until(wait), Some(asked + wait))),
            Wait::Forever => Some((until(LONGEST_REFUSAL), None)),
        };
        let refused =
            refused.map(|(ask_again, room_at)| Refused { cost: need, ask_again, room_at });
        let lease = self.table.entry(id).or_insert_with(|| Lease::new(terms, asked));
        lease.terms = terms;
        lease.touched = asked;
        lease.seen = Some(Seen { remaining: at.remaining, more_at: asked + at.reset, refused });
        if at.leased > 0 {
            // Counted from before the store was asked, so it ends before the window does there.
            let lasts = at.window_left.map_or(self.lasts, |it| it.min(self.lasts));
            let is_overdrawn = lease.overdrawn.is_some_and(|it| it >= asked);
            let use_by = if is_overdrawn { asked } else { asked + lasts };
            let slice = Slice { units: at.leased, mark: at.mark, use_by };
            lease.drop_expired(id, asked, &mut self.expired);
            // What comes back to one that is spent goes back to the store.
            lease.slices.retain(|it| it.units > 0);
            lease.slices.push_back(slice);
            self.outstanding = self.outstanding.saturating_add(at.leased);
            lease.look(id, use_by, &mut self.due);
        }
        if let Some(next) = lease.next_due(asked, self.lasts) {
            lease.look(id, next, &mut self.due);
        }
    }

    /// Takes out what was not spent in time, and forgets what is of no more use; looks at no more
    /// than `most`, and says whether these were all.
    pub(crate) fn expire(
        &mut self,
        now: Duration,
        most: usize,
    ) -> (Vec<(LeaseId, Terms, Slice)>, bool) {
        let is_all = (0..most).any(|_| !self.expire_next(now));
        let units: u64 = self.expired.iter().map(|(_, _, it)| it.units).sum();
        self.outstanding = self.outstanding.saturating_sub(units);
        (std::mem::take(&mut self.expired), is_all)
    }

    /// Whether there was one to look at.
    fn expire_next(&mut self, now: Duration) -> bool {
        let next = self.due.peek().map(|it| it.0).filter(|it| it.at <= now);
        let Some(Due { at, id }) = next else { return false };
        self.due.pop();
        // Otherwise it has been looked at sooner.
        if let Some(lease) = self.table.get_mut(&id).filter(|it| it.due == at) {
            lease.drop_expired(id, now, &mut self.expired);
            lease.due = NEVER;
            match lease.next_due(now, self.lasts) {
                Some(next) => lease.look(id, next, &mut self.due),
                None => _ = self.table.remove(&id),
            }
        }
        true
    }

    /// Takes out everything.
    pub(crate) fn drain(&mut self) -> Vec<(LeaseId, Terms, Slice)> {
        let all = std::mem::take(&mut self.table);
        let expired = std::mem::take(&mut self.expired);
        self.due.clear();
        self.outstanding = 0;
        let slices = |(id, lease): (LeaseId, Lease)| {
            let held = lease.slices.into_iter().filter(|it| it.units > 0);
            held.map(move |it| (id, lease.terms, it))
        };
        all.into_iter().flat_map(slices).chain(expired).collect()
    }
}

impl Lease {
    fn new(terms: Terms, now: Duration) -> Self {
        let (slices, asking_until) = (VecDeque::new(), Duration::ZERO);
        let (seen, overdrawn) = (None, None);
        Self { terms, slices, seen, touched: now, asking_until, overdrawn, due: NEVER }
    }

    /// Is to be looked at then, or before.
    fn look(&mut self, id: LeaseId, at: Duration, due: &mut BinaryHeap<Reverse<Due>>) {
        if at < self.due {
            self.due = at;
            due.push(Reverse(Due { at, id }));
        }
    }

    /// When something of it ends; `None` where there is nothing left to end.
    fn next_due(&self, now: Duration, lasts: Duration) -> Option<Duration> {
        let slice = self.slices.iter().map(|it| it.use_by).min();
        let known = self.touched + lasts.max(LONGEST_REFUSAL);
        slice.or(Some(known.max(self.asking_until))).filter(|it| *it > now)
    }

    fn drop_expired(&mut self, id: LeaseId, now: Duration, to: &mut Vec<(LeaseId, Terms, Slice)>) {
        let terms = self.terms;
        self.slices.retain(|it| {
            let is_over = it.use_by <= now;
            if is_over && it.units > 0 {
                to.push((id, terms, *it));
            }
            !is_over
        });
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

// As they are ordered: which of two is looked at first does not matter.
impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Due {}

const NEVER: Duration = Duration::MAX;
/// Others may give back what they do not need; so what was refused is asked for again after this.
const LONGEST_REFUSAL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Limit;

    #[test]
    fn a_slice_is_spent_to_the_last_unit_and_no_further() {
        let mut leases = leases();
        learn(&mut leases, 5, 0);
        for expected in [Some(7), Some(7), None] {
            assert_eq!(leases.spend(id(), 2, secs(1)), expected);
        }
        assert_eq!((leases.units(id(), secs(1)), leases.outstanding()), (1, 1));
    }

    #[test]
    fn what_was_not_spent_in_time_can_only_go_back() {
        let mut leases = leases();
        learn(&mut leases, 5, 0);
        assert_eq!(leases.spend(id(), 1, secs(9)), Some(7));
        assert_eq!(leases.spend(id(), 1, secs(10)), None);
        assert!(!leases.unspend(id(), 1, 7, secs(10)));
        let (expired, is_all) = leases.expire(secs(10), 9);
        let expired: Vec<_> = expired.iter().map(|it| it.2.units).collect();
        assert_eq!((expired, is_all, leases.outstanding()), (vec![4], true, 0));
        assert!(leases.expire(secs(11), 9).0.is_empty());
        assert!(leases.table.is_empty() && leases.due.is_empty(), "nothing is left of it");
    }

    #[test]
    fn so_many_are_looked_at_in_one_step_and_the_first_to_end_first() {
        let mut leases = leases();
        for at in [2, 0, 1] {
            leases.learn((of(at), terms()), 1, &leased(at + 1), secs(at));
        }
        let mut step = |now, most| {
            let (expired, is_all) = leases.expire(secs(now), most);
            (expired.iter().map(|it| it.2.units).collect::<Vec<_>>(), is_all)
        };
        assert_eq!(step(9, 2), (vec![], true));
        assert_eq!(step(11, 1), (vec![1], false));
        assert_eq!(step(11, 2), (vec![2], true));
        assert_eq!(step(12, 2), (vec![3], true));
    }

    #[test]
    fn a_lease_that_is_renewed_is_looked_at_when_its_last_slice_ends() {
        let mut leases = leases();
        learn(&mut leases, 5, 0);
        learn(&mut leases, 3, 5);
        let units = |it: (Vec<(LeaseId, Terms, Slice)>, bool)| {
            it.0.iter().map(|it| it.2.units).collect::<Vec<_>>()
        };
        assert_eq!(units(leases.expire(secs(10), 9)), [5]);
        assert!(units(leases.expire(secs(14), 9)).is_empty());
        assert_eq!(units(leases.expire(secs(15), 9)), [3]);
        assert_eq!(leases.outstanding(), 0);
    }

    #[test]
    fn one_asks_at_a_time_until_there_is_an_answer_or_none_will_come() {
        let mut leases = leases();
        assert!(leases.begin(id(), terms(), secs(0)));
        assert!(!leases.begin(id(), terms(), secs(0)));
        leases.give_up(id());
        assert!(leases.begin(id(), terms(), secs(0)));
        assert!(leases.begin(id(), terms(), secs(1)), "that one is gone");
    }

    #[test]
    fn no_more_comes_back_than_one_slice() {
        let mut leases = leases();
        learn(&mut leases, 5, 0);
        _ = leases.spend(id(), 3, secs(1));
        assert!(leases.put_back((id(), 5), 3, 7, secs(1)));
        assert!(!leases.put_back((id(), 5), 1, 7, secs(1)));
    }

    #[test]
    fn what_was_spent_beyond_what_is_held_ends_it() {
        let mut leases = leases();
        learn(&mut leases, 5, 0);
        assert_eq!(leases.charge(id(), 3, None, secs(1)), 0);
        assert_eq!((leases.units(id(), secs(1)), leases.outstanding()), (2, 2));
        assert_eq!(leases.charge(id(), 1, Some(8), secs(1)), 1, "that is another window");
        assert_eq!(leases.units(id(), secs(1)), 0);
        let goes_back: Vec<_> = leases.expire(secs(1), 9).0.iter().map(|it| it.2.units).collect();
        assert_eq!((goes_back, leases.outstanding()), (vec![2], 0));
    }

    #[test]
    fn what_was_asked_for_before_more_was_spent_than_was_held_goes_back() {
        let mut leases = leases();
        learn(&mut leases, 5, 0);
        assert_eq!(leases.charge(id(), 9, None, secs(2)), 4);
        learn(&mut leases, 5, 1);
        assert_eq!(leases.units(id(), secs(2)), 0);
        assert_eq!(leases.expire(secs(2), 9).0.len(), 1);
        learn(&mut leases, 5, 3);
        assert_eq!(leases.units(id(), secs(3)), 5);
    }

    #[test]
    fn a_full_table_takes_no_new_key() {
        let mut leases = Leases::new(0, secs(10), secs(1));
        assert!(!leases.begin(id(), terms(), secs(0)));
        learn(&mut leases, 5, 0);
        assert_eq!(leases.outstanding(), 0);
    }

    fn leases() -> Leases {
        Leases::new(10, secs(10), secs(1))
    }

    fn learn(leases: &mut Leases, units: u64, at: u64) {
        leases.learn((id(), terms()), 1, &leased(units), secs(at));
    }

    fn leased(leased: u64) -> AtStore {
        AtStore {
            remaining: 0,
            reset: Duration::ZERO,
            wait: Wait::None,
            mark: 7,
            leased,
            window_left: None,
        }
    }

    fn id() -> LeaseId {
        LeaseId { key: Key::of(&["a"]), limit: 1 }
    }

    fn of(limit: u64) -> LeaseId {
        LeaseId { key: Key::of(&["a"]), limit }
    }

    fn terms() -> Terms {
        Terms::of(&Limit::calendar_day("a", 10), secs(1))
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }
}
