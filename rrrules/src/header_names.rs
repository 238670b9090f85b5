//! What a request's headers are called, in short.

use http::{HeaderMap, HeaderName};

use crate::short::has_byte;

/// What a request's headers are called, in short: most rules ask for one that is not there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names {
    marks: u64,
    underscores: bool,
}

/// A bit that a name has, and few others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(u64);

impl Names {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut names = Self { marks: 0, underscores: false };
        for name in headers.keys() {
            names.marks |= Mark::of(name).0;
            names.underscores |= has_byte(name.as_str().as_bytes(), b'_');
        }
        names
    }

    /// Whether one of them has `_` in it, which many servers fold to `-`.
    pub(crate) const fn have_underscores(self) -> bool {
        self.underscores
    }

    /// The marks that they have.
    pub(crate) const fn marks(self) -> u64 {
        self.marks
    }

    /// Whether one of them may have this mark.
    pub(crate) const fn may_have(self, mark: Mark) -> bool {
        self.marks & mark.0 != 0
    }
}

impl Mark {
    /// What tells most names apart: how long they are, how they begin and how they end.
    pub(crate) fn of(name: &HeaderName) -> Self {
        Self::of_text(name.as_str().as_bytes())
    }

    /// As [`of`](Self::of), of any name.
    pub(crate) fn of_text(bytes: &[u8]) -> Self {
        let ends = [bytes.first(), bytes.last()].map(|it| it.map_or(0, |it| usize::from(*it)));
        let [first, last] = ends;
        Self(1 << ((bytes.len() * 7 + first * 3 + last * 5) % 64))
    }

    /// The bit.
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }
}
