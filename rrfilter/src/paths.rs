//! Many queries as one automaton, walked along with the document.

use std::collections::{BTreeMap, HashMap};

use rrcore::json::{Query, Selector, Slice, Step};

/// A union of queries. Its nodes are the beginnings of those queries; what several begin with is
/// there once.
#[derive(Debug)]
pub(crate) struct PathSet {
    nodes: Vec<Node>,
    // How many nodes may be active at once because of `..`: what a value costs at worst.
    ways_below_deep: usize,
    queries: usize,
}

#[derive(Debug, Default)]
struct Node {
    // The shortest first.
    names: Vec<(Box<[u8]>, Vec<NodeId>)>,
    indexes: BTreeMap<u64, Vec<NodeId>>,
    slices: Vec<(Slice, NodeId)>,
    wildcards: Vec<NodeId>,
    meaning: Meaning,
    sieve: Sieve,
    // Deep steps (`..`) start here: it stays active on the way down, whatever comes.
    stays: bool,
    below_deep: bool,
}

/// What follows for a value from a node that is active for it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meaning {
    /// The first query that ends there: the value is a match.
    pub(crate) found: Option<PathIndex>,
    /// Something in the value may be a match.
    pub(crate) leads_on: bool,
    /// This node is active for all that is in it, at any depth: deep steps start there.
    pub(crate) deep: Option<NodeId>,
}

pub(crate) type NodeId = usize;

/// Which of a filter's paths.
pub(crate) type PathIndex = u32;

/// Where a value is in the object or array around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// By its name.
    Member(&'a [u8]),
    /// By its index.
    Element(u64),
    /// By a name or an index that no step names: only wildcards lead there.
    Unnamed,
}

/// Which places steps name. Most in a document are seen at a glance to be none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sieve {
    // One bit of 64 for each name, twice.
    names: u64,
    middles: u64,
    elements: bool,
}

/// There are too many steps below `..` to follow them all at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooManyWays;

impl PathSet {
    pub(crate) const ROOT: NodeId = 0;

    /// Builds the automaton from queries, and says of each which of `count` paths it stands for, in
    /// order. An error says which was too much.
    pub(crate) fn new(
        queries: &[(PathIndex, Query)],
        count: usize,
    ) -> Result<Self, (PathIndex, TooManyWays)> {
        let mut set = Self { nodes: vec![Node::default()], ways_below_deep: 0, queries: count };
        let mut known = HashMap::new();
        for &(index, ref query) in queries {
            let mut at = Self::ROOT;
            for step in query.steps() {
                at = *known.entry((at, step)).or_insert_with(|| set.grow(at, step));
            }
            if let Some(node) = set.nodes.get_mut(at) {
                node.meaning.found.get_or_insert(index);
            }
            if set.ways_below_deep > MOST_WAYS_BELOW_DEEP {
                return Err((index, TooManyWays));
            }
        }
        Ok(set)
    }

    // A new node, to which `step` leads from `from`.
    fn grow(&mut self, from: NodeId, step: &Step) -> NodeId {
        let from = if step.deep { self.deep(from) } else { from };
        let below_deep = self.nodes.get(from).is_some_and(|it| it.stays || it.below_deep);
        let to = self.add(Node { below_deep, ..Node::default() });
        let Some(node) = self.nodes.get_mut(from) else { return to };
        if node.below_deep && !node.meaning.leads_on {
            self.ways_below_deep += 1;
        }
        node.meaning.leads_on = true;
        for selector in &step.selectors {
            match selector {
                Selector::Name(name) => node.add_name(name.as_bytes(), to),
                Selector::Index(index) => node.indexes.entry(*index).or_default().push(to),
                Selector::Slice(slice) => node.slices.push((*slice, to)),
                Selector::Wildcard => node.wildcards.push(to),
            }
            node.sieve = node.sieve.or(Sieve::of(selector));
        }
        to
    }

    fn deep(&mut self, from: NodeId) -> NodeId {
        if let Some(known) = self.at(from).deep {
            return known;
        }
        let deep = self.add(Node { stays: true, ..Node::default() });
        self.ways_below_deep += 1;
        if let Some(node) = self.nodes.get_mut(from) {
            node.meaning.deep = Some(deep);
        }
        deep
    }

    fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// How many queries it is made of.
    pub(crate) const fn len(&self) -> usize {
        self.queries
    }

