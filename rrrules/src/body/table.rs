//! An automaton as a plain table, to run along a path byte by byte.

use std::collections::HashMap;

use regex_automata::dfa::{Automaton, dense};
use regex_automata::util::primitives::StateID;

/// What is found on the way, and what if the path ends: a bit for each pattern.
///
/// The same as the automaton that it is made of, without what searching in it needs: a step is two
/// look-ups, and tells whether there is anything to look at.
#[derive(Debug)]
pub(super) struct Table {
    classes: Box<[u8; 256]>,
    // By state and class: the next state, with `NEWS` where it is dead or something is found.
    next: Box<[u32]>,
    // By number of the state.
    found: Box<[u32]>,
    last: Box<[u32]>,
    // A state is its number, shifted by this.
    shift: u32,
}

/// How far a path has been followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    state: u32,
    // What was found on the way: further down, it still is.
    found: u32,
}

impl Table {
    /// `None` where it has too many states.
    pub(super) fn of(automaton: &dense::DFA<Vec<u32>>, start: StateID) -> Option<(Self, Cursor)> {
        let classes = automaton.byte_classes();
        let representatives: Vec<u8> =
            classes.representatives(0..=u8::MAX).filter_map(|it| it.as_u8()).collect();
        let shift = representatives.len().next_power_of_two().trailing_zeros();
        // By number; the first is dead.
        let mut states = vec![StateID::ZERO];
        let mut numbers = HashMap::from([(StateID::ZERO, DEAD)]);
        let (mut next, mut found, mut last) = (Vec::new(), Vec::new(), Vec::new());
        let mut number = |state: StateID, states: &mut Vec<StateID>| {
            let state = if automaton.is_dead_state(state) { StateID::ZERO } else { state };
            *numbers.entry(state).or_insert_with(|| {
                states.push(state);
                states.len() as u32 - 1
            })
        };
        let start = number(start, &mut states);
        while let Some(state) = states.get(found.len()).copied() {
            found.push(matches(automaton, state));
            last.push(matches(automaton, automaton.next_eoi_state(state)));
            for byte in &representatives {
                let to = automaton.next_state(state, *byte);
                let has_news = automaton.is_dead_state(to) || automaton.is_match_state(to);
                let state =
                    number(to, &mut states).checked_shl(shift).filter(|it| it & NEWS == 0)?;
                next.push(if has_news { state | NEWS } else { state });
            }
            next.resize(found.len() << shift, DEAD | NEWS);
        }
        let classes = Box::new(std::array::from_fn(|byte| classes.get(byte as u8)));
        let (next, found, last) = (next.into(), found.into(), last.into());
        Some((
            Self { classes, next, found, last, shift },
            Cursor { state: start << shift, found: 0 },
        ))
    }

    /// Goes on from `cursor` along `bytes`.
    #[inline]
    pub(super) fn follow(&self, cursor: Cursor, bytes: &[u8]) -> Cursor {
        let Cursor { mut state, mut found } = cursor;
        for byte in bytes {
            let class = self.classes.get(usize::from(*byte)).copied().unwrap_or_default();
            let next = self.next.get((state | u32::from(class)) as usize);
            let next = next.copied().unwrap_or(DEAD | NEWS);
            state = next & !NEWS;
            if next & NEWS != 0 {
                if state == DEAD {
                    break;
                }
                found |= self.bits(&self.found, state);
            }
        }
        Cursor { state, found }
    }

    /// What is found in what was followed, if it ends here.
    #[inline]
    pub(super) fn found(&self, cursor: Cursor) -> u32 {
        cursor.found | self.bits(&self.last, cursor.state)
    }

    #[inline]
    fn bits(&self, bits: &[u32], state: u32) -> u32 {
        bits.get((state >> self.shift) as usize).copied().unwrap_or_default()
    }
}

impl Cursor {
    /// Where nothing was found and nothing can be.
    pub(super) const fn dead() -> Self {
        Self { state: DEAD, found: 0 }
    }

    /// A number that tells most from each other.
    pub(super) const fn number(self) -> u64 {
        self.state as u64 ^ self.found as u64
    }

    /// Whether nothing `wanted` was found and nothing can be, however the path goes on.
    #[inline]
    pub(super) const fn is_hopeless(self, wanted: u32) -> bool {
        self.found & wanted == 0 && self.state == DEAD
    }
}

fn matches(automaton: &dense::DFA<Vec<u32>>, state: StateID) -> u32 {
    if !automaton.is_match_state(state) {
        return 0;
    }
    let patterns = 0..automaton.match_len(state);
    let bit = |it| 1_u32 << automaton.match_pattern(state, it).as_usize();
    patterns.fold(0, |found, it| found | bit(it))
}

const DEAD: u32 = 0;
const NEWS: u32 = 1 << 31;
