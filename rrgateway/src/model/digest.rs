//! What tells two states of the configuration apart.

use std::fmt;

/// A SHA-256 digest of configuration content. Equal digests mean equal content.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The first eight bytes, in hex: enough to tell revisions apart in a log.
    #[must_use]
    pub fn short(&self) -> String {
        self.0.iter().take(8).map(|it| format!("{it:02x}")).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|it| write!(f, "{it:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}