    /// Tells `found` where the step to `place` leads from `from`; of some perhaps twice. That a node
    /// that [stays](Self::stays) leads to itself goes without saying.
    pub(crate) fn step(&self, from: NodeId, place: Place<'_>, mut found: impl FnMut(NodeId)) {
        let Some(node) = self.nodes.get(from) else { return };
        match place {
            Place::Member(name) => node.named(name).iter().for_each(|it| found(*it)),
            Place::Element(index) => {
                node.indexes.get(&index).into_iter().flatten().for_each(|it| found(*it));
                let slices = node.slices.iter().filter(|it| it.0.contains(index));
                slices.for_each(|it| found(it.1));
            }
            Place::Unnamed => {}
        }
        node.wildcards.iter().for_each(|it| found(*it));
    }

    /// What it means to be at `node`.
    pub(crate) fn at(&self, node: NodeId) -> Meaning {
        self.nodes.get(node).map_or(Meaning::default(), |it| it.meaning)
    }

    /// Whether `node` stays active on the way down: deep steps start there.
    pub(crate) fn stays(&self, node: NodeId) -> bool {
        self.nodes.get(node).is_some_and(|it| it.stays)
    }

    /// Whether a step from `node` names this member.
    pub(crate) fn names(&self, node: NodeId, name: &[u8]) -> bool {
        self.nodes.get(node).is_some_and(|it| !it.named(name).is_empty())
    }

    /// Adds to `turns` the indexes at which the steps from `node` to elements begin to lead elsewhere.
    /// Says whether those are all: not where there are many.
    pub(crate) fn turns(&self, node: NodeId, turns: &mut Vec<u64>) -> bool {
        let Some(node) = self.nodes.get(node) else { return true };
        if node.indexes.len() + node.slices.len() > MOST_TURNS {
            return false;
        }
        turns.extend(node.indexes.keys().flat_map(|it| [*it, it.saturating_add(1)]));
        turns.extend(node.slices.iter().flat_map(|it| [it.0.start, it.0.end.unwrap_or(u64::MAX)]));
        node.slices.iter().all(|it| it.0.step <= 1)
    }

    /// Which places the steps from `node` name.
    pub(crate) fn sieve(&self, node: NodeId) -> Sieve {
        self.nodes.get(node).map_or(Sieve::default(), |it| it.sieve)
    }
}

impl Node {
    fn add_name(&mut self, name: &[u8], to: NodeId) {
        match self.find(name) {
            Ok(at) => self.names.get_mut(at).map_or((), |it| it.1.push(to)),
            Err(at) => self.names.insert(at, (name.into(), vec![to])),
        }
    }

    fn named(&self, name: &[u8]) -> &[NodeId] {
        self.find(name).ok().and_then(|at| self.names.get(at)).map_or(&[], |it| &it.1)
    }

    // Where this name is, or would be.
    fn find(&self, name: &[u8]) -> Result<usize, usize> {
        let order = |it: &[u8]| it.len().cmp(&name.len()).then_with(|| it.cmp(name));
        self.names.binary_search_by(|(it, _)| order(it))
    }
}

impl Sieve {
    fn of(selector: &Selector) -> Self {
        match selector {
            Selector::Name(name) => {
                let name = name.as_bytes();
                Self { names: bit(name), middles: middle(name), elements: false }
            }
            Selector::Index(_) | Selector::Slice(_) => Self { elements: true, ..Self::default() },
            Selector::Wildcard => Self::default(),
        }
    }

    /// Lets through what either does.
    #[inline(always)]
    pub(crate) const fn or(self, other: Self) -> Self {
        Self {
            names: self.names | other.names,
            middles: self.middles | other.middles,
            elements: self.elements || other.elements,
        }
    }

    /// Whether a step may name this member.
    #[inline(always)]
    pub(crate) fn lets(self, name: &[u8]) -> bool {
        self.names & bit(name) != 0 && self.middles & middle(name) != 0
    }

    /// Whether it matters where elements are.
    #[inline(always)]
    pub(crate) const fn lets_elements(self) -> bool {
        self.elements
    }
}

// Length and ends tell most names apart.
#[inline(always)]
const fn bit(name: &[u8]) -> u64 {
    let (first, last) = match name {
        [] => (0, 0),
        [first, ..] => match name.last() {
            Some(last) => (*first as usize, *last as usize),
            None => (*first as usize, 0),
        },
    };
    1 << ((name.len() + first * 7 + last * 21) % 64)
}

// Of those that are alike in that, most differ amid.
#[inline(always)]
fn middle(name: &[u8]) -> u64 {
    1 << (name.get(name.len() / 2).map_or(0, |it| it % 64))
}

// A document of one tenant must not cost another's requests their time.
const MOST_WAYS_BELOW_DEEP: usize = 1_000;
// To tell more of them apart would take longer than to follow the steps.
const MOST_TURNS: usize = 16;
