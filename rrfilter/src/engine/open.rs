//! What becomes of the values of open containers, by what filters say to them.

use super::certain::Certain;
use super::frame::Frame;
use super::output::Output;
use super::said::Said;
use super::stage::{Stage, Verdict};
use super::state::StateId;
use super::view::View;

#[derive(Debug)]
pub(super) struct Open {
    pub(super) stages: Vec<Stage>,
    pub(super) mode: Mode,
    /// The containers on the way down to where some path may still find something.
    pub(super) frames: Vec<Frame>,
    /// What each stage has to keep in mind of a frame, if anything; one stage after the other.
    pub(super) views: Vec<View>,
    certain: Certain,
    root_removed: bool,
    /// Something of what is in the innermost frame may be in the output.
    pub(super) is_seen: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    /// Looks at each value of the innermost frame.
    Choose,
    /// Inside of a value that stays (or goes) whole.
    Keep,
    Drop,
}

/// A value of which so much is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The beginning of one.
    Object,
    Array,
    /// The whole, or the beginning, of anything else.
    Scalar,
    Piece,
}

impl Kind {
    #[inline(always)]
    pub(super) const fn is_container(self) -> bool {
        matches!(self, Self::Object | Self::Array)
    }
}

impl Mode {
    // Until the value is over.
    #[inline(always)]
    const fn until_end_of(self, kind: Kind) -> Self {
        match kind {
            Kind::Scalar => Self::Choose,
            Kind::Object | Kind::Array | Kind::Piece => self,
        }
    }
}

impl Open {
    pub(super) fn new(stages: Vec<Stage>) -> Self {
        Self {
            certain: Certain::new(stages.len()),
            stages,
            mode: Mode::Choose,
            frames: Vec::new(),
            views: Vec::new(),
            root_removed: false,
            is_seen: true,
        }
    }

    /// Waits for another document. Whether anything was left of this one.
    pub(super) fn restart(&mut self) -> bool {
        !std::mem::take(&mut self.root_removed)
    }

    /// Whether a value of the innermost frame is in the output.
    #[inline(always)]
    pub(super) fn keeps_any(&self) -> bool {
        self.frames.last().is_some_and(|it| it.kept_any)
    }

    /// Lets out a value to which nothing is said.
    #[inline(always)]
    pub(super) fn pass(
        &mut self,
        said: &Said,
        kind: Kind,
        raw: &[u8],
        end: usize,
        output: &mut Output<'_>,
    ) {
        output.write(raw, end);
        output.decide();
        if let Some(frame) = self.frames.last_mut() {
            frame.kept_any = true;
            if frame.counts {
                self.count_element(said.seen);
            }
        }
        self.mode = Mode::Keep.until_end_of(kind);
    }

    /// Does to a value what is said to it.
    #[inline(never)]
    pub(super) fn speak(
        &mut self,
        said: &Said,
        kind: Kind,
        raw: &[u8],
        end: usize,
        output: &mut Output<'_>,
    ) {
        let is_seen = self.is_seen;
        if is_seen {
            if said.is_dropped {
                self.forget(output);
            } else if let Some(stage) = said.replaced.and_then(|it| self.stages.get(it)) {
                output.insert(stage.filter.replacement());
            } else {
                output.write(raw, end);
            }
        }
        if let Some(state) = said.inside {
            return self.descend(said, state, kind, output);
        }
        self.settle(said, output);
        let stays = is_seen && !said.is_dropped;
        if stays {
            output.decide();
            if let Some(frame) = self.frames.last_mut() {
                frame.kept_any = true;
            }
        }
        let mode = if stays && said.replaced.is_none() { Mode::Keep } else { Mode::Drop };
        self.mode = mode.until_end_of(kind);
    }

    // So many stages see the value that comes next as an element.
    #[inline(always)]
    fn count_element(&mut self, stages: usize) {
        let frame = self.frames.last().filter(|it| it.counts);
        if let Some(start) = frame.and_then(|it| it.views) {
            let views = self.views.iter_mut().skip(start);
            views.take(stages).for_each(|it| it.index += 1);
        }
    }

