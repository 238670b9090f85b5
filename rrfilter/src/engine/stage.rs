//! One filter among those of a pass: what it says to a value.

use crate::filter::{Filter, Operation};
use crate::paths::PathIndex;
use crate::report::Report;

#[derive(Debug)]
pub(super) struct Stage {
    pub(super) filter: Filter,
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
        let report = Report { removed: 0, found: vec![0; filter.len()] };
        Self { filter, report }
    }

    /// What it says to a value that a path has found, or in which one may find something.
    /// A match decides on all that is in it: a match inside of a match changes nothing.
    pub(super) fn judge(&self, found: Option<PathIndex>, may_find_inside: bool) -> Verdict {
        match (self.filter.operation(), found) {
            (Operation::Retain, Some(path)) => Verdict::Match(path),
            (Operation::Destroy, Some(path)) => Verdict::Destroy(path),
            (Operation::Mask, Some(path)) => Verdict::Replace(path),
            _ if may_find_inside => Verdict::Look,
            (Operation::Retain, None) => Verdict::Drop,
            (Operation::Destroy | Operation::Mask, None) => Verdict::Pass,
        }
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
}
