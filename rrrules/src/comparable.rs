//! When one check says all that another does: by how they are written, not by what they match.

use crate::body::BodyCheck;
use crate::header::HeaderCheck;
use crate::pattern::{Pattern, Presence};
use crate::query_check::QueryCheck;

/// A check that can be compared with its like.
pub(crate) trait Comparable {
    fn presence(&self) -> Presence;

    /// Whether all that `other` looks for is also what this looks for, wherever it is found. May
    /// say no where it is.
    fn finds_all(&self, other: &Self) -> bool;

    /// Whether this holds wherever `other` does. May say no where it does.
    fn follows_from(&self, other: &Self) -> bool {
        match (self.presence(), other.presence()) {
            (Presence::Present, Presence::Present) => self.finds_all(other),
            (Presence::Absent, Presence::Absent) => other.finds_all(self),
            (Presence::Present, Presence::Absent) | (Presence::Absent, Presence::Present) => false,
        }
    }

    /// Whether the two say the same. May say no where they do.
    fn is_alike(&self, other: &Self) -> bool {
        self.follows_from(other) && other.follows_from(self)
    }
}

impl Comparable for HeaderCheck {
    fn presence(&self) -> Presence {
        self.presence
    }

    fn finds_all(&self, other: &Self) -> bool {
        self.name.includes(&other.name) && takes_all(self.value.as_ref(), other.value.as_ref())
    }
}

impl Comparable for QueryCheck {
    fn presence(&self) -> Presence {
        self.presence
    }

    fn finds_all(&self, other: &Self) -> bool {
        self.name.includes(&other.name) && takes_all(self.value.as_ref(), other.value.as_ref())
    }
}

impl Comparable for BodyCheck {
    fn presence(&self) -> Presence {
        self.presence
    }

    fn finds_all(&self, other: &Self) -> bool {
        self.path.is_alike(&other.path) && takes_all(self.value.as_ref(), other.value.as_ref())
    }
}

// No pattern asks for nothing.
fn takes_all(wide: Option<&Pattern>, narrow: Option<&Pattern>) -> bool {
    match (wide, narrow) {
        (None, _) => true,
        (Some(wide), Some(narrow)) => wide.is_alike(narrow),
        (Some(_), None) => false,
    }
}
