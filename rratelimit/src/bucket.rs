//! What is in a token bucket, exactly: in fractions of a token, not in rounded times.

use crate::policy::Limit;
use crate::threshold::Threshold;
use crate::time::Time;
use crate::told::Told;

/// What was taken and has not come back, in parts of a token: each has as many as the limit's time
/// has nanoseconds. In each nanosecond, `max` such parts come back.
///
/// As the generic cell rate algorithm, but for what is kept: parts of tokens instead of the time at
/// which they will be back, so that they mean the same under another rate. A limit of another time
/// is another limit, with a bucket of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    /// When the debt was what it says (monotonic nanoseconds).
    since: u64,
    // The high half of the parts, and the low one: a number of 128 bits would want 16 bytes' room.
    debt: [u64; 2],
    /// When all will be back, in whole monotonic seconds, rounded up: it only says when this can be
    /// forgotten.
    full: u32,
    told: Told,
}

/// What a limit means for a bucket, in parts of a token.
#[derive(Clone, Copy, Debug)]
struct Terms {
    token: u64,
    per_nano: u64,
    capacity: u128,
}

impl Terms {
    fn of(limit: &Limit) -> Self {
        let token = limit.length().max(1);
        Self { token, per_nano: limit.max(), capacity: times(token, limit.capacity()) }
    }

    /// The most that is owed: what an answer costs may be any number, and nobody is to be refused until
    /// long after all who know why are gone.
    fn most(self) -> u128 {
        self.capacity.saturating_add(times(self.per_nano, LONGEST_EMPTY))
    }

    /// Of how many tokens these are, the last perhaps in part.
    fn tokens(self, parts: u128) -> u64 {
        let (whole, fraction) = divided(parts, self.token);
        whole.saturating_add((fraction > 0).into())
    }

    /// Until so much has come back.
    fn wait(self, parts: u128) -> u64 {
        let (wait, rest) = divided(parts, self.per_nano.max(1));
        wait.saturating_add((rest > 0).into()).min(u64::MAX - 1)
    }
}

impl Bucket {
    pub(crate) const fn new() -> Self {
        Self { since: 0, debt: [0; 2], full: 0, told: Told::NOTHING }
    }

    pub(crate) const fn is_over(&self, time: Time) -> bool {
        self.full as u64 <= time.at / SECOND && self.full < u32::MAX
    }

    /// Tokens that were taken and are not wholly back.
    pub(crate) fn count(&self, limit: &Limit, time: Time) -> u64 {
        let terms = Terms::of(limit);
        terms.tokens(self.level(terms, time))
    }

    /// Until a token more is back; nothing, where all are.
    pub(crate) fn reset(&self, limit: &Limit, time: Time) -> u64 {
        let terms = Terms::of(limit);
        let level = self.level(terms, time);
        let (room, _) = divided(terms.capacity.saturating_sub(level), terms.token);
        let wanted = terms.capacity.saturating_sub(times(room.saturating_add(1), terms.token));
        terms.wait(level.saturating_sub(wanted))
    }

    /// Until there is room for `cost`; `None` where there is.
    pub(crate) fn wait(&self, cost: u64, limit: &Limit, time: Time) -> Option<u64> {
        let terms = Terms::of(limit);
        let wanted = self.level(terms, time).saturating_add(times(terms.token, cost));
        let excess = wanted.checked_sub(terms.capacity).filter(|it| *it > 0)?;
        Some(terms.wait(excess))
    }

    /// Takes one, if there is room; says what counts then.
    pub(crate) fn take_one(&mut self, limit: &Limit, time: Time) -> Option<u64> {
        let terms = Terms::of(limit);
        self.take_parts(terms, time).map(|it| terms.tokens(it))
    }

    /// Takes one, if there is room, and says whether there was; and tells of the threshold that has
    /// been passed. Divides nothing.
    #[inline]
    pub(crate) fn admit(
        &mut self,
        limit: &Limit,
        time: Time,
        passed: impl FnOnce(Threshold),
    ) -> bool {
        let terms = Terms::of(limit);
        let Some(parts) = self.take_parts(terms, time) else { return false };
        // More tokens than these, the last perhaps in part.
        let is_more = |tokens: u64| parts > times(terms.token, tokens);
        if is_more(limit.nearly()) {
            let is_spent = is_more(limit.capacity().saturating_sub(1));
            if let Some(threshold) = self.told.passed(is_spent) {
                passed(threshold);
            }
        }
        true
    }

    #[inline]
    fn take_parts(&mut self, terms: Terms, time: Time) -> Option<u128> {
        let level = self.level(terms, time);
        let wanted = level.saturating_add(terms.token.into());
        if wanted > terms.capacity {
            return None;
        }
        self.raise(level, wanted, terms, time);
        Some(wanted)
    }

