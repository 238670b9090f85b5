//! One filter over one document, chunk by chunk.

mod active;
mod output;

#[cfg(test)]
mod tests;

use rrcore::json::{Error, Event, Limits, Scanner, Sink};

use self::active::{Active, Nodes};
use self::output::Output;
use crate::filter::{Filter, Operation};
use crate::paths::Place;

/// Takes a document in chunks and gives out what a filter leaves of it.
///
/// What stays, stays byte for byte: it is copied and never parsed into values. Beside the scanner
/// it holds the beginnings of the containers of which it is not yet known whether they stay, and
/// for each open container the beginnings of paths that fit it.
#[derive(Debug)]
pub(crate) struct Engine {
    scanner: Scanner,
    filtering: Filtering,
    // Read, but neither given out nor dropped yet.
    undecided: Vec<u8>,
}

#[derive(Debug)]
struct Filtering {
    filter: Filter,
    mode: Mode,
    active: Active,
    // The containers on the way down to where paths may still find something.
    frames: Vec<Frame>,
    // How many of them, from the outside, are in the output for good.
    committed: usize,
    removed: u64,
    root_removed: bool,
}

#[derive(Clone, Copy, Debug)]
enum Mode {
    // Looks at each value of the innermost frame.
    Choose,
    // Inside of a value that stays (or goes) whole, with so many of its containers open.
    Keep(usize),
    Drop(usize),
}

#[derive(Debug)]
struct Frame {
    // `None` in an object.
    index: Option<u64>,
    // One of its values is in the output: the next needs a comma.
    kept_any: bool,
    // How much was undecided after its opening bracket.
    undecided: usize,
    nodes: Nodes,
    removed_before: u64,
}

enum Verdict {
    Keep,
    Drop,
    Replace,
    // It depends on what is in it.
    Descend,
}

impl Engine {
    pub(crate) fn new(filter: Filter) -> Self {
        let filtering = Filtering {
            mode: Mode::Choose,
            active: Active::new(filter.paths()),
            filter,
            frames: Vec::new(),
            committed: 0,
            removed: 0,
            root_removed: false,
        };
        Self { scanner: Scanner::new(Limits::default()), filtering, undecided: Vec::new() }
    }

    /// Takes the next bytes of the document; what is left of the document so far is in `out`.
    pub(crate) fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let output = Output::new(out, &mut self.undecided, chunk);
        let mut pass = Pass { filtering: &mut self.filtering, output };
        let pushed = self.scanner.push(chunk, &mut pass);
        pass.finish(&mut self.undecided);
        pushed
    }

    /// Ends the document. How many values were removed; `None` if that was the whole document.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<Option<u64>, Error> {
        let output = Output::new(out, &mut self.undecided, &[]);
        let mut pass = Pass { filtering: &mut self.filtering, output };
        let finished = self.scanner.finish(&mut pass);
        pass.finish(&mut self.undecided);
        finished?;
        Ok((!self.filtering.root_removed).then_some(self.filtering.removed))
    }
}

struct Pass<'a> {
    filtering: &'a mut Filtering,
    output: Output<'a>,
}

impl Pass<'_> {
    fn end_keep(&mut self) {
        self.output.decide();
        self.filtering.mode = Mode::Choose;
    }

    // The chunk ends.
    fn finish(mut self, undecided: &mut Vec<u8>) {
        if let Mode::Keep(_) = self.filtering.mode {
            self.output.decide();
        }
        self.output.finish(undecided);
    }
}

impl Sink for Pass<'_> {
    // Where the kind of the event is known, most of this is not.
    #[inline(always)]
    fn event(&mut self, event: Event<'_>, end: usize) {
        match self.filtering.mode {
            Mode::Choose => self.filtering.choose(event, end, &mut self.output),
            Mode::Keep(open) => {
                self.output.write(event.raw(), end);
                match inside(open, event) {
                    Some(open) => self.filtering.mode = Mode::Keep(open),
                    None => self.end_keep(),
                }
            }
            Mode::Drop(open) => {
                self.filtering.mode = inside(open, event).map_or(Mode::Choose, Mode::Drop);
            }
        }
    }
}

impl Filtering {
    #[inline(always)]
    fn choose(&mut self, event: Event<'_>, end: usize, output: &mut Output<'_>) {
        match event {
            Event::Space(raw) => {
                output.write(raw, end);
                if self.frames.is_empty() {
                    output.decide();
                }
            }
            Event::Comma if self.frames.last().is_none_or(|it| !it.kept_any) => {}
            Event::Comma | Event::Colon => output.write(event.raw(), end),
            Event::Key { raw, name } => {
                output.write(raw, end);
                if let Some(frame) = self.frames.last() {
                    self.active.step(self.filter.paths(), frame.nodes, Place::Member(name));
                }
            }
            Event::BeginObject | Event::BeginArray | Event::Scalar { .. } => {
                self.value(event, end, output);
            }
            Event::EndObject | Event::EndArray => self.end(event, end, output),
        }
    }

