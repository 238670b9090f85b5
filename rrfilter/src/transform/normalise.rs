//! Queries in one spelling of several.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::transform::pairs::{halves, mentions, name, pieces};

/// What becomes of a query before anybody looks at it. Does nothing unless told; pairs that stay
/// keep their bytes. Doing it again changes nothing.
///
/// Names are compared after decoding, in their case.
///
/// ```
/// use rrfilter::{Duplicates, QueryNormalisation};
///
/// let all = QueryNormalisation::new()
///     .remove(["utm_source"])
///     .drop_empty()
///     .duplicates(Duplicates::First)
///     .sort();
/// let query = all.apply("z=%31&b=&a=1&a=2&&utm_source=x");
/// assert_eq!(query, "a=1&z=%31");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryNormalisation {
    keep_only: Option<Vec<String>>,
    remove: Vec<String>,
    drops_empty: bool,
    duplicates: Duplicates,
    sorts: bool,
}

/// Which pair stays of several with one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// All of them.
    #[default]
    All,
    /// The first.
    First,
    /// The last.
    Last,
}

impl QueryNormalisation {
    /// Does nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes every pair that is called by another name than these. A pair with a `;` in it stays
    /// only if it is one of these in any reading.
    #[must_use]
    pub fn keep_only(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.keep_only = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Removes every pair that is called by one of these names, in any reading.
    #[must_use]
    pub fn remove(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.remove = names.into_iter().map(Into::into).collect();
        self
    }

    /// Removes pairs without a value: `a`, `a=`, and what is between two `&`.
    #[must_use]
    pub const fn drop_empty(mut self) -> Self {
        self.drops_empty = true;
        self
    }

    /// Leaves one pair of several with one name.
    #[must_use]
    pub const fn duplicates(mut self, which: Duplicates) -> Self {
        self.duplicates = which;
        self
    }

    /// Sorts pairs by their names; those of one name stay in their order.
    #[must_use]
    pub const fn sort(mut self) -> Self {
        self.sorts = true;
        self
    }

    /// Whether it does nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What becomes of `query` (without its `?`), in that order: names that stay or go, empty
    /// pairs, duplicates, sorting. Where nothing is left, the empty text.
    #[must_use]
    pub fn apply<'a>(&self, query: &'a str) -> Cow<'a, str> {
        if self.is_empty() {
            return Cow::Borrowed(query);
        }
        let mut kept: Vec<_> = pieces(query).filter(|it| self.keeps(it)).collect();
        match self.duplicates {
            Duplicates::All => {}
            Duplicates::First => first_of_each(&mut kept),
            Duplicates::Last => {
                kept.reverse();
                first_of_each(&mut kept);
                kept.reverse();
            }
        }
        if self.sorts {
            kept.sort_by_cached_key(|it| name(it));
        }
        Cow::Owned(kept.join("&"))
    }

    fn keeps(&self, piece: &str) -> bool {
        let is_kept = |names: &Vec<String>| {
            let mut readings = piece.split(';').chain([piece]);
            readings.all(|it| names.contains(&name(it)))
        };
        let is_removed = self.remove.iter().any(|it| mentions(piece, it));
        let is_empty = self.drops_empty && halves(piece).1.is_empty();
        !is_removed && !is_empty && self.keep_only.as_ref().is_none_or(is_kept)
    }
}

fn first_of_each(kept: &mut Vec<&str>) {
    let mut seen = HashSet::new();
    kept.retain(|it| seen.insert(name(it)));
}