    /// Takes `cost`; says when.
    pub(crate) fn take(&mut self, cost: u64, limit: &Limit, time: Time) -> u64 {
        let terms = Terms::of(limit);
        let level = self.level(terms, time);
        let owed = level.saturating_add(times(terms.token, cost));
        self.raise(level, owed.min(terms.most()), terms, time);
        time.at
    }

    #[inline]
    fn raise(&mut self, from: u128, to: u128, terms: Terms, time: Time) {
        // Less than half, which a shift says sooner than a product.
        if from < (terms.capacity >> 1) + (terms.capacity & 1) {
            self.told = Told::NOTHING;
        }
        self.set(to, terms, time);
    }

    /// Puts back what `cost`, which was taken `then`, has not regained by itself.
    ///
    /// Where nothing else has happened since, that is known. Else it is taken to have been the first
    /// to be filled again: what was refunded earlier, or has been taken since, then cannot make this
    /// give back more than is owed.
    pub(crate) fn refund(&mut self, cost: u64, then: u64, limit: &Limit, time: Time) {
        let terms = Terms::of(limit);
        let taken = times(terms.token, cost);
        let level = self.level(terms, time);
        let regained = times(terms.per_nano, time.at.saturating_sub(then));
        let back = if self.since == then { taken } else { taken.saturating_sub(regained) };
        self.set(level.saturating_sub(back), terms, time);
    }

    /// When something was last taken or put back.
    pub(crate) const fn since(&self) -> u64 {
        self.since
    }

    pub(crate) const fn told(&mut self) -> &mut Told {
        &mut self.told
    }

    #[inline]
    fn level(&self, terms: Terms, time: Time) -> u128 {
        let [high, low] = self.debt;
        let then = u128::from(high) << 64 | u128::from(low);
        then.saturating_sub(times(terms.per_nano, time.at.saturating_sub(self.since)))
    }

    #[inline]
    fn set(&mut self, level: u128, terms: Terms, time: Time) {
        self.since = time.at;
        self.debt = [(level >> 64) as u64, level as u64];
        if !self.is_full_in_that_second(level, terms, time) {
            self.note_full(level, terms, time);
        }
    }

    // Divides: out of the way of those who need not.
    #[cold]
    fn note_full(&mut self, level: u128, terms: Terms, time: Time) {
        let full = time.at.saturating_add(terms.wait(level)).div_ceil(SECOND);
        self.full = u32::try_from(full).unwrap_or(u32::MAX);
    }

    // Whether what is noted still holds, which it nearly always does: spares a division.
    #[inline]
    fn is_full_in_that_second(&self, level: u128, terms: Terms, time: Time) -> bool {
        let left = u64::from(self.full).saturating_mul(SECOND).saturating_sub(time.at);
        let back = |nanos| times(terms.per_nano.max(1), nanos);
        self.full < u32::MAX && level <= back(left) && level > back(left.saturating_sub(SECOND))
    }
}

/// In full: two numbers of 64 bits do not run over 128.
#[inline]
fn times(one: u64, other: u64) -> u128 {
    u128::from(one) * u128::from(other)
}

/// How often, and what is left. What does not fit reads as the largest number that does.
#[inline]
fn divided(parts: u128, by: u64) -> (u64, u64) {
    // Nearly always; a division of 128 bits takes several times as long.
    if let Ok(parts) = u64::try_from(parts) {
        return (parts.checked_div(by).unwrap_or(0), parts.checked_rem(by).unwrap_or(0));
    }
    let by = u128::from(by.max(1));
    let (whole, rest) = (parts / by, parts % by);
    u64::try_from(whole).map_or((u64::MAX, 0), |it| (it, u64::try_from(rest).unwrap_or(0)))
}

const SECOND: u64 = 1_000_000_000;
/// As long as the longest window.
const LONGEST_EMPTY: u64 = 366 * 86_400 * SECOND;

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
    fn a_bucket_is_empty_for_no_longer_than_the_longest_window() {
        let year = 366 * 86_400 * SECOND;
        for (max, secs, burst) in [(60, 60, 1), (1, 366 * 86_400, 1_000), (u64::MAX, 1, u64::MAX)] {
            let limit = Limit::token_bucket("a", max, Duration::from_secs(secs), burst);
            let mut bucket = Bucket::new();
            (0..3).for_each(|_| _ = bucket.take(u64::MAX, &limit, at(0)));
            let wait = bucket.wait(1, &limit, at(0)).unwrap();
            assert_eq!(bucket.reset(&limit, at(0)), wait, "what is told agrees");
            // And one token more.
            assert!(wait > 0 && wait <= year + (secs * SECOND).div_ceil(max), "{wait}");
            assert_eq!(bucket.wait(1, &limit, at(wait)), None);
        }
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
        Time::from(Now { monotonic: now, wall: now })
    }
}
