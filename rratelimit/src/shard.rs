//! A bounded table of keys: what still counts is never thrown out.

use hashbrown::HashTable;
use rrcore::Now;

use crate::decision::Decision;
use crate::key::Key;
use crate::policy::Policy;
use crate::spent::Spent;
use crate::time::Time;

/// Part of a limiter's keys, with the time by which they are counted.
#[derive(Debug)]
pub(crate) struct Shard {
    keys: HashTable<Entry>,
    capacity: usize,
    /// What those keys have spent together that came when there was no room for their own.
    overflow: Spent,
    swept: usize,
    time: Time,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    spent: Spent,
}

impl Shard {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            keys: HashTable::new(),
            capacity,
            overflow: Spent::default(),
            swept: 0,
            time: Time::default(),
        }
    }

    pub(crate) fn check(&mut self, policy: &Policy, key: Key, now: Now) -> Decision {
        self.time = self.time.advance(now);
        if let Some(entry) = self.keys.find_mut(hash(key), |it| it.key == key) {
            return entry.spent.decide(policy, self.time);
        }
        self.sweep();
        if self.keys.len() >= self.capacity {
            return self.overflow.decide(policy, self.time);
        }
        let mut spent = self.newcomer(self.time);
        let decision = spent.decide(policy, self.time);
        if decision.is_allowed() {
            self.keys.insert_unique(hash(key), Entry { key, spent }, |it| hash(it.key));
        }
        decision
    }

    pub(crate) fn peek(&self, policy: &Policy, key: Key, now: Now) -> Decision {
        let time = self.time.advance(now);
        let known = self.keys.find(hash(key), |it| it.key == key);
        let mut spent = known.map_or_else(|| self.newcomer(time), |it| it.spent.clone());
        spent.decide(policy, time)
    }

    // A key that gets an entry now may have spent in the overflow a moment ago. Nobody knows how
    // much of it, so it starts with all: it may be refused too early, never let through too often.
    fn newcomer(&self, time: Time) -> Spent {
        if self.overflow.is_over(time) { Spent::default() } else { self.overflow.clone() }
    }

    // A few slots for each key that may come in: so what is over goes as fast as keys come, and
    // nobody waits for a whole table.
    fn sweep(&mut self) {
        for _ in 0..SWEPT_PER_NEWCOMER {
            self.swept = self.swept.checked_rem(self.keys.num_buckets()).unwrap_or(0);
            if let Ok(entry) = self.keys.get_bucket_entry(self.swept) {
                if entry.get().spent.is_over(self.time) {
                    entry.remove();
                }
            }
            self.swept += 1;
        }
    }
}

// The other half of the key chose the shard.
const fn hash(key: Key) -> u64 {
    let [_, low] = key.halves();
    low
}

const SWEPT_PER_NEWCOMER: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Limit;
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
        assert_eq!(shard.keys.len(), 1_000);
    }

    #[test]
    fn newcomers_to_a_full_table_share_one_quota() {
        let mut shard = Shard::new(2);
        let passed = (0..100).filter(|it| check(&mut shard, *it, 0)).count();
        assert_eq!(passed, 3);
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
        assert!(shard.keys.len() < 200, "{}", shard.keys.len());
    }

    #[test]
    fn a_refused_newcomer_leaves_nothing_behind() {
        let mut shard = Shard::new(10);
        let nothing = Policy::new([Limit::calendar_day("a", 0)]).unwrap();
        assert!(!shard.check(&nothing, Key::of(&["a"]), now(0)).is_allowed());
        assert_eq!(shard.keys.len(), 0);
    }

    #[test]
    fn looking_consumes_nothing_in_the_table_or_beside_it() {
        let mut shard = Shard::new(1);
        assert!(check(&mut shard, 0, 0));
        for key in 0..3 {
            let name = Key::of(&[&key.to_string()]);
            let foreseen: Vec<_> =
                (0..3).map(|_| shard.peek(&policy(), name, now(1)).is_allowed()).collect();
            assert_eq!(foreseen, [check(&mut shard, key, 1); 3], "{key}");
        }
    }

    #[test]
    fn a_key_costs_32_bytes_and_what_it_has_spent() {
        assert_eq!(size_of::<Entry>(), 32);
    }

    fn check(shard: &mut Shard, key: u64, second: u64) -> bool {
        shard.check(&policy(), Key::of(&[&key.to_string()]), now(second)).is_allowed()
    }

    fn policy() -> Policy {
        Policy::new([Limit::sliding("a", 1, Duration::from_secs(60))]).unwrap()
    }

    fn now(second: u64) -> Now {
        let now = Duration::from_secs(second);
        Now { monotonic: now, wall: now }
    }
}
