//! What a sliding window has let pass, in sixtieths of the window.

use std::collections::VecDeque;

use crate::policy::{BUCKETS, Limit};
use crate::time::Time;
use crate::told::Told;

/// Small while little has passed: most callers come seldom.
#[derive(Clone, Debug)]
pub(crate) enum Sliding {
    Few(Few),
    // A kilobyte at the most.
    Many(Box<Many>),
}

/// What was taken in one sixtieth of a window, until `ends` (monotonic nanoseconds).
///
/// The oldest that a window overlaps is counted whole, so a bucket ends 61 sixtieths after it
/// began: then all in it is a whole window old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    ends: u64,
    count: u64,
}

/// Up to five buckets in 40 bytes, newest first. Those that hold nothing are not there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Few {
    ends: u64,
    counts: [u32; FEW],
    // How many sixtieths before the newest each ends.
    ages: [u8; FEW],
    told: Told,
    #[expect(dead_code, reason = "for its niche")]
    kind: Kind,
}

/// A byte with one value: the others tell the enums around this which of their variants they are,
/// which so costs them no word of their own.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
enum Kind {
    Few,
}

/// Oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Many {
    // Of all, also of those that are over and have not been taken out.
    total: u128,
    buckets: VecDeque<Bucket>,
    told: Told,
    // To age what was told.
    told_at: u64,
}

impl Sliding {
    pub(crate) const fn new() -> Self {
        let (counts, ages) = ([0; FEW], [0; FEW]);
        Self::Few(Few { ends: 0, counts, ages, told: Told::NOTHING, kind: Kind::Few })
    }

    #[inline]
    pub(crate) fn count(&self, limit: &Limit, time: Time) -> u64 {
        match self {
            Self::Few(few) => few.count(limit, time),
            Self::Many(many) => {
                if is_now(many.newest(), limit, time) {
                    return u64::try_from(many.total).unwrap_or(u64::MAX);
                }
                let over = many.buckets.iter().take_while(|it| it.ends <= time.at);
                let over = over.map(|it| u128::from(it.count)).sum();
                u64::try_from(many.total.saturating_sub(over)).unwrap_or(u64::MAX)
            }
        }
    }

    pub(crate) fn is_over(&self, time: Time) -> bool {
        self.newest() <= time.at
    }

    /// When the newest bucket ends.
    pub(crate) fn newest(&self) -> u64 {
        match self {
            Self::Few(few) => few.ends,
            Self::Many(many) => many.newest(),
        }
    }

    /// How long until no more than `level` of the `count` that there is counts, if nothing more is
    /// taken.
    pub(crate) fn falls_to(&self, level: u64, count: u64, limit: &Limit, time: Time) -> u64 {
        match self {
            Self::Few(few) => few.falls_to(level, count, limit, time),
            Self::Many(many) => {
                let live = many.buckets.iter().filter(|it| it.ends > time.at);
                wait(live.copied(), level, count, time)
            }
        }
    }

    /// Counts one more, if there is room for it; says what counts then.
    #[inline]
    pub(crate) fn take_one(&mut self, limit: &Limit, time: Time) -> Option<u64> {
        let Self::Few(few) = self else { return self.take_one_of_many(limit, time) };
        let newest = if is_now(few.ends, limit, time) { few.newest() } else { None };
        let Some(newest) = newest.and_then(|it| it.checked_add(1)) else {
            return self.take_one_of_many(limit, time);
        };
        let count = few.sum();
        if count >= limit.max() {
            return None;
        }
        let [first, ..] = &mut few.counts;
        *first = newest;
        Some(count + 1)
    }

    #[inline(never)]
    fn take_one_of_many(&mut self, limit: &Limit, time: Time) -> Option<u64> {
        let more = self.count(limit, time).checked_add(1).filter(|it| *it <= limit.max())?;
        self.take(1, limit, time);
        Some(more)
    }

    /// Counts `cost` more now; says in which bucket.
    #[inline]
    pub(crate) fn take(&mut self, cost: u64, limit: &Limit, time: Time) -> u64 {
        let (ends, newest) = match self {
            Self::Few(few) => (few.ends, few.newest()),
            Self::Many(many) => (many.newest(), None),
        };
        if !is_now(ends, limit, time) {
            let ends = bucket_end(limit, time);
            self.put(cost, ends, limit, time);
            return ends;
        }
        let sum = newest.zip(u32::try_from(cost).ok());
        match (self, sum.and_then(|(count, cost)| count.checked_add(cost))) {
            (Self::Few(Few { counts: [first, ..], .. }), Some(sum)) => *first = sum,
            (it, _) => it.put(cost, ends, limit, time),
        }
        ends
    }

    /// Counts `cost` more in the bucket that `ends` then, if it still counts.
    pub(crate) fn put(&mut self, cost: u64, ends: u64, limit: &Limit, time: Time) {
        if cost == 0 || ends <= time.at {
            return;
        }
        let few = match self {
            Self::Many(many) => return many.put(cost, ends, limit, time),
            Self::Few(few) => few,
        };
        if !few.put(cost, ends, limit) {
            let mut many = few.grown(limit, time);
            many.put(cost, ends, limit, time);
            *self = Self::Many(Box::new(many));
        }
    }

