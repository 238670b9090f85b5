//! An object whose texts stay where they stand: for who looks at a few members and keeps none.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use crate::strict_json::{NO_OBJECT, Nest, TWICE, read};

/// What an object has, in the order of its text. Only what is escaped there is a text of its own.
#[derive(Debug)]
pub(crate) struct Plain<'a> {
    members: Vec<Member<'a>>,
}

type Member<'a> = (Cow<'a, str>, Node<'a>);

/// A value of such an object.
#[derive(Debug)]
pub(crate) enum Node<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Vec<Self>),
    Object(Vec<Member<'a>>),
}

impl<'a> Plain<'a> {
    /// Reads what [`object`](super::object) reads, and refuses what that refuses.
    pub(crate) fn read(text: &'a [u8]) -> Result<Self, &'static str> {
        let problem = Cell::new(NO_OBJECT);
        let nest = Nest { depth: 1, problem: &problem };
        let members = Members { nest, room: USUAL };
        Ok(Self { members: read(text, members, &problem)? })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Node<'a>> {
        self.members.iter().find(|(it, _)| it == name).map(|(_, it)| it)
    }
}

impl Node<'_> {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The same by itself.
    pub(crate) fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(it) => Value::Bool(*it),
            Self::Number(it) => Value::Number(it.clone()),
            Self::Text(it) => Value::String(it.as_ref().to_owned()),
            Self::List(it) => Value::Array(it.iter().map(Self::value).collect()),
            Self::Object(it) => {
                let members = it.iter().map(|(name, it)| (name.as_ref().to_owned(), it.value()));
                Value::Object(members.collect())
            }
        }
    }
}

/// Reads the members of an object into a list that has room for some.
struct Members<'a> {
    nest: Nest<'a>,
    room: usize,
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Vec<Member<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let inner = self.nest.deeper()?;
        let mut members = Vec::with_capacity(self.room);
        while let Some(name) = object.next_key_seed(Text)? {
            members.push((name, object.next_value_seed(Nodes(inner))?));
        }
        if is_one_twice(&members) { Err(self.nest.refuse(TWICE)) } else { Ok(members) }
    }
}

// Anybody may have written them: many are sorted. Of few, most names are seen to be new by how they
// begin and end.
fn is_one_twice(members: &[Member<'_>]) -> bool {
    if members.len() <= FEW {
        let mut seen = 0_u64;
        return members.iter().enumerate().any(|(at, (name, _))| {
            let before = seen;
            seen |= mark(name);
            before == seen && members.iter().take(at).any(|(it, _)| it == name)
        });
    }
    let mut names: Vec<&str> = members.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    names.windows(2).any(|it| it.first() == it.last())
}

// The same bit for the same name.
fn mark(name: &str) -> u64 {
    match name.as_bytes() {
        [first, .., last] => 1 << (first.wrapping_mul(5).wrapping_add(*last) % 64),
        [_] | [] => 1,
    }
}

#[derive(Clone, Copy)]
struct Nodes<'a>(Nest<'a>);

impl<'de> DeserializeSeed<'de> for Nodes<'_> {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nodes<'_> {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node<'de>, E> {
        self.0.number(value).map(Node::Number)
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Node<'de>, A::Error> {
        let inner = Nodes(self.0.deeper()?);
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(inner)? {
            list.push(element);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Node<'de>, A::Error> {
        Members { nest: self.0, room: 0 }.visit_map(object).map(Node::Object)
    }
}

/// A name, where it stands if it can be.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

/// How many claims a token has, mostly.
const USUAL: usize = 12;
const FEW: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::strict_json::object;

    #[test]
    fn a_name_of_many_that_is_there_twice_is_seen_wherever_it_stands() {
        for len in [2, 3, FEW, FEW + 1, 100] {
            let names: Vec<_> = (0..len).map(|it| format!("n{it}")).collect();
            assert!(check(&text(&names)), "{len}");
            for (first, second) in
                [(0, 1), (0, len - 1), (len / 2 - 1, len - 1), (len - 2, len - 1)]
            {
                let mut names = names.clone();
                names[second] = names[first].replace('n', "\\u006e");
                assert!(!check(&text(&names)), "{first} and {second} of {len}");
            }
        }
    }

    fn text(names: &[String]) -> String {
        let members: Vec<_> = names.iter().map(|it| format!("\"{it}\":[{{\"a\":1}}]")).collect();
        format!("{{{}}}", members.join(","))
    }

    proptest! {
        #[test]
        fn it_reads_and_refuses_what_object_does(pieces in prop::collection::vec(piece(), 0..40)) {
            check(&format!("{{{}}}", pieces.concat()));
            check(&pieces.concat());
        }

        #[test]
        fn of_an_object_it_reads_the_same(members in prop::collection::vec(member(), 0..20)) {
            check(&format!("{{{}}}", members.join(",")));
        }
    }

    // What an object is made of, so that some of it is one.
    fn piece() -> impl Strategy<Value = &'static str> {
        let pieces = [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"\\u0061\"",
            "\"b\":",
            "\"a\":1",
            "\"é\\n\"",
            "1",
            "-0.5e3",
            "1e400",
            "01",
            "null",
            "true",
            " ",
            "\"",
            "\\",
            "\u{0}",
            "\"\\ud800\"",
        ];
        prop::sample::select(pieces.to_vec())
    }

    fn member() -> impl Strategy<Value = String> {
        let name = "[a-e]{0,2}|\\\\u006[0-9a-f]|\\\\\"|é";
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|it| it.to_string()),
            any::<i64>().prop_map(|it| it.to_string()),
            any::<u64>().prop_map(|it| it.to_string()),
            any::<f64>().prop_map(|it| format!("{it:e}")),
            "\"(\\w|\\\\n|\\\\u00e9)*\"",
        ];
        let value = leaf.prop_recursive(4, 16, 4, move |inner| {
            let member = (name, inner.clone()).prop_map(|(name, it)| format!("\"{name}\":{it}"));
            let list = prop::collection::vec(inner, 0..4).prop_map(|it| it.join(","));
            let object = prop::collection::vec(member, 0..4).prop_map(|it| it.join(","));
            prop_oneof![
                list.prop_map(|it| format!("[{it}]")),
                object.prop_map(|it| format!("{{{it}}}")),
            ]
        });
        (name, value).prop_map(|(name, it)| format!(" \"{name}\" : {it}"))
    }

    // Whether both read it, and the same.
    #[track_caller]
    fn check(text: &str) -> bool {
        let (plain, whole) = (Plain::read(text.as_bytes()), object(text.as_bytes()));
        assert_eq!(plain.is_ok(), whole.is_ok(), "{text}");
        let (Ok(plain), Ok(whole)) = (plain, whole) else { return false };
        assert_eq!(Node::Object(plain.members).value(), Value::Object(whole), "{text}");
        true
    }
}
