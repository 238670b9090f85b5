//! How much of one limit has been spent, and when that is forgotten.

use std::time::Duration;

use crate::policy::{Limit, Window};
use crate::time::{Time, nanos};

/// The requests that one limit has let pass.
#[derive(Clone, Debug)]
pub(crate) struct Counter {
    limit: u64,
    taken: Taken,
}

#[derive(Clone, Debug)]
enum Taken {
    // Only buckets that hold something, oldest first: most callers come once.
    Sliding(Vec<Bucket>),
    Day { day: u64, count: u64 },
}

/// What was taken in one sixtieth of a window, until `ends` (monotonic nanoseconds).
///
/// The oldest that a window overlaps is counted whole, so a bucket ends 61 sixtieths after it
/// began: then all in it is a whole window old.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    ends: u64,
    count: u64,
}

impl Counter {
    pub(crate) fn new(limit: &Limit) -> Self {
        let taken = match limit.window() {
            Window::Sliding(_) => Taken::Sliding(Vec::new()),
            Window::CalendarDay => Taken::Day { day: 0, count: 0 },
        };
        Self { limit: limit.id(), taken }
    }

    /// Whether this is the count of `limit`: of its name and window, whatever its maximum.
    pub(crate) const fn is_of(&self, limit: &Limit) -> bool {
        self.limit == limit.id()
    }

    /// What counts at `time`.
    pub(crate) fn count(&self, time: Time) -> u64 {
        match &self.taken {
            Taken::Sliding(buckets) => {
                live(buckets, time).fold(0, |sum, it| sum.saturating_add(it.count))
            }
            Taken::Day { day, count } if *day == time.day => *count,
            Taken::Day { .. } => 0,
        }
    }

    /// Whether nothing counts any more, and never will again: time does not go back.
    pub(crate) fn is_over(&self, time: Time) -> bool {
        self.count(time) == 0
    }

    /// Counts one request more.
    pub(crate) fn take(&mut self, limit: &Limit, time: Time) {
        match &mut self.taken {
            Taken::Sliding(buckets) => {
                buckets.retain(|it| it.ends > time.at);
                let ends = bucket_end(limit.window(), time);
                match buckets.last_mut() {
                    Some(last) if last.ends == ends => last.count = last.count.saturating_add(1),
                    Some(_) => buckets.push(Bucket { ends, count: 1 }),
                    None => {
                        buckets.reserve_exact(1);
                        buckets.push(Bucket { ends, count: 1 });
                    }
                }
            }
            Taken::Day { day, count } if *day == time.day => *count = count.saturating_add(1),
            Taken::Day { day, count } => (*day, *count) = (time.day, 1),
        }
    }

    /// How long until less than `level` counts, if nothing more is taken.
    pub(crate) fn falls_below(&self, level: u64, time: Time) -> Duration {
        let mut left = self.count(time);
        let mut wait = 0;
        match &self.taken {
            Taken::Sliding(buckets) => {
                for it in live(buckets, time) {
                    if left < level {
                        break;
                    }
                    left = left.saturating_sub(it.count);
                    wait = it.ends - time.at;
                }
            }
            Taken::Day { .. } if left < level || left == 0 => {}
            Taken::Day { .. } => wait = time.day_left,
        }
        Duration::from_nanos(wait)
    }
}

fn live(buckets: &[Bucket], time: Time) -> impl Iterator<Item = &Bucket> {
    buckets.iter().filter(move |it| it.ends > time.at)
}

fn bucket_end(window: Window, time: Time) -> u64 {
    // Rounded up: sixty of them are not shorter than the window.
    let width = nanos(window.length()).div_ceil(BUCKETS).max(1);
    (time.at / width).saturating_add(BUCKETS + 1).saturating_mul(width)
}

const BUCKETS: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use rrcore::Now;

    #[test]
    fn what_was_taken_counts_for_a_window_and_the_rest_of_its_bucket() {
        let limit = Limit::sliding("a", 1, Duration::from_secs(60));
        for (taken_ms, asked_ms, expected) in [
            (0, 59_999, 1),
            (0, 60_999, 1),
            (0, 61_000, 0),
            (999, 60_999, 1),
            (999, 61_000, 0),
            (1_000, 61_999, 1),
            (1_000, 62_000, 0),
        ] {
            let mut counter = Counter::new(&limit);
            counter.take(&limit, at(taken_ms));
            assert_eq!(counter.count(at(asked_ms)), expected, "{taken_ms} {asked_ms}");
        }
    }

    #[test]
    fn it_falls_bucket_by_bucket() {
        let limit = Limit::sliding("a", 3, Duration::from_secs(60));
        let mut counter = Counter::new(&limit);
        for second in [0, 0, 10] {
            counter.take(&limit, at(second * 1_000));
        }
        for (level, expected) in [(4, 0), (3, 41), (2, 41), (1, 51), (0, 51)] {
            let wait = counter.falls_below(level, at(20_000));
            assert_eq!(wait, Duration::from_secs(expected), "below {level}");
        }
    }

    #[test]
    fn a_bucket_is_kept_for_what_it_holds_and_no_longer() {
        let limit = Limit::sliding("a", u64::MAX, Duration::from_secs(60));
        let mut counter = Counter::new(&limit);
        for second in 0..1_000 {
            counter.take(&limit, at(second * 1_000));
            counter.take(&limit, at(second * 1_000));
        }
        let Taken::Sliding(buckets) = &counter.taken else { panic!("{counter:?}") };
        assert_eq!(buckets.len(), 61);
        assert!(buckets.capacity() <= 64, "{}", buckets.capacity());
        assert_eq!(size_of::<Counter>(), 32);
    }

    fn at(millis: u64) -> Time {
        let now = Duration::from_millis(millis);
        Time::default().advance(Now { monotonic: now, wall: now })
    }
}
