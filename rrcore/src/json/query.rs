//! The JSONPath queries (RFC 9535) that can be answered while a document goes by.

use std::str::FromStr;

use super::reader::{PathError, Reader};
use super::selector::Step;

/// A query that needs to know of a value only the way to it: names, indexes and slices from the
/// start, wildcards, several of them at once, and descendants. No filter expressions, and nothing
/// that counts from the end.
///
/// ```
/// use rrcore::json::{Query, Selector};
///
/// let query: Query = "$.items[0, 2]..['sku']".parse().unwrap();
/// let last = query.steps().last().unwrap();
/// assert!(last.deep);
/// assert_eq!(last.selectors, [Selector::Name("sku".into())]);
/// let error = "$.items[-1]".parse::<Query>().unwrap_err();
/// assert_eq!(error.to_string(), "at 8: indexes from the end are not supported");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    steps: Vec<Step>,
}

impl Query {
    /// The steps, from the root down.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

/// A query of these steps, from the root down.
impl FromIterator<Step> for Query {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self { steps: steps.into_iter().collect() }
    }
}

impl FromStr for Query {
    type Err = PathError;

    fn from_str(query: &str) -> Result<Self, PathError> {
        let mut reader = Reader::new(query)?;
        let mut steps = Vec::new();
        while let Some((_, step)) = reader.step()? {
            steps.push(step);
        }
        Ok(Self { steps })
    }
}
