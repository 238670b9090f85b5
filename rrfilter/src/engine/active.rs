//! Which beginnings of paths fit the way from the root to where the document is.

use crate::paths::{NodeId, PathIndex, PathSet, Place};

/// The active nodes of each open container, and of the value that comes next.
#[derive(Debug)]
pub(super) struct Active {
    // Those of each open container, one after the other; then those of the next value.
    nodes: Vec<NodeId>,
    next: usize,
    found: Option<PathIndex>,
    // For each node that may be found twice, the last step that made it active: it is so only once.
    seen: Vec<u64>,
    steps: u64,
}

/// The active nodes of an open container.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nodes {
    first: usize,
    end: usize,
}

impl Active {
    /// What is active for the root of a document.
    pub(super) fn new(paths: &PathSet) -> Self {
        let seen = vec![0; paths.repeatable()];
        let meaning = paths.at(PathSet::ROOT);
        // Also if it leads nowhere: what is in the root is always looked at.
        let nodes = std::iter::once(PathSet::ROOT).chain(meaning.deep).collect();
        Self { nodes, next: 0, found: meaning.found, seen, steps: 1 }
    }

    /// Goes to the value at `place` in the container of `around`.
    #[inline(always)]
    pub(super) fn step(&mut self, paths: &PathSet, around: Nodes, place: Place<'_>) {
        self.nodes.truncate(around.end);
        self.next = around.end;
        self.found = None;
        self.steps += 1;
        for at in around.first..around.end {
            let Some(node) = self.nodes.get(at).copied() else { return };
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
            self.activate(deep);
        }
    }

    fn activate(&mut self, node: NodeId) {
        let last = self.seen.get_mut(node).map(|it| std::mem::replace(it, self.steps));
        if last != Some(self.steps) {
            self.nodes.push(node);
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
        self.next < self.nodes.len()
    }

    /// Those of the next value, which is a container whose values come next.
    pub(super) fn enter(&self) -> Nodes {
        Nodes { first: self.next, end: self.nodes.len() }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.nodes.capacity()
    }
}
