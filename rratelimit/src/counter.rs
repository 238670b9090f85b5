//! How much of one limit has been spent, and when that is forgotten.

use std::time::Duration;

use crate::bucket::Bucket;
use crate::calendar::Calendar;
use crate::decision::Left;
use crate::policy::Limit;
use crate::sliding::Sliding;
use crate::threshold::Threshold;
use crate::time::{Time, nanos};
use crate::told::Told;
use crate::window::{Mark, Window};

/// What one limit has let pass.
#[derive(Clone, Debug)]
pub(crate) struct Counter {
    limit: u64,
    taken: Taken,
}

#[derive(Clone, Debug)]
enum Taken {
    Sliding(Sliding),
    Calendar(Calendar),
    Bucket(Bucket),
    Running { count: u64, told: Told },
}

impl Counter {
    pub(crate) const fn new(limit: &Limit) -> Self {
        let taken = match limit.window() {
            Window::Sliding(_) => Taken::Sliding(Sliding::new()),
            Window::Fixed(_) | Window::CalendarDay | Window::CalendarMonth => {
                Taken::Calendar(Calendar::new())
            }
            Window::TokenBucket { .. } => Taken::Bucket(Bucket::new()),
            Window::Concurrency => Taken::Running { count: 0, told: Told::NOTHING },
        };
        Self { limit: limit.id(), taken }
    }

    /// The count of a window of the wall clock as it was written down.
    pub(crate) const fn restored(limit: u64, calendar: Calendar) -> Self {
        Self { limit, taken: Taken::Calendar(calendar) }
    }

    /// Whether this is the count of `limit`: of its name and window, whatever its maximum.
    pub(crate) const fn is_of(&self, limit: &Limit) -> bool {
        self.limit == limit.id()
    }

    pub(crate) const fn is_running(&self) -> bool {
        matches!(self.taken, Taken::Running { .. })
    }

    pub(crate) const fn limit(&self) -> u64 {
        self.limit
    }

    /// The count of a window of the wall clock, to be written down.
    pub(crate) const fn calendar(&mut self) -> Option<&mut Calendar> {
        match &mut self.taken {
            Taken::Calendar(it) => Some(it),
            Taken::Sliding(_) | Taken::Bucket(_) | Taken::Running { .. } => None,
        }
    }

    /// What counts at `time`.
    #[inline]
    pub(crate) fn count(&self, limit: &Limit, time: Time) -> u64 {
        match &self.taken {
            Taken::Sliding(it) => it.count(limit, time),
            Taken::Calendar(it) => it.count(time),
            Taken::Bucket(it) => it.count(limit, time),
            Taken::Running { count, .. } => *count,
        }
    }

    /// Whether nothing counts any more, and never will again: time does not go back.
    pub(crate) fn is_over(&self, time: Time) -> bool {
        match &self.taken {
            Taken::Sliding(it) => it.is_over(time),
            Taken::Calendar(it) => it.is_over(time),
            Taken::Bucket(it) => it.is_over(time),
            Taken::Running { count, .. } => *count == 0,
        }
    }

    /// Whether nothing counts now. A window of the wall clock may count again, should that go back.
    pub(crate) fn is_past(&self, time: Time) -> bool {
        match &self.taken {
            Taken::Calendar(it) => it.is_past(time),
            Taken::Sliding(_) | Taken::Bucket(_) | Taken::Running { .. } => self.is_over(time),
        }
    }

    /// Whether there is room for `cost`.
    #[inline]
    pub(crate) fn fits(&self, cost: u64, limit: &Limit, time: Time) -> bool {
        match &self.taken {
            Taken::Bucket(it) => it.wait(cost, limit, time).is_none(),
            Taken::Sliding(_) | Taken::Calendar(_) | Taken::Running { .. } => {
                self.count(limit, time).checked_add(cost).is_some_and(|it| it <= limit.max())
            }
        }
    }

    /// What is left, where `cost` was asked for.
    pub(crate) fn left(&self, cost: u64, limit: &Limit, time: Time) -> Left {
        self.left_of(self.count(limit, time), cost, limit, time)
    }

    /// As [`left`](Self::left), where `count` is what counts.
    pub(crate) fn left_of(&self, count: u64, cost: u64, limit: &Limit, time: Time) -> Left {
        let remaining = limit.capacity().saturating_sub(count);
        if limit.max() == 0 {
            return nothing(limit);
        }
        // A maximum that was lowered may lie far below what was spent before.
        let below = count.min(limit.max()).saturating_sub(1);
        let (reset, wait) = match &self.taken {
            Taken::Sliding(it) => {
                let room = limit.max().checked_sub(cost);
                let wait = room.map(|it| (it, count > it));
                let wait = match wait {
                    Some((_, false)) => None,
                    Some((level, true)) => Some(it.falls_to(level, count, limit, time)),
                    None => Some(length(limit)),
                };
                (it.falls_to(below, count, limit, time), wait)
            }
            Taken::Calendar(it) => {
                let reset = it.reset(time);
                let full = (!self.fits(cost, limit, time)).then_some(reset);
                (reset, full.map(|it| if cost > limit.max() { length(limit) } else { it }))
            }
            Taken::Bucket(it) => {
                let wait = it.wait(cost, limit, time);
                let never = cost > limit.capacity();
                (it.reset(limit, time), if never { Some(length(limit)) } else { wait })
            }
            Taken::Running { .. } => (0, (!self.fits(cost, limit, time)).then_some(A_WHILE)),
        };
        Left { remaining, reset, wait }
    }

