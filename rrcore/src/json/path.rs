//! The JSONPath queries (RFC 9535) that find one value.

use std::str::FromStr;

use super::reader::{PathError, Reader};
use super::selector::{Selector, Step};

/// A query that finds at most one value (RFC 9535 §2.3.5.1): names and indexes only.
///
/// ```
/// use rrcore::json::{Segment, SingularPath};
///
/// let path: SingularPath = "$.usage['total_tokens']".parse().unwrap();
/// assert_eq!(path.segments()[1], Segment::Name("total_tokens".into()));
/// let error = "$.items[*]".parse::<SingularPath>().unwrap_err();
/// assert_eq!(error.to_string(), "at 7: this may find several values");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SingularPath {
    segments: Vec<Segment>,
}

/// One step down into a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// To the member of this name: `.name`, `['name']`, `["name"]`.
    Name(Box<str>),
    /// To the array element at this index, counted from 0: `[7]`.
    Index(u64),
}

impl SingularPath {
    /// The steps, from the root down.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

impl FromStr for SingularPath {
    type Err = PathError;

    fn from_str(query: &str) -> Result<Self, PathError> {
        let mut reader = Reader::new(query)?;
        let mut segments = Vec::new();
        while let Some((offset, step)) = reader.step()? {
            let several = PathError { offset, why: "this may find several values" };
            segments.push(singular(step).ok_or(several)?);
        }
        Ok(Self { segments })
    }
}

fn singular(step: Step) -> Option<Segment> {
    let [selector] = <[Selector; 1]>::try_from(step.selectors).ok()?;
    match selector {
        _ if step.deep => None,
        Selector::Name(name) => Some(Segment::Name(name)),
        Selector::Index(index) => Some(Segment::Index(index)),
        Selector::Slice(_) | Selector::Wildcard => None,
    }
}
