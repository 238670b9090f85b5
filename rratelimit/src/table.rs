//! The table of keys. It grows without making anybody wait for the whole of it.

use hashbrown::HashTable;

use crate::key::Key;
use crate::spent::Spent;
use crate::time::Time;

/// What is known of each key.
// In this order: what every decision reads comes first, and lies on one line of the cache with the
// lock.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Table {
    keys: HashTable<Entry>,
    leaving: Option<Box<Leaving>>,
    swept: usize,
}

/// A table that had no room left, and what has not been taken over from it yet: some with each key
/// that comes.
#[derive(Debug)]
struct Leaving {
    keys: HashTable<Entry>,
    next: usize,
}

// On a line of the cache, and not on two.
#[derive(Debug)]
#[repr(align(64))]
struct Entry {
    key: Key,
    spent: Spent,
}

impl Table {
    pub(crate) const fn new() -> Self {
        Self { keys: HashTable::new(), leaving: None, swept: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len() + self.leaving.as_ref().map_or(0, |it| it.keys.len())
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Spent> {
        let is_it = |it: &Entry| it.key == key;
        let entry = match self.keys.find_mut(hash(key), is_it) {
            Some(entry) => entry,
            None => self.leaving.as_mut()?.keys.find_mut(hash(key), is_it)?,
        };
        Some(&mut entry.spent)
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Spent> {
        let is_it = |it: &Entry| it.key == key;
        let entry = match self.keys.find(hash(key), is_it) {
            Some(entry) => entry,
            None => self.leaving.as_ref()?.keys.find(hash(key), is_it)?,
        };
        Some(&entry.spent)
    }

    /// Puts in a key that is not there yet.
    pub(crate) fn insert(&mut self, key: Key, spent: Spent) {
        if self.keys.len() == self.keys.capacity() {
            self.outgrow();
        }
        self.put(Entry { key, spent });
    }

    pub(crate) fn remove(&mut self, key: Key) {
        let leaving = self.leaving.as_mut().map(|it| &mut it.keys);
        for keys in std::iter::once(&mut self.keys).chain(leaving) {
            if let Ok(entry) = keys.find_entry(hash(key), |it| it.key == key) {
                entry.remove();
            }
        }
    }

    /// Looks at a few slots for each key that may come in, and throws out what is over at `time`: so
    /// it goes as fast as keys come, and nobody waits for a whole table. Where room `is_short`, more
    /// may go.
    pub(crate) fn sweep(&mut self, time: Time, is_short: bool) {
        if self.leaving.is_some() {
            return self.take_over(SLOTS_TAKEN_OVER, time, is_short);
        }
        for _ in 0..SWEPT_PER_NEWCOMER {
            self.swept = self.swept.checked_rem(self.keys.num_buckets()).unwrap_or(0);
            if let Ok(entry) = self.keys.get_bucket_entry(self.swept) {
                if entry.get().spent.may_go(time, is_short) {
                    entry.remove();
                }
            }
            self.swept += 1;
        }
    }

    fn put(&mut self, entry: Entry) {
        self.keys.insert_unique(hash(entry.key), entry, |it| hash(it.key));
    }

    // A table that has no room left is made anew, and what is in it taken over little by little: all
    // at once would take milliseconds. Keys that leave a table leave traces, which use up its room,
    // too: then it stays as large as it was, unless that would be too small again soon.
    #[cold]
    fn outgrow(&mut self) {
        // Long done, but for a table that is left faster than it is entered.
        self.take_over(usize::MAX, Time::default(), false);
        let (len, full) = (self.keys.len(), self.keys.num_buckets() / 8 * 7);
        if self.keys.len() < self.keys.capacity() || full <= SLOTS_TAKEN_OVER {
            return;
        }
        let most = if len <= full / 8 * 7 { full } else { full + 1 };
        let keys = std::mem::replace(&mut self.keys, HashTable::with_capacity(most));
        self.leaving = Some(Box::new(Leaving { keys, next: 0 }));
    }

    /// Takes over what is in so many slots more, and is not over at `time`.
    fn take_over(&mut self, slots: usize, time: Time, is_short: bool) {
        let Some(mut leaving) = self.leaving.take() else { return };
        let all = leaving.keys.num_buckets();
        let until = leaving.next.saturating_add(slots).min(all);
        for slot in leaving.next..until {
            let Ok(entry) = leaving.keys.get_bucket_entry(slot) else { continue };
            let (entry, _) = entry.remove();
            if !entry.spent.may_go(time, is_short) {
                self.put(entry);
            }
        }
        leaving.next = until;
        self.leaving = (until < all).then_some(leaving);
    }

    #[cfg(test)]
    pub(crate) fn slots(&self) -> usize {
        self.keys.num_buckets()
    }
}

// Of the half of the key that is known first: a table can be searched before the other is. Its
// highest bits chose the shard, so they are to be where the table looks last.
const fn hash(key: Key) -> u64 {
    let [first, _] = key.halves();
    first.rotate_left(32)
}

const SWEPT_PER_NEWCOMER: usize = 8;
// Some ten microseconds' worth. A table is taken over long before the next has no room; and soon, as
// until then both are there, and all parts of a limiter's table grow at about the same time.
const SLOTS_TAKEN_OVER: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Limit, Policy};
    use rrcore::Now;
    use std::time::Duration;

    #[test]
    fn a_table_that_grows_loses_nothing_and_has_nothing_twice() {
        let (mut table, policy) = (Table::new(), policy());
        for known in 0..20_000 {
            table.sweep(at(0), false);
            assert!(table.get_mut(key(known)).is_none());
            table.insert(key(known), Spent::default());
            table.get_mut(key(known)).unwrap().add(&policy, known + 1, at(0), |_, _| {});
            // One that has been there for long, one that came a while ago, and the last.
            for asked in [known / 2, known - known / 100, known] {
                let spent = table.get(key(asked)).unwrap();
                assert_eq!(spent.count(&policy.limits()[0], at(0)), asked + 1, "{known}");
            }
            assert_eq!(table.len() as u64, known + 1);
        }
        for gone in 0..20_000 {
            table.remove(key(gone));
            assert!(table.get(key(gone)).is_none());
        }
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn nobody_who_comes_waits_for_more_than_a_few_to_be_taken_over() {
        let mut table = Table::new();
        let (mut before, mut moves) = (0, 0);
        for known in 0..20_000 {
            let leaving = |it: &Table| it.leaving.as_ref().map_or(0, |it| it.keys.len());
            table.sweep(at(0), false);
            assert!(before - leaving(&table).min(before) <= SLOTS_TAKEN_OVER, "{known}");
            let slots = table.slots();
            table.insert(key(known), Spent::default());
            // A new key makes a table that is large already neither copy itself nor end a copying.
            assert!(
                slots <= SLOTS_TAKEN_OVER
                    || leaving(&table) >= before - before.min(SLOTS_TAKEN_OVER)
            );
            moves += usize::from(table.slots() != slots);
            before = leaving(&table);
            table.get_mut(key(known)).unwrap().add(&policy(), 1, at(0), |_, _| {});
        }
        assert!(moves > 8, "{moves}");
    }

    #[test]
    fn what_is_over_is_not_taken_over() {
        let mut table = Table::new();
        for known in 0..225 {
            table.insert(key(known), Spent::default());
            table.get_mut(key(known)).unwrap().add(&policy(), 1, at(0), |_, _| {});
        }
        assert!(table.leaving.is_some());
        (0..2).for_each(|_| table.sweep(at(61), false));
        assert!(table.leaving.is_none());
        assert_eq!(table.len(), 1, "the last came into the new table");
    }

    #[test]
    fn a_key_with_one_limit_costs_a_line_of_the_cache() {
        assert_eq!(size_of::<Entry>(), 64);
    }

    fn key(which: u64) -> Key {
        Key::of_bytes([which.to_le_bytes().as_slice()])
    }

    fn policy() -> Policy {
        Policy::new([Limit::sliding("a", u64::MAX, Duration::from_secs(60))]).unwrap()
    }

    fn at(second: u64) -> Time {
        let now = Duration::from_secs(second);
        Time::from(Now { monotonic: now, wall: now })
    }
}
