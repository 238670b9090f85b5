//! Which rules of a set can fit a request at all: found in time that hardly grows with the set.

use std::collections::HashMap;

use aho_corasick::automaton::OverlappingState;
use aho_corasick::{AhoCorasick, Anchored, Input, MatchKind, StartKind};
use http::HeaderName;
use smallvec::SmallVec;

use crate::literal::Gate;
use crate::methods::{self, KINDS};
use crate::pattern::Presence;
use crate::rule::{Effect, Rule};
use crate::subject::Reading;

/// Places of rules in the order of evaluation.
pub(crate) type Places = SmallVec<[u16; 32]>;

/// Sorts rules by one thing each that a request must have for them to fit. What it finds is asked
/// in full; what it leaves out cannot fit.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// All rules, for sets so small that asking each is quicker.
    small: Option<u16>,
    starts: Texts,
    within: Texts,
    headers: HashMap<HeaderName, Vec<u16>>,
    query: HashMap<Box<str>, Vec<u16>>,
    /// Rules that nothing sorts out but the method, by its kind.
    open: [Vec<u16>; KINDS],
    /// Whether a rule that is sorted by the path also judges its other readings.
    reads_all_paths: bool,
}

/// Texts that are looked for in a path, all at once.
#[derive(Debug, Default)]
struct Texts {
    automaton: Option<AhoCorasick>,
    // By the number of the text.
    rules: Vec<Vec<u16>>,
}

/// Texts on their way into an automaton.
#[derive(Default)]
struct Gathered {
    texts: Vec<Box<[u8]>>,
    rules: Vec<Vec<u16>>,
    known: HashMap<Box<[u8]>, usize>,
}

impl Index {
    /// An index of `rules`, which are in the order of evaluation.
    ///
    /// # Errors
    /// When the texts in them make too large an automaton.
    pub(crate) fn of(rules: &[Rule]) -> Result<Self, aho_corasick::BuildError> {
        let mut index = Self::default();
        if rules.len() <= SMALL {
            index.small = u16::try_from(rules.len()).ok();
            return Ok(index);
        }
        let (mut starts, mut within) = (Gathered::default(), Gathered::default());
        for (place, rule) in (0..).zip(rules) {
            match path_gate(rule) {
                Gate::Starts(texts) => starts.add(texts, place),
                Gate::Has(texts) => within.add(texts, place),
                Gate::Open => {
                    index.without_path(rule, place);
                    continue;
                }
            }
            index.reads_all_paths |= rule.effect == Effect::Deny;
        }
        index.starts = starts.built(StartKind::Anchored)?;
        index.within = within.built(StartKind::Unanchored)?;
        Ok(index)
    }

    fn without_path(&mut self, rule: &Rule, place: u16) {
        if let Some(name) = rule.headers.iter().find_map(|it| it.needs()) {
            self.headers.entry(name.clone()).or_default().push(place);
        } else if let Some(name) = rule.query.iter().find_map(|it| it.needs()) {
            self.query.entry(name.into()).or_default().push(place);
        } else {
            for (kind, open) in self.open.iter_mut().enumerate() {
                if rule.methods.may_contain(kind) {
                    open.push(place);
                }
            }
        }
    }

    /// The rules that may fit, each once, in the order of evaluation.
    pub(crate) fn candidates(&self, reading: &Reading<'_>) -> Places {
        if let Some(all) = self.small {
            return (0..all).collect();
        }
        let mut places = Places::new();
        let open = self.open.get(methods::kind_of(reading.subject().method));
        places.extend_from_slice(open.map_or(&[], Vec::as_slice));
        let sorted = places.len();
        self.by_path(reading, &mut places);
        self.by_header(reading, &mut places);
        self.by_query(reading, &mut places);
        if places.len() > sorted {
            places.sort_unstable();
            places.dedup();
        }
        places
    }

    fn by_path(&self, reading: &Reading<'_>, places: &mut Places) {
        let path = reading.subject().path.as_str();
        self.starts.find(path, Anchored::Yes, places);
        self.within.find(path, Anchored::No, places);
        if self.reads_all_paths {
            for path in reading.other_paths() {
                self.starts.find(path, Anchored::Yes, places);
                self.within.find(path, Anchored::No, places);
            }
        }
    }

    // Asks the fewer of the two: the request's names, or the rules'.
    fn by_header(&self, reading: &Reading<'_>, places: &mut Places) {
        let headers = reading.subject().headers;
        if self.headers.is_empty() {
            return;
        }
        if reading.lacks().headers {
            places.extend(self.headers.values().flatten().copied());
        } else if reading.has_underscores() {
            let found = headers.keys().filter_map(|name| self.headers.get(&dashed(name)?));
            places.extend(found.flatten().copied());
        } else if self.headers.len() <= headers.keys_len() {
            let found = self.headers.iter().filter(|(name, _)| headers.contains_key(*name));
            places.extend(found.flat_map(|(_, rules)| rules).copied());
        } else {
            let found = headers.keys().filter_map(|name| self.headers.get(name));
            places.extend(found.flatten().copied());
        }
    }

    fn by_query(&self, reading: &Reading<'_>, places: &mut Places) {
        if self.query.is_empty() {
            return;
        }
        let all = || self.query.values().flatten().copied();
        match reading.query() {
            _ if reading.lacks().query => places.extend(all()),
            // What a deny asks of such a query holds.
            Err(_) => places.extend(all()),
            Ok(query) => {
                for pair in query.readings().flatten() {
                    places.extend(self.query.get(&*pair.name).into_iter().flatten().copied());
                }
            }
        }
    }
}

fn path_gate(rule: &Rule) -> Gate {
    match &rule.path {
        Some((pattern, Presence::Present)) => pattern.gate(),
        Some((_, Presence::Absent)) | None => Gate::Open,
    }
}

fn dashed(name: &HeaderName) -> Option<HeaderName> {
    match name.as_str().contains('_') {
        true => name.as_str().replace('_', "-").parse().ok(),
        false => Some(name.clone()),
    }
}

impl Gathered {
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

    fn built(self, start: StartKind) -> Result<Texts, aho_corasick::BuildError> {
        let automaton = match self.texts.is_empty() {
            true => None,
            false => Some(
                AhoCorasick::builder()
                    .match_kind(MatchKind::Standard)
                    .start_kind(start)
                    .build(&self.texts)?,
            ),
        };
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

/// Up to so many rules, asking each is as quick as asking the index.
const SMALL: usize = 6;
