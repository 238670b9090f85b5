//! Which open containers are certain to stay, in the eyes of each filter.

use super::frame::Frame;
use super::stage::{Stage, Verdict};
use super::view::View;

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

    /// A container is opened, the innermost of `depth`, and all filters leave it, whatever is in it.
    /// Whether that is certain: it is if the filters leave those around it.
    #[inline(always)]
    pub(super) fn opens_for_good(&mut self, depth: usize) -> bool {
        let is_certain = self.committed() + 1 == depth;
        if is_certain {
            self.depths.fill(depth);
        }
        is_certain
    }

    /// A container is opened: the last of `frames`.
    pub(super) fn open(&mut self, frames: &[Frame], views: &mut [View], stages: &mut [Stage]) {
        if let Some(open) = self.depths.first_mut() {
            *open = frames.len();
        }
        self.spread(0, frames, views, stages);
    }

    /// The innermost is closed, and `depth` are left.
    #[inline(always)]
    pub(super) fn close(&mut self, depth: usize) {
        for it in &mut self.depths {
            *it = (*it).min(depth);
        }
    }

    /// Filter `stage` retains a value in the innermost of `frames`, which the filters before it leave
    /// for certain.
    #[inline(always)]
    pub(super) fn found(
        &mut self,
        stage: usize,
        frames: &[Frame],
        views: &mut [View],
        stages: &mut [Stage],
    ) {
        let depth = frames.len();
        match self.depths.get_mut(stage + 1) {
            Some(after) if *after < depth => {
                *after = depth;
                self.spread(stage + 1, frames, views, stages);
            }
            _ => {}
        }
    }

    // What the first `from` filters are certain of may make those after it certain.
    fn spread(&mut self, from: usize, frames: &[Frame], views: &mut [View], stages: &mut [Stage]) {
        for (number, stage) in stages.iter_mut().enumerate().skip(from) {
            let (before, after) = (self.after(number), self.after(number + 1));
            let mut certain = after;
            for depth in after..before {
                // Without views it was certain from the start.
                let start = frames.get(depth).and_then(|it| it.views);
                let Some(view) = start.and_then(|it| views.get_mut(it + number)) else { break };
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
