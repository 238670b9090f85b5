//! Permits that are held no more, until the store knows.

use std::collections::VecDeque;
use std::time::Duration;

use super::script::Run;
use super::update::LARGEST_BATCH;

/// Bounded; and a permit lapses by itself, so none is kept for longer than that takes.
#[derive(Debug)]
pub(crate) struct Released {
    untold: VecDeque<Permit>,
    /// What has been told, and is told once more when its time has come.
    again: VecDeque<Permit>,
    permits_last: Duration,
    /// What ends until then may have been asked for over a connection that is gone by now: the store
    /// may come to that after it was told that the permit is free.
    doubt_until: Duration,
    most: usize,
}

#[derive(Debug)]
struct Permit {
    limit: Vec<u8>,
    name: Vec<u8>,
    /// Since when nobody holds it.
    at: Duration,
    is_told: bool,
}

impl Released {
    pub(crate) fn new(permits_last: Duration, most: usize) -> Self {
        let (untold, again) = (VecDeque::new(), VecDeque::new());
        Self { untold, again, permits_last, doubt_until: Duration::ZERO, most }
    }

    /// Keeps a permit of `limit`, `now` that nobody holds it; says whether there was room.
    pub(crate) fn keep(&mut self, limit: Vec<u8>, name: Vec<u8>, now: Duration) -> bool {
        self.forget_lapsed(now);
        let has_room = self.untold.len() + self.again.len() < self.most;
        if has_room {
            self.untold.push_back(Permit { limit, name, at: now, is_told: false });
        }
        has_room
    }

    /// The store is asked over another connection from now on, and who waits for an answer over the
    /// former one does so until `until`.
    pub(crate) const fn doubt(&mut self, until: Duration) {
        self.doubt_until = until;
    }

    /// What `release.lua` is told next, `now`.
    pub(crate) fn next(&mut self, now: Duration) -> Option<Run> {
        while self.again.front().is_some_and(|it| now.saturating_sub(it.at) >= PAUSE) {
            self.untold.extend(self.again.pop_front());
        }
        self.forget_lapsed(now);
        let mut run = Run::default();
        for it in self.untold.iter().take(LARGEST_BATCH) {
            run.keys.push(it.limit.clone());
            run.name(it.name.clone());
        }
        (!run.keys.is_empty()).then_some(run)
    }

    /// So many have been told, `now`.
    pub(crate) fn confirmed(&mut self, permits: usize, now: Duration) {
        for it in self.untold.drain(..permits.min(self.untold.len())) {
            if !it.is_told && it.at <= self.doubt_until {
                self.again.push_back(Permit { at: now, is_told: true, ..it });
            }
        }
    }

    fn forget_lapsed(&mut self, now: Duration) {
        let lapses = self.permits_last;
        while self.untold.front().is_some_and(|it| now.saturating_sub(it.at) > lapses) {
            self.untold.pop_front();
        }
    }
}

/// By then, whatever was still to come over a former connection has come.
const PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_is_kept_until_it_is_told_or_lapses() {
        let mut released = Released::new(secs(30), 9);
        assert!(keep(&mut released, 1) && keep(&mut released, 2));
        assert_eq!([told(&mut released, 3), told(&mut released, 31)], [2, 2]);
        assert_eq!(told(&mut released, 32), 1, "the first has lapsed");
        released.confirmed(1, secs(32));
        assert_eq!(told(&mut released, 32), 0);
    }

    #[test]
    fn there_is_room_for_so_many_and_what_lapses_makes_room() {
        let mut released = Released::new(secs(30), 2);
        let kept = [1, 2, 3, 32].map(|at| keep(&mut released, at));
        assert_eq!(kept, [true, true, false, true]);
    }

    #[test]
    fn what_ended_before_the_connection_was_new_is_told_twice() {
        let mut released = Released::new(secs(30), 9);
        assert!(keep(&mut released, 1));
        released.doubt(secs(2));
        assert!(keep(&mut released, 3));
        assert_eq!(told(&mut released, 3), 2);
        released.confirmed(2, secs(3));
        assert_eq!([told(&mut released, 3), told(&mut released, 4)], [0, 1]);
        released.confirmed(1, secs(4));
        assert_eq!(told(&mut released, 9), 0);
    }

    fn keep(released: &mut Released, at: u64) -> bool {
        released.keep(vec![1], vec![2], secs(at))
    }

    fn told(released: &mut Released, at: u64) -> usize {
        released.next(secs(at)).map_or(0, |it| it.keys.len())
    }

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }
}
