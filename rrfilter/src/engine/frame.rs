//! Open containers, as filters see them.

use super::active::Nodes;
use super::stage::{Stage, Verdict};
use crate::paths::Sieve;

/// A container on the way down to where some path may still find something.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) is_array: bool,
    /// One of its values is in the output: the next needs a comma.
    pub(super) kept_any: bool,
    pub(super) removed_any: bool,
    /// How much was undecided after its opening bracket.
    pub(super) undecided: usize,
    /// So many stages look at what is in it. The next, if any, took it away or replaced it.
    pub(super) alive: usize,
    /// What does not pass it is a value to which no stage says anything.
    pub(super) sieve: Sieve,
}

/// A frame in the eyes of one stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) verdict: Verdict,
    pub(super) nodes: Nodes,
    /// Where the next element is.
    pub(super) index: u64,
    pub(super) removed_before: u64,
}

impl View {
    /// `stage` says this to a container that has just begun.
    #[inline(always)]
    pub(super) fn new(stage: &Stage, verdict: Verdict) -> Self {
        // Only where it looks on does it matter what is active.
        let nodes = if verdict == Verdict::Look { stage.enter() } else { Nodes::default() };
        Self { verdict, nodes, index: 0, removed_before: stage.report.removed }
    }
}

/// Of `views` of all open containers by `count` stages, those of the innermost.
#[inline(always)]
pub(super) fn innermost(views: &[View], count: usize) -> &[View] {
    views.get(views.len().saturating_sub(count)..).unwrap_or_default()
}

/// What a container's values have to pass to be looked at by a stage that makes this of it.
#[inline(always)]
pub(super) fn sieve(stage: &Stage, view: &View) -> Sieve {
    match view.verdict {
        // It drops what it does not find.
        Verdict::Look if stage.retains() => Sieve::ALL,
        Verdict::Look => view.nodes.sieve(),
        Verdict::Pass
        | Verdict::Match(_)
        | Verdict::Destroy(_)
        | Verdict::Drop
        | Verdict::Replace(_)
        | Verdict::Unseen => Sieve::default(),
    }
}
