//! Which rules of a set can fit a request at all: found in time that hardly grows with the set.

use std::cmp::Reverse;
use std::collections::HashMap;

use aho_corasick::BuildError;
use foldhash::fast::RandomState;
use http::{HeaderName, HeaderValue};

use crate::gates::{Candidates, Gates, Gathered};
use crate::literal::Gate;
use crate::methods::KINDS;
use crate::pattern::{Pattern, Presence};
use crate::query::Pair;
use crate::rule::{Effect, Rule};
use crate::small::{SMALL, Small};
use crate::subject::Reading;

/// Sorts rules by one thing each that a request must have for them to fit. What it finds is asked
/// in full; what it leaves out cannot fit.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Of sets so small that looking at each rule is quicker.
    small: Option<Small>,
    path: Gates,
    /// By the value of a header that must be there.
    headers: HashMap<HeaderName, Gates, RandomState>,
    /// By the value of a query parameter that must be there.
    query: HashMap<Box<str>, Gates, RandomState>,
    /// Rules that nothing sorts out but the method, by its kind.
    open: [Vec<u16>; KINDS],
    /// Whether a rule that is sorted by the path also judges its other readings.
    reads_all_paths: bool,
}

/// An index on its way.
#[derive(Default)]
struct Draft {
    path: Gathered,
    headers: HashMap<HeaderName, Gathered>,
    query: HashMap<Box<str>, Gathered>,
}

impl Index {
    /// An index of `rules`, which are in the order of evaluation.
    ///
    /// # Errors
    /// When the texts in them make too large an automaton.
    pub(crate) fn of(rules: &[Rule]) -> Result<Self, BuildError> {
        let mut index = Self { small: Small::of(rules), ..Self::default() };
        if index.small.is_some() {
            return Ok(index);
        }
        let paths: Vec<_> = rules.iter().map(path_gates).collect();
        let rarity = Rarity::of(paths.iter().flatten());
        let mut draft = Draft::default();
        for ((place, rule), gates) in (0..).zip(rules).zip(paths) {
            match rarity.best(gates) {
                Gate::Open => index.without_path(&mut draft, rule, place),
                gate => {
                    draft.path.add(gate, place);
                    index.reads_all_paths |= rule.effect == Effect::Deny;
                }
            }
        }
        index.path = draft.path.built()?;
        for (name, gathered) in draft.headers {
            index.headers.insert(name, gathered.built()?);
        }
        for (name, gathered) in draft.query {
            index.query.insert(name, gathered.built()?);
        }
        Ok(index)
    }

    fn without_path(&mut self, draft: &mut Draft, rule: &Rule, place: u16) {
        let header = rule.headers.iter().find_map(|it| Some((it.needs()?, it.value.as_ref())));
        let query = rule.query.iter().find_map(|it| Some((it.needs()?, it.value.as_ref())));
        if let Some((name, value)) = header {
            let gate = value.map_or(Gate::Open, longest);
            draft.headers.entry(name.clone()).or_default().add(gate, place);
        } else if let Some((name, value)) = query {
            let gate = value.map_or(Gate::Open, longest);
            draft.query.entry(name.into()).or_default().add(gate, place);
        } else {
            for (kind, open) in self.open.iter_mut().enumerate() {
                if rule.methods.may_contain(kind) {
                    open.push(place);
                }
            }
        }
    }

    /// A bit for each rule that may fit, of a small set.
    pub(crate) fn small(&self, reading: &Reading<'_>) -> Option<u16> {
        self.small.as_ref().map(|it| it.bits(reading))
    }

    /// The rules that may fit, each once, in the order of evaluation.
    pub(crate) fn candidates(&self, reading: &Reading<'_>, places: &mut Candidates) {
        if let Some(bits) = self.small(reading) {
            places.extend((0..).take(SMALL).filter(|place| bits >> place & 1 == 1));
            return;
        }
        let open = self.open.get(reading.method());
        places.extend_from_slice(open.map_or(&[], Vec::as_slice));
        let sorted = places.len();
        self.by_path(reading, places);
        self.by_header(reading, places);
        self.by_query(reading, places);
        if places.len() > sorted {
            places.sort_unstable();
            places.dedup();
        }
    }

