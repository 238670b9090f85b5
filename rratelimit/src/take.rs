//! The decision about all charges of a request: all are taken, or none.

use std::time::Duration;

use rrcore::Now;
use smallvec::SmallVec;

use crate::charge::{Charge, Charged, Receipt};
use crate::decision::{Decision, Left, Standing};
use crate::policy::Limit;
use crate::shard::{Place, Shard};
use crate::spent::Spent;
use crate::sync::MutexGuard;
use crate::threshold::{Crossed, Threshold};
use crate::time::Time;
use crate::window::Mark;

/// The counts that the charges of one request are held to: one for each charge, perhaps the same
/// for several.
pub(crate) trait Books {
    fn seat(&self, at: usize) -> Option<&Seat>;
    fn spent(&mut self, at: usize) -> Option<&mut Spent>;
}

/// Where the counts for one charge are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    /// Which of the locked shards.
    shard: usize,
    place: Place,
    time: Time,
}

/// The shards of a request's keys, each locked once, in the order of the table: so nobody waits for
/// one who waits for him.
#[derive(Debug)]
pub(crate) struct Locked<'a> {
    guards: SmallVec<[MutexGuard<'a, Shard>; 2]>,
    seats: SmallVec<[Seat; 4]>,
    keys: SmallVec<[crate::key::Key; 4]>,
}

/// Copies of the counts, to see what would become of them.
#[derive(Debug)]
pub(crate) struct Copies {
    seats: SmallVec<[Seat; 4]>,
    // Which copy is whose.
    of: SmallVec<[usize; 4]>,
    copies: Vec<Spent>,
}

/// What has been decided so far. Large: made once, where the decision is made from it, and not moved
/// until then.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    standing: Standing,
    charges: SmallVec<[Charged; 1]>,
    marks: SmallVec<[Mark; 3]>,
    pub(crate) crossed: Crossed,
    wait: u64,
}

/// Takes one charge of a key that is known, and says whether there was room; `None` for others.
pub(crate) fn of_known(
    shard: &mut Shard,
    charge: &Charge<'_>,
    reading: Time,
    tally: &mut Tally,
) -> Option<bool> {
    let time = shard.advance(reading);
    let spent = shard.known(charge.key)?;
    let admits = spent.take_if(charge.policy, charge.cost, time, tally.note(0));
    if admits {
        shard.changed(charge.key, charge.policy);
    } else {
        tally.survey(charge, |limit| spent.left(limit, charge.cost, time));
    }
    Some(admits)
}

