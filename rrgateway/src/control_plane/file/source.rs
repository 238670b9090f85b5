//! The text of a file: what it says, and on which line.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::control_plane::wire::json::Json;

/// A file that has been read.
pub(crate) struct Source {
    root: Spot,
}

/// Why a text cannot be read.
pub(crate) struct Unreadable {
    /// From 1, where it is known.
    pub(crate) line: Option<u64>,
    pub(crate) detail: String,
}

impl Source {
    /// Reads YAML, of which JSON is a part.
    pub(crate) fn read(text: &str) -> Result<(Self, Json), Unreadable> {
        let root = serde_saphyr::from_str(text).map_err(|it| unreadable(&it))?;
        let json = serde_saphyr::from_str(text).map_err(|it| unreadable(&it))?;
        Ok((Self { root }, json))
    }

    /// The line, from 1, of what `pointer` (RFC 6901) leads to, or of what it would stand in.
    pub(crate) fn line(&self, pointer: &str) -> Option<u64> {
        let mut spot = &self.root;
        for name in pointer.split('/').skip(1) {
            let name = name.replace("~1", "/").replace("~0", "~");
            match spot.get(&name) {
                Some(inner) => spot = inner,
                None => break,
            }
        }
        Some(spot.line).filter(|it| *it > 0)
    }
}

// The snippet would show the text, which may have a secret where none should be.
fn unreadable(error: &serde_saphyr::Error) -> Unreadable {
    let line = error.location().map(|it| it.line());
    let said = error.without_snippet().to_string();
    Unreadable { line, detail: format!("this cannot be read: {}", said.trim_end()) }
}

/// Where a value stands, and those in it.
struct Spot {
    line: u64,
    inner: Inner,
}

enum Inner {
    Leaf,
    List(Vec<Spot>),
    Table(Vec<(String, Spot)>),
}

impl Spot {
    fn get(&self, name: &str) -> Option<&Self> {
        match &self.inner {
            Inner::Leaf => None,
            Inner::List(items) => items.get(name.parse::<usize>().ok()?),
            Inner::Table(members) => members.iter().find(|(it, _)| it == name).map(|(_, it)| it),
        }
    }
}

impl<'de> Deserialize<'de> for Spot {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, .. } = Spanned::<Inner>::deserialize(from)?;
        Ok(Self { line: referenced.line(), inner: value })
    }
}

impl<'de> Deserialize<'de> for Inner {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Inner;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E: Error>(self) -> Result<Inner, E> {
        Ok(Inner::Leaf)
    }

    fn visit_none<E: Error>(self) -> Result<Inner, E> {
        Ok(Inner::Leaf)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Inner, D::Error> {
        Inner::deserialize(from)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Inner, E> {
        Ok(Inner::Leaf)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Inner, E> {
        Ok(Inner::Leaf)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Inner, E> {
        Ok(Inner::Leaf)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Inner, E> {
        Ok(Inner::Leaf)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Inner, E> {
        Ok(Inner::Leaf)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Inner, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = from.next_element()? {
            list.push(item);
        }
        Ok(Inner::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Inner, A::Error> {
        let mut members = Vec::new();
        while let Some(Spanned { value: name, referenced, .. }) =
            from.next_key::<Spanned<String>>()?
        {
            let spot: Spot = from.next_value()?;
            // People look for the name; a value may begin below it.
            members.push((name, Spot { line: referenced.line(), ..spot }));
        }
        Ok(Inner::Table(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "\
version: 1
targets:
  - name: a
    baseUrl: https://a.example   # a comment
  - {name: b, 'x/y': [1,
      2]}
";

    #[test]
    fn a_pointer_leads_to_a_line() {
        let Ok((source, _)) = Source::read(YAML) else { panic!("unreadable") };
        for (pointer, line) in [
            ("/version", 1),
            ("/targets", 2),
            ("/targets/0", 3),
            ("/targets/0/name", 3),
            ("/targets/0/baseUrl", 4),
            ("/targets/0/nothing/there", 3),
            ("/targets/1/x~1y/1", 6),
            ("/nothing", 1),
        ] {
            assert_eq!(source.line(pointer), Some(line), "{pointer}");
        }
    }

    #[test]
    fn json_is_read_too_and_tells_its_lines() {
        let text = "{\n\t\"version\": 1,\n\t\"targets\": [\n\t\t{\"name\": \"a\\u00e9\"}\n\t]\n}";
        let Ok((source, json)) = Source::read(text) else { panic!("unreadable") };
        assert_eq!(source.line("/targets/0/name"), Some(4));
        assert!(matches!(json.member("version"), Some(Json::Number(it)) if it.as_u64() == Some(1)));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line_and_without_its_text() {
        for (text, line) in [("a: 1\nb: [canary\n", None), ("a: 1\na: canary\n", Some(2))] {
            let Err(error) = Source::read(text) else { panic!("{text}") };
            assert!(!error.detail.contains("canary"), "{}", error.detail);
            assert!(line.is_none() || error.line == line, "{:?} {}", error.line, error.detail);
        }
    }
}
