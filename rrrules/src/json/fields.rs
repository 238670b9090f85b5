//! Reads members out of a JSON document, knowing where each stands.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::json::error::JsonError;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    pointer: String,
    value: &'a Value,
}

/// The members of an object.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    pointer: String,
    members: &'a Map<String, Value>,
    asked: Vec<&'static str>,
}

impl<'a> Node<'a> {
    /// The whole of a document.
    pub(crate) const fn root(value: &'a Value) -> Self {
        Self { pointer: String::new(), value }
    }

    pub(crate) const fn value(&self) -> &'a Value {
        self.value
    }

    /// That something is wrong here.
    pub(crate) fn error(&self, reason: impl Into<String>) -> JsonError {
        JsonError::new(self.pointer.clone(), reason)
    }

    pub(crate) fn object(&self) -> Result<Fields<'a>, JsonError> {
        let Value::Object(members) = self.value else {
            return Err(self.error("expected an object"));
        };
        Ok(Fields { pointer: self.pointer.clone(), members, asked: Vec::new() })
    }

    /// A list of up to `most` items.
    pub(crate) fn list(&self, most: usize) -> Result<Vec<Self>, JsonError> {
        let Value::Array(items) = self.value else { return Err(self.error("expected a list")) };
        if items.len() > most {
            return Err(self.error(format!("expected {most} items at the most")));
        }
        let pointer = |at: usize| format!("{}/{at}", self.pointer);
        let items = items.iter().enumerate();
        Ok(items.map(|(at, value)| Self { pointer: pointer(at), value }).collect())
    }

    /// A text whose length in bytes is in `length`.
    pub(crate) fn text(&self, length: RangeInclusive<usize>) -> Result<&'a str, JsonError> {
        let Value::String(text) = self.value else { return Err(self.error("expected a text")) };
        if !length.contains(&text.len()) {
            let (least, most) = (length.start(), length.end());
            return Err(self.error(format!("expected {least} to {most} bytes of text")));
        }
        Ok(text)
    }

    pub(crate) fn integer(&self, range: RangeInclusive<u16>) -> Result<u16, JsonError> {
        let number = self.value.as_u64().and_then(|it| u16::try_from(it).ok());
        number.filter(|it| range.contains(it)).ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            self.error(format!("expected a whole number from {least} to {most}"))
        })
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, JsonError> {
        let text = self.value.as_str();
        let known = words.iter().find(|(word, _)| Some(*word) == text);
        known.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let words: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.error(format!("expected {}", words.join(" or ")))
        })
    }
}

impl<'a> Fields<'a> {
    /// Member `name`; `None` where it is left out or null.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.given(name).filter(|it| !it.value.is_null())
    }

    /// Member `name`, also where it is null.
    pub(crate) fn given(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.asked.push(name);
        let value = self.members.get(name)?;
        Some(Node { pointer: pointer_to(&self.pointer, name), value })
    }

    /// A member that must be there.
    pub(crate) fn required(&mut self, name: &'static str) -> Result<Node<'a>, JsonError> {
        self.take(name).ok_or_else(|| self.error(name, "this is required"))
    }

    /// A member that has two spellings, of which one may be there.
    pub(crate) fn spelled(
        &mut self,
        [name, other]: [&'static str; 2],
    ) -> Result<Option<Node<'a>>, JsonError> {
        match (self.take(name), self.take(other)) {
            (Some(_), Some(_)) => {
                Err(self.error(other, format!("this is another spelling of {name}: give one")))
            }
            (one, another) => Ok(one.or(another)),
        }
    }

    /// The members of an object that is a table, whatever their names.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        self.members.iter().map(|(name, value)| {
            (name.as_str(), Node { pointer: pointer_to(&self.pointer, name), value })
        })
    }

    /// That something is wrong with member `name`.
    pub(crate) fn error(&self, name: &str, reason: impl Into<String>) -> JsonError {
        JsonError::new(pointer_to(&self.pointer, name), reason)
    }

    /// Nothing else may be there.
    pub(crate) fn close(self) -> Result<(), JsonError> {
        let unknown = self.members.keys().find(|name| !self.asked.contains(&name.as_str()));
        unknown.map_or(Ok(()), |name| Err(self.error(name, "there is no such field here")))
    }
}

fn pointer_to(pointer: &str, name: &str) -> String {
    let name: String = name.chars().take(LONGEST_NAME).collect();
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

const LONGEST_NAME: usize = 64;
