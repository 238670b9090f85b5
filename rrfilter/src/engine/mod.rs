//! Filters over one document, chunk by chunk, in one pass.

mod certain;
mod filtering;
mod frame;
mod open;
mod output;
mod said;
mod stage;
mod state;
mod view;
mod walk;
mod ways;

#[cfg(test)]
mod tests;

use rrcore::json::{Error, Event, Limits, Scanner, Sink};

use self::filtering::Filtering;
use self::open::Mode;
use self::output::Output;
use self::stage::Stage;
use self::walk::ROOM;
use crate::filter::Filter;
use crate::report::Report;

/// Takes a document in chunks and gives out what filters leave of it, as if each were applied to
/// all that the one before left.
///
/// What stays, stays byte for byte: it is copied and never parsed into values. Beside the scanner
/// it holds the beginnings of the containers of which it is not yet known whether they stay, and
/// what it has learnt of the kinds of containers that came, up to a limit.
#[derive(Debug)]
pub(crate) struct Engine {
    limits: Limits,
    scanner: Scanner,
    filtering: Filtering,
    // Read, but neither given out nor dropped yet.
    undecided: Vec<u8>,
}

impl Engine {
    /// Beyond the first `held` bytes it remembers a limited number of names.
    pub(crate) fn new(filters: impl IntoIterator<Item = Filter>, held: u64) -> Self {
        Self::with_room(filters, held, ROOM)
    }

    fn with_room(filters: impl IntoIterator<Item = Filter>, held: u64, room: usize) -> Self {
        let stages = filters.into_iter().map(Stage::new).collect();
        let limits = Limits::default().names(MOST_NAMES, held);
        let (scanner, filtering) = (Scanner::new(limits), Filtering::new(stages, room));
        Self { limits, scanner, filtering, undecided: Vec::new() }
    }

    /// Takes the next bytes of the document; what is left of the document so far is in `out`.
    pub(crate) fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let output = Output::new(out, &mut self.undecided, chunk);
        let mut pass = Pass { filtering: &mut self.filtering, output };
        let pushed = self.scanner.push(chunk, &mut pass);
        pass.finish(&mut self.undecided);
        pushed
    }

    /// Ends the document, and waits for another. Whether anything is left of it.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<bool, Error> {
        let output = Output::new(out, &mut self.undecided, &[]);
        let mut pass = Pass { filtering: &mut self.filtering, output };
        let finished = self.scanner.finish(&mut pass);
        pass.finish(&mut self.undecided);
        finished?;
        self.scanner = Scanner::new(self.limits);
        Ok(self.filtering.restart())
    }

    /// What each filter did so far, also in documents before this one.
    pub(crate) fn reports(&self) -> impl Iterator<Item = &Report> {
        self.filtering.reports()
    }
}

struct Pass<'a> {
    filtering: &'a mut Filtering,
    output: Output<'a>,
}

impl Pass<'_> {
    // The chunk ends.
    fn finish(mut self, undecided: &mut Vec<u8>) {
        if let Mode::Keep = self.filtering.open.mode {
            self.output.decide();
        }
        self.output.finish(undecided);
    }
}

impl Sink for Pass<'_> {
    // Where the kind of the event is known, most of this is not.
    #[inline(always)]
    fn event(&mut self, event: Event<'_>, end: usize) {
        match (event, self.filtering.open.mode) {
            // The rest of one. What is in a container that stays or goes whole is skipped.
            (Event::Scalar { raw, last }, Mode::Keep | Mode::Drop) => self.skipped(raw, end, last),
            _ => self.filtering.choose(event, end, &mut self.output),
        }
    }

    #[inline(always)]
    fn skips(&mut self) -> bool {
        !matches!(self.filtering.open.mode, Mode::Choose)
    }

    #[inline(always)]
    fn skipped(&mut self, raw: &[u8], end: usize, is_over: bool) {
        if let Mode::Keep = self.filtering.open.mode {
            self.output.write(raw, end);
            self.output.decide();
        }
        if is_over {
            self.filtering.open.mode = Mode::Choose;
        }
    }
}

// How many names are remembered: of the members of one object, beyond what is held back.
const MOST_NAMES: usize = 1_024;
