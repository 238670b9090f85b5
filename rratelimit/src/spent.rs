//! What one key has spent, and the decision about its next request.

use crate::counter::{Counter, untouched};
use crate::decision::Left;
use crate::policy::{Limit, Policy};
use crate::threshold::Threshold;
use crate::time::Time;
use crate::window::{Mark, Window};

/// All that is remembered of one key.
///
/// Knows limits by name and window only, so it outlives the policies it is decided by. A count
/// that no present limit asks for is kept until it is over: another policy may share this key.
#[derive(Clone, Debug)]
pub(crate) enum Spent {
    // Most have one limit: it takes no memory of its own.
    One(Counter),
    Several(Box<[Counter]>),
}

impl Spent {
    /// Whether every limit of `policy` has room for `cost`; an observed one always has.
    pub(crate) fn admits(&self, policy: &Policy, cost: u64, time: Time) -> bool {
        let fits = |(at, it)| self.fits(at, it, cost, time);
        policy.is_observed() || policy.limits().iter().enumerate().all(fits)
    }

    /// Whether `limit`, which is the policy's at `at`, has room for `cost`.
    #[inline]
    fn fits(&self, at: usize, limit: &Limit, cost: u64, time: Time) -> bool {
        let need = need(limit, cost);
        match self.counter_at(at, limit) {
            Some(counter) if limit.max() > 0 => counter.fits(need, limit, time),
            Some(_) | None => need <= limit.capacity(),
        }
    }

    /// Takes `cost` of every limit of `policy`, and says of each what was taken, what is left, and
    /// which threshold it passed.
    pub(crate) fn take(
        &mut self,
        policy: &Policy,
        cost: u64,
        time: Time,
        mut each: impl FnMut(usize, Mark, Left, Option<Threshold>),
    ) {
        self.make_room(policy, time);
        for (at, limit) in policy.limits().iter().enumerate() {
            // Only an observed limit can be without room.
            let has_room = !policy.is_observed() || self.fits(at, limit, cost, time);
            let Some(counter) = self.counter_at_mut(at, limit) else { continue };
            let mark = counter.take(price(limit, cost), limit, time);
            let count = counter.count(limit, time);
            let crossing = counter.crossing_at(count, limit);
            let left = counter.left_of(count, 0, limit, time);
            let wait = if has_room { None } else { left.wait.or(Some(left.reset)) };
            each(at, mark, Left { wait, ..left }, crossing);
        }
    }

    /// As [`take`](Self::take), if all have room; says whether they had.
    pub(crate) fn take_if(
        &mut self,
        policy: &Policy,
        cost: u64,
        time: Time,
        mut each: impl FnMut(usize, Mark, Left, Option<Threshold>),
    ) -> bool {
        // What most ask for: then one look at the count is enough.
        if let ([limit], 1, false, Self::One(counter)) =
            (policy.limits(), cost, policy.is_observed(), &mut *self)
        {
            if counter.is_of(limit) && limit.max() > 0 {
                let Some(count) = counter.take_one(limit, time) else { return false };
                let crossing = counter.crossing_at(count, limit);
                let left = counter.left_of(count, 0, limit, time);
                each(0, counter.newest(), Left { wait: None, ..left }, crossing);
                return true;
            }
        }
        let admits = self.admits(policy, cost, time);
        if admits {
            self.take(policy, cost, time, each);
        }
        admits
    }

    /// Takes one of every limit of `policy`, if all have room, and says whether they had.
    #[inline]
    pub(crate) fn admit(
        &mut self,
        policy: &Policy,
        time: Time,
        mut passed: impl FnMut(usize, Threshold),
    ) -> bool {
        // What most ask for: then all is in one place.
        if let ([limit], false, Self::One(counter)) =
            (policy.limits(), policy.is_observed(), &mut *self)
        {
            if counter.is_of(limit) && limit.max() > 0 {
                return counter.admit(limit, time, |it| passed(0, it));
            }
        }
        if let Some(counters) = self.in_order(policy) {
            return admit_all(counters, policy.limits(), time, passed);
        }
        let admits = self.admits(policy, 1, time);
        if admits {
            self.take_silently(policy, 1, time, passed);
        }
        admits
    }

    /// The counts of the limits of `policy`, if they are in its order, as they nearly always are,
    /// and if each has to have room.
    #[inline]
    fn in_order(&mut self, policy: &Policy) -> Option<&mut [Counter]> {
        let limits = policy.limits();
        let counters = self.counters_mut().get_mut(..limits.len())?;
        let mut both = counters.iter().zip(limits);
        let are_they = !policy.is_observed() && both.all(|(it, limit)| it.is_of(limit));
        are_they.then_some(counters)
    }

