//! What is in a token bucket, exactly: in fractions of a token, not in rounded times.

use crate::policy::Limit;
use crate::time::{Time, nanos};
use crate::told::Told;

/// What was taken and has not come back: `debt` tokens, and a fraction of one in `per`ths, where
/// `per` is the limit's time in nanoseconds. In each nanosecond, `max` such parts come back.
///
/// As the generic cell rate algorithm, but for what is kept: tokens instead of the time at which
/// they will be back, so that they mean the same under another rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    /// When the debt was what it says (monotonic nanoseconds).
    since: u64,
    debt: u64,
    fraction: u64,
    /// When all will be back, in whole monotonic seconds, rounded up: it only says when this can be
    /// forgotten.
    full: u32,
    told: Told,
}

/// What a limit means for a bucket, in parts of a token.
#[derive(Clone, Copy, Debug)]
struct Terms {
    token: u128,
    per_nano: u128,
    capacity: u128,
}

impl Terms {
    fn of(limit: &Limit) -> Self {
        let token = u128::from(nanos(limit.window().length()).max(1));
        let capacity = token.saturating_mul(limit.capacity().into());
        Self { token, per_nano: limit.max().into(), capacity }
    }

    /// Until so much has come back.
    fn wait(self, parts: u128) -> u64 {
        let wait = parts.div_ceil(self.per_nano.max(1));
        u64::try_from(wait).unwrap_or(u64::MAX - 1)
    }
}

impl Bucket {
    pub(crate) const fn new() -> Self {
        Self { since: 0, debt: 0, fraction: 0, full: 0, told: Told::NOTHING }
    }

    pub(crate) const fn is_over(&self, time: Time) -> bool {
        self.full as u64 <= time.at / SECOND && self.full < u32::MAX
    }

    /// Tokens that were taken and are not wholly back.
    pub(crate) fn count(&self, limit: &Limit, time: Time) -> u64 {
        let terms = Terms::of(limit);
        u64::try_from(self.level(terms, time).div_ceil(terms.token)).unwrap_or(u64::MAX)
    }

    /// Until a token more is back; nothing, where all are.
    pub(crate) fn reset(&self, limit: &Limit, time: Time) -> u64 {
        let terms = Terms::of(limit);
        let level = self.level(terms, time);
        let room = terms.capacity.saturating_sub(level) / terms.token;
        let wanted = terms.capacity.saturating_sub((room + 1).saturating_mul(terms.token));
        terms.wait(level.saturating_sub(wanted))
    }

    /// Until there is room for `cost`; `None` where there is.
    pub(crate) fn wait(&self, cost: u64, limit: &Limit, time: Time) -> Option<u64> {
        let terms = Terms::of(limit);
        let wanted =
            self.level(terms, time).saturating_add(terms.token.saturating_mul(cost.into()));
        let excess = wanted.checked_sub(terms.capacity).filter(|it| *it > 0)?;
        Some(terms.wait(excess))
    }

    /// Takes `cost`; says when.
    pub(crate) fn take(&mut self, cost: u64, limit: &Limit, time: Time) -> u64 {
        let terms = Terms::of(limit);
        let level = self.level(terms, time);
        if level.saturating_mul(2) < terms.capacity {
            self.told = Told::NOTHING;
        }
        self.set(level.saturating_add(terms.token.saturating_mul(cost.into())), terms, time);
        time.at
    }

    /// Puts back what `cost`, which was taken `then`, has not regained by itself.
    ///
    /// Where nothing else has happened since, that is known. Else it is taken to have been the first
    /// to be filled again: what was refunded earlier, or has been taken since, then cannot make this
    /// give back more than is owed.
    pub(crate) fn refund(&mut self, cost: u64, then: u64, limit: &Limit, time: Time) {
        let terms = Terms::of(limit);
        let taken = terms.token.saturating_mul(cost.into());
        let level = self.level(terms, time);
        let regained = terms.per_nano.saturating_mul(time.at.saturating_sub(then).into());
        let back = if self.since == then { taken } else { taken.saturating_sub(regained) };
        self.set(level.saturating_sub(back), terms, time);
    }

