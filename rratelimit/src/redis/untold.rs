//! What the store has not confirmed yet: kept for as long as it does not answer, then told.

use std::collections::VecDeque;
use std::time::Duration;

use super::released::Released;
use super::script::Run;
use super::update::{Change, LARGEST_BATCH, Update};

/// Bounded: beyond, what comes is lost.
#[derive(Debug)]
pub(crate) struct Untold {
    /// Permits that are held no more.
    pub(crate) released: Released,
    /// What is to be counted or given back, in the order in which it came.
    counts: VecDeque<Update>,
    /// So many of the first are told as one. Who has not confirmed them may have done what they say,
    /// so they are told again as they were.
    together: usize,
    /// Which telling that is, by which the store knows it again.
    number: u64,
    /// The newest that spends, of what is confirmed.
    newest: u64,
    room: usize,
}

impl Untold {
    pub(crate) fn new(permits_last: Duration) -> Self {
        let (released, counts) = (Released::new(permits_last, MOST_KEPT), VecDeque::new());
        Self { released, counts, together: 0, number: 1, newest: 0, room: MOST_KEPT }
    }

    /// Keeps it, `now`; says whether there was room.
    pub(crate) fn keep(&mut self, update: Update, now: Duration) -> bool {
        if let Change::Release(permit) = update.change {
            return self.released.keep(update.name, permit, now);
        }
        if self.room == 0 {
            return false;
        }
        self.room -= 1;
        self.counts.push_back(update);
        true
    }

    /// What `refund.lua` is told next, where `told` is what it knows this node's tellings by.
    pub(crate) fn next(&mut self, told: Vec<u8>) -> Option<Run> {
        if self.together == 0 {
            self.together = self.counts.len().min(LARGEST_BATCH);
        }
        let mut run = Run::default();
        run.keys.push(told);
        run.number(self.number);
        run.number(self.newest_told());
        let first = self.counts.iter().take(self.together);
        first.for_each(|it| push(it, &mut run));
        (self.together > 0).then_some(run)
    }

    /// That has been told. Says which is the newest that spends, of all that was.
    pub(crate) fn confirmed(&mut self) -> u64 {
        self.newest = self.newest_told();
        self.counts.drain(..self.together);
        self.room += self.together;
        self.together = 0;
        self.number += 1;
        self.newest
    }

    fn newest_told(&self) -> u64 {
        let first = self.counts.iter().take(self.together);
        first.map(|it| it.number).fold(self.newest, u64::max)
    }
}

fn push(update: &Update, run: &mut Run) {
    run.keys.push(update.name.clone());
    update.terms.push_bucket_on(run);
    match &update.change {
        Change::Add(units) => {
            run.text("now");
            run.number(*units);
        }
        Change::GiveBack { mark, units } => {
            run.number(*mark);
            run.signed(*units);
        }
        // Kept elsewhere.
        Change::Release(_) => {
            run.number(0);
            run.number(0);
        }
    }
}

/// What the store is to be told while it is gone.
const MOST_KEPT: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Limit;
    use crate::redis::script::Argument;
    use crate::redis::terms::Terms;

    #[test]
    fn what_is_not_confirmed_is_told_again_as_it_was() {
        let mut untold = untold();
        assert_eq!(told(&mut untold), None);
        keep(&mut untold, 2);
        assert_eq!(told(&mut untold), Some((1, 2)));
        keep(&mut untold, 3);
        assert_eq!(told(&mut untold), Some((1, 2)), "nothing is added to what may be done already");
        untold.confirmed();
        assert_eq!(told(&mut untold), Some((2, 3)));
        untold.confirmed();
        assert_eq!(told(&mut untold), None);
    }

    #[test]
    fn there_is_room_for_so_much_and_what_is_told_makes_room_again() {
        let mut untold = untold();
        assert_eq!(keep(&mut untold, MOST_KEPT + 1), MOST_KEPT);
        assert_eq!(told(&mut untold), Some((1, LARGEST_BATCH)));
        untold.confirmed();
        assert_eq!(keep(&mut untold, MOST_KEPT), LARGEST_BATCH);
    }

    fn untold() -> Untold {
        Untold::new(Duration::from_secs(30))
    }

    /// How many of so many there was room for.
    fn keep(untold: &mut Untold, updates: usize) -> usize {
        let terms = Terms::of(&Limit::calendar_day("a", 9), Duration::ZERO);
        let update = || Update { name: b"a".to_vec(), terms, change: Change::Add(1), number: 0 };
        (0..updates).filter(|_| untold.keep(update(), Duration::ZERO)).count()
    }

    /// Which telling, and of how much.
    fn told(untold: &mut Untold) -> Option<(i64, usize)> {
        let run = untold.next(Vec::new())?;
        let Argument::Number(number) = run.arguments[0] else { panic!("a number") };
        Some((number, run.keys.len() - 1))
    }
}
