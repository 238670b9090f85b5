//! What one rule says of one request, and which of its criteria decided that.

use std::fmt;

/// One thing that a rule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Criterion {
    /// The methods.
    Methods,
    /// The path.
    Path,
    /// The header check at this place, from 0.
    Header(usize),
    /// The query check at this place, from 0.
    Query(usize),
    /// The body check at this place, from 0.
    Body(usize),
}

/// What a rule says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Every criterion is met.
    Holds,
    /// This one is not.
    Fails(Criterion),
    /// All are met but those on the body, which must be asked for.
    NeedsBody,
    /// None is known not to be met, but of this one nothing is known.
    Unknown(Criterion),
}

/// A pointer (RFC 6901) into the rule as it is written in JSON, such as `/headers/0`.
impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Methods => f.write_str("/methods"),
            Self::Path => f.write_str("/path"),
            Self::Header(at) => write!(f, "/headers/{at}"),
            Self::Query(at) => write!(f, "/query/{at}"),
            Self::Body(at) => write!(f, "/body/{at}"),
        }
    }
}