    /// Counts one more, if there is room for it; says what counts then.
    // Left to the compiler it is a call, which costs a tenth of a decision.
    #[inline(always)]
    pub(crate) fn take_one(&mut self, limit: &Limit, time: Time) -> Option<u64> {
        match &mut self.taken {
            Taken::Sliding(it) => it.take_one(limit, time),
            Taken::Calendar(it) => it.take_one(limit, time),
            Taken::Bucket(it) => it.take_one(limit, time),
            Taken::Running { count, .. } => {
                let more = count.checked_add(1).filter(|it| *it <= limit.max())?;
                self.take(1, limit, time);
                Some(more)
            }
        }
    }

    /// Counts one more, if there is room for it, and says whether there was; and tells of the
    /// threshold that has been passed.
    #[inline]
    pub(crate) fn admit(
        &mut self,
        limit: &Limit,
        time: Time,
        passed: impl FnOnce(Threshold),
    ) -> bool {
        if let Taken::Bucket(it) = &mut self.taken {
            return it.admit(limit, time, passed);
        }
        let Some(count) = self.take_one(limit, time) else { return false };
        if count > limit.nearly() {
            if let Some(threshold) = self.crossing_at(count, limit) {
                passed(threshold);
            }
        }
        true
    }

    /// In which window that was which [`take_one`](Self::take_one) has just counted.
    pub(crate) fn newest(&self) -> Mark {
        match &self.taken {
            Taken::Sliding(it) => [it.newest(), 0],
            Taken::Calendar(it) => it.mark(),
            Taken::Bucket(it) => [it.since(), 0],
            Taken::Running { .. } => [0, 0],
        }
    }

    /// Counts `cost` more; says in which window.
    #[inline]
    pub(crate) fn take(&mut self, cost: u64, limit: &Limit, time: Time) -> Mark {
        match &mut self.taken {
            Taken::Sliding(it) => [it.take(cost, limit, time), 0],
            Taken::Calendar(it) => it.take(cost, limit, time),
            Taken::Bucket(it) => [it.take(cost, limit, time), 0],
            Taken::Running { count, told } => {
                if *count < limit.max() / 2 {
                    *told = Told::NOTHING;
                }
                *count = count.saturating_add(cost);
                [0, 0]
            }
        }
    }

    /// The threshold that has been passed, if it was not told of before.
    pub(crate) fn crossing(&mut self, limit: &Limit, time: Time) -> Option<Threshold> {
        self.crossing_at(self.count(limit, time), limit)
    }

    /// As [`crossing`](Self::crossing), where `count` is what counts.
    #[inline]
    pub(crate) fn crossing_at(&mut self, count: u64, limit: &Limit) -> Option<Threshold> {
        let told = match &mut self.taken {
            Taken::Sliding(it) => it.told(),
            Taken::Calendar(it) => &mut it.told,
            Taken::Bucket(it) => it.told(),
            Taken::Running { told, .. } => told,
        };
        told.crossing(count, limit.nearly(), limit.capacity())
    }

    /// Puts `cost` back into the window that `mark` names, if it is not over. What runs at the same
    /// time is not put back, but [released](Self::release).
    pub(crate) fn refund(&mut self, cost: u64, mark: Mark, limit: &Limit, time: Time) {
        match &mut self.taken {
            Taken::Sliding(it) => it.refund(cost, mark[0], limit),
            Taken::Calendar(it) => {
                if let Some(count) = it.of(mark, time) {
                    *count = count.saturating_sub(cost);
                }
            }
            Taken::Bucket(it) => it.refund(cost, mark[0], limit, time),
            Taken::Running { .. } => {}
        }
    }

    /// Counts `cost` more in the window that `mark` names, if it is not over. A bucket has one
    /// window only.
    pub(crate) fn charge(&mut self, cost: u64, mark: Mark, limit: &Limit, time: Time) {
        match &mut self.taken {
            Taken::Sliding(it) => it.put(cost, mark[0], limit, time),
            Taken::Calendar(it) => it.charge(cost, mark, limit, time),
            Taken::Bucket(it) => _ = it.take(cost, limit, time),
            Taken::Running { .. } => {}
        }
    }

    /// One that ran has ended.
    pub(crate) const fn release(&mut self) {
        if let Taken::Running { count, .. } = &mut self.taken {
            *count = count.saturating_sub(1);
        }
    }
}

/// What is left where nothing was taken, and `cost` was asked for.
pub(crate) fn untouched(cost: u64, limit: &Limit) -> Left {
    if limit.max() == 0 {
        return nothing(limit);
    }
    let wait = (cost > limit.capacity()).then(|| length(limit));
    Left { remaining: limit.capacity(), reset: 0, wait }
}

/// What a limit of 0 leaves.
fn nothing(limit: &Limit) -> Left {
    let reset = nanos(limit.window().length());
    Left { remaining: 0, reset, wait: Some(length(limit)) }
}

// Nobody can say when a request that runs will end.
const A_WHILE: u64 = 1_000_000_000;

fn length(limit: &Limit) -> u64 {
    match limit.window().length() {
        Duration::ZERO => A_WHILE,
        length => nanos(length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_stays_small() {
        assert_eq!(size_of::<Counter>(), 48);
    }
}
