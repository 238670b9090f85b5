//! Reads members out of a JSON text, each as it is written.

use rrcore::json::unescape;

use crate::transform::error::InvalidTransform;
use crate::transform::json::members;

/// The members of an object that have not been read yet. Values keep their spelling.
pub(super) struct Fields<'a> {
    left: Vec<(String, &'a str)>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(raw: &'a str) -> Result<Self, InvalidTransform> {
        table(raw).map(|left| Self { left })
    }

    /// What `read` makes of the member `name`; `None` where it is left out or null.
    pub(super) fn take<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'a str) -> Result<T, InvalidTransform>,
    ) -> Result<Option<T>, InvalidTransform> {
        match self.given(name) {
            None | Some("null") => Ok(None),
            Some(raw) => read(raw).map(Some).map_err(|it| it.within(name)),
        }
    }

    /// A member that must be there.
    pub(super) fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'a str) -> Result<T, InvalidTransform>,
    ) -> Result<T, InvalidTransform> {
        let missing = || InvalidTransform::new("this is required").within(name);
        self.take(name, read)?.ok_or_else(missing)
    }

    /// A member as it is written, also where it is null.
    pub(super) fn given(&mut self, name: &str) -> Option<&'a str> {
        let place = self.left.iter().position(|it| it.0 == name)?;
        Some(self.left.remove(place).1)
    }

    /// Nothing else may be there.
    pub(super) fn close(self) -> Result<(), InvalidTransform> {
        let unknown =
            |name: &str| InvalidTransform::new("there is no such field here").within(name);
        self.left.first().map_or(Ok(()), |it| Err(unknown(&it.0)))
    }
}

/// The members of an object, in their order.
pub(super) fn table(raw: &str) -> Result<Vec<(String, &str)>, InvalidTransform> {
    let object = Some(raw).filter(|it| it.starts_with('{')).and_then(|it| members(it.as_bytes()));
    let object = object.ok_or_else(|| InvalidTransform::new("expected an object"))?;
    let member = |name: Option<&[u8]>| unescape(name.unwrap_or_default()).into_owned();
    at_most(object.map(|it| (member(it.name), written(it.value))))
}

/// The elements of an array.
pub(super) fn list<'a, T>(
    raw: &'a str,
    mut read: impl FnMut(&'a str) -> Result<T, InvalidTransform>,
) -> Result<Vec<T>, InvalidTransform> {
    let array = Some(raw).filter(|it| it.starts_with('[')).and_then(|it| members(it.as_bytes()));
    let array = array.ok_or_else(|| InvalidTransform::new("expected a list"))?;
    let elements = at_most(array.map(|it| written(it.value)))?.into_iter().enumerate();
    elements.map(|(at, it)| read(it).map_err(|error| error.within(&at.to_string()))).collect()
}

pub(super) fn text(raw: &str) -> Result<String, InvalidTransform> {
    match raw.starts_with('"') {
        true => Ok(unescape(raw.as_bytes()).into_owned()),
        false => Err(InvalidTransform::new("expected a text")),
    }
}

pub(super) fn flag(raw: &str) -> Result<bool, InvalidTransform> {
    match raw {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(InvalidTransform::new("expected true or false")),
    }
}

// It is a part of a text, cut where there is ASCII.
fn written(raw: &[u8]) -> &str {
    std::str::from_utf8(raw).unwrap_or_default()
}

fn at_most<T>(items: impl Iterator<Item = T>) -> Result<Vec<T>, InvalidTransform> {
    let items: Vec<_> = items.take(MOST + 1).collect();
    match items.len() > MOST {
        true => Err(InvalidTransform::new("expected 256 items at the most")),
        false => Ok(items),
    }
}

const MOST: usize = 256;
