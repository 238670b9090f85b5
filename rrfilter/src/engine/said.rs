//! What several filters say to a value, each to what the one before makes of it.

use smallvec::SmallVec;

use super::stage::{Stage, Verdict};
use super::state::StateId;

/// What the filters of a pass say to a value.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// What each says, in their order.
    pub(super) verdicts: SmallVec<[Verdict; 4]>,
    /// What of that counts when it comes to count, and of which filter it is.
    pub(super) marks: SmallVec<[(usize, Verdict); 2]>,
    /// So many see it, and look at what is in it.
    pub(super) alive: usize,
    /// So many see it at all.
    pub(super) seen: usize,
    pub(super) is_dropped: bool,
    /// The last filter that replaces it.
    pub(super) replaced: Option<usize>,
    /// Nothing is said to it.
    pub(super) passes: bool,
    /// A path of one that retains finds it.
    pub(super) is_match: bool,
    /// It is a container that all filters leave for certain, whatever is in it.
    pub(super) stays: bool,
    /// What to make of what is in it, if some filter has to look.
    pub(super) inside: Option<StateId>,
    /// It matters where in there elements are.
    pub(super) counts: bool,
}

impl Said {
    /// Nothing yet, to a value that some filter sees or none.
    pub(super) fn nothing() -> Self {
        Self { passes: true, stays: true, ..Self::default() }
    }

    /// The next of the filters says this; `Unseen` where it does not see the value.
    pub(super) fn add(&mut self, stage: &Stage, verdict: Verdict) {
        let number = self.verdicts.len();
        self.verdicts.push(verdict);
        if verdict == Verdict::Unseen {
            self.stays = false;
            return;
        }
        self.seen = number + 1;
        self.passes &= verdict == Verdict::Pass;
        if !matches!(verdict, Verdict::Pass | Verdict::Look) {
            self.marks.push((number, verdict));
        }
        match verdict {
            Verdict::Pass | Verdict::Unseen => {}
            Verdict::Match(_) => self.is_match = true,
            Verdict::Look => self.stays &= !stage.retains(),
            Verdict::Destroy(_) | Verdict::Drop => {
                self.is_dropped = true;
                self.stays = false;
            }
            Verdict::Replace(_) => {
                self.replaced = Some(number);
                self.stays = false;
            }
        }
        if !self.is_dropped && self.replaced.is_none() {
            self.alive = number + 1;
        }
    }

    /// Whether some filter has to look at what is in it.
    pub(super) fn looks(&self) -> bool {
        self.verdicts.contains(&Verdict::Look)
    }
}
