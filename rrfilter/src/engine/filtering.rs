//! Several filters over the events of one document.

use rrcore::json::Event;

use super::frame::of;
use super::open::{Kind, Open};
use super::output::Output;
use super::stage::Stage;
use super::walk::Walk;
use crate::report::Report;

#[derive(Debug)]
pub(super) struct Filtering {
    walk: Walk,
    pub(super) open: Open,
    // How many blanks were let out that may have to be taken back.
    blanks: usize,
}

impl Filtering {
    /// What is learnt on the way may take up so many words.
    pub(super) fn new(stages: Vec<Stage>, room: usize) -> Self {
        Self { walk: Walk::new(room), open: Open::new(stages), blanks: 0 }
    }

    /// Waits for another document. Whether anything was left of this one.
    pub(super) fn restart(&mut self) -> bool {
        self.walk.restart();
        self.open.restart()
    }

    pub(super) fn reports(&self) -> impl Iterator<Item = &Report> {
        self.open.stages.iter().map(|it| &it.report)
    }

    #[inline(always)]
    pub(super) fn choose(&mut self, event: Event<'_>, end: usize, output: &mut Output<'_>) {
        match event {
            Event::Space(raw) => self.space(raw, end, output),
            Event::Comma => {
                self.blanks = 0;
                if self.open.keeps_any() && self.open.is_seen {
                    output.write(b",", end);
                }
            }
            Event::Colon => {
                self.blanks = 0;
                if self.open.is_seen {
                    output.write(b":", end);
                }
            }
            Event::Key { raw, name, number } => {
                self.blanks = 0;
                if self.open.is_seen {
                    output.write(raw, end);
                }
                if let Some(frame) = self.open.frames.last() {
                    self.walk.member(frame.state, name, number, &self.open.stages);
                }
            }
            Event::BeginObject => self.value(Kind::Object, b"{", end, output),
            Event::BeginArray => self.value(Kind::Array, b"[", end, output),
            Event::Scalar { raw, last: true } => self.value(Kind::Scalar, raw, end, output),
            Event::Scalar { raw, last: false } => self.value(Kind::Piece, raw, end, output),
            Event::EndObject | Event::EndArray => {
                self.blanks = 0;
                if let Some(state) = self.open.end(event.raw(), end, output) {
                    self.walk.leave(state);
                }
            }
        }
    }

    // Blanks that may have to be taken back are held: no more than some of them.
    #[inline(always)]
    fn space(&mut self, raw: &[u8], end: usize, output: &mut Output<'_>) {
        if self.open.frames.is_empty() {
            output.write(raw, end);
            return output.decide();
        }
        if !self.open.is_seen {
            return;
        }
        let room = MOST_BLANKS - self.blanks;
        let held = raw.get(..room).unwrap_or(raw);
        self.blanks += held.len();
        output.write(held, end - (raw.len() - held.len()));
    }

    #[inline(always)]
    fn value(&mut self, kind: Kind, raw: &[u8], end: usize, output: &mut Output<'_>) {
        self.blanks = 0;
        let frame = self.open.frames.last();
        if let Some(frame) = frame.filter(|it| it.is_array) {
            self.walk.element(frame.counts);
        }
        let state = frame.map_or(0, |it| it.state);
        let views = of(&self.open.views, frame);
        // There always is an answer. Without one, nothing would leave.
        let said = self.walk.say(state, kind.is_container(), views, &self.open.stages);
        let Some(said) = said else { return };
        if said.passes && self.open.is_seen {
            return self.open.pass(said, kind, raw, end, output);
        }
        self.open.speak(said, kind, raw, end, output);
    }

    #[cfg(test)]
    pub(super) fn learnt(&self) -> usize {
        self.walk.learnt()
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.walk.capacity() + self.open.views.capacity()
    }
}

// Of a run of blanks that may have to be taken back: memory must not depend on them.
const MOST_BLANKS: usize = 1_024;