    fn value(&mut self, event: Event<'_>, end: usize, output: &mut Output<'_>) {
        if let Some(Frame { index: Some(index), nodes, .. }) = self.frames.last_mut() {
            self.active.step(self.filter.paths(), *nodes, Place::Element(*index));
            *index += 1;
        }
        let first_index = match event {
            Event::BeginArray => Some(Some(0)),
            Event::BeginObject => Some(None),
            _ => None,
        };
        match (self.judge(), first_index) {
            (Verdict::Descend, Some(index)) => self.descend(event, index, end, output),
            (Verdict::Keep, _) => self.keep(event, end, output),
            (Verdict::Drop, _) => self.drop(event, output),
            (Verdict::Replace, _) => self.replace(event, output),
            // A scalar on the way to a match is none.
            (Verdict::Descend, None) => match self.filter.operation() {
                Operation::Retain => self.drop(event, output),
                Operation::Destroy | Operation::Mask => self.keep(event, end, output),
            },
        }
    }

    // A match decides on all that is in it: a match inside of a match changes nothing.
    fn judge(&self) -> Verdict {
        match (self.filter.operation(), self.active.is_match()) {
            (Operation::Retain, true) => Verdict::Keep,
            (Operation::Destroy, true) => Verdict::Drop,
            (Operation::Mask, true) => Verdict::Replace,
            _ if self.active.may_match_inside() => Verdict::Descend,
            (Operation::Retain, false) => Verdict::Drop,
            (Operation::Destroy | Operation::Mask, false) => Verdict::Keep,
        }
    }

    fn descend(
        &mut self,
        event: Event<'_>,
        index: Option<u64>,
        end: usize,
        output: &mut Output<'_>,
    ) {
        output.write(event.raw(), end);
        let is_root = self.frames.is_empty();
        self.frames.push(Frame {
            index,
            kept_any: false,
            undecided: output.undecided(),
            nodes: self.active.enter(),
            removed_before: self.removed,
        });
        let stays = match self.filter.operation() {
            Operation::Retain => is_root,
            // Whatever is found in it.
            Operation::Destroy | Operation::Mask => true,
        };
        if stays {
            self.commit(output);
        }
    }

    fn keep(&mut self, event: Event<'_>, end: usize, output: &mut Output<'_>) {
        output.write(event.raw(), end);
        self.stays(output);
        self.mode = inside(0, event).map_or(Mode::Choose, Mode::Keep);
    }

    fn replace(&mut self, event: Event<'_>, output: &mut Output<'_>) {
        output.insert(self.filter.replacement());
        self.stays(output);
        self.removed += 1;
        self.mode = inside(0, event).map_or(Mode::Choose, Mode::Drop);
    }

    fn drop(&mut self, event: Event<'_>, output: &mut Output<'_>) {
        self.forget(output);
        self.mode = inside(0, event).map_or(Mode::Choose, Mode::Drop);
    }

    fn end(&mut self, event: Event<'_>, end: usize, output: &mut Output<'_>) {
        let is_committed = self.frames.len() <= self.committed;
        let Some(frame) = self.frames.pop() else { return };
        if !is_committed {
            // Nothing was found in it: it goes as one.
            self.removed = frame.removed_before;
            return self.forget(output);
        }
        self.committed = self.frames.len();
        if !frame.kept_any && self.removed > frame.removed_before {
            // The blanks that are left of it have nothing to stand between.
            output.take_back(0);
        }
        output.write(event.raw(), end);
        output.decide();
    }

    // Drops what is undecided of the value that was read last.
    fn forget(&mut self, output: &mut Output<'_>) {
        self.removed += 1;
        let depth = self.frames.len();
        match self.frames.last() {
            None => self.root_removed = true,
            // After a commit, all that is undecided belongs to the value.
            Some(_) if depth <= self.committed => output.take_back(0),
            Some(parent) => output.take_back(parent.undecided),
        }
    }

    // A value of the innermost frame is in the output.
    fn stays(&mut self, output: &mut Output<'_>) {
        self.commit(output);
        if let Some(parent) = self.frames.last_mut() {
            parent.kept_any = true;
        }
    }

    // Gives out what is undecided: all open frames stay.
    fn commit(&mut self, output: &mut Output<'_>) {
        output.decide();
        let depth = self.frames.len();
        if self.committed == depth {
            return;
        }
        // Each of those that are new in the output is a value of the one around it.
        let around_new = self.committed.saturating_sub(1)..depth.saturating_sub(1);
        for frame in self.frames.get_mut(around_new).unwrap_or_default() {
            frame.kept_any = true;
        }
        self.committed = depth;
    }
}

// How many containers of a value are open after `event`, if `open` were before; `None` when that
// was its end.
const fn inside(open: usize, event: Event<'_>) -> Option<usize> {
    let open = match event {
        Event::BeginObject | Event::BeginArray => open + 1,
        Event::EndObject | Event::EndArray => open - 1,
        Event::Scalar { last, .. } if open == 0 && last => return None,
        _ => return Some(open),
    };
    if open == 0 { None } else { Some(open) }
}
