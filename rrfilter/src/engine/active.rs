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
    // Instead of all that: what was found when the document was there as a whole.
    marks: Option<Marks>,
}

/// The active nodes of an open container.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nodes {
    first: usize,
    end: usize,
}

/// What paths found in a document that was read before.
#[derive(Debug)]
pub(crate) struct Marks {
    /// Of each value, in the order in which they begin.
    pub(crate) values: Vec<Mark>,
    /// The value that was read last, and the one that comes next.
    pub(crate) at: usize,
    pub(crate) next: usize,
}

/// What paths found of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// The first path that found it.
    pub(crate) found: Option<PathIndex>,
    /// Something in it was found.
    pub(crate) inside: bool,
    /// The value that begins after this has ended.
    pub(crate) after: u32,
}

impl Active {
    /// What is active for the root of a document.
    pub(super) fn new(paths: &PathSet) -> Self {
        let seen = vec![0; paths.repeatable()];
        let meaning = paths.at(PathSet::ROOT);
        // Also if it leads nowhere: what is in the root is always looked at.
        let nodes = std::iter::once(PathSet::ROOT).chain(meaning.deep).collect();
        Self { nodes, next: 0, found: meaning.found, seen, steps: 1, marks: None }
    }

    /// The same, where it is known what there is to be found.
    pub(super) fn marked(mut marks: Marks) -> Self {
        let (nodes, seen) = (Vec::new(), Vec::new());
        let found = marks.go_on().0;
        Self { nodes, next: 0, found, seen, steps: 0, marks: Some(marks) }
    }

    /// Goes to the value at `place` in the container of `around`.
    #[inline(always)]
    pub(super) fn step(&mut self, paths: &PathSet, around: Nodes, place: Place<'_>) {
        if let Some(marks) = &mut self.marks {
            self.found = marks.go_on().0;
            return;
        }
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
        match &self.marks {
            Some(marks) => marks.current().1,
            None => self.next < self.nodes.len(),
        }
    }

    /// Those of the next value, which is a container whose values come next.
    pub(super) fn enter(&mut self) -> Nodes {
        if let Some(marks) = &mut self.marks {
            marks.next = marks.at + 1;
        }
        Nodes { first: self.next, end: self.nodes.len() }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.nodes.capacity()
    }
}

impl Marks {
    // Goes to the value that comes next. What is in it comes next only after `Active::enter`.
    fn go_on(&mut self) -> (Option<PathIndex>, bool) {
        self.at = self.next;
        self.next = self.values.get(self.at).map_or(usize::MAX, |it| it.after as usize);
        self.current()
    }

    fn current(&self) -> (Option<PathIndex>, bool) {
        self.values.get(self.at).map_or((None, false), |it| (it.found, it.inside))
    }
}
