//! What a window of the wall clock has let pass, whatever that clock does.

use crate::policy::Limit;
use crate::time::{Time, nanos};
use crate::told::Told;
use crate::window::Window;

/// The count of one window: minute, hour, day or month.
///
/// A window ends when the wall clock shows a later one, or some time after the end that was
/// foreseen when it began: of a day, an hour. So a wall clock that is set back neither begins a
/// window twice, nor holds one open for longer than that; only by a step of more than that can a
/// window end before the clock's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calendar {
    /// When the wall clock shows the next window (nanoseconds since the Unix epoch): says which
    /// window this is.
    until: u64,
    /// When it is over whatever the wall clock shows (monotonic nanoseconds).
    ends: u64,
    pub(crate) count: u64,
    pub(crate) told: Told,
    /// Whether it has changed since it was last written down.
    pub(crate) is_dirty: bool,
}

impl Calendar {
    pub(crate) const fn new() -> Self {
        Self { until: 0, ends: 0, count: 0, told: Told::NOTHING, is_dirty: false }
    }

    /// The window that it is at `time`, with nothing in it.
    fn begin(limit: &Limit, time: Time) -> Self {
        let window = limit.window();
        let until = window.ends_on_the_wall(window.on_the_wall(time.wall));
        let ends = until.saturating_sub(time.wall).saturating_add(grace(window));
        Self { until, ends: time.at.saturating_add(ends), ..Self::new() }
    }

    /// A count as it was written down, of a window that has until `ends`.
    pub(crate) fn restored(index: u64, ends: u64, count: u64, window: Window) -> Self {
        let (until, ends) = (window.ends_on_the_wall(index), ends.saturating_add(grace(window)));
        Self { until, ends, count, ..Self::new() }
    }

    /// Which of these windows it is, by the wall clock.
    pub(crate) fn index(&self, window: Window) -> u64 {
        window.on_the_wall(self.until.saturating_sub(1))
    }

    #[inline]
    const fn is_current(&self, time: Time) -> bool {
        time.at < self.ends && time.wall < self.until
    }

    #[inline]
    pub(crate) const fn count(&self, time: Time) -> u64 {
        if self.is_current(time) { self.count } else { 0 }
    }

    pub(crate) const fn is_over(&self, time: Time) -> bool {
        time.at >= self.ends || self.count == 0
    }

    /// Whether nothing counts by what the wall clock shows; it may, should that go back.
    pub(crate) const fn is_past(&self, time: Time) -> bool {
        self.count(time) == 0
    }

    /// Until it starts anew; nothing, where nothing counts.
    pub(crate) fn reset(&self, time: Time) -> u64 {
        if self.count(time) == 0 {
            return 0;
        }
        self.until.saturating_sub(time.wall).min(self.ends - time.at)
    }

    /// Counts one more, if there is room for it; says what counts then.
    #[inline]
    pub(crate) fn take_one(&mut self, limit: &Limit, time: Time) -> Option<u64> {
        if !self.is_current(time) {
            self.start(limit, time);
        }
        let more = self.count.checked_add(1).filter(|it| *it <= limit.max())?;
        self.count = more;
        Some(more)
    }

    // What it held is over.
    #[cold]
    fn start(&mut self, limit: &Limit, time: Time) {
        *self = Self { is_dirty: self.is_dirty, ..Self::begin(limit, time) };
    }

    /// Counts `cost` more now; says in which window.
    #[inline]
    pub(crate) fn take(&mut self, cost: u64, limit: &Limit, time: Time) -> [u64; 2] {
        if !self.is_current(time) {
            self.start(limit, time);
        }
        self.count = self.count.saturating_add(cost);
        self.mark()
    }

    /// What tells this window from others.
    pub(crate) const fn mark(&self) -> [u64; 2] {
        [self.until, self.ends]
    }

    /// Counts `cost` more in the window that `mark` names, if it is not over.
    pub(crate) fn charge(&mut self, cost: u64, mark: [u64; 2], limit: &Limit, time: Time) {
        if let Some(count) = self.of(mark, time) {
            *count = count.saturating_add(cost);
        } else if !self.is_current(time) {
            // What held nothing yet was forgotten.
            let now = Self::begin(limit, time);
            let [until, ends] = mark;
            if now.until == until && time.at < ends {
                *self = Self { ends, count: cost, is_dirty: self.is_dirty, ..now };
            }
        }
    }

    /// The count of the window that `mark` names, if it is not over.
    pub(crate) fn of(&mut self, mark: [u64; 2], time: Time) -> Option<&mut u64> {
        let is_it = mark == self.mark() && self.is_current(time);
        is_it.then_some(&mut self.count)
    }
}

/// More than a clock is slewed in that time; of a day, the step that a wrongly set time zone makes.
pub(crate) fn grace(window: Window) -> u64 {
    nanos(window.length()) / 24
}

#[cfg(test)]
mod tests {
    use super::*;
    use rrcore::Now;
    use std::time::Duration;

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

    /// Each step is how many seconds pass, and by how many the wall clock then jumps; then how
    /// many days have begun, and what is left of the last.
    #[track_caller]
    fn check(steps: &[(i64, i64)], days: usize, left: i64) {
        let limit = Limit::calendar_day("a", 1);
        let (mut monotonic, mut wall, mut day, mut began) = (0, 0, Calendar::new(), 0);
        let mut time = Time::default();
        for (passed, jumped) in steps {
            monotonic += passed;
            wall += passed + jumped;
            let [monotonic, wall] =
                [monotonic, wall].map(|it: i64| Duration::from_secs(it.try_into().unwrap()));
            time = time.advance(Now { monotonic, wall }.into());
            began += usize::from(day.count(time) == 0);
            day.take(1, &limit, time);
        }
        let expected = Duration::from_secs(left.try_into().unwrap());
        assert_eq!((began, Duration::from_nanos(day.reset(time))), (days, expected));
    }
}