    /// Takes `cost` of every limit of `policy`, and says which thresholds that passed.
    fn take_silently(
        &mut self,
        policy: &Policy,
        cost: u64,
        time: Time,
        mut passed: impl FnMut(usize, Threshold),
    ) {
        self.make_room(policy, time);
        for (at, limit) in policy.limits().iter().enumerate() {
            let Some(counter) = self.counter_at_mut(at, limit) else { continue };
            counter.take(price(limit, cost), limit, time);
            if let Some(crossing) = counter.crossing(limit, time) {
                passed(at, crossing);
            }
        }
    }

    /// Takes `cost` of every limit of `policy`, whether there is room or not; not of what runs.
    pub(crate) fn add(
        &mut self,
        policy: &Policy,
        cost: u64,
        time: Time,
        mut passed: impl FnMut(usize, Threshold),
    ) {
        self.make_room(policy, time);
        for (at, limit) in policy.limits().iter().enumerate() {
            let counter = self.counter_mut(limit).filter(|it| !it.is_running());
            let Some(counter) = counter else { continue };
            counter.take(cost, limit, time);
            if let Some(crossing) = counter.crossing(limit, time) {
                passed(at, crossing);
            }
        }
    }

    /// What is left of `limit`, where `cost` is asked for.
    pub(crate) fn left(&self, limit: &Limit, cost: u64, time: Time) -> Left {
        let need = need(limit, cost);
        self.counter(limit).map_or_else(|| untouched(need, limit), |it| it.left(need, limit, time))
    }

    /// As [`left`](Self::left), where other charges of the same request cost `before`.
    pub(crate) fn left_after(&self, before: &[u64], limit: &Limit, cost: u64, time: Time) -> Left {
        if before.is_empty() {
            return self.left(limit, cost, time);
        }
        let before = before.iter().map(|it| price(limit, *it));
        let need = before.fold(need(limit, cost), u64::saturating_add);
        self.counter(limit).map_or_else(|| untouched(need, limit), |it| it.left(need, limit, time))
    }

    /// What of `limit` is spent.
    pub(crate) fn count(&self, limit: &Limit, time: Time) -> u64 {
        self.counter(limit).map_or(0, |it| it.count(limit, time))
    }

    /// Whether nothing of this counts any more: it then equals what a new key has spent.
    pub(crate) fn is_over(&self, time: Time) -> bool {
        self.counters().iter().all(|it| it.is_over(time))
    }

    /// Whether this may be thrown out: where room is short, also what counts only if the wall clock goes
    /// back. That would be somebody's for as long as clocks may be wrong, while all who come share what
    /// is one's.
    pub(crate) fn may_go(&self, time: Time, is_short: bool) -> bool {
        self.counters().iter().all(|it| if is_short { it.is_past(time) } else { it.is_over(time) })
    }

    /// Whether something that concurrency limits of `policy` count is still running.
    pub(crate) fn runs(&self, policy: &Policy, time: Time) -> bool {
        let mut limits = policy.limits().iter().filter(|it| it.window() == Window::Concurrency);
        limits.any(|it| self.count(it, time) > 0)
    }

    /// A copy without what is running.
    pub(crate) fn settled(&self) -> Self {
        let counters = self.counters().iter().filter(|it| !it.is_running()).cloned();
        Self::from(counters.collect::<Vec<_>>())
    }

    /// Sees to it that every limit of `policy` has its counter.
    pub(crate) fn make_room(&mut self, policy: &Policy, time: Time) {
        let limits = policy.limits();
        if !limits.iter().enumerate().all(|(at, it)| self.counter_at(at, it).is_some()) {
            self.grow(limits, time);
        }
    }

    #[cold]
    fn grow(&mut self, limits: &[Limit], time: Time) {
        let mut counters = match std::mem::take(self) {
            Self::One(one) => vec![one],
            Self::Several(several) => several.into_vec(),
        };
        counters.retain(|it| !it.is_over(time));
        for limit in limits {
            if !counters.iter().any(|it| it.is_of(limit)) {
                counters.push(Counter::new(limit));
            }
        }
        *self = Self::from(counters);
    }

    /// Takes over a count as it was written down.
    pub(crate) fn push(&mut self, counter: Counter) {
        let counters = match std::mem::take(self) {
            Self::One(one) => vec![one],
            Self::Several(several) => several.into_vec(),
        };
        *self = Self::from(counters.into_iter().chain([counter]).collect::<Vec<_>>());
    }

    pub(crate) fn counters(&self) -> &[Counter] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }

    pub(crate) fn counters_mut(&mut self) -> &mut [Counter] {
        match self {
            Self::One(one) => std::slice::from_mut(one),
            Self::Several(several) => several,
        }
    }

    /// Counts are nearly always in the order in which a policy has its limits: that of the first is
    /// first.
    #[inline]
    fn counter_at(&self, at: usize, limit: &Limit) -> Option<&Counter> {
        let its = self.counters().get(at).filter(|it| it.is_of(limit));
        its.or_else(|| self.counter(limit))
    }

    #[inline]
    fn counter_at_mut(&mut self, at: usize, limit: &Limit) -> Option<&mut Counter> {
        let is_there = self.counters().get(at).is_some_and(|it| it.is_of(limit));
        if is_there { self.counters_mut().get_mut(at) } else { self.counter_mut(limit) }
    }

    fn counter(&self, limit: &Limit) -> Option<&Counter> {
        self.counters().iter().find(|it| it.is_of(limit))
    }

    pub(crate) fn counter_mut(&mut self, limit: &Limit) -> Option<&mut Counter> {
        self.counters_mut().iter_mut().find(|it| it.is_of(limit))
    }
}

