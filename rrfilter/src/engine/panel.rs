//! What several filters say to a value, each to what the one before makes of it.

use super::frame::{View, innermost, sieve};
use super::stage::{Stage, Verdict};
use super::together::Together;
use crate::paths::{Place, Sieve};

#[derive(Debug)]
pub(super) struct Panel {
    pub(super) stages: Vec<Stage>,
    /// What each stage makes of each open container; those of one container, one after the other.
    pub(super) views: Vec<View>,
    /// What each stage says to the value that is being looked at.
    pub(super) verdicts: Vec<Verdict>,
}

impl Panel {
    pub(super) fn new(stages: Vec<Stage>) -> Self {
        Self { verdicts: vec![Verdict::Unseen; stages.len()], stages, views: Vec::new() }
    }

    /// Goes to the value at `place`.
    #[inline(always)]
    pub(super) fn step(&mut self, place: Place<'_>) {
        if let ([stage], Some(view)) = (self.stages.as_mut_slice(), self.views.last()) {
            // Alone, it looks at each frame that there is.
            return stage.step(view.nodes, place);
        }
        let views = innermost(&self.views, self.stages.len());
        for (stage, view) in self.stages.iter_mut().zip(views) {
            if view.verdict == Verdict::Look {
                stage.step(view.nodes, place);
                if stage.takes_away() {
                    // Those after it see nothing of the value.
                    return;
                }
            }
        }
    }

    /// Goes to a value to which none of them says anything.
    #[inline(always)]
    pub(super) fn rest(&mut self) {
        let views = innermost(&self.views, self.stages.len());
        for (stage, view) in self.stages.iter_mut().zip(views) {
            if view.verdict == Verdict::Look {
                stage.rest(view.nodes);
            }
        }
    }

    /// Goes to the next element.
    pub(super) fn element(&mut self) {
        let views = innermost(&self.views, self.stages.len());
        for (stage, view) in self.stages.iter_mut().zip(views) {
            if view.verdict == Verdict::Look {
                stage.step(view.nodes, Place::Element(view.index));
                if stage.takes_away() {
                    // Those after it see nothing of the value.
                    return;
                }
            }
        }
    }

    /// Of the first `alive` stages, each sees what the one before makes of it.
    #[inline(always)]
    pub(super) fn judge(&mut self, alive: usize, mut is_container: bool) -> Together {
        if let ([stage], [verdict]) = (self.stages.as_slice(), self.verdicts.as_mut_slice()) {
            *verdict = stage.judge(is_container);
            return Together::alone(*verdict);
        }
        let mut together =
            Together { alive, is_dropped: false, replaced: None, looks: false, passes: true };
        let views = innermost(&self.views, self.stages.len());
        let stages = self.stages.iter().zip(self.verdicts.iter_mut());
        for (number, (stage, verdict)) in stages.enumerate() {
            if number >= alive || together.is_dropped {
                *verdict = Verdict::Unseen;
                continue;
            }
            *verdict = match views.get(number).map(|it| it.verdict) {
                Some(Verdict::Look) | None => stage.judge(is_container),
                Some(_) => Verdict::Pass,
            };
            together.passes &= *verdict == Verdict::Pass;
            match verdict {
                Verdict::Pass | Verdict::Match(_) | Verdict::Unseen => {}
                Verdict::Look => together.looks = true,
                Verdict::Destroy(_) | Verdict::Drop => {
                    together.is_dropped = true;
                    together.alive = together.alive.min(number);
                }
                Verdict::Replace(_) => {
                    is_container = false;
                    together.replaced = Some(number);
                    together.alive = together.alive.min(number);
                }
            }
        }
        together
    }

    /// So many stages see the value that comes next as an element.
    #[inline(always)]
    pub(super) fn count_element(&mut self, stages: usize) {
        let start = self.views.len().saturating_sub(self.stages.len());
        for view in self.views.iter_mut().skip(start).take(stages) {
            view.index += 1;
        }
    }

    /// Opens a container: what its values have to pass to be looked at, and whether it is certain
    /// that it stays.
    #[inline(always)]
    pub(super) fn open(&mut self) -> (Sieve, bool) {
        let (mut all, mut stays) = (Sieve::default(), true);
        for (stage, verdict) in self.stages.iter().zip(&self.verdicts) {
            let view = View::new(stage, *verdict);
            all = all.or(sieve(stage, &view));
            stays &= match verdict {
                Verdict::Pass => true,
                Verdict::Look => !stage.retains(),
                Verdict::Match(_)
                | Verdict::Destroy(_)
                | Verdict::Drop
                | Verdict::Replace(_)
                | Verdict::Unseen => false,
            };
            self.views.push(view);
        }
        (all, stays)
    }
}