    pub(crate) const fn told(&mut self) -> &mut Told {
        &mut self.told
    }

    fn level(&self, terms: Terms, time: Time) -> u128 {
        let then =
            terms.token.saturating_mul(self.debt.into()).saturating_add(self.fraction.into());
        let passed = time.at.saturating_sub(self.since);
        then.saturating_sub(terms.per_nano.saturating_mul(passed.into()))
    }

    fn set(&mut self, level: u128, terms: Terms, time: Time) {
        self.since = time.at;
        self.debt = u64::try_from(level / terms.token).unwrap_or(u64::MAX);
        self.fraction = u64::try_from(level % terms.token).unwrap_or(0);
        let full = time.at.saturating_add(terms.wait(level)).div_ceil(SECOND);
        self.full = u32::try_from(full).unwrap_or(u32::MAX);
    }
}

const SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use rrcore::Now;
    use std::time::Duration;

    #[test]
    fn tokens_come_back_to_the_nanosecond() {
        // Three in seven seconds: nothing that divides.
        let limit = Limit::token_bucket("a", 3, Duration::from_secs(7), 3);
        let mut bucket = Bucket::new();
        bucket.take(3, &limit, at(0));
        for (nanos, room) in [
            (0, 0),
            (2_333_333_333, 0),
            (2_333_333_334, 1),
            (4_666_666_666, 1),
            (4_666_666_667, 2),
            (6_999_999_999, 2),
            (7_000_000_000, 3),
        ] {
            assert_eq!(3 - bucket.count(&limit, at(nanos)), room, "{nanos}");
            let wait = bucket.wait(room + 1, &limit, at(nanos)).unwrap();
            if room < 3 {
                assert_eq!(bucket.wait(room + 1, &limit, at(nanos + wait)), None, "{nanos}");
            }
        }
        assert!(!bucket.is_over(at(6_999_999_999)) && bucket.is_over(at(7_000_000_000)));
    }

    #[test]
    fn a_refund_gives_back_what_time_has_not() {
        let limit = Limit::token_bucket("a", 1, Duration::from_secs(1), 10);
        for (refunded_at, then) in [(0, 0), (4, 0), (5, 0), (6, 0), (9, 0)] {
            // Five, and then five more that are given back: what is left is what the first five
            // would have left.
            let mut bucket = Bucket::new();
            bucket.take(5, &limit, at(0));
            let mark = bucket.take(5, &limit, at(0));
            bucket.refund(5, mark, &limit, at(refunded_at * 1_000_000_000));
            let expected = 5_u64.saturating_sub(refunded_at) + then;
            assert_eq!(bucket.count(&limit, at(refunded_at * 1_000_000_000)), expected);
        }
    }

    #[test]
    fn a_refund_that_comes_late_makes_no_room_for_more_than_a_burst() {
        let limit = Limit::token_bucket("a", 1, Duration::from_secs(1), 10);
        let mut bucket = Bucket::new();
        let marks: Vec<_> = (0..10).map(|_| bucket.take(1, &limit, at(0))).collect();
        let later = at(9_990_000_000);
        bucket.take(9, &limit, later);
        marks.into_iter().for_each(|mark| bucket.refund(1, mark, &limit, later));
        // The nine, and what the ten had not regained, rounded up.
        assert_eq!(bucket.count(&limit, later), 10);
    }

    #[test]
    fn what_was_taken_means_the_same_under_another_rate() {
        let of = |max, burst| Limit::token_bucket("a", max, Duration::from_secs(60), burst);
        let mut bucket = Bucket::new();
        bucket.take(6, &of(600, 10), at(0));
        assert_eq!(bucket.count(&of(60, 10), at(0)), 6);
        assert_eq!(bucket.count(&of(60, 10), at(2_000_000_000)), 4);
        assert_eq!(bucket.wait(1, &of(60, 2), at(2_000_000_000)), Some(3_000_000_000));
    }

    fn at(nanos: u64) -> Time {
        let now = Duration::from_nanos(nanos);
        Time::default().advance(Now { monotonic: now, wall: now })
    }
}
