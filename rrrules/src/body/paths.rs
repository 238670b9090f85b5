//! The paths that checks look for, as automata that run along while a document is read.

use std::collections::HashMap;

use regex_automata::dfa::dense;
use regex_automata::dfa::{Automaton as _, StartKind};
use regex_automata::nfa::thompson;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::Hir;

use super::check::BodyCheck;
use super::table::{Cursor, Table};
use crate::pattern::Pattern;

/// All paths that a set of checks looks for.
///
/// A path is never put together as text where an automaton can follow it: under a long name with
/// many members, that would be quadratic.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) groups: Vec<Group>,
    /// What no automaton of a reasonable size can be built of, such as Unicode word boundaries.
    pub(super) slow: Vec<Slow>,
    // Of all automata, in bytes.
    size: usize,
}

/// A few paths that are looked for in one go.
#[derive(Debug)]
pub(super) struct Group {
    table: Table,
    start: Cursor,
    // By bit: the checks that ask for the path.
    checks: Vec<Vec<usize>>,
}

/// A path that is looked for in text.
#[derive(Debug)]
pub(super) struct Slow {
    pub(super) pattern: Pattern,
    pub(super) checks: Vec<usize>,
}

// What runs along a few paths, from where, and how large it is in bytes.
struct Automaton {
    table: Table,
    start: Cursor,
    size: usize,
}

struct Distinct {
    hir: Hir,
    pattern: Pattern,
    checks: Vec<usize>,
}

impl Paths {
    pub(super) fn new(checks: &[BodyCheck]) -> Self {
        let mut paths = Self { groups: Vec::new(), slow: Vec::new(), size: 0 };
        // The automaton of the first in the group, while that is alone.
        let (mut group, mut first, mut size) = (Vec::new(), None, 0);
        for it in distinct(checks) {
            // By itself first: what is large or impossible alone is not tried in company.
            let alone = if paths.size < MAX_ALL { Automaton::of(&[&it.hir]) } else { None };
            let Some(alone) = alone else {
                paths.slow.push(Slow { pattern: it.pattern, checks: it.checks });
                continue;
            };
            if group.len() == GROUP || size + alone.size > MAX_PARTS {
                paths.add(std::mem::take(&mut group), first.take());
                size = 0;
            }
            size += alone.size;
            first = group.is_empty().then_some(alone);
            group.push(it);
        }
        paths.add(group, first);
        paths
    }

    // As one group if that is small enough, else in halves.
    fn add(&mut self, mut distinct: Vec<Distinct>, known: Option<Automaton>) {
        if distinct.is_empty() {
            return;
        }
        let hirs: Vec<_> = distinct.iter().map(|it| &it.hir).collect();
        if let Some(Automaton { table, start, size }) = known.or_else(|| Automaton::of(&hirs)) {
            self.size += size;
            let checks = distinct.into_iter().map(|it| it.checks).collect();
            self.groups.push(Group { table, start, checks });
        } else if distinct.len() > 1 {
            let half = distinct.split_off(distinct.len() / 2);
            self.add(distinct, None);
            self.add(half, None);
        } else {
            let slow = |it: Distinct| Slow { pattern: it.pattern, checks: it.checks };
            self.slow.extend(distinct.into_iter().map(slow));
        }
    }
}

impl Group {
    pub(super) const fn start(&self) -> Cursor {
        self.start
    }

    pub(super) const fn table(&self) -> &Table {
        &self.table
    }

    /// The checks that ask for the path of this bit.
    pub(super) fn checks(&self, bit: u32) -> &[usize] {
        self.checks.get(bit as usize).map_or(&[], Vec::as_slice)
    }
}

// Many rules ask for one path: `^method$`.
fn distinct(checks: &[BodyCheck]) -> Vec<Distinct> {
    let mut distinct: Vec<Distinct> = Vec::new();
    let mut by_source: HashMap<&str, Vec<usize>> = HashMap::new();
    for (check, BodyCheck { path, .. }) in checks.iter().enumerate() {
        let hir = path.hir();
        // One text with different flags is different paths.
        let alike = by_source.entry(path.source()).or_default();
        let is_same = |it: &&usize| distinct.get(**it).is_some_and(|it| it.hir == hir);
        let known = alike.iter().find(is_same).copied();
        if let Some(known) = known.and_then(|it| distinct.get_mut(it)) {
            known.checks.push(check);
        } else {
            alike.push(distinct.len());
            distinct.push(Distinct { hir, pattern: path.clone(), checks: vec![check] });
        }
    }
    distinct
}

impl Automaton {
    // `None` where there is none, or only a large one.
    fn of(hirs: &[&Hir]) -> Option<Self> {
        let config = thompson::Config::new().nfa_size_limit(Some(MAX_NFA));
        let nfa = thompson::Compiler::new().configure(config).build_many_from_hir(hirs).ok()?;
        let config = dense::Config::new()
            .match_kind(MatchKind::All)
            .start_kind(StartKind::Unanchored)
            .accelerate(false)
            .dfa_size_limit(Some(MAX_AUTOMATON))
            .determinize_size_limit(Some(MAX_EFFORT));
        let dense = dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()?;
        let start = dense.start_state(&start::Config::new().anchored(Anchored::No)).ok()?;
        let (table, start) = Table::of(&dense, start)?;
        Some(Self { table, start, size: dense.memory_usage() })
    }
}

// How many paths one group looks for at most: one bit each.
const GROUP: usize = 32;
// In bytes: for one group, for what its paths take by themselves, and for all groups.
const MAX_AUTOMATON: usize = 256 << 10;
const MAX_PARTS: usize = 64 << 10;
const MAX_ALL: usize = 16 << 20;
const MAX_EFFORT: usize = 1 << 20;
const MAX_NFA: usize = 4 << 20;
