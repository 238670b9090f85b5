//! Texts that are looked for in a text, all at once, and the rules that ask for each.

use std::collections::HashMap;
use std::fmt;

use aho_corasick::automaton::OverlappingState;
use aho_corasick::{AhoCorasick, Anchored, BuildError, Input, MatchKind, StartKind};

use crate::index::Places;
use crate::literal::Gate;

/// The gates of some rules, put together.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    starts: Texts,
    within: Texts,
    open: Vec<u16>,
}

/// Gates on their way.
#[derive(Default)]
pub(crate) struct Gathered {
    starts: Listed,
    within: Listed,
    open: Vec<u16>,
}

#[derive(Default)]
struct Texts {
    automaton: Option<AhoCorasick>,
    // By the number of the text.
    rules: Vec<Vec<u16>>,
}

#[derive(Default)]
struct Listed {
    texts: Vec<Box<[u8]>>,
    rules: Vec<Vec<u16>>,
    known: HashMap<Box<[u8]>, usize>,
}

impl Gates {
    /// Whether there is no rule.
    pub(crate) fn is_empty(&self) -> bool {
        self.starts.rules.is_empty() && self.within.rules.is_empty() && self.open.is_empty()
    }

    /// Adds the rules that may fit `text`.
    pub(crate) fn find(&self, text: &str, places: &mut Places) {
        places.extend_from_slice(&self.open);
        self.starts.find(text, Anchored::Yes, places);
        self.within.find(text, Anchored::No, places);
    }

    /// Adds all rules.
    pub(crate) fn all(&self, places: &mut Places) {
        places.extend_from_slice(&self.open);
        for rules in self.starts.rules.iter().chain(&self.within.rules) {
            places.extend_from_slice(rules);
        }
    }
}

impl Gathered {
    /// Adds the rule at `place`, which fits only behind `gate`.
    pub(crate) fn add(&mut self, gate: Gate, place: u16) {
        match gate {
            Gate::Starts(texts) => self.starts.add(texts, place),
            Gate::Has(texts) => self.within.add(texts, place),
            Gate::Open => self.open.push(place),
        }
    }

    /// # Errors
    /// When the texts make too large an automaton.
    pub(crate) fn built(self) -> Result<Gates, BuildError> {
        Ok(Gates {
            starts: self.starts.built(StartKind::Anchored)?,
            within: self.within.built(StartKind::Unanchored)?,
            open: self.open,
        })
    }
}

impl Listed {
    fn add(&mut self, texts: Vec<Box<[u8]>>, place: u16) {
        for text in texts {
            let number = *self.known.entry(text.clone()).or_insert_with(|| {
                self.texts.push(text);
                self.rules.push(Vec::new());
                self.rules.len() - 1
            });
            if let Some(rules) = self.rules.get_mut(number) {
                rules.push(place);
            }
        }
    }

    fn built(self, start: StartKind) -> Result<Texts, BuildError> {
        let mut builder = AhoCorasick::builder();
        builder.match_kind(MatchKind::Standard).start_kind(start);
        let is_empty = self.texts.is_empty();
        let automaton = if is_empty { None } else { Some(builder.build(&self.texts)?) };
        Ok(Texts { automaton, rules: self.rules })
    }
}

impl Texts {
    fn find(&self, text: &str, anchored: Anchored, places: &mut Places) {
        let Some(automaton) = &self.automaton else { return };
        let input = Input::new(text).anchored(anchored);
        let mut state = OverlappingState::start();
        // The only error is an automaton of another kind than it was built as.
        while automaton.try_find_overlapping(input.clone(), &mut state).is_ok()
            && let Some(found) = state.get_match()
        {
            let rules = self.rules.get(found.pattern().as_usize());
            places.extend_from_slice(rules.map_or(&[], Vec::as_slice));
        }
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texts").field("texts", &self.rules.len()).finish_non_exhaustive()
    }
}
