//! Whether any path at all is one that a pattern is found in.

use std::collections::HashSet;

use regex_automata::nfa::thompson::{Compiler, Config, NFA, State, WhichCaptures};
use regex_automata::util::look::Look;
use regex_automata::util::primitives::StateID;

use crate::lint::canonical::{Place, Spelling};
use crate::pattern::Pattern;

/// How much work may still be done.
#[derive(Debug)]
pub(super) struct Fuel {
    left: usize,
}

/// A pattern, to be run beside the automaton of a [`Spelling`].
#[derive(Debug)]
pub(super) struct Reach {
    nfa: NFA,
    start: StateID,
}

/// What both automata have read: the place in the path, and the pattern's states before what costs
/// no byte was followed.
type Node = (Place, Vec<StateID>);

/// Where a text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    Within,
    End,
}

impl Fuel {
    pub(super) const fn full() -> Self {
        Self { left: ALL_STEPS }
    }

    fn burn(&mut self, steps: usize) -> Option<()> {
        self.left = self.left.checked_sub(steps)?;
        Some(())
    }
}

impl Reach {
    /// `None` for a pattern that is too large.
    pub(super) fn of(pattern: &Pattern) -> Option<Self> {
        let hir = pattern.hir();
        let config =
            Config::new().which_captures(WhichCaptures::None).nfa_size_limit(Some(MAX_SIZE));
        let nfa = Compiler::new().configure(config).build_from_hir(&hir).ok()?;
        let start = nfa.start_unanchored();
        Some(Self { nfa, start })
    }

    /// Whether the pattern is found in some path that is spelled so; `None` where finding out takes
    /// too long. May say yes where it is not: boundaries of words are taken to be everywhere.
    pub(super) fn finds(&self, spelling: Spelling, fuel: &mut Fuel) -> Option<bool> {
        let mut share = Fuel { left: fuel.left.min(MOST_STEPS) };
        let before = share.left;
        let found = self.search(spelling, &mut share);
        fuel.burn(before - share.left)?;
        found
    }

    fn search(&self, spelling: Spelling, fuel: &mut Fuel) -> Option<bool> {
        let mut seen: HashSet<Node> = HashSet::new();
        let mut open: Vec<Node> = vec![(Place::Start, vec![self.start])];
        while let Some((place, states)) = open.pop() {
            let at = if place == Place::Start { At::Start } else { At::Within };
            let Some(reached) = self.follow(&states, at, fuel)? else { return Some(true) };
            if spelling.may_end(place) && self.follow(&states, At::End, fuel)?.is_none() {
                return Some(true);
            }
            for (byte, next) in self.steps(place, spelling) {
                let states = self.advance(&reached, byte);
                fuel.burn(1 + states.len())?;
                let node = (next, states);
                if !seen.contains(&node) {
                    seen.insert(node.clone());
                    open.push(node);
                }
            }
        }
        Some(false)
    }

    /// The states that are reached without a byte; `None` in them: there is a match. Whatever
    /// follows, some path does: it is one already, or can become one.
    fn follow(&self, states: &[StateID], at: At, fuel: &mut Fuel) -> Option<Option<Vec<StateID>>> {
        let mut reached = HashSet::new();
        let mut open = states.to_vec();
        let mut kept = Vec::new();
        while let Some(id) = open.pop() {
            if !reached.insert(id) {
                continue;
            }
            fuel.burn(1)?;
            match self.nfa.state(id) {
                State::Match { .. } => return Some(None),
                State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) => kept.push(id),
                State::Look { look, next } if holds(*look, at) => open.push(*next),
                State::Look { .. } | State::Fail => {}
                State::Union { alternates } => open.extend_from_slice(alternates),
                State::BinaryUnion { alt1, alt2 } => open.extend([*alt1, *alt2]),
                State::Capture { next, .. } => open.push(*next),
            }
        }
        Some(Some(kept))
    }

    fn advance(&self, states: &[StateID], byte: u8) -> Vec<StateID> {
        let next = |id: &StateID| match self.nfa.state(*id) {
            State::ByteRange { trans } => trans.matches_byte(byte).then_some(trans.next),
            State::Sparse(them) => them.matches_byte(byte),
            State::Dense(them) => them.matches_byte(byte),
            State::Look { .. }
            | State::Union { .. }
            | State::BinaryUnion { .. }
            | State::Capture { .. }
            | State::Fail
            | State::Match { .. } => None,
        };
        let mut states: Vec<_> = states.iter().filter_map(next).collect();
        states.sort_unstable();
        states.dedup();
        states
    }

    // Of bytes that lead both automata to the same, one.
    fn steps(&self, place: Place, spelling: Spelling) -> Vec<(u8, Place)> {
        let classes = self.nfa.byte_classes();
        let mut seen = HashSet::new();
        let steps = (0..=u8::MAX).filter_map(|byte| Some((byte, spelling.step(place, byte)?)));
        steps.filter(|(byte, next)| seen.insert((classes.get(*byte), *next))).collect()
    }
}

const fn holds(look: Look, at: At) -> bool {
    match look {
        Look::Start | Look::StartLF | Look::StartCRLF => matches!(at, At::Start),
        Look::End | Look::EndLF | Look::EndCRLF => matches!(at, At::End),
        Look::WordAscii
        | Look::WordAsciiNegate
        | Look::WordUnicode
        | Look::WordUnicodeNegate
        | Look::WordStartAscii
        | Look::WordEndAscii
        | Look::WordStartUnicode
        | Look::WordEndUnicode
        | Look::WordStartHalfAscii
        | Look::WordEndHalfAscii
        | Look::WordStartHalfUnicode
        | Look::WordEndHalfUnicode => true,
    }
}

/// For one pattern and spelling, and for all of a lint.
const MOST_STEPS: usize = 50_000;
const ALL_STEPS: usize = 2_000_000;
/// Of a compiled pattern, in bytes.
const MAX_SIZE: usize = 1 << 20;
