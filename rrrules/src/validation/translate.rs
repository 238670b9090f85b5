//! The schemas of an OpenAPI document as one schema of JSON Schema 2020-12.

use std::collections::{HashMap, VecDeque};

use serde_json::{Map, Value, json};

use super::invalid_schema::InvalidSchema;
use super::node::Node;
use super::reference::below;
use super::schemas::{Schemas, Slot};

/// Whose schemas these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Of OpenAPI 3.0: an older JSON Schema with words of its own.
    Old,
    /// Of OpenAPI 3.1: JSON Schema 2020-12.
    New,
}

/// Which way the messages go that are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// What is `readOnly` need not be there.
    Request,
    /// What is `writeOnly` need not be there.
    Response,
}

/// Takes the schemas that are used, with all that they refer to, each once.
pub(super) struct Translator<'a> {
    document: &'a Value,
    dialect: Dialect,
    direction: Direction,
    numbers: HashMap<String, usize>,
    origins: Vec<Node<'a>>,
    waiting: VecDeque<usize>,
    definitions: Map<String, Value>,
    slots: Map<String, Value>,
}

type Result<T> = std::result::Result<T, InvalidSchema>;

impl<'a> Translator<'a> {
    pub(super) fn new(document: &'a Value, dialect: Dialect, direction: Direction) -> Self {
        Self {
            document,
            dialect,
            direction,
            numbers: HashMap::new(),
            origins: Vec::new(),
            waiting: VecDeque::new(),
            definitions: Map::new(),
            slots: Map::new(),
        }
    }

    pub(super) const fn document(&self) -> &'a Value {
        self.document
    }

    /// The slot of a schema that messages are checked by.
    pub(super) fn slot(&mut self, schema: Node<'a>) -> Slot {
        let number = self.number(schema).to_string();
        self.slots.insert(number.clone(), reference_to(&number));
        Slot(number)
    }

    /// Compiles all slots.
    pub(super) fn finish(mut self) -> Result<Schemas> {
        while let Some(number) = self.waiting.pop_front() {
            let Some(origin) = self.origins.get(number).cloned() else { continue };
            let translated = self.schema(&origin)?;
            self.definitions.insert(number.to_string(), translated);
        }
        let (origins, slots) = (self.origins, self.slots);
        let all = json!({ "$schema": NEWEST, "properties": slots, "$defs": self.definitions });
        Schemas::compile(&all, |pointer| place(&origins, pointer))
    }

    fn number(&mut self, schema: Node<'a>) -> usize {
        if let Some(number) = self.numbers.get(&schema.pointer) {
            return *number;
        }
        let number = self.origins.len();
        self.numbers.insert(schema.pointer.clone(), number);
        self.origins.push(schema);
        self.waiting.push_back(number);
        number
    }

    fn schema(&mut self, node: &Node<'a>) -> Result<Value> {
        if let (Value::Bool(all), Dialect::New) = (node.value, self.dialect) {
            return Ok(Value::Bool(*all));
        }
        let members = node.object()?;
        let mut out = Map::new();
        if let Some(reference) = node.get("$ref")? {
            let target = reference.target(self.document)?;
            let number = self.number(target).to_string();
            // What stands beside a reference counts in 3.1 only.
            if self.dialect == Dialect::Old {
                return Ok(reference_to(&number));
            }
            out.insert("$ref".to_owned(), format!("#/$defs/{number}").into());
        }
        for (name, value) in members {
            let here = Node { value, pointer: below(&node.pointer, name) };
            if let Some(value) = self.keyword(name, &here)? {
                out.insert(name.clone(), value);
            }
        }
        if self.dialect == Dialect::Old {
            modernise(members, &mut out);
        }
        self.relax(node, &mut out)?;
        Ok(Value::Object(out))
    }

    // `None` for what says nothing about what is valid.
    fn keyword(&mut self, name: &str, node: &Node<'a>) -> Result<Option<Value>> {
        Ok(Some(match name {
            "items"
            | "additionalProperties"
            | "not"
            | "if"
            | "then"
            | "else"
            | "contains"
            | "propertyNames"
            | "unevaluatedItems"
            | "unevaluatedProperties" => match node.value {
                Value::Bool(all) => Value::Bool(*all),
                _ => self.schema(node)?,
            },
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                let items: Result<Vec<_>> = node.items()?.map(|it| self.schema(&it)).collect();
                Value::Array(items?)
            }
            "properties" | "patternProperties" | "dependentSchemas" => {
                // A member of this object is a property, also where its name begins with `x-`.
                let mut out = Map::new();
                for (name, value) in node.object()? {
                    let here = Node { value, pointer: below(&node.pointer, name) };
                    out.insert(name.clone(), self.schema(&here)?);
                }
                Value::Object(out)
            }
            "$id" | "$anchor" | "$dynamicRef" | "$dynamicAnchor" | "$recursiveRef" | "id" => {
                return Err(
                    node.error("is not supported in an OpenAPI document: use JSON pointers")
                );
            }
            "$schema" if node.value.as_str().is_none_or(|it| !is_newest(it)) => {
                return Err(node.error("only JSON Schema 2020-12 is supported here"));
            }
            name if ASSERTIONS.contains(&name) => node.value.clone(),
            _ => return Ok(None),
        }))
    }

    // Members that only go the other way need not be there.
    fn relax(&self, node: &Node<'a>, out: &mut Map<String, Value>) -> Result<()> {
        let other_way = match self.direction {
            Direction::Request => "readOnly",
            Direction::Response => "writeOnly",
        };
        let (Some(Value::Array(required)), Some(properties)) =
            (out.get_mut("required"), node.get("properties")?)
        else {
            return Ok(());
        };
        for (name, property) in properties.object()? {
            let here = Node { value: property, pointer: below(&properties.pointer, name) };
            let goes_the_other_way = match here.value {
                Value::Object(_) => {
                    here.flag(other_way, false)?
                        || here.resolved(self.document)?.flag(other_way, false)?
                }
                _ => false,
            };
            if goes_the_other_way {
                required.retain(|it| it.as_str() != Some(name));
            }
        }
        Ok(())
    }
}

