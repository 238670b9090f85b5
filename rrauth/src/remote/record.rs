//! When a document may be asked for: one fetch at a time, and not too often.

use std::time::Duration;

use tokio::task::AbortHandle;

/// What is known of the fetches so far. Times are monotonic.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// How many have begun.
    pub(crate) fetches: u64,
    /// How many have failed since the last that did not.
    pub(crate) failures: u32,
    pub(crate) last_error: Option<String>,
    running: bool,
    task: Option<AbortHandle>,
    /// When the last one began.
    begun: Duration,
    /// When the next one is due.
    due: Duration,
}

/// Why somebody wants a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// It is time.
    Due,
    /// What was fetched last does not have what is needed.
    Early {
        /// How long to leave the server alone after a fetch.
        cool_down: Duration,
    },
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The fetch of this number is for whoever has asked.
    Begin(u64),
    /// One is on its way.
    Running,
    /// It is too early for another.
    TooEarly,
}

impl Record {
    /// Whether whoever has this wish at `now` is to fetch.
    pub(crate) fn turn(&mut self, wish: Wish, now: Duration) -> Turn {
        if self.running {
            return Turn::Running;
        }
        let earliest = match wish {
            Wish::Due => self.due,
            Wish::Early { .. } if self.fetches == 0 => Duration::ZERO,
            Wish::Early { cool_down } => self.begun.saturating_add(cool_down),
        };
        if now < earliest {
            return Turn::TooEarly;
        }
        (self.running, self.begun) = (true, now);
        self.fetches += 1;
        Turn::Begin(self.fetches)
    }

    /// The task of the fetch `serial`, unless it has ended already.
    pub(crate) fn is_fetched_by(&mut self, serial: u64, task: AbortHandle) {
        if self.running && self.fetches == serial {
            self.task = Some(task);
        }
    }

    /// The fetch has ended; the next is due then.
    pub(crate) fn end(&mut self, due: Duration, error: Option<String>) {
        (self.running, self.task, self.due) = (false, None, due);
        match error {
            Some(error) => {
                self.failures = self.failures.saturating_add(1);
                self.last_error = Some(error);
            }
            None => self.failures = 0,
        }
    }

    /// The fetch that is on its way, to end it.
    pub(crate) fn give_up(&mut self) -> Option<AbortHandle> {
        self.task.take()
    }

    pub(crate) const fn is_running(&self) -> bool {
        self.running
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_each_wish_at_its_time() {
        let mut record = Record::default();
        let early = Wish::Early { cool_down: Duration::from_secs(30) };
        check(&mut record, early, 5, Turn::Begin(1));
        check(&mut record, early, 90, Turn::Running);
        check(&mut record, Wish::Due, 90, Turn::Running);
        record.end(Duration::from_secs(100), None);
        check(&mut record, Wish::Due, 99, Turn::TooEarly);
        check(&mut record, early, 34, Turn::TooEarly);
        check(&mut record, early, 35, Turn::Begin(2));
        record.end(Duration::from_secs(65), Some("down".to_owned()));
        assert_eq!((record.failures, record.last_error.as_deref()), (1, Some("down")));
        check(&mut record, early, 64, Turn::TooEarly);
        check(&mut record, Wish::Due, 65, Turn::Begin(3));
        record.end(Duration::from_secs(99), None);
        assert_eq!((record.failures, record.last_error.as_deref()), (0, Some("down")));
    }

    #[track_caller]
    fn check(record: &mut Record, wish: Wish, now: u64, expected: Turn) {
        assert_eq!(record.turn(wish, Duration::from_secs(now)), expected);
    }
}
