//! What this node let pass while the store could not be asked, until the store is told.

use std::collections::HashMap;
use std::time::Duration;

use super::leases::LeaseId;
use super::request::Asked;
use super::terms::Terms;
use crate::policy::Limit;
use crate::time::nanos;
use crate::window::Window;

/// Bounded: beyond, what was let pass is not told.
#[derive(Debug)]
pub(crate) struct Debts {
    of: HashMap<LeaseId, Debt>,
    room: usize,
}

/// What of one limit of one key is to be told, oldest first.
#[derive(Debug)]
pub(crate) struct Debt {
    terms: Terms,
    /// How long what is spent counts.
    lasts: Duration,
    parts: Vec<Part>,
}

/// Units that were let pass at about the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    /// Which window it was by this node's wall clock; of one that slides, none.
    window: Option<u64>,
    /// When they count as passed: not before the last of them did, where the window slides, so that
    /// they count too long rather than too short.
    at: Duration,
    /// What passes before that is one with them.
    until: Duration,
    units: u64,
}

/// Units to be counted as of then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late {
    pub(crate) id: LeaseId,
    pub(crate) terms: Terms,
    lasts: Duration,
    pub(crate) at: Duration,
    pub(crate) units: u64,
}

impl Debts {
    pub(crate) fn new() -> Self {
        Self { of: HashMap::new(), room: MOST_PARTS }
    }

    /// What `limit` was asked for has passed, `at` this time and when the wall clock showed `wall`.
    /// Says whether there was room to note it.
    pub(crate) fn owe(&mut self, it: &Asked, limit: &Limit, at: Duration, wall: Duration) -> bool {
        let units = it.cost;
        if units == 0 || it.terms.is_concurrency() {
            return true;
        }
        let (lasts, window) = (lasts(limit), window_at(limit, wall));
        let newest = self.of.get_mut(&it.id).and_then(|it| it.parts.last_mut());
        if let Some(part) = newest.filter(|it| it.window == window && at < it.until) {
            part.units = part.units.saturating_add(units);
            return true;
        }
        if self.room == 0 {
            return false;
        }
        let until = at.saturating_add(lasts / GRAINS);
        let passed = if window.is_some() { at } else { until };
        let debt = self.of.entry(it.id).or_insert_with(|| Debt::new(it.terms, lasts));
        let before = debt.parts.len();
        debt.drop_over(at);
        debt.parts.push(Part { window, at: passed, until, units });
        self.room = (self.room + before).saturating_sub(debt.parts.len());
        true
    }

    /// What cost `cost` turned out to cost `actual`. Says whether it was still to be told.
    pub(crate) fn settle(&mut self, id: LeaseId, cost: u64, actual: u64) -> bool {
        let Some(debt) = self.of.get_mut(&id) else { return false };
        let mut back = cost.saturating_sub(actual);
        for part in debt.parts.iter_mut().rev() {
            let of_this = back.min(part.units);
            part.units -= of_this;
            back -= of_this;
        }
        if let Some(part) = debt.parts.last_mut() {
            part.units = part.units.saturating_add(actual.saturating_sub(cost));
        }
        true
    }

    /// Makes room, where there is little, by what does not count any more.
    pub(crate) fn forget_over(&mut self, now: Duration) {
        if self.room > MOST_PARTS / 2 {
            return;
        }
        self.of.retain(|_, it| {
            it.drop_over(now);
            !it.parts.is_empty()
        });
        let held = self.of.values().map(|it| it.parts.len()).sum();
        self.room = MOST_PARTS.saturating_sub(held);
    }

    /// Takes out all of it.
    pub(crate) fn take(&mut self) -> HashMap<LeaseId, Debt> {
        self.room = MOST_PARTS;
        std::mem::take(&mut self.of)
    }

    /// Takes back what could not be told, as far as there is room; says how much there was not.
    pub(crate) fn put_back(&mut self, untold: Vec<Late>) -> usize {
        let mut lost = 0;
        for Late { id, terms, lasts, at, units } in untold {
            if self.room == 0 {
                lost += 1;
                continue;
            }
            self.room -= 1;
            let debt = self.of.entry(id).or_insert_with(|| Debt::new(terms, lasts));
            // Nothing is one with it any more.
            debt.parts.insert(0, Part { window: None, at, until: Duration::ZERO, units });
        }
        lost
    }
}

impl Debt {
    const fn new(terms: Terms, lasts: Duration) -> Self {
        Self { terms, lasts, parts: Vec::new() }
    }

    fn drop_over(&mut self, now: Duration) {
        self.parts.retain(|it| now.saturating_sub(it.at) <= self.lasts);
    }
}

/// All that is to be told, in no order.
pub(crate) fn lates(of: HashMap<LeaseId, Debt>) -> Vec<Late> {
    let each = |(id, Debt { terms, lasts, parts }): (LeaseId, Debt)| {
        let counts = parts.into_iter().filter(|it| it.units > 0);
        counts.map(move |Part { at, units, .. }| Late { id, terms, lasts, at, units })
    };
    of.into_iter().flat_map(each).collect()
}

