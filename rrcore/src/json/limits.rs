//! What a document may cost.

/// What a document may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many arrays and objects may be open at once: 128 unless told.
    pub depth: usize,
    /// How long a name of a member may be, in bytes as written, with its quotes: 64 KiB unless told.
    pub key: usize,
    /// Of so many members of an open object the names are remembered, to find two of one name: all
    /// unless told.
    pub names: usize,
    /// That holds only beyond so many bytes from the start of the document: in these, all are
    /// remembered.
    pub names_after: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 128, key: 64 << 10, names: usize::MAX, names_after: 0 }
    }
}

impl Limits {
    /// Allows `depth` arrays and objects to be open at once.
    #[must_use]
    pub const fn depth(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }

    /// Allows names of `bytes` bytes, as they are written, with their quotes.
    #[must_use]
    pub const fn key(mut self, bytes: usize) -> Self {
        self.key = bytes;
        self
    }

    /// Remembers, beyond the first `after` bytes of the document, the names of no more than `most`
    /// members of each open object. Memory is bounded then. So is what is found: a name that comes
    /// twice after those passes.
    #[must_use]
    pub const fn names(mut self, most: usize, after: u64) -> Self {
        (self.names, self.names_after) = (most, after);
        self
    }
}
