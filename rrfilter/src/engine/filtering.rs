//! Several filters over the events of one document.

use rrcore::json::Event;

use super::certain::Certain;
use super::frame::Frame;
use super::output::Output;
use super::panel::Panel;
use super::stage::{Stage, Verdict};
use crate::paths::Place;
use crate::report::Report;

#[derive(Debug)]
pub(super) struct Filtering {
    panel: Panel,
    pub(super) mode: Mode,
    // The containers on the way down to where some path may still find something.
    frames: Vec<Frame>,
    certain: Certain,
    // How many blanks were let out that may have to be taken back.
    blanks: usize,
    root_removed: bool,
    // Something of what is in the innermost frame may be in the output.
    is_seen: bool,
    // No stage says anything to the value that comes next, but to what is in it.
    is_quiet: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    // Looks at each value of the innermost frame.
    Choose,
    // Inside of a value that stays (or goes) whole.
    Keep,
    Drop,
}

impl Filtering {
    pub(super) fn new(stages: Vec<Stage>) -> Self {
        let certain = Certain::new(stages.len());
        Self {
            panel: Panel::new(stages),
            mode: Mode::Choose,
            frames: Vec::new(),
            certain,
            blanks: 0,
            root_removed: false,
            is_seen: true,
            is_quiet: false,
        }
    }

    /// Waits for another document. Whether anything was left of this one.
    pub(super) fn restart(&mut self) -> bool {
        self.panel.stages.iter_mut().for_each(Stage::restart);
        self.is_quiet = false;
        !std::mem::take(&mut self.root_removed)
    }

    pub(super) fn reports(&self) -> impl Iterator<Item = &Report> {
        self.panel.stages.iter().map(|it| &it.report)
    }

    #[inline(always)]
    pub(super) fn choose(&mut self, event: Event<'_>, end: usize, output: &mut Output<'_>) {
        match event {
            Event::Space(raw) => self.space(raw, end, output),
            Event::Comma => {
                self.blanks = 0;
                if self.frames.last().is_some_and(|it| it.kept_any) && self.is_seen {
                    output.write(b",", end);
                }
            }
            Event::Colon => {
                self.blanks = 0;
                if self.is_seen {
                    output.write(b":", end);
                }
            }
            Event::Key { raw, name } => {
                self.blanks = 0;
                if self.is_seen {
                    output.write(raw, end);
                }
                self.member(name);
            }
            Event::BeginObject | Event::BeginArray | Event::Scalar { .. } => {
                self.blanks = 0;
                self.value(event, end, output);
            }
            Event::EndObject | Event::EndArray => self.end(event, end, output),
        }
    }

    // Blanks that may have to be taken back are held: no more than some of them.
    #[inline(always)]
    fn space(&mut self, raw: &[u8], end: usize, output: &mut Output<'_>) {
        if self.frames.is_empty() {
            output.write(raw, end);
            return output.decide();
        }
        if !self.is_seen {
            return;
        }
        let room = MOST_BLANKS - self.blanks;
        let held = raw.get(..room).unwrap_or(raw);
        self.blanks += held.len();
        output.write(held, end - (raw.len() - held.len()));
    }

    #[inline(always)]
    fn member(&mut self, name: &[u8]) {
        let place = Place::Member(name);
        self.is_quiet = self.frames.last().is_some_and(|it| !it.sieve.lets(place));
        if !self.is_quiet {
            self.panel.step(place);
        }
    }

