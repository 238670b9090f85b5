//! What a text is meant to be, as far as a schema says.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Number, Value};

use super::reference::resolve;

/// The types that a schema allows. None at all: it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    bits: u8,
}

/// What a schema says about a value and its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) kinds: Kinds,
    /// Of an array's items.
    pub(super) items: Kinds,
    /// Of an object's members, and of the items of each.
    pub(super) members: BTreeMap<String, (Kinds, Kinds)>,
}

impl Kinds {
    pub(super) const NULL: Self = Self { bits: 1 };
    pub(super) const BOOLEAN: Self = Self { bits: 2 };
    pub(super) const NUMBER: Self = Self { bits: 4 };
    pub(super) const STRING: Self = Self { bits: 8 };
    pub(super) const ARRAY: Self = Self { bits: 16 };
    pub(super) const OBJECT: Self = Self { bits: 32 };

    pub(super) const fn is_unknown(self) -> bool {
        self.bits == 0
    }

    pub(super) const fn has(self, other: Self) -> bool {
        self.bits & other.bits != 0
    }

    /// `text` as the narrowest of these types that it can be; a string where it can be none.
    pub(super) fn read(self, text: String) -> Value {
        let may = |kind| self.is_unknown() || self.has(kind);
        match text.as_str() {
            "" if self.has(Self::NULL) => Value::Null,
            "null" if self.has(Self::NULL) && !self.has(Self::STRING) => Value::Null,
            "true" if may(Self::BOOLEAN) => Value::Bool(true),
            "false" if may(Self::BOOLEAN) => Value::Bool(false),
            _ if may(Self::NUMBER) => number(&text).map_or(Value::String(text), Value::Number),
            _ => Value::String(text),
        }
    }

    const fn add(&mut self, other: Self) {
        self.bits |= other.bits;
    }
}

impl Reading {
    /// What `schema`, which stands in `document`, says.
    pub(super) fn of(document: &Value, schema: &Value) -> Self {
        let mut reading = Self::default();
        for part in parts(document, schema) {
            own_kinds(part, &mut reading.kinds);
            if let Some(items) = part.get("items") {
                reading.items.add(kinds(document, items));
            }
            for (name, member) in
                part.get("properties").and_then(Value::as_object).into_iter().flatten()
            {
                let (own, items) = reading.members.entry(name.clone()).or_default();
                for part in parts(document, member) {
                    own_kinds(part, own);
                    if let Some(inner) = part.get("items") {
                        items.add(kinds(document, inner));
                    }
                }
            }
        }
        reading
    }
}

fn kinds(document: &Value, schema: &Value) -> Kinds {
    let mut found = Kinds::default();
    parts(document, schema).into_iter().for_each(|part| own_kinds(part, &mut found));
    found
}

// The schemas that judge the same value as `schema` does, each once.
fn parts<'a>(document: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let mut seen = HashSet::new();
    let mut found = vec![schema];
    let mut at = 0;
    while let Some(part) = found.get(at).copied() {
        at += 1;
        let target = part.get("$ref").and_then(Value::as_str);
        if let Some((pointer, target)) = target.and_then(|it| resolve(document, it)) {
            if seen.insert(pointer) {
                found.push(target);
            }
        }
        for name in ["allOf", "anyOf", "oneOf"] {
            found.extend(part.get(name).and_then(Value::as_array).into_iter().flatten());
        }
    }
    found
}

fn own_kinds(schema: &Value, kinds: &mut Kinds) {
    match schema.get("type") {
        Some(Value::String(name)) => kinds.add(named(name)),
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).for_each(|it| kinds.add(named(it)));
        }
        _ => {
            let options = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
            options.chain(schema.get("const")).for_each(|it| kinds.add(of_value(it)));
        }
    }
    if schema.get("nullable") == Some(&Value::Bool(true)) {
        kinds.add(Kinds::NULL);
    }
}

fn named(name: &str) -> Kinds {
    match name {
        "null" => Kinds::NULL,
        "boolean" => Kinds::BOOLEAN,
        "integer" | "number" => Kinds::NUMBER,
        "string" => Kinds::STRING,
        "array" => Kinds::ARRAY,
        "object" => Kinds::OBJECT,
        _ => Kinds::default(),
    }
}

const fn of_value(value: &Value) -> Kinds {
    match value {
        Value::Null => Kinds::NULL,
        Value::Bool(_) => Kinds::BOOLEAN,
        Value::Number(_) => Kinds::NUMBER,
        Value::String(_) => Kinds::STRING,
        Value::Array(_) => Kinds::ARRAY,
        Value::Object(_) => Kinds::OBJECT,
    }
}

// By JSON's grammar (RFC 8259 §6): no sign, space or base that one reader takes and another does not.
fn number(text: &str) -> Option<Number> {
    let is_number = |it: u8| it.is_ascii_digit() || b"+-.eE".contains(&it);
    if text.len() > MAX_NUMBER || !text.bytes().all(is_number) {
        return None;
    }
    serde_json::from_str(text).ok()
}

const MAX_NUMBER: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_is_the_narrowest_type_that_is_allowed() {
        check(&json!({ "type": "integer" }), "5", &json!(5));
        check(&json!({ "type": "integer" }), "05", &json!("05"));
        check(&json!({ "type": "integer" }), "+5", &json!("+5"));
        check(&json!({ "type": "integer" }), " 5", &json!(" 5"));
        check(&json!({ "type": "string" }), "5", &json!("5"));
        check(&json!({ "type": "boolean" }), "true", &json!(true));
        check(&json!({ "type": "boolean" }), "1", &json!("1"));
        check(&json!({ "type": ["integer", "null"] }), "", &json!(null));
        check(&json!({ "type": "string" }), "null", &json!("null"));
        check(&json!({ "enum": [1, 2] }), "2", &json!(2));
        check(&json!({}), "2", &json!(2));
        check(&json!({ "$ref": "#/a" }), "2", &json!(2));
        check(&json!({ "allOf": [{ "$ref": "#/b" }] }), "2", &json!("2"));
    }

    #[track_caller]
    fn check(schema: &Value, text: &str, expected: &Value) {
        let document = json!({ "a": { "type": "number" }, "b": { "anyOf": [{ "$ref": "#/b" }, { "type": "string" }] } });
        let read = Reading::of(&document, schema).kinds.read(text.to_owned());
        assert_eq!(&read, expected, "{schema} {text}");
    }
}
