//! The time by which counts are kept: it never goes back, and its days end whatever the wall
//! clock does.

use std::time::Duration;

use rrcore::Now;

/// A reading that is never older than the one it was made from.
///
/// Requests come here in another order than that in which they read the clock, and a wall clock
/// steps. Both are straightened out here, once, so that a count that is over stays over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Time {
    /// Monotonic nanoseconds. Below `u64::MAX`, so that what ends there never ends.
    pub(crate) at: u64,
    /// Which day this is: one higher each time a new day begins.
    pub(crate) day: u64,
    /// Nanoseconds until a new day begins.
    pub(crate) day_left: u64,
    wall_day: u64,
    day_ends: u64,
}

impl Time {
    /// The time after `self`, now that the clock shows `now`.
    ///
    /// A day ends when the wall clock shows a later one, or an hour after the midnight that was
    /// foreseen when the day began. So a wall clock that is set back neither begins a day twice,
    /// nor holds one open for longer than that hour; only by a step of more than the hour can a
    /// day end before the clock's own midnight.
    pub(crate) fn advance(self, now: Now) -> Self {
        let at = self.at.max(nanos(now.monotonic));
        let wall_day = now.wall.as_secs() / DAY.as_secs();
        let since_midnight =
            Duration::new(now.wall.as_secs() % DAY.as_secs(), now.wall.subsec_nanos());
        let midnight = nanos(DAY.saturating_sub(since_midnight));
        if wall_day > self.wall_day || at >= self.day_ends {
            let day_ends = at.saturating_add(midnight).saturating_add(nanos(GRACE));
            return Self { at, day: self.day + 1, day_left: midnight, wall_day, day_ends };
        }
        let by_wall =
            (self.wall_day - wall_day).saturating_mul(nanos(DAY)).saturating_add(midnight);
        Self { at, day_left: by_wall.min(self.day_ends - at), ..self }
    }
}

/// Nanoseconds, as many as a count can hold with one to spare: 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX).min(u64::MAX - 1)
}

const DAY: Duration = Duration::from_secs(86_400);
// More than a clock is slewed in a day, and the step that a wrongly set time zone makes.
const GRACE: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    #[test]
    fn days_end_at_midnight_and_at_no_other_time() {
        check(&[(0, 0), (24 * HOUR - 1, 0)], 1, 1);
        check(&[(0, 0), (24 * HOUR, 0)], 2, 24 * HOUR);
        check(&[(23 * HOUR, 0), (2 * HOUR, 0)], 2, 23 * HOUR);
        // Nobody asked for a week.
        check(&[(23 * HOUR, 0), (7 * 24 * HOUR, 0)], 2, HOUR);
    }

    #[test]
    fn stepping_back_over_midnight_does_not_begin_the_day_twice() {
        let just_after = 24 * HOUR + 1;
        check(&[(just_after, 0), (0, -2)], 1, 24 * HOUR + 1);
        check(&[(just_after, 0), (0, -2), (1, 0)], 1, 24 * HOUR);
        check(&[(just_after, 0), (0, -2), (1 + 24 * HOUR, 0)], 2, 24 * HOUR);
    }

    #[test]
    fn stepping_an_hour_forth_and_back_begins_one_day_only() {
        check(&[(12 * HOUR, 0), (0, HOUR), (0, -HOUR)], 1, 12 * HOUR);
        check(&[(23 * HOUR, 0), (0, 2 * HOUR), (0, -2 * HOUR)], 2, 24 * HOUR);
    }

    #[test]
    fn a_day_that_was_never_real_is_over_an_hour_after_its_midnight() {
        let ten_years = 3_650 * 24 * HOUR;
        check(&[(12 * HOUR, 0), (0, ten_years), (0, -ten_years)], 2, 13 * HOUR);
        check(&[(12 * HOUR, 0), (0, ten_years), (0, -ten_years), (13 * HOUR, 0)], 3, 23 * HOUR);
        check(&[(ten_years, 0), (12 * HOUR, 0), (0, -ten_years), (13 * HOUR, 0)], 2, 23 * HOUR);
    }

    #[test]
    fn a_machine_that_slept_through_midnight_wakes_to_a_new_day() {
        check(&[(12 * HOUR, 0), (0, 24 * HOUR)], 2, 12 * HOUR);
    }

    #[test]
    fn an_older_reading_is_read_as_the_newest() {
        let reading = |secs| Now {
            monotonic: Duration::from_secs(secs),
            wall: Duration::from_secs(86_400 + secs),
        };
        let newest = Time::default().advance(reading(90_000));
        let late = newest.advance(reading(80_000));
        assert_eq!((late.at, late.day), (newest.at, newest.day));
    }

    /// Each step is how many seconds pass, and by how many the wall clock then jumps.
    #[track_caller]
    fn check(steps: &[(i64, i64)], day: u64, day_left: i64) {
        let (mut monotonic, mut wall, mut time) = (0, 0, Time::default());
        for (passed, jumped) in steps {
            monotonic += passed;
            wall += passed + jumped;
            time = time.advance(Now {
                monotonic: Duration::from_secs(monotonic.try_into().unwrap()),
                wall: Duration::from_secs(wall.try_into().unwrap()),
            });
        }
        let left = Duration::from_secs(day_left.try_into().unwrap());
        assert_eq!((time.day, Duration::from_nanos(time.day_left)), (day, left));
    }
}
