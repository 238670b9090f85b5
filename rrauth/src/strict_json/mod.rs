//! JSON objects of which there is one reading only.

#[cfg(feature = "jwt")]
pub(crate) mod plain;

use std::cell::Cell;
#[cfg(feature = "jwt")]
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads one JSON object and nothing after it.
///
/// No object in it has two members of one name, however they are spelt: RFC 7519 §4 lets a reader
/// keep the last, and another reader keeps the first. How much there can be is up to the caller,
/// who bounds `text`; how deep, up to this.
pub(crate) fn object(text: &[u8]) -> Result<Map<String, Value>, &'static str> {
    let problem = Cell::new(NO_OBJECT);
    match read(text, Nest { depth: 1, problem: &problem }, &problem)? {
        Value::Object(members) => Ok(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(NO_OBJECT)
        }
    }
}

/// As [`object`], of one whose members are `wanted`, mostly: their values, in this order, and the names
/// of all others. Of a small object it costs half.
#[cfg(feature = "jwt")]
pub(crate) fn members<const N: usize>(
    text: &[u8],
    wanted: [&str; N],
) -> Result<([Option<Value>; N], BTreeSet<String>), &'static str> {
    let problem = Cell::new(NO_OBJECT);
    let nest = Nest { depth: 1, problem: &problem };
    read(text, Members { wanted: &wanted, nest }, &problem)
}

fn read<'a, V: Visitor<'a>>(
    text: &'a [u8],
    visitor: V,
    problem: &Cell<&'static str>,
) -> Result<V::Value, &'static str> {
    // Once for all of it, not for each text that stands in it.
    let text = std::str::from_utf8(text).map_err(|_| NO_OBJECT)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let members = deserializer.deserialize_map(visitor).map_err(|_| problem.get())?;
    deserializer.end().map_err(|_| "something follows the JSON object")?;
    Ok(members)
}

#[derive(Clone, Copy)]
struct Nest<'a> {
    depth: usize,
    problem: &'a Cell<&'static str>,
}

impl Nest<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == DEEPEST {
            return Err(self.refuse("it is nested too deeply"));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    // What `serde_json` says may quote the text.
    fn refuse<E: Error>(self, problem: &'static str) -> E {
        self.problem.set(problem);
        E::custom(problem)
    }

    fn number<E: Error>(self, value: f64) -> Result<Number, E> {
        Number::from_f64(value).ok_or_else(|| self.refuse("it has a number that is none"))
    }
}

impl<'de> DeserializeSeed<'de> for Nest<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nest<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.number(value).map(Value::Number)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(inner)? {
            list.push(element);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if object.insert(name, value).is_some() {
                return Err(self.refuse(TWICE));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(feature = "jwt")]
#[derive(Clone, Copy)]
struct Members<'a, const N: usize> {
    wanted: &'a [&'a str; N],
    nest: Nest<'a>,
}

#[cfg(feature = "jwt")]
impl<'de, const N: usize> Visitor<'de> for Members<'_, N> {
    type Value = ([Option<Value>; N], BTreeSet<String>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let inner = self.nest.deeper()?;
        let (mut found, mut others) = ([const { None }; N], BTreeSet::new());
        while let Some(name) = members.next_key_seed(Name(self.wanted))? {
            let value = members.next_value_seed(inner)?;
            let is_new = match name {
                Ok(place) => found.get_mut(place).is_some_and(|it| it.replace(value).is_none()),
                Err(other) => others.insert(other),
            };
            if !is_new {
                return Err(self.nest.refuse(TWICE));
            }
        }
        Ok((found, others))
    }
}

/// Which of these a name is; or what else.
#[cfg(feature = "jwt")]
struct Name<'a>(&'a [&'a str]);

#[cfg(feature = "jwt")]
impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

#[cfg(feature = "jwt")]
impl Visitor<'_> for Name<'_> {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|it| *it == name).ok_or_else(|| name.to_owned()))
    }
}

const NO_OBJECT: &str = "it is not one JSON object";
const TWICE: &str = "it has two members of one name";
const DEEPEST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_as_serde_json_reads_it() {
        for text in [
            "{}",
            " {\"a\":1,\"b\":[true,null,-1,1.5,\"\\u0065\"],\"c\":{\"a\":{}}}\r\n\t ",
            "{\"\":\"\",\"a\":{\"a\":1},\"b\":{\"a\":2}}",
            "{\"__proto__\":1,\"constructor\":18446744073709551615}",
        ] {
            let expected: Value = serde_json::from_str(text).unwrap();
            assert_eq!(object(text.as_bytes()).map(Value::Object), Ok(expected), "{text}");
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(30), "]".repeat(30));
        assert!(object(deep.as_bytes()).is_ok());
    }

    #[test]
    fn what_has_no_single_reading_is_refused() {
        let none = "it is not one JSON object";
        for text in
            ["", " ", "1", "null", "\"a\"", "[]", "[{}]", "{", "{\"a\":}", "{a:1}", "{'a':1}"]
        {
            check(text.as_bytes(), none);
        }
        check(b"\xef\xbb\xbf{}", none);
        check(b"{\"a\":\"\xff\"}", none);
        check(b"{\"\xc0\x80\":1}", none);
        check(b"\xff\xfe{\0}\0", none);
        check(b"{\0}\0", none);
        check(b"{\"a\":\"\n\"}", none);
        check(br#"{"a":"\ud800"}"#, none);
        check(b"{\"a\":1e400}", none);
        check(format!("{{\"a\":{}}}", "9".repeat(400)).as_bytes(), none);
        check(b"{\"a\":NaN}", none);
        check(b"{\"a\":1,}", none);
        check(b"{\"a\":01}", none);
        check(b"{}{}", "something follows the JSON object");
        check(b"{}\0", "something follows the JSON object");
        check(b"{} // a", "something follows the JSON object");
        let twice = "it has two members of one name";
        check(br#"{"a":1,"a":1}"#, twice);
        check(br#"{"exp":1,"\u0065xp":2}"#, twice);
        check(br#"{"b":[{"c":{"a":1,"b":2,"a":3}}]}"#, twice);
        check(br#"{"":1,"":2}"#, twice);
        let deep = |opening: &str| format!("{{\"a\":{}", opening.repeat(20_000));
        check(deep("[").as_bytes(), "it is nested too deeply");
        check(deep("{\"a\":").as_bytes(), "it is nested too deeply");
    }

    #[cfg(feature = "jwt")]
    #[test]
    fn wanted_members_are_the_same_as_those_of_the_whole_object() {
        for text in [
            "{}",
            "{\"a\":1,\"b\":\"x\",\"c\":null}",
            "{\"\\u0061\":[1],\"z\":{\"a\":2,\"b\":3},\"\":4}",
            "{\"aa\":1,\"A\":2}",
        ] {
            let mut whole = object(text.as_bytes()).unwrap();
            let (found, others) = members(text.as_bytes(), ["a", "b"]).unwrap();
            assert_eq!(found, [whole.remove("a"), whole.remove("b")], "{text}");
            let rest: BTreeSet<_> = whole.into_iter().map(|(name, _)| name).collect();
            assert_eq!(others, rest, "{text}");
        }
    }

    #[track_caller]
    fn check(text: &[u8], problem: &str) {
        assert_eq!(object(text).unwrap_err(), problem, "{}", text.escape_ascii());
        #[cfg(feature = "jwt")]
        assert_eq!(plain::Plain::read(text).unwrap_err(), problem, "{}", text.escape_ascii());
        #[cfg(feature = "jwt")]
        assert_eq!(members(text, ["a"]).unwrap_err(), problem, "{}", text.escape_ascii());
    }
}
