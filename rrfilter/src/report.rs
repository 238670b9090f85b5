//! What filters did.

/// What one filter did, over all documents of a [`Chain`](crate::Chain). Never values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How many values it removed or masked. An object or array that goes whole counts once.
    pub removed: u64,
    /// How many values each of its paths found, in their order. Of several that find the same
    /// value, the first counts it; what lies in a value that was found is not looked at.
    pub found: Vec<u64>,
}

impl Report {
    /// Counts what it did to another document, too.
    pub(crate) fn add(&mut self, other: &Self) {
        self.removed += other.removed;
        self.found.iter_mut().zip(&other.found).for_each(|(sum, it)| *sum += it);
    }
}
