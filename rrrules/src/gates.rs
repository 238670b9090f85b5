//! Texts that are looked for in a text, all at once, and the rules that ask for each.

use std::collections::HashMap;
use std::fmt;

use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use smallvec::SmallVec;

use crate::literal::Gate;

/// Places of rules that may fit.
pub(crate) type Candidates = SmallVec<[u16; 64]>;

/// The gates of some rules, put together.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    starts: Starts,
    within: Within,
    open: Vec<u16>,
}

/// Gates on their way.
#[derive(Default)]
pub(crate) struct Gathered {
    starts: Listed,
    within: Listed,
    open: Vec<u16>,
}

/// Texts that a text may start with, sorted.
#[derive(Default)]
struct Starts {
    texts: Vec<Start>,
}

struct Start {
    text: Box<[u8]>,
    rules: Vec<u16>,
    /// The place of the longest of the others that this one starts with.
    shorter: Option<usize>,
}

/// Texts that a text may have in it.
#[derive(Default)]
struct Within {
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
        self.starts.texts.is_empty() && self.within.rules.is_empty() && self.open.is_empty()
    }

    /// Adds the rules that may fit `text`.
    pub(crate) fn find(&self, text: &str, places: &mut Candidates) {
        places.extend_from_slice(&self.open);
        self.starts.find(text.as_bytes(), places);
        self.within.find(text, places);
    }

    /// Adds all rules.
    pub(crate) fn all(&self, places: &mut Candidates) {
        places.extend_from_slice(&self.open);
        let starts = self.starts.texts.iter().map(|it| &it.rules);
        starts.chain(&self.within.rules).for_each(|it| places.extend_from_slice(it));
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
        Ok(Gates { starts: self.starts.sorted(), within: self.within.built()?, open: self.open })
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

    fn sorted(self) -> Starts {
        let mut pairs: Vec<_> = self.texts.into_iter().zip(self.rules).collect();
        pairs.sort();
        let mut texts: Vec<Start> = Vec::with_capacity(pairs.len());
        for (text, rules) in pairs {
            // What comes right before starts with everything that this starts with.
            let mut shorter = texts.len().checked_sub(1);
            while let Some(other) = shorter.and_then(|it| texts.get(it))
                && !text.starts_with(&other.text)
            {
                shorter = other.shorter;
            }
            texts.push(Start { text, rules, shorter });
        }
        Starts { texts }
    }

    fn built(self) -> Result<Within, BuildError> {
        // Without a prefilter: what is searched is short.
        let mut builder = AhoCorasick::builder();
        builder.match_kind(MatchKind::Standard).prefilter(false);
        let is_empty = self.texts.is_empty();
        let automaton = if is_empty { None } else { Some(builder.build(&self.texts)?) };
        Ok(Within { automaton, rules: self.rules })
    }
}

impl Starts {
    // All that `text` starts with, the last text that is not behind it starts with too.
    fn find(&self, text: &[u8], places: &mut Candidates) {
        let behind = self.texts.partition_point(|it| *it.text <= *text);
        let mut next = behind.checked_sub(1);
        while let Some(start) = next.and_then(|it| self.texts.get(it)) {
            if text.starts_with(&start.text) {
                places.extend_from_slice(&start.rules);
            }
            next = start.shorter;
        }
    }
}

impl Within {
    fn find(&self, text: &str, places: &mut Candidates) {
        let Some(automaton) = &self.automaton else { return };
        for found in automaton.find_overlapping_iter(text) {
            let rules = self.rules.get(found.pattern().as_usize());
            places.extend_from_slice(rules.map_or(&[], Vec::as_slice));
        }
    }
}

impl fmt::Debug for Starts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starts").field("texts", &self.texts.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Within").field("texts", &self.rules.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_found_is_what_fits(
            gates in proptest::collection::vec((any::<bool>(), "[ab]{1,4}"), 0..12),
            text in "[abc]{0,8}",
        ) {
            let mut gathered = Gathered::default();
            let mut expected = Vec::new();
            for (place, (is_start, gate)) in (0..).zip(gates) {
                let fits = if is_start { text.starts_with(&gate) } else { text.contains(&gate) };
                expected.extend(fits.then_some(place));
                let texts = vec![gate.as_bytes().into()];
                gathered.add(if is_start { Gate::Starts(texts) } else { Gate::Has(texts) }, place);
            }
            let mut found = Candidates::new();
            gathered.built().unwrap().find(&text, &mut found);
            found.sort_unstable();
            found.dedup();
            prop_assert_eq!(found.to_vec(), expected);
        }
    }
}