impl Default for Spent {
    fn default() -> Self {
        Self::Several(Box::default())
    }
}

impl From<Vec<Counter>> for Spent {
    fn from(counters: Vec<Counter>) -> Self {
        match <[Counter; 1]>::try_from(counters) {
            Ok([one]) => Self::One(one),
            Err(several) => Self::Several(several.into_boxed_slice()),
        }
    }
}

/// Takes one of each limit, if all have room, and says whether they had; `counters` are theirs.
#[inline]
fn admit_all(
    counters: &mut [Counter],
    limits: &[Limit],
    time: Time,
    mut passed: impl FnMut(usize, Threshold),
) -> bool {
    let has_room = |(it, limit): (&Counter, &Limit)| limit.max() > 0 && it.fits(1, limit, time);
    let admits = counters.iter().zip(limits).all(has_room);
    if admits {
        for (at, (counter, limit)) in counters.iter_mut().zip(limits).enumerate() {
            counter.admit(limit, time, |it| passed(at, it));
        }
    }
    admits
}

/// What a request that costs `cost` takes of `limit`.
const fn price(limit: &Limit, cost: u64) -> u64 {
    match limit.window() {
        Window::Concurrency => 1,
        Window::Sliding(_)
        | Window::Fixed(_)
        | Window::CalendarDay
        | Window::CalendarMonth
        | Window::TokenBucket { .. } => cost,
    }
}

/// What must be left of `limit`: also for what costs nothing, something.
const fn need(limit: &Limit, cost: u64) -> u64 {
    match price(limit, cost) {
        0 => 1,
        price => price,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rrcore::Now;
    use std::time::Duration;

    #[test]
    fn a_refusal_by_one_limit_costs_the_others_nothing() {
        let policy = policy([("a", 3), ("b", 1)]);
        let mut spent = Spent::default();
        let expect = [(true, [2, 0]), (false, [2, 0]), (false, [2, 0])];
        for (allowed, left) in expect {
            check(&mut spent, &policy, allowed, &left);
        }
    }

    #[test]
    fn what_was_spent_survives_new_maxima() {
        let mut spent = Spent::default();
        check(&mut spent, &policy([("a", 5)]), true, &[4]);
        check(&mut spent, &policy([("a", 5)]), true, &[3]);
        check(&mut spent, &policy([("a", 1)]), false, &[0]);
        check(&mut spent, &policy([("b", 9), ("a", 3)]), true, &[8, 0]);
        check(&mut spent, &policy([("a", 3), ("b", 9)]), false, &[0, 8]);
    }

    #[test]
    fn two_policies_on_one_key_do_not_forget_each_others_counts() {
        let mut spent = Spent::default();
        for left in [2, 1, 0] {
            check(&mut spent, &policy([("a", 3)]), true, &[left]);
            check(&mut spent, &policy([("b", 3)]), true, &[left]);
        }
        check(&mut spent, &policy([("a", 3)]), false, &[0]);
    }

    #[test]
    fn the_extremes_of_a_maximum_hold() {
        let mut spent = Spent::default();
        check(&mut spent, &policy([("a", u64::MAX), ("b", 0)]), false, &[u64::MAX, 0]);
        check(&mut spent, &policy([("a", u64::MAX)]), true, &[u64::MAX - 1]);
        let wait = spent.left(&policy([("b", 0)]).limits()[0], 1, noon()).wait;
        assert_eq!(wait, Some(86_400_000_000_000));
    }

    #[track_caller]
    fn check(spent: &mut Spent, policy: &Policy, allowed: bool, left: &[u64]) {
        assert_eq!(spent.admits(policy, 1, noon()), allowed);
        let mut remaining = Vec::new();
        if allowed {
            spent.take(policy, 1, noon(), |_, _, it, _| remaining.push(it.remaining));
        } else {
            let left = policy.limits().iter().map(|it| spent.left(it, 1, noon()).remaining);
            remaining.extend(left);
        }
        assert_eq!(remaining, left);
    }

    fn policy<const N: usize>(limits: [(&str, u64); N]) -> Policy {
        Policy::new(limits.map(|(name, max)| Limit::calendar_day(name, max))).unwrap()
    }

    fn noon() -> Time {
        let now = Duration::from_secs(12 * 3_600);
        Time::from(Now { monotonic: now, wall: now })
    }
}
