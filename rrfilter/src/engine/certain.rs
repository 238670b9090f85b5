//! Which open containers are certain to stay, in the eyes of each filter.

use super::frame::View;
use super::stage::{Stage, Verdict};

/// For the first so many filters of a pass, how many open containers, from the outside, they are
/// certain to leave. The more filters, the fewer; no filter makes all of those that are open.
///
/// A filter that retains is certain of a container when something was found in it. But what it finds
/// counts only where it is certain that the filters before leave it. So a verdict on a container is
/// pending until then.
#[derive(Debug)]
pub(super) struct Certain {
    depths: Vec<usize>,
}

impl Certain {
    pub(super) fn new(stages: usize) -> Self {
        Self { depths: vec![0; stages + 1] }
    }

    /// How many containers are certain to stay after the first `stages` filters.
    #[inline(always)]
    pub(super) fn after(&self, stages: usize) -> usize {
        self.depths.get(stages).copied().unwrap_or_default()
    }

    /// The same after all of them: these are in the output for good.
    #[inline(always)]
    pub(super) fn committed(&self) -> usize {
        self.depths.last().copied().unwrap_or_default()
    }

    /// How many filters are certain of the innermost of `depth` containers.
    #[inline(always)]
    pub(super) fn level(&self, depth: usize) -> usize {
        if self.committed() >= depth {
            return self.depths.len() - 1;
        }
        self.depths.iter().take_while(|it| **it >= depth).count().saturating_sub(1)
    }

    /// A container is opened: as many are open as there are `views` of.
    /// Most often all filters leave it for certain, whatever is in it.
    #[inline(always)]
    pub(super) fn open(
        &mut self,
        depth: usize,
        stays: bool,
        views: &mut [View],
        stages: &mut [Stage],
    ) {
        if stays && self.committed() + 1 == depth {
            self.depths.fill(depth);
            return;
        }
        if let Some(open) = self.depths.first_mut() {
            *open = depth;
        }
        self.spread(0, views, stages);
    }

    /// The innermost is closed, and `depth` are left.
    #[inline(always)]
    pub(super) fn close(&mut self, depth: usize) {
        for it in &mut self.depths {
            *it = (*it).min(depth);
        }
    }

    /// Filter `stage` retains a value in the innermost of `depth` containers, which the filters
    /// before it leave for certain.
    #[inline(always)]
    pub(super) fn found(
        &mut self,
        stage: usize,
        depth: usize,
        views: &mut [View],
        stages: &mut [Stage],
    ) {
        match self.depths.get_mut(stage + 1) {
            Some(after) if *after < depth => {
                *after = depth;
                self.spread(stage + 1, views, stages);
            }
            _ => {}
        }
    }

    // What the first `from` filters are certain of may make those after it certain.
    fn spread(&mut self, from: usize, views: &mut [View], stages: &mut [Stage]) {
        let count = stages.len();
        for (number, stage) in stages.iter_mut().enumerate().skip(from) {
            let (before, after) = (self.after(number), self.after(number + 1));
            let mut certain = after;
            for depth in after..before {
                let Some(view) = views.get_mut(depth * count + number) else { break };
                let verdict = view.verdict;
                let stays = match verdict {
                    Verdict::Pass | Verdict::Match(_) | Verdict::Replace(_) => true,
                    // The root stays, if only as an empty container.
                    Verdict::Look => depth == 0 || !stage.retains(),
                    Verdict::Destroy(_) | Verdict::Drop | Verdict::Unseen => false,
                };
                if stays {
                    certain = depth + 1;
                }
                if !matches!(verdict, Verdict::Look | Verdict::Pass) {
                    stage.count(verdict);
                    // It has come to count.
                    view.verdict = match verdict {
                        Verdict::Match(_) => Verdict::Pass,
                        _ => Verdict::Unseen,
                    };
                }
                if let Verdict::Destroy(_) | Verdict::Drop | Verdict::Replace(_) | Verdict::Unseen =
                    verdict
                {
                    break;
                }
            }
            match self.depths.get_mut(number + 1) {
                Some(it) if *it < certain => *it = certain,
                _ => return,
            }
        }
    }
}