    #[inline(always)]
    fn value(&mut self, event: Event<'_>, end: usize, output: &mut Output<'_>) {
        if let Some(frame) = self.frames.last().filter(|it| it.is_array) {
            self.is_quiet = !frame.sieve.lets_elements();
            if !self.is_quiet {
                self.panel.element();
            }
        }
        let is_container = matches!(event, Event::BeginObject | Event::BeginArray);
        if self.is_quiet {
            if let Event::Scalar { raw, last } = event {
                return self.pass(raw, last, end, output);
            }
            self.panel.rest();
        }
        let alive = self.frames.last().map_or(self.panel.stages.len(), |it| it.alive);
        let together = self.panel.judge(alive, is_container);
        let is_seen = self.is_seen;
        if is_seen {
            if together.is_dropped {
                self.forget(output);
            } else if let Some(stage) = together.replaced.and_then(|it| self.panel.stages.get(it)) {
                output.insert(stage.filter.replacement());
            } else {
                output.write(event.raw(), end);
            }
        }
        if together.looks {
            return self.descend(event, together.alive, output);
        }
        if !together.passes {
            self.settle(output);
        } else {
            self.count_element(together.alive);
        }
        let stays = is_seen && !together.is_dropped;
        if stays {
            output.decide();
            if let Some(frame) = self.frames.last_mut() {
                frame.kept_any = true;
            }
        }
        let is_over = matches!(event, Event::Scalar { last: true, .. });
        self.mode = match (is_over, stays && together.replaced.is_none()) {
            (true, _) => Mode::Choose,
            (false, true) => Mode::Keep,
            (false, false) => Mode::Drop,
        };
    }

    // A scalar to which nothing is said.
    #[inline(always)]
    fn pass(&mut self, raw: &[u8], last: bool, end: usize, output: &mut Output<'_>) {
        if self.is_seen {
            output.write(raw, end);
            output.decide();
            if let Some(frame) = self.frames.last_mut() {
                frame.kept_any = true;
            }
        }
        self.mode = match (last, self.is_seen) {
            (true, _) => Mode::Choose,
            (false, true) => Mode::Keep,
            (false, false) => Mode::Drop,
        };
    }

    // So many stages see the value that comes next as an element.
    #[inline(always)]
    fn count_element(&mut self, stages: usize) {
        if self.frames.last().is_some_and(|it| it.is_array && it.sieve.lets_elements()) {
            self.panel.count_element(stages);
        }
    }

    // There is nothing to look for in the value: all that was said to it counts.
    #[inline(always)]
    fn settle(&mut self, output: &mut Output<'_>) {
        let (depth, committed) = (self.frames.len(), self.certain.committed());
        let mut seen = 0;
        for number in 0..self.panel.stages.len() {
            let Some(&verdict) = self.panel.verdicts.get(number) else { return };
            if verdict == Verdict::Unseen {
                break;
            }
            if let Some(stage) = self.panel.stages.get_mut(number) {
                stage.count(verdict);
            }
            if let Verdict::Match(_) = verdict {
                self.certain.found(number, depth, &mut self.panel.views, &mut self.panel.stages);
            }
            seen = number + 1;
        }
        // The last that sees it counts it among the elements, too.
        self.count_element(seen);
        self.commit(committed, output);
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

    fn descend(&mut self, event: Event<'_>, alive: usize, output: &mut Output<'_>) {
        let before = self.certain.committed();
        self.is_seen = alive == self.panel.stages.len();
        let (sieve, stays) = self.panel.open();
        self.frames.push(Frame {
            is_array: event == Event::BeginArray,
            kept_any: false,
            removed_any: false,
            undecided: output.undecided(),
            alive,
            sieve,
        });
        self.certain.open(self.frames.len(), stays, &mut self.panel.views, &mut self.panel.stages);
        self.commit(before, output);
    }

    fn end(&mut self, event: Event<'_>, end: usize, output: &mut Output<'_>) {
        self.blanks = 0;
        let count = self.panel.stages.len();
        let level = self.certain.level(self.frames.len());
        let Some(frame) = self.frames.pop() else { return };
        self.certain.close(self.frames.len());
        self.is_seen = self.frames.last().is_none_or(|it| it.alive == count);
        let start = self.panel.views.len().saturating_sub(count);
        if let (Some(stage), Some(view)) =
            (self.panel.stages.get_mut(level), self.panel.views.get(start + level))
        {
            if view.verdict == Verdict::Look {
                // Nothing was found in it: it goes as one.
                stage.report.removed = view.removed_before + 1;
            }
        }
        self.panel.views.truncate(start);
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
            output.write(event.raw(), end);
            output.decide();
        }
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

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.panel.stages.iter().map(Stage::capacity).sum::<usize>() + self.panel.views.capacity()
    }
}

// Of a run of blanks that may have to be taken back: memory must not depend on them.
const MOST_BLANKS: usize = 1_024;
