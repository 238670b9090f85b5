//! JSON Patch (RFC 6902).

use super::document::{Document, Place};
use super::equal::equal;
use super::pointer::JsonPointer;
use super::template::JsonTemplate;
use crate::transform::error::InvalidTransform;
use crate::transform::fault::Fault;
use crate::transform::values::Values;

/// An operation of a JSON Patch (RFC 6902). Strict: where it cannot be done as written, the message
/// is refused.
///
/// ```
/// use rrfilter::{JsonPointer, JsonTemplate, PatchOperation};
///
/// let add = PatchOperation::Add {
///     path: JsonPointer::new("/items/-")?,
///     value: JsonTemplate::new(r#"{"by":"{claim.sub}"}"#)?,
/// };
/// # let _ = add;
/// # Ok::<(), rrfilter::InvalidTransform>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatchOperation {
    /// §4.1: a new element or member, or another value for a member that is there.
    Add {
        /// Where. Its parent is there.
        path: JsonPointer,
        /// What.
        value: JsonTemplate,
    },
    /// §4.2: takes out what is there.
    Remove {
        /// Where. Not the whole document.
        path: JsonPointer,
    },
    /// §4.3: another value for what is there.
    Replace {
        /// Where.
        path: JsonPointer,
        /// What.
        value: JsonTemplate,
    },
    /// §4.4: takes out what is there and adds it elsewhere.
    Move {
        /// From where.
        from: JsonPointer,
        /// Where to. Not into itself.
        path: JsonPointer,
    },
    /// §4.5: adds what is there elsewhere, too.
    Copy {
        /// From where.
        from: JsonPointer,
        /// Where to.
        path: JsonPointer,
    },
    /// §4.6: refuses the message where the value is another one. Numbers are compared by what they
    /// say, to the last digit.
    Test {
        /// Where.
        path: JsonPointer,
        /// What it has to be.
        value: JsonTemplate,
    },
}

impl PatchOperation {
    /// What can be told before there is a document.
    pub(crate) fn check(&self) -> Result<(), InvalidTransform> {
        match self {
            Self::Remove { path } if path.is_root() => {
                Err(InvalidTransform::new("the whole document cannot be removed").within("path"))
            }
            Self::Move { from, path } if from.holds(path) && from != path => {
                Err(InvalidTransform::new("this is inside of `from`").within("path"))
            }
            Self::Add { .. }
            | Self::Remove { .. }
            | Self::Replace { .. }
            | Self::Move { .. }
            | Self::Copy { .. }
            | Self::Test { .. } => Ok(()),
        }
    }

    pub(crate) fn value(&self) -> Option<&JsonTemplate> {
        match self {
            Self::Add { value, .. } | Self::Replace { value, .. } | Self::Test { value, .. } => {
                Some(value)
            }
            Self::Remove { .. } | Self::Move { .. } | Self::Copy { .. } => None,
        }
    }

    pub(crate) fn apply(&self, document: &mut Document, values: &Values) -> Result<(), Fault> {
        match self {
            Self::Add { path, value } => add(document, path, value.render(values).as_bytes()),
            Self::Remove { path } => match document.find(path) {
                Place::Found(found) => document.cut(&found),
                _ => Err(Fault::Absent),
            },
            Self::Replace { path, value } => {
                let value = value.render(values);
                match document.find(path) {
                    Place::Root => document.become_value(value.as_bytes()),
                    Place::Found(found) => document.replace(found.value, &[value.as_bytes()]),
                    _ => Err(Fault::Absent),
                }
            }
            Self::Move { from, path } => {
                let value = document.get(from).ok_or(Fault::Absent)?.to_vec();
                if from == path {
                    return Ok(());
                }
                match document.find(from) {
                    Place::Found(found) => document.cut(&found)?,
                    _ => return Err(Fault::Absent),
                }
                add(document, path, &value)
            }
            Self::Copy { from, path } => {
                let value = document.get(from).ok_or(Fault::Absent)?.to_vec();
                add(document, path, &value)
            }
            Self::Test { path, value } => {
                let found = document.get(path).ok_or(Fault::Absent)?;
                let is_equal = equal(found, value.render(values).as_bytes());
                is_equal.then_some(()).ok_or(Fault::Test)
            }
        }
    }
}

fn add(document: &mut Document, path: &JsonPointer, value: &[u8]) -> Result<(), Fault> {
    match document.find(path) {
        Place::Root => document.become_value(value),
        Place::Found(found) if found.is_member => document.replace(found.value, &[value]),
        Place::Found(found) => document.insert(&found, value),
        Place::NoMember { object } => {
            document.push(object, path.tokens().last().map(String::as_str), value)
        }
        Place::ArrayEnd { array } => document.push(array, None, value),
        Place::NoWay { .. } => Err(Fault::Absent),
        Place::Nowhere => Err(Fault::NoPlace),
    }
}
