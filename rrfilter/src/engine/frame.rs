//! Open containers, as filters see them.

use super::state::StateId;
use super::view::View;

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

/// Of the views of all frames, those of one.
#[inline(always)]
pub(super) fn of<'a>(views: &'a [View], frame: Option<&Frame>) -> &'a [View] {
    let start = frame.and_then(|it| it.views).unwrap_or(views.len());
    views.get(start..).unwrap_or_default()
}
