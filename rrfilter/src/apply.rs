//! Filters over a whole document.

use bytes::Bytes;

use crate::chain::Chain;
use crate::error::NotFilterable;
use crate::filter::Filter;

/// What filters left of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filtered {
    /// What is left: JSON, UTF-8.
    pub document: Bytes,
    /// How many values each filter removed or masked, in the order of the filters. An object or
    /// array that goes whole counts once.
    pub removed: Vec<u64>,
}

/// Applies `filters` one after the other; each sees what the one before left. Without filters the
/// document is not looked at.
///
/// Of several matches inside of one another the outermost counts. `Retain` leaves objects and arrays on the way to a match, and an empty root where nothing
/// matches. Array elements that go leave no gap: later indexes move up for the next filter. What
/// stays keeps its bytes (spelling of numbers and strings, order); blanks may go with what went,
/// and a byte order mark always goes.
///
/// ```
/// use rrfilter::{Filter, Operation, apply};
///
/// let public = Filter::new("flt_1", Operation::Retain, ["$.id", "$.items[*].sku"]).unwrap();
/// let first_only = Filter::new("flt_2", Operation::Destroy, ["$.items[1]"]).unwrap();
/// let document = br#"{"id":1.0,"items":[{"cost":1},{"sku":"a","cost":1},{"sku":"b"}]}"#;
///
/// let left = apply([&public, &first_only], document).unwrap();
/// assert_eq!(left.document, r#"{"id":1.0,"items":[{"sku":"a"}]}"#);
/// assert_eq!(left.removed, [2, 1]);
/// ```
///
/// # Errors
///
/// When it is not JSON (RFC 8259) in UTF-8, nested deeper than 128, has two members of one name in
/// an object, or when nothing at all would be left.
pub fn apply<'a>(
    filters: impl IntoIterator<Item = &'a Filter>,
    document: &[u8],
) -> Result<Filtered, NotFilterable> {
    let mut filters = filters.into_iter().peekable();
    if filters.peek().is_none() {
        return Ok(Filtered { document: Bytes::copy_from_slice(document), removed: Vec::new() });
    }
    let mut chain = Chain::holding(filters.cloned(), u64::MAX).most_buffered(usize::MAX);
    let mut left = Vec::with_capacity(document.len());
    chain.push(document, &mut left)?;
    chain.finish(&mut left)?;
    let removed = chain.reports().iter().map(|it| it.removed).collect();
    Ok(Filtered { document: left.into(), removed })
}