    /// Puts `cost` back into the bucket that `ends` then, if it still counts.
    pub(crate) fn refund(&mut self, cost: u64, ends: u64, limit: &Limit) {
        match self {
            Self::Few(few) => {
                let Some(age) = few.ends.checked_sub(ends) else { return };
                let age = age / limit.width();
                let buckets = few.counts.iter_mut().zip(few.ages);
                for (count, _) in buckets.filter(|(_, it)| u64::from(*it) == age) {
                    *count = count.saturating_sub(cost.try_into().unwrap_or(u32::MAX));
                }
            }
            Self::Many(many) => {
                if let Some(it) = many.buckets.iter_mut().find(|it| it.ends == ends) {
                    let back = cost.min(it.count);
                    it.count -= back;
                    many.total = many.total.saturating_sub(back.into());
                }
            }
        }
    }

    pub(crate) const fn told(&mut self) -> &mut Told {
        match self {
            Self::Few(few) => &mut few.told,
            Self::Many(many) => &mut many.told,
        }
    }
}

impl Few {
    fn buckets(&self, limit: &Limit) -> impl DoubleEndedIterator<Item = Bucket> {
        let width = limit.width();
        self.counts.iter().zip(&self.ages).map(move |(count, age)| Bucket {
            ends: self.ends.saturating_sub(width.saturating_mul(u64::from(*age))),
            count: u64::from(*count),
        })
    }

    #[inline]
    fn count(&self, limit: &Limit, time: Time) -> u64 {
        if is_now(self.ends, limit, time) {
            return self.sum();
        }
        // What ends sooner than this before the newest is over.
        let Some(left) = self.ends.checked_sub(time.at) else { return 0 };
        let is_live = |age: u8| limit.width().saturating_mul(age.into()) < left;
        let counts = self.counts.into_iter().zip(self.ages);
        counts.map(|(count, age)| if is_live(age) { u64::from(count) } else { 0 }).sum()
    }

    /// The count of the bucket that `ends` as this does, if it is there.
    #[inline]
    const fn newest(&self) -> Option<u32> {
        let ([age, ..], [count, ..]) = (self.ages, self.counts);
        if age == 0 { Some(count) } else { None }
    }

    #[inline]
    fn sum(&self) -> u64 {
        self.counts.iter().map(|it| u64::from(*it)).sum()
    }

    fn falls_to(&self, level: u64, mut left: u64, limit: &Limit, time: Time) -> u64 {
        let mut wait = 0;
        for (count, age) in self.counts.iter().zip(&self.ages).rev() {
            let aged = limit.width().saturating_mul(u64::from(*age));
            let lasts = self.ends.saturating_sub(time.at).saturating_sub(aged);
            if *count == 0 || lasts == 0 {
                continue;
            }
            if left <= level {
                break;
            }
            left = left.saturating_sub(u64::from(*count));
            wait = lasts;
        }
        wait
    }

    /// Oldest first.
    fn live(&self, limit: &Limit, time: Time) -> impl Iterator<Item = Bucket> {
        self.buckets(limit).rev().filter(move |it| it.ends > time.at && it.count > 0)
    }

    /// Whether it had room for it.
    fn put(&mut self, cost: u64, ends: u64, limit: &Limit) -> bool {
        let Ok(cost) = u32::try_from(cost) else { return false };
        if ends == self.ends && self.ages[0] == 0 {
            let sum = self.counts[0].checked_add(cost);
            self.counts[0] = sum.unwrap_or(self.counts[0]);
            return sum.is_some();
        }
        let width = limit.width();
        let passed = ends.saturating_sub(self.ends) / width;
        let age = self.ends.saturating_sub(ends) / width;
        let mut new = Self { ends: ends.max(self.ends), ..*self };
        (new.counts, new.ages) = ([0; FEW], [0; FEW]);
        new.told.age(passed, BUCKETS);
        let mut at = 0;
        let mut push = |count: u32, age: u64| {
            let room = new.counts.get_mut(at).zip(new.ages.get_mut(at)).zip(u8::try_from(age).ok());
            at += 1;
            room.map(|((to, aged), age)| (*to, *aged) = (count, age)).is_some()
        };
        let mut owed = Some(cost);
        for (count, its) in self.counts.into_iter().zip(self.ages) {
            let its = u64::from(its).saturating_add(passed);
            if count == 0 || its > BUCKETS {
                continue;
            }
            let fits = match owed {
                Some(cost) if its == age => {
                    owed = None;
                    cost.checked_add(count).is_some_and(|it| push(it, its))
                }
                Some(cost) if its > age => {
                    owed = None;
                    push(cost, age) && push(count, its)
                }
                Some(_) | None => push(count, its),
            };
            if !fits {
                return false;
            }
        }
        if owed.is_some_and(|it| !push(it, age)) {
            return false;
        }
        *self = new;
        true
    }