    #[inline(always)]
    fn count(&mut self, said: &Said) {
        for &(number, verdict) in &said.marks {
            if let Some(stage) = self.stages.get_mut(number) {
                stage.count(verdict);
            }
        }
    }

    // There is nothing to look for in the value: all that was said to it counts.
    #[inline(always)]
    fn settle(&mut self, said: &Said, output: &mut Output<'_>) {
        self.count(said);
        if said.is_match {
            let committed = self.certain.committed();
            for &(number, verdict) in &said.marks {
                if let Verdict::Match(_) = verdict {
                    self.certain.found(number, &self.frames, &mut self.views, &mut self.stages);
                }
            }
            self.commit(committed, output);
        }
        // The last that sees it counts it among the elements, too.
        self.count_element(said.seen);
    }

    // More frames may be certain to be in the output than the `before` that were.
    #[inline(always)]
    fn commit(&mut self, before: usize, output: &mut Output<'_>) {
        let now = self.certain.committed();
        if now > before {
            output.decide();
            // Each of those that are new in the output is a value of the one around it.
            let around = before.saturating_sub(1)..now - 1;
            for frame in self.frames.get_mut(around).unwrap_or_default() {
                frame.kept_any = true;
            }
        }
    }

    fn descend(&mut self, said: &Said, state: StateId, kind: Kind, output: &mut Output<'_>) {
        let before = self.certain.committed();
        self.is_seen = said.alive == self.stages.len();
        let is_array = kind == Kind::Array;
        let counts = is_array && said.counts;
        let is_certain = said.stays && self.certain.opens_for_good(self.frames.len() + 1);
        let views = (counts || !is_certain).then_some(self.views.len());
        if views.is_some() {
            let each = self.stages.iter().zip(&said.verdicts);
            self.views.extend(each.map(|(stage, &verdict)| View {
                verdict,
                index: 0,
                removed_before: stage.report.removed,
            }));
        }
        if is_certain {
            self.count(said);
        }
        self.frames.push(Frame {
            is_array,
            kept_any: false,
            removed_any: false,
            counts,
            undecided: output.undecided(),
            alive: said.alive,
            state,
            views,
        });
        if !is_certain {
            self.certain.open(&self.frames, &mut self.views, &mut self.stages);
        }
        self.commit(before, output);
    }

    /// Ends the innermost frame; out comes its state.
    pub(super) fn end(
        &mut self,
        raw: &[u8],
        end: usize,
        output: &mut Output<'_>,
    ) -> Option<StateId> {
        let count = self.stages.len();
        let level = self.certain.level(self.frames.len());
        let frame = self.frames.pop()?;
        self.certain.close(self.frames.len());
        self.is_seen = self.frames.last().is_none_or(|it| it.alive == count);
        if let Some(start) = frame.views {
            if let (Some(stage), Some(view)) =
                (self.stages.get_mut(level), self.views.get(start + level))
            {
                if view.verdict == Verdict::Look {
                    // Nothing was found in it: it goes as one.
                    stage.report.removed = view.removed_before + 1;
                }
            }
            self.views.truncate(start);
        }
        // The one that takes it away has seen it, too.
        self.count_element(level + 1);
        if level < count {
            if self.is_seen {
                self.forget(output);
            }
        } else if frame.alive == count {
            if !frame.kept_any && frame.removed_any {
                // The blanks that are left of it have nothing to stand between.
                output.take_back(0);
            }
            output.write(raw, end);
            output.decide();
        }
        Some(frame.state)
    }

    // Drops what is undecided of the value that was read last.
    fn forget(&mut self, output: &mut Output<'_>) {
        let depth = self.frames.len();
        match self.frames.last_mut() {
            None => self.root_removed = true,
            Some(parent) => {
                parent.removed_any = true;
                // After a commit, all that is undecided belongs to the value.
                let is_committed = depth <= self.certain.committed();
                output.take_back(if is_committed { 0 } else { parent.undecided });
            }
        }
    }
}
