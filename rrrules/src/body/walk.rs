//! Walks through JSON and has every value looked at.

use rrcore::json::{Error, ErrorKind, Event, Limits, Scanner, Sink};

use super::asked::{Asked, Judge, Said, Weight, has_half_surrogate};
use super::inspection::Findings;
use super::not_inspectable::NotInspectable;
use super::place::Step;

/// What is found in the document.
pub(super) fn whole(asked: &Asked<'_>, json: &[u8]) -> Result<Findings, NotInspectable> {
    let mut walk = Walk::new(asked, json.len(), false);
    scan(json, &mut walk)?;
    walk.judge.take()
}

/// What is found in each element of an array, as a document of its own.
pub(super) fn elements(asked: &Asked<'_>, json: &[u8]) -> Result<Vec<Findings>, NotInspectable> {
    let mut walk = Walk::new(asked, json.len(), true);
    scan(json, &mut walk)?;
    // The judge is at work on the one that would come next.
    walk.judge.take()?;
    Ok(walk.elements)
}

/// Tells `sink` of a whole document.
pub(super) fn scan(json: &[u8], sink: &mut impl Sink) -> Result<(), NotInspectable> {
    // Names are as long as the document, which is bounded, lets them be.
    let mut scanner = Scanner::new(Limits::default().key(usize::MAX));
    let scanned = scanner.push(json, sink).and_then(|()| scanner.finish(sink));
    scanned.map_err(|Error { kind, .. }| {
        NotInspectable(match kind {
            ErrorKind::TooDeep => "JSON that is nested too deep",
            ErrorKind::DuplicateKey => "JSON with two members of one name",
            _ => "not JSON",
        })
    })
}

struct Walk<'a> {
    judge: Judge<'a>,
    open: Vec<Container>,
    // What the value that comes next, or is here, inherits.
    here: Trait,
    // A scalar that is not over yet: a number may be longer.
    piece: Vec<u8>,
    // Whether the document is to be taken apart, and what was found in its elements so far.
    apart: bool,
    elements: Vec<Findings>,
}

#[derive(Clone, Copy)]
struct Container {
    // Of an array: the index of its next element.
    next: Option<usize>,
    inherits: Trait,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trait {
    Plain,
    // One of the names on the way has a dot in it.
    Doubtful,
    // Nothing can be found here or below; also: what is outside of all paths.
    Hopeless,
}

impl Trait {
    // What a value has that `own` is true of, in a container that passes on `self`.
    fn with(self, own: Self) -> Self {
        if self == Self::Plain { own } else { self }
    }
}

impl Sink for Walk<'_> {
    // The scanner tells each kind of event in a place of its own: there, what is done with it is
    // known, and with most of them it is nothing.
    #[inline(always)]
    fn event(&mut self, event: Event<'_>, _: usize) {
        match event {
            Event::Space(_) | Event::Comma | Event::Colon => {}
            Event::Key { raw, name, .. } => self.key(raw, name),
            Event::BeginObject => self.begin(None),
            Event::BeginArray => self.begin(Some(0)),
            Event::EndObject | Event::EndArray => self.end(),
            Event::Scalar { raw, last: true } if self.piece.is_empty() => self.scalar(raw),
            Event::Scalar { raw, last } => self.piece(raw, last),
        }
    }
}

impl<'a> Walk<'a> {
    fn new(asked: &'a Asked<'a>, length: usize, apart: bool) -> Self {
        Self {
            judge: asked.judge(length),
            open: Vec::new(),
            here: Trait::Plain,
            piece: Vec::new(),
            apart,
            elements: Vec::new(),
        }
    }

    // To a member of the innermost container.
    #[inline(never)]
    fn key(&mut self, raw: &[u8], name: &[u8]) {
        // Some servers leave out half a pair: the name is another one to them.
        if raw.len() != name.len() + 2 && has_half_surrogate(raw) {
            self.judge.fault(NotInspectable("half a surrogate pair in a name"));
        }
        let Some(Container { inherits, .. }) = self.open.last() else { return };
        let inherits = *inherits;
        if inherits == Trait::Hopeless {
            self.here = Trait::Hopeless;
            return;
        }
        let Step { is_hopeless, has_dot } = self.judge.place.step(name);
        // At the root, an empty name gives the root's path.
        let is_doubtful = has_dot || name.is_empty() && self.open.len() == self.outer() + 1;
        let own = if is_doubtful { Trait::Doubtful } else { Trait::Plain };
        self.here = if is_hopeless { Trait::Hopeless } else { inherits.with(own) };
    }

    #[inline(never)]
    fn begin(&mut self, next: Option<usize>) {
        if self.apart && self.open.is_empty() {
            self.open.push(Container { next, inherits: Trait::Hopeless });
            return;
        }
        self.value(Said::Nothing);
        if self.here != Trait::Hopeless {
            if self.open.len() > self.outer() {
                self.judge.place.follow(b".");
            }
            self.judge.place.enter();
        }
        self.open.push(Container { next, inherits: self.here });
    }

    #[inline(never)]
    fn end(&mut self) {
        let Some(Container { inherits, .. }) = self.open.pop() else { return };
        if inherits != Trait::Hopeless {
            self.judge.place.leave();
        }
        self.end_value();
    }

    #[cold]
    fn piece(&mut self, raw: &[u8], last: bool) {
        self.piece.extend_from_slice(raw);
        if last {
            let whole = std::mem::take(&mut self.piece);
            self.scalar(&whole);
        }
    }

    #[inline(never)]
    fn scalar(&mut self, raw: &[u8]) {
        self.value(Said::Raw(raw));
        self.end_value();
    }

    fn value(&mut self, said: Said<'_>) {
        if self.open.len() == self.outer() {
            self.judge.place.restart();
            self.here = Trait::Plain;
        } else if let Some(Container { next: Some(next), inherits }) = self.open.last_mut() {
            let (index, inherits) = (*next, *inherits);
            *next += 1;
            self.index(index, inherits);
        }
        match self.here {
            Trait::Plain => self.judge.look(said, Weight::Sure),
            Trait::Doubtful => self.judge.look(said, Weight::Doubtful),
            Trait::Hopeless => {}
        }
    }

    // To an element of the innermost container.
    fn index(&mut self, index: usize, inherits: Trait) {
        if inherits == Trait::Hopeless {
            self.here = Trait::Hopeless;
            return;
        }
        let mut digits = [0; 20];
        let mut first = digits.len();
        let mut left = index;
        for (at, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0' + (left % 10) as u8;
            (first, left) = (at, left / 10);
            if left == 0 {
                break;
            }
        }
        let is_hopeless = self.judge.place.step_to(digits.get(first..).unwrap_or_default());
        self.here = if is_hopeless { Trait::Hopeless } else { inherits };
    }

    fn end_value(&mut self) {
        if self.apart && self.open.len() == self.outer() {
            match self.judge.take() {
                Ok(findings) => self.elements.push(findings),
                Err(fault) => self.judge.fault(fault),
            }
        }
    }

    /// How many containers are around what paths start at.
    fn outer(&self) -> usize {
        usize::from(self.apart)
    }
}
