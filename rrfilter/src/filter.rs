//! What a filter keeps or removes.

use std::fmt;
use std::sync::Arc;

use rrcore::json::segments;

use crate::paths::PathSet;

/// What becomes of the values that a filter's paths find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// They stay, whole, with the objects and arrays on the way to them. Everything else goes.
    Retain,
    /// They go. Everything else stays.
    Destroy,
}

/// An operation on all values that any of its paths finds. Compiled: cheap to clone and to apply.
#[derive(Clone, Debug)]
pub struct Filter {
    id: Arc<str>,
    operation: Operation,
    paths: Arc<PathSet>,
}

/// Filters that hang on one thing, in the order in which they apply: each sees what the one before
/// left.
#[derive(Clone, Debug, Default)]
pub struct FilterSet {
    filters: Vec<Filter>,
}

/// A path that cannot be used, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidFilter {
    /// Which of the paths, counted from 0.
    pub index: usize,
    /// Bytes from the start of that path.
    pub offset: usize,
    /// One short sentence.
    pub why: &'static str,
}

impl Filter {
    /// Compiles `paths`: JSONPath (RFC 9535) of names (`.name`, `['name']`), indexes from the
    /// start (`[0]`) and wildcards (`.*`, `[*]`).
    ///
    /// No paths find nothing: `Retain` then empties every document, `Destroy` changes none.
    ///
    /// ```
    /// use rrfilter::{Filter, Operation};
    ///
    /// let error = Filter::new("flt_1", Operation::Retain, ["$.id", "$..name"]).unwrap_err();
    /// assert_eq!(error.to_string(), "paths[1], at 1: descendants (`..`) are not supported");
    /// ```
    ///
    /// # Errors
    ///
    /// On the first path that is not JSONPath, or uses more of it than that.
    pub fn new(
        id: impl Into<Arc<str>>,
        operation: Operation,
        paths: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, InvalidFilter> {
        let mut set = PathSet::new();
        for (index, path) in paths.into_iter().enumerate() {
            let segments = segments(path.as_ref());
            set.insert(segments.map_err(|it| InvalidFilter {
                index,
                offset: it.offset,
                why: it.why,
            })?);
        }
        Ok(Self { id: id.into(), operation, paths: Arc::new(set) })
    }

    /// The name that records know it by.
    #[must_use]
    pub const fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// What becomes of the values that its paths find.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    pub(crate) const fn paths(&self) -> &Arc<PathSet> {
        &self.paths
    }
}

impl FilterSet {
    /// Applies `filters` one after the other.
    #[must_use]
    pub const fn new(filters: Vec<Filter>) -> Self {
        Self { filters }
    }

    /// Filters nothing.
    #[must_use]
    pub const fn empty() -> Self {
        Self::new(Vec::new())
    }

    /// Whether it filters nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    /// The filters, in order.
    #[must_use]
    pub fn filters(&self) -> &[Filter] {
        &self.filters
    }
}

impl fmt::Display for InvalidFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "paths[{}], at {}: {}", self.index, self.offset, self.why)
    }
}

impl std::error::Error for InvalidFilter {}
