//! What the checks say of a body.

use crate::pattern::Presence;

/// What the checks say of each call in a body: there is one, unless it is a batch.
#[derive(Debug)]
pub(crate) struct Inspection {
    // The checks that were asked for, ascending.
    wanted: Box<[(usize, Presence)]>,
    calls: Vec<Findings>,
    // Of a batch: what was found in it as one document.
    whole: Option<Findings>,
}

/// Which checks found a match.
#[derive(Clone, Debug)]
pub(super) struct Findings {
    // Two for each check that was asked for: a match in some reading, a match in every reading.
    bits: Box<[u64]>,
}

impl Inspection {
    pub(super) fn new(
        wanted: Box<[(usize, Presence)]>,
        calls: Vec<Findings>,
        whole: Option<Findings>,
    ) -> Self {
        Self { wanted, calls, whole }
    }

    /// How many calls there are: at least one.
    pub(crate) fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Whether some server could read the call so that the check holds: what a `Deny` asks.
    ///
    /// What is present is looked for in the whole of a batch, too; what is absent, in each call: a
    /// batch of calls as they should be is as it should be.
    pub(crate) fn may_hold(&self, call: usize, check: usize) -> bool {
        // What was not asked for is not known.
        let Some((rank, presence, findings)) = self.find(call, check) else { return true };
        let in_whole = || self.whole.as_ref().is_some_and(|it| it.is_possible(rank));
        match presence {
            Presence::Present => findings.is_possible(rank) || in_whole(),
            Presence::Absent => !findings.is_sure(rank),
        }
    }

    /// Whether the check holds, whichever way a server reads the call: what an `Allow` asks.
    pub(crate) fn must_hold(&self, call: usize, check: usize) -> bool {
        let Some((rank, presence, findings)) = self.find(call, check) else { return false };
        match presence {
            Presence::Present => findings.is_sure(rank),
            Presence::Absent => !findings.is_possible(rank),
        }
    }

    fn find(&self, call: usize, check: usize) -> Option<(usize, Presence, &Findings)> {
        let rank = self.wanted.binary_search_by_key(&check, |it| it.0).ok()?;
        Some((rank, self.wanted.get(rank)?.1, self.calls.get(call)?))
    }
}

impl Findings {
    /// Nothing was found by so many checks.
    pub(super) fn none(checks: usize) -> Self {
        Self { bits: vec![0; (2 * checks).div_ceil(WORD)].into() }
    }

    /// In some reading, something matches.
    pub(super) fn is_possible(&self, rank: usize) -> bool {
        self.has(2 * rank)
    }

    /// In every reading, something matches.
    pub(super) fn is_sure(&self, rank: usize) -> bool {
        self.has(2 * rank + 1)
    }

    pub(super) fn note(&mut self, rank: usize, sure: bool) {
        self.set(2 * rank);
        if sure {
            self.set(2 * rank + 1);
        }
    }

    /// What was found in one of two parts of a document.
    pub(super) fn either(&mut self, other: &Self) {
        self.merge(other, |it, other| it | other);
    }

    /// What was found in two readings of it.
    pub(super) fn both(&mut self, other: &Self) {
        self.merge(other, |it, other| (it | other) & POSSIBLE | it & other & SURE);
    }

    /// What was found in another reading that changes nothing about what is sure.
    pub(super) fn maybe(&mut self, other: &Self) {
        self.merge(other, |it, other| it | other & POSSIBLE);
    }

    fn merge(&mut self, other: &Self, merged: impl Fn(u64, u64) -> u64) {
        for (it, other) in self.bits.iter_mut().zip(&other.bits) {
            *it = merged(*it, *other);
        }
    }

    fn has(&self, bit: usize) -> bool {
        self.bits.get(bit / WORD).is_some_and(|it| it >> (bit % WORD) & 1 == 1)
    }

    fn set(&mut self, bit: usize) {
        if let Some(word) = self.bits.get_mut(bit / WORD) {
            *word |= 1 << (bit % WORD);
        }
    }
}

const WORD: usize = u64::BITS as usize;
// Of each pair of bits.
const POSSIBLE: u64 = 0x5555_5555_5555_5555;
const SURE: u64 = !POSSIBLE;

#[cfg(test)]
mod tests {
    use super::*;
    use Presence::{Absent, Present};

    #[test]
    fn what_is_possible_makes_a_deny_hold_and_what_is_sure_an_allow() {
        // Nothing, possible, sure: whether a `Deny` and an `Allow` hold.
        check(Present, None, (false, false));
        check(Present, Some(false), (true, false));
        check(Present, Some(true), (true, true));
        check(Absent, None, (true, true));
        check(Absent, Some(false), (true, false));
        check(Absent, Some(true), (false, false));
    }

    #[test]
    fn what_was_not_asked_for_is_denied_and_not_allowed() {
        let inspection =
            Inspection::new([(3, Present), (70, Absent)].into(), vec![Findings::none(2)], None);
        for (call, id) in [(0, 0), (0, 4), (0, 71), (1, 3)] {
            assert!(inspection.may_hold(call, id));
            assert!(!inspection.must_hold(call, id));
        }
        assert!(!inspection.may_hold(0, 3));
    }

    #[track_caller]
    fn check(presence: Presence, found: Option<bool>, expected: (bool, bool)) {
        // With others around it that were found, to see that each has bits of its own.
        let mut findings = Findings::none(100);
        for other in (0..100).filter(|it| *it != 40) {
            findings.note(other, true);
        }
        found.into_iter().for_each(|sure| findings.note(40, sure));
        let wanted = (0..100).map(|it| (it, presence)).collect();
        let inspection = Inspection::new(wanted, vec![findings], None);
        assert_eq!((inspection.may_hold(0, 40), inspection.must_hold(0, 40)), expected);
    }
}
