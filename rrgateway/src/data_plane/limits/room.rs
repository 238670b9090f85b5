//! Whether there is room for every key, and who is told when that changes.

use std::time::Duration;

use rrcore::Clock;

use crate::data_plane::limits::notices::Notices;

/// What was last known, and said.
#[derive(Debug, Default)]
pub struct Room {
    most: usize,
    notices: Notices,
    crowded_out: u64,
    // When a key was last crowded out (monotonic), while that is what was said.
    full: Option<Duration>,
}

impl Room {
    /// For `most` keys. What changes is told to `notices`.
    pub fn of(most: usize, notices: Notices) -> Self {
        Self { most, notices, ..Self::default() }
    }

    /// So many decisions were about keys without room by now. Said once, until there was room for all
    /// for a while.
    pub fn look(&mut self, crowded_out: u64, clock: &Clock) {
        let now = clock.monotonic();
        if std::mem::replace(&mut self.crowded_out, crowded_out) != crowded_out {
            if self.full.replace(now).is_none() {
                self.notices.note_keys(true, self.most, clock);
            }
        } else if self.full.is_some_and(|it| now.saturating_sub(it) >= WHILE) {
            self.full = None;
            self.notices.note_keys(false, self.most, clock);
        }
    }
}

const WHILE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Noted;
    use rrcore::ManualClock;

    #[test]
    fn that_there_is_no_room_is_said_once_and_so_is_that_there_is() {
        let clock = ManualClock::starting_at(Duration::from_secs(1_800_000_000));
        let notices = Notices::default();
        let mut room = Room::of(9, notices.clone());
        let mut look = |crowded_out: u64, after: u64, expected: &[bool]| {
            clock.advance(Duration::from_secs(after));
            room.look(crowded_out, &clock.clock());
            let said: Vec<_> = notices.newest(None, 9).into_iter().map(|it| it.what).collect();
            let expected: Vec<_> =
                expected.iter().map(|is_full| Noted::Keys { is_full: *is_full, most: 9 }).collect();
            assert_eq!(said, expected, "{crowded_out}");
        };
        look(0, 0, &[]);
        look(0, 100, &[]);
        look(1, 1, &[true]);
        look(2, 59, &[true]);
        look(2, 59, &[true]);
        look(2, 1, &[false, true]);
        look(2, 100, &[false, true]);
        look(3, 1, &[true, false, true]);
    }
}
