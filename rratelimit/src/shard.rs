//! A bounded table of keys: what still counts is never thrown out.

use crate::capacity::OnCapacity;
use crate::charge::{Charge, Charged};
use crate::key::Key;
use crate::policy::Policy;
use crate::spent::Spent;
use crate::table::Table;
use crate::time::Time;
use crate::window::Window;

/// Part of a limiter's keys, with the time by which they are counted.
// In this order: the table begins with what every decision reads, and the time is what it writes.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Shard {
    time: Time,
    table: Table,
    capacity: usize,
    pub(crate) on_capacity: OnCapacity,
    /// What those keys have spent together that came when there was no room for their own.
    overflow: Spent,
    /// How often there was none.
    pub(crate) crowded_out: u64,
    /// Counts that have changed since they were last written down; `None` where nobody does.
    pub(crate) dirty: Option<Vec<(Key, u64, bool)>>,
}

/// Where a key's counts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In an entry of its own.
    Own,
    /// In an entry of its own, which has just been made.
    Fresh,
    /// With those of all for whom there was no room.
    Shared,
    /// Nowhere: there was no room, and so is none to be had.
    Nowhere,
}

impl Shard {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            time: Time::default(),
            table: Table::new(),
            capacity,
            on_capacity: OnCapacity::ShareOne,
            overflow: Spent::default(),
            crowded_out: 0,
            dirty: None,
        }
    }

    #[inline]
    pub(crate) const fn advance(&mut self, reading: Time) -> Time {
        self.time = self.time.advance(reading);
        self.time
    }

    /// The time as it would be then.
    pub(crate) const fn time_at(&self, reading: Time) -> Time {
        self.time.advance(reading)
    }

    /// The counts of `key`, if it is known by itself.
    #[inline]
    pub(crate) fn known(&mut self, key: Key) -> Option<&mut Spent> {
        self.table.get_mut(key)
    }

    pub(crate) fn knows(&self, key: Key) -> bool {
        self.table.get(key).is_some()
    }

    /// Makes room for counts of `key` by `policy`, of which there were none.
    pub(crate) fn enter(&mut self, key: Key, policy: &Policy) -> Place {
        let place = self.place(policy, self.time);
        match place {
            Place::Fresh => {
                let spent = self.newcomer(self.time);
                self.table.insert(key, spent);
            }
            Place::Shared | Place::Nowhere => self.crowded_out += 1,
            Place::Own => {}
        }
        place
    }

    /// Forgets a key for which nothing was counted after all.
    pub(crate) fn leave(&mut self, key: Key) {
        self.table.remove(key);
    }

    pub(crate) fn spent(&mut self, place: Place, key: Key) -> Option<&mut Spent> {
        match place {
            Place::Own | Place::Fresh => self.known(key),
            Place::Shared => Some(&mut self.overflow),
            Place::Nowhere => None,
        }
    }

    /// The counts that something was charged to, if they are still there.
    pub(crate) fn charged(&mut self, charged: &Charged) -> Option<&mut Spent> {
        if charged.is_shared { Some(&mut self.overflow) } else { self.known(charged.key) }
    }

    /// A copy of the counts that a charge would be held to.
    pub(crate) fn copy(&self, charge: &Charge<'_>, time: Time) -> (Place, Spent) {
        if let Some(spent) = self.table.get(charge.key) {
            return (Place::Own, spent.clone());
        }
        let place = self.place(charge.policy, time);
        let spent = match place {
            Place::Own | Place::Fresh => self.newcomer(time),
            Place::Shared => self.overflow.clone(),
            Place::Nowhere => Spent::default(),
        };
        (place, spent)
    }

    /// Notes that counts of the wall clock's longer windows have changed.
    #[inline]
    pub(crate) fn changed(&mut self, key: Key, policy: &Policy) {
        if policy.is_durable() && self.dirty.is_some() {
            self.note(key, policy);
        }
    }

    fn note(&mut self, key: Key, policy: &Policy) {
        let Some(spent) = self.table.get_mut(key) else { return };
        let Some(dirty) = &mut self.dirty else { return };
        for limit in policy.limits().iter().filter(|it| it.is_durable()) {
            let calendar = spent.counter_mut(limit).and_then(|it| it.calendar());
            if let Some(calendar) = calendar.filter(|it| !it.is_dirty) {
                calendar.is_dirty = true;
                dirty.push((key, limit.id(), limit.window() == Window::CalendarMonth));
            }
        }
    }

    /// Makes room for counts of `key` that were written down, if there is any.
    pub(crate) fn admit(&mut self, key: Key) -> Place {
        if self.table.len() >= self.capacity {
            return Place::Shared;
        }
        self.sweep();
        self.table.insert(key, Spent::default());
        Place::Fresh
    }

    fn place(&self, policy: &Policy, time: Time) -> Place {
        // What runs must be given back where it was taken: who may have something running with the
        // others stays with them until that has ended.
        let is_full = self.table.len() >= self.capacity;
        match self.on_capacity {
            OnCapacity::ShareOne if is_full || self.overflow.runs(policy, time) => Place::Shared,
            OnCapacity::Refuse if is_full => Place::Nowhere,
            OnCapacity::ShareOne | OnCapacity::Refuse => Place::Fresh,
        }
    }

    // A key that gets an entry now may have spent in the overflow a moment ago. Nobody knows how
    // much of it, so it starts with all: it may be refused too early, never let through too often.
    fn newcomer(&self, time: Time) -> Spent {
        if self.overflow.is_over(time) { Spent::default() } else { self.overflow.settled() }
    }

    /// Throws out some of what is over, for each key that may come in.
    pub(crate) fn sweep(&mut self) {
        // Not only when there is none left: a few slots are looked at each time, and for those who fill
        // the last third, that is all of them.
        let is_short = self.table.len() >= self.capacity - self.capacity / 3;
        self.table.sweep(self.time, is_short);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Limit;
    use rrcore::Now;
    use std::time::Duration;

    #[test]
    fn a_key_that_still_counts_is_never_evicted() {
        let mut shard = Shard::new(1_000);
        for key in 0..1_000 {
            assert!(check(&mut shard, key, 0));
        }
        for key in 0..5_000 {
            assert!(!check(&mut shard, key, 60) || key == 1_000, "{key}");
        }
        assert_eq!(shard.table.len(), 1_000);
    }

    #[test]
    fn newcomers_to_a_full_table_share_one_quota() {
        let mut shard = Shard::new(2);
        let passed = (0..100).filter(|it| check(&mut shard, *it, 0)).count();
        assert_eq!((passed, shard.crowded_out), (3, 98));
    }

    #[test]
    fn leaving_the_overflow_is_no_fresh_start() {
        let mut shard = Shard::new(1);
        assert!(check(&mut shard, 0, 0));
        assert!(check(&mut shard, 1, 30));
        // The first key's entry is over: there is room for the second, whose window is not.
        for _ in 0..10 {
            assert!(!check(&mut shard, 1, 61));
        }
        assert!(check(&mut shard, 1, 91));
        assert!(check(&mut shard, 2, 91) && !check(&mut shard, 2, 91));
    }

    #[test]
    fn keys_that_are_over_make_room_without_being_asked_again() {
        let mut shard = Shard::new(1_000_000);
        for second in 0..10_000 {
            assert!(check(&mut shard, second, second));
        }
        assert!(shard.table.len() < 200, "{}", shard.table.len());
    }

    #[test]
    fn days_that_are_over_make_room_at_midnight_where_it_is_short() {
        let day = Policy::new([Limit::calendar_day("a", 1)]).unwrap();
        let midnight = 86_400;
        let mut shard = Shard::new(1_000);
        (0..1_000).for_each(|key| assert!(check_by(&day, &mut shard, key, midnight - 9)));
        assert!(check_by(&day, &mut shard, 1_000, midnight - 9), "one for all others");
        assert!(!check_by(&day, &mut shard, 1_001, midnight - 1));
        // For each a few slots are looked at, and where keys lie is left to chance: the first may
        // come by none that is taken.
        let refused = (0..1_000).filter(|key| !check_by(&day, &mut shard, 2_000 + key, midnight));
        assert!(refused.count() < 10);
        assert!((2..12).contains(&shard.crowded_out), "{}", shard.crowded_out);
    }

    #[test]
    fn days_that_are_over_stay_for_a_while_where_there_is_room() {
        let day = Policy::new([Limit::calendar_day("a", 1)]).unwrap();
        let mut shard = Shard::new(1_000_000);
        (0..1_000).for_each(|key| assert!(check_by(&day, &mut shard, key, 86_399)));
        (1_000..2_000).for_each(|key| assert!(check_by(&day, &mut shard, key, 86_400)));
        assert_eq!(shard.table.len(), 2_000, "the clock may go back");
    }

    #[test]
    fn a_table_whose_keys_come_and_go_stays_as_large_as_it_was() {
        let mut shard = Shard::new(12_500);
        // A window holds 12 000 of them at any time.
        let second = |key: u64| key * 61 / 12_000;
        (0..12_500).for_each(|key| _ = check(&mut shard, key, second(key)));
        let before = shard.table.slots();
        (12_500..60_000).for_each(|key| _ = check(&mut shard, key, second(key)));
        assert!(shard.table.len() > 10_000, "{}", shard.table.len());
        assert_eq!((shard.table.slots(), before), (16_384, 16_384));
    }

    #[test]
    fn a_refused_newcomer_leaves_nothing_behind() {
        let mut shard = Shard::new(10);
        let nothing = Policy::new([Limit::calendar_day("a", 0)]).unwrap();
        assert!(!check_by(&nothing, &mut shard, 0, 0));
        assert_eq!(shard.table.len(), 0);
    }

    #[test]
    fn all_that_a_decision_reads_of_it_fits_on_a_line_of_the_cache_with_the_lock() {
        assert_eq!(std::mem::offset_of!(Shard, capacity) - size_of::<usize>(), 56);
    }

    fn check(shard: &mut Shard, key: u64, second: u64) -> bool {
        check_by(&policy(), shard, key, second)
    }

    fn check_by(policy: &Policy, shard: &mut Shard, key: u64, second: u64) -> bool {
        let key = Key::of(&[&key.to_string()]);
        let time = shard.advance(now(second));
        let is_known = shard.known(key).is_some();
        if !is_known {
            shard.sweep();
        }
        let place = if is_known { Place::Own } else { shard.enter(key, policy) };
        let spent = shard.spent(place, key).unwrap();
        let admits = spent.admits(policy, 1, time);
        if admits {
            spent.take(policy, 1, time, |_, _, _, _| {});
        } else if place == Place::Fresh {
            shard.leave(key);
        }
        admits
    }

    fn policy() -> Policy {
        Policy::new([Limit::sliding("a", 1, Duration::from_secs(60))]).unwrap()
    }

    fn now(second: u64) -> Time {
        let now = Duration::from_secs(second);
        Now { monotonic: now, wall: now }.into()
    }
}
