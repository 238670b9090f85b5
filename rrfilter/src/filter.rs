//! What a filter keeps or removes.

use std::fmt;
use std::sync::Arc;

use rrcore::Current;
use rrcore::json::{PathError, Query, quote};

use crate::error::NotFilterable;
use crate::paths::{PathSet, TooManyWays};
use crate::terms::Terms;
use crate::whole::{WholePath, WholePaths};

/// What becomes of the values that a filter's paths find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// They stay, whole, with the objects and arrays on the way to them. Everything else goes.
    Retain,
    /// They go. Everything else stays.
    Destroy,
    /// Each is replaced by a text ([`Filter::with`]). Everything else stays.
    Mask,
}

/// An operation on all values that any of its paths finds. Compiled: cheap to clone and to apply.
///
/// Where a value is found and so is something in it, the operation applies to the outer one.
#[derive(Clone, Debug)]
pub struct Filter {
    id: Arc<str>,
    operation: Operation,
    // Those that can be followed on the way.
    paths: Arc<PathSet>,
    // All of them, where some cannot.
    whole: Option<Arc<WholePaths>>,
    replacement: Arc<str>,
    // The paths as they were written.
    texts: Arc<[Arc<str>]>,
    pub(crate) terms: Terms,
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
    /// Compiles `paths`: JSONPath (RFC 9535).
    ///
    /// Names (`.name`, `['name']`), indexes and slices from the start (`[0]`, `[1:9:2]`), wildcards
    /// (`.*`, `[*]`), several of those at once (`['id', 'name']`), and descendants (`..name`, `..*`)
    /// are followed while the document goes by. Filter expressions (`[?@.price > 10]`) with their
    /// functions, and what counts from the end (`[-1]`, `[::-1]`), need the document as a whole:
    /// [`needs_buffering`](Self::needs_buffering).
    ///
    /// No paths find nothing: `Retain` then empties every document, the others change none.
    ///
    /// ```
    /// use rrfilter::{Filter, Operation};
    ///
    /// let last = Filter::new("flt_1", Operation::Retain, ["$.id", "$.items[-1]"]).unwrap();
    /// assert!(last.needs_buffering());
    /// let error = Filter::new("flt_1", Operation::Retain, ["$.id", "$.items[01]"]).unwrap_err();
    /// assert_eq!(error.to_string(), "paths[1], at 8: an index has no leading zeros");
    /// ```
    ///
    /// # Caveats
    ///
    /// Filter expressions compare numbers as 64-bit floats: beyond 2^53 neighbours are equal. What
    /// stays keeps its bytes nevertheless. A document in which it could take too long to follow such
    /// a path is refused when it comes.
    ///
    /// # Errors
    ///
    /// On the first path that is not JSONPath, or has an expression of over 1,024 bytes or nested
    /// deeper than 12, or brings the filter over 1,000 steps below `..`, all of which might have to
    /// be followed at once.
    pub fn new(
        id: impl Into<Arc<str>>,
        operation: Operation,
        paths: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, InvalidFilter> {
        let (mut read, mut texts) = (Vec::new(), Vec::new());
        for (index, path) in paths.into_iter().enumerate() {
            let error = |(offset, why)| InvalidFilter { index, offset, why };
            read.push(self::read(path.as_ref()).map_err(error)?);
            texts.push(Arc::from(path.as_ref()));
        }
        let onward: Vec<_> = (0..)
            .zip(&read)
            .filter_map(|(index, path)| match path {
                WholePath::Onward(query) => Some((index, query.clone())),
                WholePath::Looking(..) => None,
            })
            .collect();
        let paths = PathSet::new(&onward, read.len()).map_err(|(index, TooManyWays)| {
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            InvalidFilter { index, offset: 0, why: "there are too many steps below `..`" }
        })?;
        let whole = (onward.len() < read.len()).then(|| Arc::new(WholePaths::new(read)));
        let replacement = quote("***").into();
        let (id, paths, texts) = (id.into(), Arc::new(paths), texts.into());
        Ok(Self { id, operation, paths, whole, replacement, texts, terms: Terms::new() })
    }

    /// Replaces what [`Operation::Mask`] finds by the string `text`: `***` unless told.
    #[must_use]
    pub fn with(mut self, text: &str) -> Self {
        self.replacement = quote(text).into();
        self
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

    /// Whether it needs the whole document at once: a path asks for more than the way to a value
    /// (a filter expression, or a place counted from the end).
    #[must_use]
    pub const fn needs_buffering(&self) -> bool {
        self.whole.is_some()
    }

    /// The same filter for this one document, if it needs that: its paths are the ways to what they
    /// find in it.
    pub(crate) fn for_document(&self, document: &[u8]) -> Result<Self, NotFilterable> {
        let mut filter = self.clone();
        if let Some(whole) = filter.whole.take() {
            filter.paths = Arc::new(whole.ways(document)?);
        }
        Ok(filter)
    }

    /// Its paths, as they were written.
    #[must_use]
    pub fn texts(&self) -> &[Arc<str>] {
        &self.texts
    }

    /// How many paths it has.
    pub(crate) fn len(&self) -> usize {
        self.paths.len()
    }

    pub(crate) fn paths(&self) -> &PathSet {
        &self.paths
    }

    // As JSON.
    pub(crate) fn replacement(&self) -> &[u8] {
        self.replacement.as_bytes()
    }
}

fn read(path: &str) -> Result<WholePath, (usize, &'static str)> {
    match path.parse::<Query>() {
        Ok(query) => Ok(WholePath::Onward(query)),
        Err(error) if error.is_beyond() => WholePath::looking(path),
        Err(PathError { offset, why, .. }) => Err((offset, why)),
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

impl From<Filter> for FilterSet {
    fn from(filter: Filter) -> Self {
        Self::new(vec![filter])
    }
}

impl From<Filter> for Current<FilterSet> {
    fn from(filter: Filter) -> Self {
        FilterSet::from(filter).into()
    }
}

impl fmt::Display for InvalidFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "paths[{}], at {}: {}", self.index, self.offset, self.why)
    }
}

impl std::error::Error for InvalidFilter {}
