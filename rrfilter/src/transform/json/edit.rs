//! Changes to a document that need nothing to be there.

use rrcore::json::quote;

use super::document::{Document, Place};
use super::pointer::JsonPointer;
use super::template::JsonTemplate;
use crate::transform::fault::Fault;
use crate::transform::values::Values;

/// A change by a pointer. What is not there need not be removed, renamed or moved; what is on the
/// way to a new value is made.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Add { path: JsonPointer, value: JsonTemplate },
    Set { path: JsonPointer, value: JsonTemplate },
    Remove { path: JsonPointer },
    Rename { path: JsonPointer, name: Box<str> },
    Move { from: JsonPointer, path: JsonPointer },
    Unwrap { path: JsonPointer },
    Wrap { path: JsonPointer },
}

impl Edit {
    pub(crate) const fn value(&self) -> Option<&JsonTemplate> {
        match self {
            Self::Add { value, .. } | Self::Set { value, .. } => Some(value),
            Self::Remove { .. }
            | Self::Rename { .. }
            | Self::Move { .. }
            | Self::Unwrap { .. }
            | Self::Wrap { .. } => None,
        }
    }

    pub(crate) fn apply(&self, document: &mut Document, values: &Values) -> Result<(), Fault> {
        match self {
            Self::Add { path, value } => match document.find(path) {
                Place::Root | Place::Found(_) => Ok(()),
                place => put(document, place, path, value.render(values).as_bytes()),
            },
            Self::Set { path, value } => set(document, path, value.render(values).as_bytes()),
            Self::Remove { path } => match document.find(path) {
                Place::Found(found) => document.cut(&found),
                _ => Ok(()),
            },
            Self::Rename { path, name } => rename(document, path, name),
            Self::Move { from, path } => match document.find(from) {
                Place::Found(found) => {
                    let value = document.get(from).unwrap_or_default().to_vec();
                    document.cut(&found)?;
                    set(document, path, &value)
                }
                _ => Ok(()),
            },
            Self::Unwrap { path } => {
                let value = document.get(path).ok_or(Fault::Absent)?.to_vec();
                document.become_value(&value)
            }
            Self::Wrap { path } => {
                let value = within(path.tokens(), document.text());
                document.become_value(&value)
            }
        }
    }
}

fn set(document: &mut Document, path: &JsonPointer, value: &[u8]) -> Result<(), Fault> {
    let place = document.find(path);
    put(document, place, path, value)
}

// The value gets there, with the objects on the way to it.
fn put(
    document: &mut Document,
    place: Place,
    path: &JsonPointer,
    value: &[u8],
) -> Result<(), Fault> {
    let tokens = path.tokens();
    match place {
        Place::Root => document.become_value(value),
        Place::Found(found) => document.replace(found.value, &[value]),
        Place::NoMember { object } => {
            document.push(object, tokens.last().map(String::as_str), value)
        }
        Place::ArrayEnd { array } => document.push(array, None, value),
        Place::NoWay { object, depth } => {
            let below = tokens.get(depth + 1..).unwrap_or_default();
            let value = within(below, value);
            document.push(object, tokens.get(depth).map(String::as_str), &value)
        }
        Place::Nowhere => Err(Fault::NoPlace),
    }
}

// What was called by the new name goes: two members of one name would be read either way.
fn rename(document: &mut Document, path: &JsonPointer, name: &str) -> Result<(), Fault> {
    match document.find(path) {
        Place::Found(found) if !found.is_member => return Err(Fault::NoPlace),
        Place::Found(_) => {}
        _ => return Ok(()),
    }
    if let Place::Found(other) = document.find(&path.beside(name)) {
        document.cut(&other)?;
    }
    match document.find(path) {
        Place::Found(found) => document.rename(&found, name),
        _ => Ok(()),
    }
}

fn within(names: &[String], value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for name in names {
        out.push(b'{');
        out.extend_from_slice(quote(name).as_bytes());
        out.push(b':');
    }
    out.extend_from_slice(value);
    out.resize(out.len() + names.len(), b'}');
    out
}