/// Whether `dialect` is the one that OpenAPI 3.1 has by itself.
pub(super) fn is_newest(dialect: &str) -> bool {
    let dialect = dialect.trim_end_matches('#');
    dialect == NEWEST || dialect == "https://spec.openapis.org/oas/3.1/dialect/base"
}

// OpenAPI 3.0.3, Schema Object: bounds that are flags, and `nullable`, which widens `type` only.
fn modernise(members: &Map<String, Value>, out: &mut Map<String, Value>) {
    for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        match members.get(flag) {
            Some(Value::Bool(true)) => match out.remove(bound) {
                Some(limit) => _ = out.insert(flag.to_owned(), limit),
                None => _ = out.remove(flag),
            },
            Some(Value::Bool(false)) => _ = out.remove(flag),
            _ => {}
        }
    }
    if members.get("nullable") == Some(&Value::Bool(true)) {
        if let Some(kind @ Value::String(_)) = out.get("type").cloned() {
            out.insert("type".to_owned(), json!([kind, "null"]));
        }
    }
}

fn reference_to(number: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{number}") })
}

// Where in the document a place in the translation comes from.
fn place(origins: &[Node<'_>], pointer: &str) -> String {
    let mut parts = pointer.splitn(4, '/').skip(2);
    let origin = parts.next().and_then(|it| it.parse::<usize>().ok());
    let Some(origin) = origin.and_then(|it| origins.get(it)) else { return String::new() };
    match parts.next() {
        None => origin.pointer.clone(),
        Some(rest) => format!("{}/{rest}", origin.pointer),
    }
}

const NEWEST: &str = "https://json-schema.org/draft/2020-12/schema";
const ASSERTIONS: [&str; 21] = [
    "type",
    "enum",
    "const",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "format",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxContains",
    "minContains",
    "maxProperties",
    "minProperties",
    "required",
    "dependentRequired",
];
