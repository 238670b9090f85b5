//! Which beginnings of paths fit the way from the root to where the document is.

use crate::paths::{NodeId, PathSet, Place};

/// The active nodes of each open container, and of the value that comes next.
#[derive(Debug)]
pub(super) struct Active {
    // Those of each open container, one after the other; then those of the next value.
    nodes: Vec<NodeId>,
    next: usize,
    is_match: bool,
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
        let mut active = Self { nodes: Vec::new(), next: 0, is_match: false, seen, steps: 1 };
        // Also if it leads nowhere: what is in the root is always looked at.
        let meaning = paths.at(PathSet::ROOT);
        active.is_match = meaning.is_match;
        active.nodes.push(PathSet::ROOT);
        active.nodes.extend(meaning.deep);
        active
    }

    /// Goes to the value at `place` in the container of `around`.
    pub(super) fn step(&mut self, paths: &PathSet, around: Nodes, place: Place<'_>) {
        self.nodes.truncate(around.end);
        self.next = around.end;
        self.is_match = false;
        self.steps += 1;
        for at in around.first..around.end {
            let Some(node) = self.nodes.get(at).copied() else { return };
            paths.step(node, place, |it| self.add(paths, it));
        }
    }

    fn add(&mut self, paths: &PathSet, node: NodeId) {
        let meaning = paths.at(node);
        self.is_match |= meaning.is_match;
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

    /// Whether a path ends at the next value.
    pub(super) const fn is_match(&self) -> bool {
        self.is_match
    }

    /// Whether a path may end somewhere in the next value.
    pub(super) fn may_match_inside(&self) -> bool {
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
