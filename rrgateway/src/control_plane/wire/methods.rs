//! The methods that a rule, a filter or a route is about.

use std::fmt;

use http::Method;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

use crate::control_plane::wire::fields::Node;
use crate::control_plane::wire::text;

/// At least one, as they were written. Most lists name one that everybody knows, and there is one in
/// most rules: such a list takes no memory of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Methods(SmallVec<[Method; 1]>);

impl Methods {
    /// Reads what a client sent.
    pub(crate) fn read(node: Node<'_>) -> Option<Self> {
        if node.is_empty_list() {
            return node.flaw("name a method, or leave this out: no list is any method");
        }
        let methods = node.list(MOST, |it| it.parsed(1..=32, |it| text::method(&it)))?;
        Some(Self(methods.into()))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Method> {
        self.0.iter()
    }

    /// Whether some method is in both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.iter().any(|it| other.0.contains(it))
    }
}

impl Serialize for Methods {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter().map(Method::as_str))
    }
}

impl<'de> Deserialize<'de> for Methods {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(List)
    }
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Methods;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of methods")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Methods, A::Error> {
        let mut methods = SmallVec::new();
        while let Some(Stored(method)) = from.next_element()? {
            methods.push(method);
        }
        Ok(Methods(methods))
    }
}

struct Stored(Method);

impl<'de> Deserialize<'de> for Stored {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(Name)
    }
}

struct Name;

impl Visitor<'_> for Name {
    type Value = Stored;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a method")
    }

    fn visit_str<E: Error>(self, it: &str) -> Result<Stored, E> {
        it.parse().map(Stored).map_err(E::custom)
    }
}

const MOST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_as_it_was_written() {
        for text in [r#"["GET"]"#, r#"["PATCH","x-own"]"#, r#"["GET","GET"]"#, "[]"] {
            let methods: Methods = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&methods).unwrap(), text);
        }
        // What escapes stand in cannot be lent out of the text.
        let escaped: Methods = serde_json::from_str(r#"["G\u0045T"]"#).unwrap();
        assert_eq!(escaped.iter().collect::<Vec<_>>(), [Method::GET]);
    }

    #[test]
    fn what_is_no_list_of_methods_is_refused() {
        for text in ["null", "{}", r#""GET""#, "[7]", "[null]", r#"["G ET"]"#, r#"[""]"#] {
            assert!(serde_json::from_str::<Methods>(text).is_err(), "{text}");
        }
    }
}
