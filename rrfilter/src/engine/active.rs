//! Which beginnings of paths fit the way from the root to where the document is.

use crate::paths::{NodeId, PathIndex, PathSet, Place, Sieve};

/// The active nodes of each open container, and of the value that comes next.
#[derive(Debug)]
pub(super) struct Active {
    // Those of each open container, one after the other; then those of the next value.
    nodes: Vec<NodeId>,
    next: usize,
    // Those that stay active on the way down: of these, each open container has the first so many.
    // With each, where it and those before it may lead.
    deep: Vec<(NodeId, Sieve)>,
    // For each node, whether it is among those.
    is_deep: Vec<bool>,
    found: Option<PathIndex>,
    // For each node that may be found twice, the last step that made it active: it is so only once.
    seen: Vec<u64>,
    steps: u64,
}

/// The active nodes of an open container.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Nodes {
    first: usize,
    end: usize,
    deep: usize,
    sieve: Sieve,
}

impl Active {
    /// What is active for the root of a document.
    pub(super) fn new(paths: &PathSet) -> Self {
        let mut active = Self {
            nodes: Vec::new(),
            next: 0,
            deep: Vec::new(),
            is_deep: vec![false; paths.deepest()],
            found: None,
            seen: vec![0; paths.repeatable()],
            steps: 0,
        };
        active.restart(paths);
        active
    }

    /// The same, for the root of the next document.
    pub(super) fn restart(&mut self, paths: &PathSet) {
        self.rest(Nodes::default());
        let meaning = paths.at(PathSet::ROOT);
        // Also if it leads nowhere: what is in the root is always looked at.
        self.nodes.push(PathSet::ROOT);
        self.found = meaning.found;
        if let Some(deep) = meaning.deep {
            self.stay(paths, deep);
        }
    }

    /// Goes to the value at `place` in the container of `around`.
    #[inline(always)]
    pub(super) fn step(&mut self, paths: &PathSet, around: Nodes, place: Place<'_>) {
        self.rest(around);
        if around.sieve.lets(place) {
            self.follow(paths, around, place);
        }
    }

    /// Goes to a value in the container of `around` to which nothing leads.
    #[inline(always)]
    pub(super) fn rest(&mut self, around: Nodes) {
        self.nodes.truncate(around.end);
        self.next = around.end;
        self.found = None;
        if self.deep.len() > around.deep {
            self.leave(around.deep);
        }
    }

    fn leave(&mut self, count: usize) {
        for (node, _) in self.deep.drain(count..) {
            if let Some(is_deep) = self.is_deep.get_mut(node) {
                *is_deep = false;
            }
        }
    }

    fn follow(&mut self, paths: &PathSet, around: Nodes, place: Place<'_>) {
        self.steps += 1;
        for at in around.first..around.end {
            let Some(node) = self.nodes.get(at).copied() else { break };
            paths.step(node, place, |it| self.add(paths, it));
        }
        for at in 0..around.deep {
            let Some((node, _)) = self.deep.get(at).copied() else { break };
            paths.step(node, place, |it| self.add(paths, it));
        }
    }

    fn add(&mut self, paths: &PathSet, node: NodeId) {
        let meaning = paths.at(node);
        self.found = match (self.found, meaning.found) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        if meaning.leads_on {
            self.activate(node);
        }
        if let Some(deep) = meaning.deep {
            self.stay(paths, deep);
        }
    }

    fn activate(&mut self, node: NodeId) {
        let last = self.seen.get_mut(node).map(|it| std::mem::replace(it, self.steps));
        if last != Some(self.steps) {
            self.nodes.push(node);
        }
    }

    fn stay(&mut self, paths: &PathSet, node: NodeId) {
        let is_known = self.is_deep.get_mut(node).is_some_and(|it| std::mem::replace(it, true));
        if !is_known {
            let before = self.deep.last().map_or(Sieve::default(), |it| it.1);
            self.deep.push((node, before.or(paths.sieve(node))));
        }
    }

    /// The path that ends at the next value.
    #[inline(always)]
    pub(super) const fn found(&self) -> Option<PathIndex> {
        self.found
    }

    /// Whether a path may end somewhere in the next value.
    #[inline(always)]
    pub(super) fn may_find_inside(&self) -> bool {
        self.next < self.nodes.len() || !self.deep.is_empty()
    }

    /// Those of the next value, which is a container whose values come next.
    #[inline(always)]
    pub(super) fn enter(&self, paths: &PathSet) -> Nodes {
        let before = self.deep.last().map_or(Sieve::default(), |it| it.1);
        let nodes = self.nodes.get(self.next..).unwrap_or_default();
        let sieve = nodes.iter().fold(before, |sieve, it| sieve.or(paths.sieve(*it)));
        Nodes { first: self.next, end: self.nodes.len(), deep: self.deep.len(), sieve }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.nodes.capacity() + self.deep.capacity()
    }
}

impl Nodes {
    /// Where they may lead.
    pub(super) const fn sieve(&self) -> Sieve {
        self.sieve
    }
}
