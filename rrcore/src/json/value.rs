//! A JSON text as a value, by one strict reading.

use serde_json::{Map, Number, Value};

use crate::json::{Error, ErrorKind, Event, Limits, Scanner, unescape};

/// Reads `text` as it stands, whatever the names in it mean to a library.
///
/// `serde_json`, where some crate of the program has asked it for raw values, takes an object with a
/// member of a name of its own for the JSON in that member's text: anybody can write such an object.
///
/// Two members of one name, nesting deeper than 128, anything that is not UTF-8 and numbers that
/// no double can hold are refused: another reader may read them in another way.
///
/// ```
/// let value = rrcore::json::value(br#"{"a":[1,"b"]}"#)?;
/// assert_eq!(value["a"][1], "b");
/// assert!(rrcore::json::value(br#"{"a":1,"a":2}"#).is_err());
/// # Ok::<_, &str>(())
/// ```
///
/// # Errors
///
/// A phrase that quotes nothing.
pub fn value(text: &[u8]) -> Result<Value, &'static str> {
    let mut tree = Tree::default();
    // Names are as long as the document, which is bounded, lets them be.
    let mut scanner = Scanner::new(Limits::default().key(usize::MAX));
    let mut sink = |event: Event<'_>| tree.take(event);
    let scanned = scanner.push(text, &mut sink).and_then(|()| scanner.finish(&mut sink));
    scanned.map_err(|it| phrase(&it))?;
    match tree {
        Tree { out_of_range: false, root: Some(root), .. } => Ok(root),
        Tree { .. } => Err("holds a number that is out of range"),
    }
}

// What the scanner has seen so far, as a value.
#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    root: Option<Value>,
    scalar: Vec<u8>,
    out_of_range: bool,
}

enum Open {
    Array(Vec<Value>),
    Object { members: Map<String, Value>, name: String },
}

impl Tree {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::BeginArray => self.open.push(Open::Array(Vec::new())),
            Event::BeginObject => {
                self.open.push(Open::Object { members: Map::new(), name: String::new() });
            }
            Event::Key { name: key, .. } => {
                if let Some(Open::Object { name, .. }) = self.open.last_mut() {
                    *name = String::from_utf8_lossy(key).into_owned();
                }
            }
            Event::Scalar { raw, last } => self.piece(raw, last),
            Event::EndArray | Event::EndObject => match self.open.pop() {
                Some(Open::Array(items)) => self.add(Value::Array(items)),
                Some(Open::Object { members, .. }) => self.add(Value::Object(members)),
                None => {}
            },
            Event::Space(_) | Event::Comma | Event::Colon => {}
        }
    }

    // Only the last piece says that a number is over.
    fn piece(&mut self, raw: &[u8], last: bool) {
        self.scalar.extend_from_slice(raw);
        if last {
            let raw = std::mem::take(&mut self.scalar);
            let scalar = self.scalar(&raw);
            self.add(scalar);
            self.scalar = raw;
            self.scalar.clear();
        }
    }

    fn add(&mut self, value: Value) {
        match self.open.last_mut() {
            Some(Open::Array(items)) => items.push(value),
            Some(Open::Object { members, name }) => {
                members.insert(std::mem::take(name), value);
            }
            None => self.root = Some(value),
        }
    }

    fn scalar(&mut self, raw: &[u8]) -> Value {
        match raw {
            b"null" => Value::Null,
            b"true" => Value::Bool(true),
            b"false" => Value::Bool(false),
            [b'"', ..] => Value::String(unescape(raw).into_owned()),
            _ => serde_json::from_slice::<Number>(raw).map_or_else(
                |_| {
                    self.out_of_range = true;
                    Value::Null
                },
                Value::Number,
            ),
        }
    }
}

fn phrase(error: &Error) -> &'static str {
    match error.kind {
        ErrorKind::DuplicateKey => "has two members of one name",
        ErrorKind::TooDeep => "is nested too deep",
        ErrorKind::Encoding => "is not UTF-8",
        _ => "is not valid JSON",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_has_one_reading_is_read() {
        for text in ["null", "-1.5e3", "18446744073709551615", "\"a\\u0000\\n\"", "[[],{}]"] {
            assert_eq!(value(text.as_bytes()), Ok(serde_json::from_str(text).unwrap()), "{text}");
        }
        let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
        assert!(value(deep.as_bytes()).is_ok());
    }

    // With its feature `raw_value`, which a program's other crates can turn on.
    #[test]
    fn no_name_means_anything() {
        for text in ["no JSON", "[1]", "{\"a\":1,\"a\":2}"] {
            let inner = json!({"$serde_json::private::RawValue": text});
            let outer = json!({"a": [inner]});
            assert_eq!(value(outer.to_string().as_bytes()), Ok(outer));
        }
    }

    #[test]
    fn what_has_none_or_several_is_refused() {
        for (text, expected) in [
            ("{\"a\":1,\"\\u0061\":2}", "has two members of one name"),
            ("", "is not valid JSON"),
            ("{}{}", "is not valid JSON"),
            ("1e999", "holds a number that is out of range"),
            ("[NaN]", "is not valid JSON"),
        ] {
            assert_eq!(value(text.as_bytes()), Err(expected), "{text}");
        }
        assert_eq!(value(b"\"\xff\""), Err("is not UTF-8"));
        let deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
        assert_eq!(value(deep.as_bytes()), Err("is nested too deep"));
    }

    proptest! {
        #[test]
        fn it_reads_what_serde_reads(text in "[\\[\\]{}\":,0-9.eE+\\- a\\\\untrf]{0,24}") {
            // Only where it is stricter do they differ.
            match (value(text.as_bytes()), serde_json::from_str::<Value>(&text)) {
                (Ok(ours), theirs) => prop_assert_eq!(ours, theirs.unwrap()),
                (Err("has two members of one name"), _) | (_, Err(_)) => {}
                (Err(phrase), Ok(_)) => prop_assert!(false, "{} {}", phrase, text),
            }
        }
    }
}
