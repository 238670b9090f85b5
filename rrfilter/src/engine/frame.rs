//! Open containers, as filters see them.

use super::active::Nodes;
use super::stage::Verdict;

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

/// Of `views` of all open containers by `count` stages, those of the innermost.
#[inline(always)]
pub(super) fn innermost(views: &[View], count: usize) -> &[View] {
    views.get(views.len().saturating_sub(count)..).unwrap_or_default()
}
