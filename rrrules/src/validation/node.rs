//! A place in an OpenAPI document, and what it holds.

use serde_json::{Map, Value};

use super::invalid_schema::InvalidSchema;
use super::reference::{below, resolve};

/// A value in a document, and where it stands.
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    pub(super) pointer: String,
}

type Result<T> = std::result::Result<T, InvalidSchema>;

impl<'a> Node<'a> {
    pub(super) const fn root(document: &'a Value) -> Self {
        Self { value: document, pointer: String::new() }
    }

    pub(super) fn error(&self, reason: impl Into<String>) -> InvalidSchema {
        InvalidSchema::new(self.pointer.clone(), reason)
    }

    pub(super) fn object(&self) -> Result<&'a Map<String, Value>> {
        self.value.as_object().ok_or_else(|| self.error("must be an object"))
    }

    /// The members, but for extensions (`x-…`).
    pub(super) fn members(&self) -> Result<impl Iterator<Item = (&'a str, Self)>> {
        let pointer = self.pointer.clone();
        let members = self.object()?.iter().filter(|(name, _)| !name.starts_with("x-"));
        Ok(members.map(move |(name, value)| {
            (name.as_str(), Self { value, pointer: below(&pointer, name) })
        }))
    }

    pub(super) fn items(&self) -> Result<impl Iterator<Item = Self>> {
        let items = self.value.as_array().ok_or_else(|| self.error("must be an array"))?;
        let pointer = self.pointer.clone();
        Ok(items.iter().enumerate().map(move |(index, value)| Self {
            value,
            pointer: below(&pointer, &index.to_string()),
        }))
    }

    pub(super) fn get(&self, name: &str) -> Result<Option<Self>> {
        let found = self.object()?.get(name);
        Ok(found.map(|value| Self { value, pointer: below(&self.pointer, name) }))
    }

    pub(super) fn need(&self, name: &str) -> Result<Self> {
        self.get(name)?.ok_or_else(|| self.error(format!("the member {name:?} is missing")))
    }

    pub(super) fn text(&self) -> Result<&'a str> {
        self.value.as_str().ok_or_else(|| self.error("must be a string"))
    }

    /// The boolean of this name, or `default` where there is none.
    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool> {
        match self.get(name)? {
            None => Ok(default),
            Some(flag) => flag.value.as_bool().ok_or_else(|| flag.error("must be a boolean")),
        }
    }

    /// What this stands for: itself, or what its `$ref` leads to within `document`.
    pub(super) fn resolved(self, document: &'a Value) -> Result<Self> {
        let mut here = self;
        for _ in 0..MAX_STEPS {
            let Some(reference) = here.get("$ref")? else { return Ok(here) };
            here = reference.target(document)?;
        }
        Err(here.error("references lead on and on"))
    }

    /// What this reference leads to.
    pub(super) fn target(&self, document: &'a Value) -> Result<Self> {
        let target = self.text()?;
        let (pointer, value) = resolve(document, target)
            .ok_or_else(|| self.error("names what is not in this document; nothing is fetched"))?;
        Ok(Self { value, pointer })
    }
}

const MAX_STEPS: usize = 16;
