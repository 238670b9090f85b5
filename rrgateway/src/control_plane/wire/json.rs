//! A JSON document as it was sent: no member twice, and texts wiped when they are let go.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use zeroize::Zeroizing;

/// One JSON value. Any text may be a secret, so none is ever printed.
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(Zeroizing<String>),
    List(Vec<Self>),
    /// In the order of the document.
    Object(Vec<(String, Self)>),
}

/// What a document says of a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Said {
    #[default]
    Nothing,
    /// It is null.
    Removed,
    Given,
}

impl Said {
    pub(crate) const fn of(member: Option<&Json>) -> Self {
        match member {
            None => Self::Nothing,
            Some(Json::Null) => Self::Removed,
            Some(
                Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::List(_) | Json::Object(_),
            ) => Self::Given,
        }
    }
}

/// Where a text stops being JSON. Quotes nothing of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotJson {
    line: usize,
    column: usize,
    is_too_deep: bool,
}

impl Json {
    /// Reads a whole document; nested less than 128 deep.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, NotJson> {
        serde_json::from_slice(text).map_err(|it| NotJson {
            line: it.line(),
            column: it.column(),
            // There is nothing else to tell it by.
            is_too_deep: it.to_string().starts_with("recursion limit exceeded"),
        })
    }

    /// Member `name` of an object.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(it, _)| it == name).map(|(_, it)| it),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// Member `name` of an object, which then has it no more.
    pub(crate) fn take(&mut self, name: &str) -> Option<Self> {
        match self {
            Self::Object(members) => {
                let index = members.iter().position(|(it, _)| it == name)?;
                Some(members.swap_remove(index).1)
            }
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// The same as a value that anybody may read: of what is no secret.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(it) => it.into(),
            Self::Number(it) => Value::Number(it),
            Self::Text(it) => it.as_str().into(),
            Self::List(it) => it.into_iter().map(Self::into_value).collect(),
            Self::Object(it) => it.into_iter().map(|(name, it)| (name, it.into_value())).collect(),
        }
    }

    /// This, changed by `patch` (RFC 7396): null takes a member away, objects are merged, anything
    /// else takes the place of what was there.
    pub(crate) fn merged(self, patch: Self) -> Self {
        let Self::Object(changes) = patch else { return patch };
        let mut members = match self {
            Self::Object(members) => members,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => {
                Vec::new()
            }
        };
        for (name, change) in changes {
            let place = members.iter().position(|(it, _)| *it == name);
            let old = place.map(|it| members.swap_remove(it).1);
            match change {
                Self::Null => {}
                change => members.push((name, old.unwrap_or(Self::Null).merged(change))),
            }
        }
        Self::Object(members)
    }
}

impl fmt::Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, is_too_deep } = self;
        let why = match is_too_deep {
            true => "This is nested 128 deep or more",
            false => "This is not JSON, or an object names a member twice",
        };
        write!(f, "{why}: line {line} column {column}.")
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Json(…)")
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, it: bool) -> Result<Json, E> {
        Ok(Json::Bool(it))
    }

    fn visit_u64<E: Error>(self, it: u64) -> Result<Json, E> {
        Ok(Json::Number(it.into()))
    }

    fn visit_i64<E: Error>(self, it: i64) -> Result<Json, E> {
        Ok(Json::Number(it.into()))
    }

    fn visit_f64<E: Error>(self, it: f64) -> Result<Json, E> {
        let number = Number::from_f64(it).ok_or_else(|| E::custom("not a number of JSON"))?;
        Ok(Json::Number(number))
    }

    fn visit_str<E: Error>(self, it: &str) -> Result<Json, E> {
        Ok(Json::Text(Zeroizing::new(it.to_owned())))
    }

    fn visit_string<E: Error>(self, it: String) -> Result<Json, E> {
        Ok(Json::Text(Zeroizing::new(it)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = from.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    // Of two members of one name, one reader takes the first and another the last: neither here.
    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some((name, value)) = from.next_entry::<String, Json>()? {
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom("a member is named twice"));
            }
            members.push((name, value));
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_single_reading_is_not_json() {
        for text in ["", "{", "{} {}", r#"{"a":1,"a":2}"#, r#"[{"a":1,"\u0061":2}]"#, "NaN"] {
            assert!(Json::parse(text.as_bytes()).is_err(), "{text}");
        }
        let nested =
            |depth| Json::parse(["[".repeat(depth), "]".repeat(depth)].concat().as_bytes());
        assert!(nested(127).is_ok());
        for depth in [128, 1_000] {
            let said = nested(depth).unwrap_err().to_string();
            assert!(said.starts_with("This is nested 128 deep or more: "), "{said}");
        }
        assert!(Json::parse(br#"{"a":[1,-1,1.5,"x",null,true,{}]}"#).is_ok());
    }

    // The examples of RFC 7396, as far as they end in an object.
    #[test]
    fn a_patch_merges() {
        for (base, patch, expected) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a"]"#, r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"b"}"#, "null", "null"),
        ] {
            let parse = |it: &str| Json::parse(it.as_bytes()).unwrap();
            let merged = parse(base).merged(parse(patch)).into_value();
            assert_eq!(merged, parse(expected).into_value(), "{base} {patch}");
        }
    }

    #[test]
    fn an_error_quotes_nothing_of_the_document() {
        let error = Json::parse(br#"{"key":"canary",}"#).unwrap_err();
        let said = error.to_string();
        assert!(said.ends_with("line 1 column 17."), "{said}");
    }
}
