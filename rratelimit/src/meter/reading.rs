//! Reads a body that passes, for all meters at once, until what they seek is known.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use rrcore::coding::{Coding, DecodeError, DecodeLimits, Decoder};

use super::events::{Events, Piece};
use super::extraction::Formula;
use super::paths::{Goal, Paths};
use super::seek::{Finder, Seeker};
use super::words;

/// A body on its way.
#[derive(Debug)]
pub(crate) struct Reading {
    form: Form,
    seeker: Seeker,
    findings: Findings,
    coding: Decoding,
    is_empty: bool,
}

/// What a number is found to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Seen {
    #[default]
    Nothing,
    /// Something that counts nothing: not a number, or below zero.
    Unusable,
    Value(u64),
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Document,
    Lines,
    Events(Events),
}

#[derive(Debug)]
enum Decoding {
    Plain,
    Coded(Box<Decoder>),
    // Nothing more of it can be read, or need be.
    Over { is_flawed: bool },
}

#[derive(Debug)]
struct Findings {
    is_stream: bool,
    slots: Box<[Seen]>,
    // Once all of these are seen, nothing else is of interest.
    sought: Vec<usize>,
}

impl Reading {
    /// A body under `headers`, in which `formulas` are of interest, that have `slots` together.
    pub(crate) fn new<'a>(
        headers: &HeaderMap,
        formulas: impl Iterator<Item = &'a Formula>,
        slots: usize,
    ) -> Self {
        let form = Form::of(headers);
        let coding = match Coding::of(headers) {
            Ok(Coding::Identity) => Decoding::Plain,
            Ok(coding) => Decoding::Coded(Box::new(Decoder::new(coding, LIMITS))),
            Err(_) => Decoding::Over { is_flawed: true },
        };
        let is_stream = !matches!(form, Form::Document);
        // A formula without a whole is never known before the end.
        let sought = formulas.map(|it| it.whole.unwrap_or(usize::MAX)).collect();
        let findings =
            Findings { is_stream, slots: vec![Seen::Nothing; slots].into_boxed_slice(), sought };
        Self { form, seeker: Seeker::new(), findings, coding, is_empty: true }
    }

    /// Whether the rest of the body is of no interest.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.coding, Decoding::Over { .. })
    }

    /// Takes the next bytes of the body.
    pub(crate) fn push(&mut self, paths: &Paths, chunk: &[u8]) {
        let Self { form, seeker, findings, coding, is_empty } = self;
        *is_empty &= chunk.is_empty();
        let mut read = |plain: &[u8]| {
            form.read(seeker, findings, paths, plain);
            if findings.is_done(seeker) { Err(Stop::Done) } else { Ok(()) }
        };
        let result = match coding {
            Decoding::Plain => read(chunk),
            Decoding::Coded(decoder) => decoder.push_all(chunk, read),
            Decoding::Over { .. } => return,
        };
        if let Err(stop) = result {
            self.coding = Decoding::Over { is_flawed: matches!(stop, Stop::Flaw) };
        }
    }

    /// Says that the body is whole.
    pub(crate) fn finish(&mut self, paths: &Paths) {
        let is_whole = match &self.coding {
            Decoding::Plain => true,
            // A response to HEAD says how it would be coded.
            Decoding::Coded(decoder) => self.is_empty || decoder.finish().is_ok(),
            Decoding::Over { .. } => return,
        };
        if is_whole {
            self.seeker.finish(paths, &mut self.findings);
        }
        self.coding = Decoding::Over { is_flawed: !is_whole };
    }

    /// Whether the coding is one that cannot be undone, or was broken.
    pub(crate) const fn is_flawed(&self) -> bool {
        matches!(self.coding, Decoding::Over { is_flawed: true })
    }

    /// What was seen so far.
    pub(crate) fn value(&self, formula: &Formula) -> Seen {
        let slot = |it: &usize| self.findings.slots.get(*it).copied().unwrap_or_default();
        let whole = formula.whole.as_ref().map_or(Seen::Nothing, slot);
        match whole {
            Seen::Value(_) => whole,
            Seen::Nothing | Seen::Unusable => {
                formula.parts.iter().map(slot).fold(whole, Seen::plus)
            }
        }
    }
}

impl Form {
    fn of(headers: &HeaderMap) -> Self {
        let value = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
        let name = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match name.as_str() {
            "text/event-stream" => Self::Events(Events::new()),
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/jsonlines"
            | "application/stream+json" => Self::Lines,
            _ => Self::Document,
        }
    }

    fn read(&mut self, seeker: &mut Seeker, to: &mut Findings, paths: &Paths, plain: &[u8]) {
        match self {
            Self::Document => seeker.push(paths, plain, to),
            Self::Events(events) => events.push(plain, |piece| match piece {
                Piece::Data(data) => seeker.push(paths, data, to),
                Piece::End => {
                    seeker.finish(paths, to);
                    seeker.restart();
                }
            }),
            Self::Lines => {
                let mut rest = plain;
                while let Some(end) = words::find(rest, [b'\n'; 2]) {
                    seeker.push(paths, rest.get(..end).unwrap_or_default(), to);
                    seeker.finish(paths, to);
                    seeker.restart();
                    rest = rest.get(end + 1..).unwrap_or_default();
                }
                seeker.push(paths, rest, to);
            }
        }
    }
}

impl Findings {
    fn is_done(&self, seeker: &Seeker) -> bool {
        !self.is_stream && seeker.is_over()
    }
}

impl Finder for Findings {
    // The first of a document counts, so that the rest of it need not be read; in a stream the last
    // does that is a number.
    fn found(&mut self, goal: Goal, value: Option<u64>) -> bool {
        let Some(slot) = self.slots.get_mut(goal.slot) else { return true };
        let is_first = *slot == Seen::Nothing;
        let is_of_interest = self.is_stream || !goal.in_streams;
        if is_of_interest && (is_first || self.is_stream || goal.repeats) {
            match value {
                Some(value) => *slot = Seen::Value(value),
                None if is_first => *slot = Seen::Unusable,
                None => {}
            }
            if !self.is_stream && !goal.repeats {
                self.sought.retain(|it| *it != goal.slot);
            }
        }
        !self.sought.is_empty()
    }
}

impl Seen {
    const fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Value(one), Self::Value(other)) => Self::Value(one.saturating_add(other)),
            (Self::Value(_), _) | (Self::Unusable, Self::Nothing | Self::Unusable) => self,
            (Self::Nothing, _) | (Self::Unusable, Self::Value(_)) => other,
        }
    }
}

enum Stop {
    Done,
    Flaw,
}

impl From<DecodeError> for Stop {
    fn from(_: DecodeError) -> Self {
        Self::Flaw
    }
}

// What is decoded is not held: a stream may go on for ever, and a bomb may not.
const LIMITS: DecodeLimits = DecodeLimits::bytes(u64::MAX).ratio(1_000);