/// Takes all that is charged, or nothing; says which.
pub(crate) fn all(books: &mut impl Books, charges: &[Charge<'_>], tally: &mut Tally) -> bool {
    let admits = (0..charges.len()).all(|at| admits(books, charges, at));
    for (at, charge) in charges.iter().enumerate() {
        let Some(Seat { place, time, .. }) = books.seat(at).copied() else { continue };
        if !admits {
            tally.survey(charge, |limit| left(books, charges, at, limit));
        } else if let Some(spent) = books.spent(at) {
            spent.take(charge.policy, charge.cost, time, tally.note(at));
        } else {
            tally.leave_out(charge);
        }
        tally.close(charge, admits, place == Place::Shared);
    }
    admits
}

fn admits(books: &mut impl Books, charges: &[Charge<'_>], at: usize) -> bool {
    let (Some(charge), Some(seat)) = (charges.get(at), books.seat(at).copied()) else {
        return false;
    };
    if charge.policy.is_observed() || charge.policy.is_empty() {
        return true;
    }
    if !(0..at).any(|it| is_together(books, charges, (it, at))) {
        let spent = books.spent(at);
        return spent.is_some_and(|it| it.admits(charge.policy, charge.cost, seat.time));
    }
    charge.policy.limits().iter().all(|it| left(books, charges, at, it).wait.is_none())
}

/// Whether two charges are held to the same counts.
fn is_together(books: &impl Books, charges: &[Charge<'_>], (one, other): (usize, usize)) -> bool {
    let (Some(its), Some(seat)) = (books.seat(one), books.seat(other)) else { return false };
    match seat.place {
        Place::Shared => its.place == Place::Shared && its.shard == seat.shard,
        Place::Own | Place::Fresh => {
            let key = |at: usize| charges.get(at).map(|it| it.key);
            key(one) == key(other)
        }
        Place::Nowhere => false,
    }
}

// What charges before this one ask of the same counter is as good as taken.
fn left(books: &mut impl Books, charges: &[Charge<'_>], at: usize, limit: &Limit) -> Left {
    let (Some(charge), Some(seat)) = (charges.get(at), books.seat(at).copied()) else {
        return NONE;
    };
    let before = charges.iter().enumerate().take(at).filter(|(other, it)| {
        is_together(books, charges, (*other, at))
            && it.policy.limits().iter().any(|its| its.id() == limit.id())
    });
    let before: SmallVec<[u64; 4]> = before.map(|(_, it)| it.cost).collect();
    let Some(spent) = books.spent(at) else { return NONE };
    spent.left_after(&before, limit, charge.cost, seat.time)
}

impl Tally {
    /// Notes what was taken of each limit of the charge at `at`.
    fn note(&mut self, at: usize) -> impl FnMut(usize, Mark, Left, Option<Threshold>) {
        move |limit, mark, left, crossing| {
            self.marks.push(mark);
            self.standing.push(left);
            if let Some(crossing) = crossing {
                self.crossed.push((at, limit, crossing));
            }
        }
    }

    // Observed, and there is no room to count it.
    fn leave_out(&mut self, charge: &Charge<'_>) {
        for _ in charge.policy.limits() {
            self.marks.push([0, 0]);
            self.standing.push(NONE);
        }
    }

    /// Notes of whom that was, once it is taken or refused. Needs no lock.
    pub(crate) fn close(&mut self, charge: &Charge<'_>, admits: bool, is_shared: bool) {
        let Charge { policy, key, cost } = *charge;
        self.standing.push_policy(policy);
        if admits {
            self.charges.push(Charged { policy: policy.clone(), key, cost, is_shared });
        }
    }

    fn survey(&mut self, charge: &Charge<'_>, mut left: impl FnMut(&Limit) -> Left) {
        for limit in charge.policy.limits() {
            let left = left(limit);
            self.standing.push(left);
            if let Some(wait) = left.wait.filter(|_| !charge.policy.is_observed()) {
                self.wait = self.wait.max(wait);
            }
        }
    }

    pub(crate) fn decision(self, admits: bool) -> Decision {
        if admits {
            let receipt = Receipt { charges: self.charges, marks: self.marks };
            Decision::Allowed { standing: self.standing, receipt }
        } else {
            let retry_after = Duration::from_nanos(self.wait);
            Decision::Refused { retry_after, standing: self.standing }
        }
    }
}

impl<'a> Locked<'a> {
    /// `shards` are those of the charges' keys, each once, in the order of the table; `of` says for
    /// each charge which of them is its own.
    pub(crate) fn new(
        guards: SmallVec<[MutexGuard<'a, Shard>; 2]>,
        of: &[usize],
        charges: &[Charge<'_>],
        now: Now,
    ) -> Self {
        let keys = charges.iter().map(|it| it.key).collect();
        let mut locked = Self { guards, seats: SmallVec::new(), keys };
        let reading = Time::from(now);
        let times: SmallVec<[Time; 4]> =
            locked.guards.iter_mut().map(|it| it.advance(reading)).collect();
        // As fast as keys come, and before anybody is known to have a place.
        for (charge, shard) in charges.iter().zip(of) {
            let its = locked.guards.get_mut(*shard);
            if let Some(its) = its.filter(|it| !it.knows(charge.key)) {
                its.sweep();
            }
        }
        for (charge, shard) in charges.iter().zip(of) {
            let Some((its, time)) = locked.guards.get_mut(*shard).zip(times.get(*shard)) else {
                continue;
            };
            let place = match its.known(charge.key) {
                Some(_) => Place::Own,
                None => its.enter(charge.key, charge.policy),
            };
            locked.seats.push(Seat { shard: *shard, place, time: *time });
        }
        locked
    }

    /// What is left to do once it is decided.
    pub(crate) fn close(mut self, charges: &[Charge<'_>], is_allowed: bool) {
        for ((seat, key), charge) in self.seats.iter().zip(&self.keys).zip(charges) {
            let Some(shard) = self.guards.get_mut(seat.shard) else { continue };
            if is_allowed {
                shard.changed(*key, charge.policy);
            } else if seat.place == Place::Fresh {
                shard.leave(*key);
            }
        }
    }
}

impl Books for Locked<'_> {
    fn seat(&self, at: usize) -> Option<&Seat> {
        self.seats.get(at)
    }

    fn spent(&mut self, at: usize) -> Option<&mut Spent> {
        let (seat, key) = self.seats.get(at).zip(self.keys.get(at))?;
        self.guards.get_mut(seat.shard)?.spent(seat.place, *key)
    }
}

impl Copies {
    /// As [`Locked::new`], of shards that stay as they are.
    pub(crate) fn new(
        guards: &[MutexGuard<'_, Shard>],
        of: &[usize],
        charges: &[Charge<'_>],
        now: Now,
    ) -> Self {
        let mut books = Self { seats: SmallVec::new(), of: SmallVec::new(), copies: Vec::new() };
        for (at, (charge, its)) in charges.iter().zip(of).enumerate() {
            let Some(shard) = guards.get(*its) else { continue };
            let time = shard.time_at(now.into());
            let (place, spent) = shard.copy(charge, time);
            let earlier =
                charges.iter().zip(&books.seats).take(at).position(|(other, seat)| match place {
                    Place::Shared => seat.place == Place::Shared && seat.shard == *its,
                    Place::Own | Place::Fresh | Place::Nowhere => other.key == charge.key,
                });
            let copy = earlier.and_then(|it| books.of.get(it).copied());
            books.of.push(copy.unwrap_or(books.copies.len()));
            if copy.is_none() {
                books.copies.push(spent);
            }
            books.seats.push(Seat { shard: *its, place, time });
        }
        books
    }
}

impl Books for Copies {
    fn seat(&self, at: usize) -> Option<&Seat> {
        self.seats.get(at)
    }

    fn spent(&mut self, at: usize) -> Option<&mut Spent> {
        let seat = self.seats.get(at)?;
        let copy = self.of.get(at)?;
        if seat.place == Place::Nowhere { None } else { self.copies.get_mut(*copy) }
    }
}

/// What is left where there is no room to count, and so for nobody.
const NONE: Left = Left { remaining: 0, reset: 1_000_000_000, wait: Some(1_000_000_000) };