    fn grown(&self, limit: &Limit, time: Time) -> Many {
        let buckets: VecDeque<_> = self.live(limit, time).collect();
        let total = buckets.iter().map(|it| u128::from(it.count)).sum();
        Many { total, buckets, told: self.told, told_at: self.ends }
    }
}

impl Many {
    fn newest(&self) -> u64 {
        self.buckets.back().map_or(0, |it| it.ends)
    }

    fn put(&mut self, cost: u64, ends: u64, limit: &Limit, time: Time) {
        while self.buckets.front().is_some_and(|it| it.ends <= time.at) {
            let over = self.buckets.pop_front().map_or(0, |it| it.count);
            self.total = self.total.saturating_sub(over.into());
        }
        if ends > self.told_at {
            self.told.age((ends - self.told_at) / limit.width(), BUCKETS);
            self.told_at = ends;
        }
        self.total = self.total.saturating_add(cost.into());
        // Nearly always the newest, or newer.
        let after = self.buckets.iter().rev().take_while(|it| it.ends > ends).count();
        let at = self.buckets.len() - after;
        match at.checked_sub(1).and_then(|it| self.buckets.get_mut(it)) {
            Some(it) if it.ends == ends => it.count = it.count.saturating_add(cost),
            Some(_) | None => self.buckets.insert(at, Bucket { ends, count: cost }),
        }
    }
}

fn wait(live: impl Iterator<Item = Bucket>, level: u64, count: u64, time: Time) -> u64 {
    let (mut left, mut wait) = (count, 0);
    for it in live {
        if left <= level {
            break;
        }
        left = left.saturating_sub(it.count);
        wait = it.ends - time.at;
    }
    wait
}

/// Whether the newest bucket, which `ends` then, is that of `time`: nearly always, and then nothing
/// else that is there is over, as nothing was when that bucket began. Spares a division.
#[inline]
const fn is_now(ends: u64, limit: &Limit, time: Time) -> bool {
    let width = limit.width();
    // From the beginning of a bucket to its end there are 61 sixtieths.
    ends.wrapping_sub(time.at).wrapping_sub(width.wrapping_mul(BUCKETS) + 1) < width
}

fn bucket_end(limit: &Limit, time: Time) -> u64 {
    let width = limit.width();
    (time.at / width).saturating_add(BUCKETS + 1).saturating_mul(width)
}

const FEW: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use rrcore::Now;
    use std::time::Duration;

    #[test]
    fn what_was_taken_counts_for_a_window_and_the_rest_of_its_bucket() {
        let limit = minute();
        for (taken_ms, asked_ms, expected) in [
            (0, 59_999, 1),
            (0, 60_999, 1),
            (0, 61_000, 0),
            (999, 60_999, 1),
            (999, 61_000, 0),
            (1_000, 61_999, 1),
            (1_000, 62_000, 0),
        ] {
            let mut counts = Sliding::new();
            counts.take(1, &limit, at(taken_ms));
            assert_eq!(counts.count(&limit, at(asked_ms)), expected, "{taken_ms} {asked_ms}");
        }
    }

    #[test]
    fn it_falls_bucket_by_bucket() {
        let mut counts = Sliding::new();
        for second in [0, 0, 10] {
            counts.take(1, &minute(), at(second * 1_000));
        }
        for (level, expected) in [(3, 0), (2, 41), (1, 41), (0, 51)] {
            let wait = counts.falls_to(level, 3, &minute(), at(20_000));
            assert_eq!(wait, expected * 1_000_000_000, "to {level}");
        }
    }

    #[test]
    fn few_and_many_buckets_count_the_same() {
        let limit = minute();
        let (mut counts, mut naive) = (Sliding::new(), Vec::new());
        for step in 0..2_000_u64 {
            let now = at(step * step % 7_919 / 40 + step * 331);
            let end = counts.take(step % 5, &limit, now);
            naive.push((end, step % 5));
            if step % 3 == 0 {
                let (end, cost) = &mut naive[(step / 2) as usize];
                counts.refund(1.min(*cost), *end, &limit);
                *cost -= 1.min(*cost);
            }
            if step % 200 == 0 {
                counts = Sliding::new();
                naive.clear();
                naive.resize(step as usize + 1, (0, 0));
            }
            let live = naive.iter().filter(|it| it.0 > now.at);
            let expected: u64 = live.map(|it| it.1).sum();
            assert_eq!(counts.count(&limit, now), expected, "step {step}");
        }
    }

    #[test]
    fn a_bucket_is_kept_for_what_it_holds_and_no_longer() {
        let mut counts = Sliding::new();
        for second in 0..1_000 {
            counts.take(2, &minute(), at(second * 1_000));
        }
        let Sliding::Many(many) = &counts else { panic!("{counts:?}") };
        assert_eq!((many.buckets.len(), many.total), (61, 122));
        assert!(many.buckets.capacity() <= 80, "{}", many.buckets.capacity());
    }

    fn minute() -> Limit {
        Limit::sliding("a", u64::MAX, Duration::from_secs(60))
    }

    fn at(millis: u64) -> Time {
        let now = Duration::from_millis(millis);
        Time::from(Now { monotonic: now, wall: now })
    }
}
