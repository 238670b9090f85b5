//! Many paths as one tree, walked along with the document.

use std::collections::BTreeMap;

use rrcore::json::Segment;

/// A union of paths. Its nodes are the beginnings of those paths, each there once.
#[derive(Debug)]
pub(crate) struct PathSet {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    names: BTreeMap<Box<str>, NodeId>,
    indexes: BTreeMap<u64, NodeId>,
    wildcard: Option<NodeId>,
    // A path ends here.
    ends: bool,
}

pub(crate) type NodeId = usize;

/// A step from a container in the document to a value in it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    Member(&'a str),
    Element(u64),
}

impl PathSet {
    pub(crate) const ROOT: NodeId = 0;

    pub(crate) fn new() -> Self {
        Self { nodes: vec![Node::default()] }
    }

    pub(crate) fn insert(&mut self, path: Vec<Segment>) {
        let mut at = Self::ROOT;
        for segment in path {
            let fresh = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { return };
            at = *match segment {
                Segment::Name(name) => node.names.entry(name).or_insert(fresh),
                Segment::Index(index) => node.indexes.entry(index).or_insert(fresh),
                Segment::Wildcard => node.wildcard.get_or_insert(fresh),
            };
            if at == fresh {
                self.nodes.push(Node::default());
            }
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.ends = true;
        }
    }

    /// Where `step` leads from `from`: to none, one or two nodes.
    pub(crate) fn after(&self, from: NodeId, step: Step<'_>) -> impl Iterator<Item = NodeId> {
        let node = self.nodes.get(from);
        let named = node.and_then(|it| match step {
            Step::Member(name) => it.names.get(name),
            Step::Element(index) => it.indexes.get(&index),
        });
        named.copied().into_iter().chain(node.and_then(|it| it.wildcard))
    }

    /// Whether a path ends at `node`: its value is a match.
    pub(crate) fn ends_at(&self, node: NodeId) -> bool {
        self.nodes.get(node).is_some_and(|it| it.ends)
    }
}
