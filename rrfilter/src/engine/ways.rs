//! Which beginnings of paths fit the way from the root to where the document is.

use smallvec::SmallVec;

use super::stage::{Stage, Verdict};
use crate::paths::{NodeId, PathIndex, PathSet, Place, Sieve};

/// For each filter that looks at what is in a container, the nodes that are active for it: sorted,
/// each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ways {
    // Those of all filters, one after the other.
    nodes: SmallVec<[NodeId; 6]>,
    // For each filter that sees the container, where its nodes end, if it looks.
    ends: SmallVec<[Option<usize>; 4]>,
}

impl Ways {
    /// Whether filter `stage` sees what is in the container.
    pub(super) fn sees(&self, stage: usize) -> bool {
        stage < self.ends.len()
    }

    /// The nodes of filter `stage`, if it looks.
    pub(super) fn of(&self, stage: usize) -> Option<&[NodeId]> {
        let end = self.ends.get(stage).copied().flatten()?;
        let before = self.ends.iter().take(stage).rev().find_map(|it| *it);
        self.nodes.get(before.unwrap_or_default()..end)
    }

    /// The next filter says this to the container, in which these nodes would be active.
    pub(super) fn add(&mut self, verdict: Verdict, nodes: &[NodeId]) {
        match verdict {
            Verdict::Look => {
                self.nodes.extend_from_slice(nodes);
                self.ends.push(Some(self.nodes.len()));
            }
            Verdict::Pass | Verdict::Match(_) => self.ends.push(None),
            // Neither it nor those after it see what is in there.
            Verdict::Destroy(_) | Verdict::Drop | Verdict::Replace(_) | Verdict::Unseen => {}
        }
    }

    /// Each filter that looks, with its nodes.
    pub(super) fn looking<'a>(
        &'a self,
        stages: &'a [Stage],
    ) -> impl Iterator<Item = (&'a PathSet, &'a [NodeId])> {
        let all = stages.iter().enumerate();
        all.filter_map(|(number, it)| Some((it.filter.paths(), self.of(number)?)))
    }

    /// Which places in the container are named.
    pub(super) fn sieve(&self, stages: &[Stage]) -> Sieve {
        self.looking(stages).fold(Sieve::default(), |sieve, (paths, nodes)| {
            nodes.iter().fold(sieve, |sieve, it| sieve.or(paths.sieve(*it)))
        })
    }

    /// Whether one of the steps names this member.
    pub(super) fn name(&self, stages: &[Stage], name: &[u8]) -> bool {
        self.looking(stages).any(|(paths, nodes)| nodes.iter().any(|it| paths.names(*it, name)))
    }

    /// The indexes at which steps begin to lead elsewhere, in order; `None` where those are many.
    pub(super) fn turns(&self, stages: &[Stage]) -> Option<Vec<u64>> {
        let mut turns = Vec::new();
        for (paths, nodes) in self.looking(stages) {
            let mut each = nodes.iter();
            if !each.all(|it| turns.len() < MOST_TURNS && paths.turns(*it, &mut turns)) {
                return None;
            }
        }
        turns.sort_unstable();
        turns.dedup();
        Some(turns)
    }

    /// A number that differs for most that differ.
    pub(super) fn digest(&self) -> u64 {
        let nodes = self.nodes.iter().map(|it| *it as u64);
        let ends = self.ends.iter().map(|it| it.map_or(0, |it| it as u64 + 1));
        nodes
            .chain([u64::MAX])
            .chain(ends)
            .fold(0, |all: u64, it| (all.rotate_left(5) ^ it).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// How much memory it takes, in words.
    pub(super) fn size(&self) -> usize {
        self.nodes.len() + 2 * self.ends.len()
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        if self.nodes.spilled() { self.nodes.capacity() } else { 0 }
    }
}

/// Goes to the root: into `to`, which is empty, come the nodes that are active for what is in it, and
/// out comes the path that finds it.
pub(super) fn start(paths: &PathSet, to: &mut Vec<NodeId>) -> Option<PathIndex> {
    let meaning = paths.at(PathSet::ROOT);
    // Also if it leads nowhere: what is in the root is always looked at.
    to.push(PathSet::ROOT);
    to.extend(meaning.deep);
    to.sort_unstable();
    meaning.found
}

/// The same for the value at `place` in a container in which the nodes `from` are active.
pub(super) fn step(
    paths: &PathSet,
    from: &[NodeId],
    place: Place<'_>,
    to: &mut Vec<NodeId>,
) -> Option<PathIndex> {
    let mut found: Option<PathIndex> = None;
    for &node in from {
        if paths.stays(node) {
            to.push(node);
        }
        paths.step(node, place, |it| {
            let meaning = paths.at(it);
            found = match (found, meaning.found) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            if meaning.leads_on && to.last() != Some(&it) {
                to.push(it);
            }
            to.extend(meaning.deep);
        });
    }
    to.sort_unstable();
    to.dedup();
    found
}

const MOST_TURNS: usize = 64;
