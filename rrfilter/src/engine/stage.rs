//! One filter among those of a pass: what it says to a value.

use super::active::{Active, Nodes};
use crate::filter::{Filter, Operation};
use crate::paths::{PathIndex, Place};
use crate::report::Report;

#[derive(Debug)]
pub(super) struct Stage {
    pub(super) filter: Filter,
    active: Active,
    pub(super) report: Report,
}

/// What a filter says to a value that the filters before it left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It stays as it is, with all that is in it.
    Pass,
    /// The same, because a path found what is to be retained.
    Match(PathIndex),
    /// It depends on what is in it, or what stays of it does.
    Look,
    /// It goes; a path found it.
    Destroy(PathIndex),
    /// It goes: nothing of it is to be retained.
    Drop,
    Replace(PathIndex),
    /// It does not see it: a filter before it took the value away, or made another of it.
    Unseen,
}

impl Stage {
    pub(super) fn new(filter: Filter) -> Self {
        let active = Active::new(filter.paths());
        let report = Report { removed: 0, found: vec![0; filter.len()] };
        Self { filter, active, report }
    }

    /// Waits for the root of the next document.
    pub(super) fn restart(&mut self) {
        self.active.restart(self.filter.paths());
    }

    #[inline(always)]
    pub(super) fn step(&mut self, around: Nodes, place: Place<'_>) {
        self.active.step(self.filter.paths(), around, place);
    }

    /// Goes to a value to which none of its paths leads.
    #[inline(always)]
    pub(super) fn rest(&mut self, around: Nodes) {
        self.active.rest(around);
    }

    #[inline(always)]
    pub(super) fn enter(&self) -> Nodes {
        self.active.enter(self.filter.paths())
    }

    /// A match decides on all that is in it: a match inside of a match changes nothing.
    #[inline(always)]
    pub(super) fn judge(&self, is_container: bool) -> Verdict {
        match (self.filter.operation(), self.active.found()) {
            (Operation::Retain, Some(path)) => Verdict::Match(path),
            (Operation::Destroy, Some(path)) => Verdict::Destroy(path),
            (Operation::Mask, Some(path)) => Verdict::Replace(path),
            _ if is_container && self.active.may_find_inside() => Verdict::Look,
            (Operation::Retain, None) => Verdict::Drop,
            (Operation::Destroy | Operation::Mask, None) => Verdict::Pass,
        }
    }

    /// Whether the next value goes, whatever is in it.
    #[inline(always)]
    pub(super) fn takes_away(&self) -> bool {
        matches!(self.judge(true), Verdict::Destroy(_) | Verdict::Drop)
    }

    /// The verdict on a value that is certain to get here comes to count.
    #[inline(always)]
    pub(super) fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Pass | Verdict::Look | Verdict::Unseen => {}
            Verdict::Match(path) => self.found(path),
            Verdict::Drop => self.report.removed += 1,
            Verdict::Destroy(path) | Verdict::Replace(path) => {
                self.report.removed += 1;
                self.found(path);
            }
        }
    }

    fn found(&mut self, path: PathIndex) {
        if let Some(count) = self.report.found.get_mut(path as usize) {
            *count += 1;
        }
    }

    pub(super) const fn retains(&self) -> bool {
        matches!(self.filter.operation(), Operation::Retain)
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.active.capacity()
    }
}
