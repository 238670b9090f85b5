//! Open containers, as filters see them.

use super::stage::Verdict;
use super::state::StateId;

/// A container on the way down to where some path may still find something.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) is_array: bool,
    /// One of its values is in the output: the next needs a comma.
    pub(super) kept_any: bool,
    pub(super) removed_any: bool,
    /// It matters where in it elements are.
    pub(super) counts: bool,
    /// How much was undecided after its opening bracket.
    pub(super) undecided: usize,
    /// So many stages look at what is in it. The next, if any, took it away or replaced it.
    pub(super) alive: usize,
    pub(super) state: StateId,
    /// Where its views begin; `None` if there is nothing in it to keep in mind.
    pub(super) views: Option<usize>,
}

/// A frame in the eyes of one stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// What it says to it, as long as that does not count yet.
    pub(super) verdict: Verdict,
    /// Where the next element is.
    pub(super) index: u64,
    pub(super) removed_before: u64,
}

/// Of the views of all frames, those of one.
#[inline(always)]
pub(super) fn of<'a>(views: &'a [View], frame: Option<&Frame>) -> &'a [View] {
    let start = frame.and_then(|it| it.views).unwrap_or(views.len());
    views.get(start..).unwrap_or_default()
}
