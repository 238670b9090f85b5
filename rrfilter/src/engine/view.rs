//! What a filter has to keep in mind of an open container.

use super::stage::Verdict;

/// A frame in the eyes of one stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// What it says to it, as long as that does not count yet.
    pub(super) verdict: Verdict,
    /// Where the next element is.
    pub(super) index: u64,
    pub(super) removed_before: u64,
}