/// How long what is spent counts.
fn lasts(limit: &Limit) -> Duration {
    match limit.window() {
        Window::TokenBucket { per, burst } => {
            let full = u128::from(nanos(per)) * u128::from(burst) / u128::from(limit.max().max(1));
            Duration::from_nanos(u64::try_from(full).unwrap_or(u64::MAX))
        }
        other @ (Window::Sliding(_)
        | Window::Fixed(_)
        | Window::CalendarDay
        | Window::CalendarMonth
        | Window::Concurrency) => other.length(),
    }
}

fn window_at(limit: &Limit, wall: Duration) -> Option<u64> {
    match limit.window() {
        it @ (Window::Fixed(_) | Window::CalendarDay | Window::CalendarMonth) => {
            Some(it.on_the_wall(nanos(wall)))
        }
        Window::Sliding(_) | Window::TokenBucket { .. } | Window::Concurrency => None,
    }
}

/// Into so many parts of the time that it counts, what is owed is told apart.
const GRAINS: u32 = 60;
/// Of all limits of all keys: some ten megabytes.
const MOST_PARTS: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charge::Charge;
    use crate::key::Key;
    use crate::policy::Policy;
    use crate::redis::request::Request;

    #[test]
    fn what_passes_at_about_the_same_time_is_told_as_one() {
        let mut debts = Debts::new();
        for (second, cost) in [(0, 1), (1, 2), (5, 4), (7, 8)] {
            assert!(owe(&mut debts, &sliding(), cost, second, 0));
        }
        // A part is five seconds of the five minutes, and counts as of its end.
        assert_eq!(told(&mut debts), [(5, 3), (10, 12)]);
        assert_eq!(told(&mut debts), [], "once");
    }

    #[test]
    fn windows_of_the_wall_clock_are_told_apart() {
        let mut debts = Debts::new();
        let day = Limit::calendar_day("a", 9);
        for (second, wall) in [(0, 86_398), (1, 86_399), (2, 86_400), (3, 86_401)] {
            assert!(owe(&mut debts, &day, 1, second, wall));
        }
        assert_eq!(told(&mut debts), [(0, 2), (2, 2)]);
    }

    #[test]
    fn what_does_not_count_any_more_takes_no_room() {
        let mut debts = Debts::new();
        for second in (0..100_000).step_by(10) {
            assert!(owe(&mut debts, &sliding(), 1, second, 0));
        }
        assert_eq!(MOST_PARTS - debts.room, told(&mut debts).len());
    }

    #[test]
    fn what_is_over_makes_room_for_others() {
        let mut debts = Debts::new();
        assert!(owe(&mut debts, &Limit::calendar_day("b", 9), 1, 0, 0));
        assert!(owe(&mut debts, &sliding(), 1, 0, 0));
        debts.room = 0;
        debts.forget_over(Duration::from_secs(305));
        assert_eq!(MOST_PARTS - debts.room, 2);
        debts.room = 0;
        debts.forget_over(Duration::from_secs(306));
        assert_eq!((MOST_PARTS - debts.room, told(&mut debts)), (1, vec![(0, 1)]));
    }

    #[test]
    fn there_is_room_for_so_much_and_what_is_told_makes_room_again() {
        let mut debts = Debts::new();
        debts.room = 2;
        assert!(owe(&mut debts, &sliding(), 1, 0, 0));
        assert!(owe(&mut debts, &sliding(), 1, 10, 0));
        assert!(!owe(&mut debts, &sliding(), 1, 20, 0));
        assert!(owe(&mut debts, &sliding(), 1, 11, 0), "no room is needed for what is one");
        let untold = lates(debts.take());
        debts.room = 1;
        assert_eq!(debts.put_back(untold), 1);
        assert_eq!(told(&mut debts).len(), 1);
    }

    #[test]
    fn what_was_charged_too_much_is_not_told() {
        let mut debts = Debts::new();
        for second in [0, 10] {
            assert!(owe(&mut debts, &sliding(), 3, second, 0));
        }
        let id = asked(&sliding(), 1).id;
        assert!(debts.settle(id, 5, 1));
        assert!(debts.settle(id, 1, 4));
        assert_eq!(told(&mut debts), [(5, 2), (15, 3)]);
        assert!(!debts.settle(id, 5, 1), "it has been told");
    }

    fn owe(debts: &mut Debts, limit: &Limit, cost: u64, second: u64, wall: u64) -> bool {
        let [at, wall] = [second, wall].map(Duration::from_secs);
        debts.owe(&asked(limit, cost), limit, at, wall)
    }

    /// Seconds and units.
    fn told(debts: &mut Debts) -> Vec<(u64, u64)> {
        let mut told: Vec<_> =
            lates(debts.take()).into_iter().map(|it| (it.at.as_secs(), it.units)).collect();
        told.sort_unstable();
        told
    }

    fn asked(limit: &Limit, cost: u64) -> Asked {
        let policy = Policy::new([limit.clone()]).unwrap();
        let charge = Charge { policy: &policy, key: Key::of(&["a"]), cost };
        Request::new(&[charge], Duration::ZERO).asked[0].clone()
    }

    fn sliding() -> Limit {
        Limit::sliding("a", 9, Duration::from_secs(300))
    }
}