    fn by_path(&self, reading: &Reading<'_>, places: &mut Candidates) {
        if self.path.is_empty() {
            return;
        }
        self.path.find(reading.subject().path.as_str(), places);
        if self.reads_all_paths {
            reading.other_paths().iter().for_each(|path| self.path.find(path, places));
        }
    }

    fn by_header(&self, reading: &Reading<'_>, places: &mut Candidates) {
        if self.headers.is_empty() {
            return;
        }
        let headers = reading.subject().headers;
        if reading.lacks().headers {
            self.headers.values().for_each(|it| it.all(places));
        } else if reading.names().have_underscores() {
            let names = headers.keys().filter_map(|it| self.headers.get(&dashed(it)?));
            names.for_each(|it| it.all(places));
        } else if self.headers.len() <= headers.keys_len() {
            // Asks the fewer of the two: the rules' names, or the request's.
            for (name, gates) in &self.headers {
                by_lines(gates, headers.get_all(name).iter(), places);
            }
        } else {
            for name in headers.keys() {
                if let Some(gates) = self.headers.get(name) {
                    by_lines(gates, headers.get_all(name).iter(), places);
                }
            }
        }
    }

    fn by_query(&self, reading: &Reading<'_>, places: &mut Candidates) {
        if self.query.is_empty() {
            return;
        }
        let lacks = reading.lacks();
        match reading.query() {
            Ok(query) if !lacks.query => {
                let named = |pair: &Pair<'_>| self.query.get(&*pair.name);
                for (gates, pair) in
                    query.readings().flatten().filter_map(|it| Some((named(it)?, it)))
                {
                    match lacks.query_values {
                        true => gates.all(places),
                        false => gates.find(&pair.value, places),
                    }
                }
            }
            // Of a malformed query, all that a deny asks holds.
            Ok(_) | Err(_) => self.query.values().for_each(|it| it.all(places)),
        }
    }
}

/// How many rules ask for a text: of several gates, the one that most requests fail is best, and
/// what many rules ask for, most requests have.
struct Rarity(HashMap<Box<[u8]>, usize>);

impl Rarity {
    fn of<'a>(gates: impl Iterator<Item = &'a Gate>) -> Self {
        let mut counts = HashMap::new();
        for text in gates.flat_map(Gate::texts) {
            *counts.entry(text.clone()).or_insert(0) += 1;
        }
        Self(counts)
    }

    fn best(&self, gates: Vec<Gate>) -> Gate {
        let asked = |gate: &Gate| {
            gate.texts().iter().filter_map(|it| self.0.get(it)).max().copied().unwrap_or(0)
        };
        let best = gates.into_iter().min_by_key(|it| (asked(it), Reverse(it.shortest())));
        best.unwrap_or(Gate::Open)
    }
}

fn path_gates(rule: &Rule) -> Vec<Gate> {
    match &rule.path {
        Some((pattern, Presence::Present)) => pattern.gates(),
        Some((_, Presence::Absent)) | None => Vec::new(),
    }
}

fn longest(value: &Pattern) -> Gate {
    value.gates().into_iter().max_by_key(Gate::shortest).unwrap_or(Gate::Open)
}

// A value may also be found in several lines put together, or in bytes that are no text.
fn by_lines<'a>(
    gates: &Gates,
    mut lines: impl Iterator<Item = &'a HeaderValue>,
    places: &mut Candidates,
) {
    match (lines.next(), lines.next()) {
        (None, _) => {}
        (Some(line), None) => match std::str::from_utf8(line.as_bytes()) {
            Ok(text) => gates.find(text, places),
            Err(_) => gates.all(places),
        },
        (Some(_), Some(_)) => gates.all(places),
    }
}

fn dashed(name: &HeaderName) -> Option<HeaderName> {
    match name.as_str().contains('_') {
        true => name.as_str().replace('_', "-").parse().ok(),
        false => Some(name.clone()),
    }
}
