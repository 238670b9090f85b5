//! Compiled schemas, and what may be said about what does not fit them.

use std::collections::HashSet;

use jsonschema::{PatternOptions, Retrieve, Uri, ValidationError};
use serde_json::{Map, Value};

use super::detail::{NOT_VALID, detail};
use super::invalid_schema::InvalidSchema;
use super::reference::{Shape, shape};
use super::violation::Violations;

/// Schemas that were compiled together.
pub(super) struct Schemas {
    validator: jsonschema::Validator,
    /// All names of members that the schemas know.
    names: HashSet<Box<str>>,
    shape: Shape,
}

/// One of several schemas: the name of a member of the object that all of them together describe.
///
/// One compiled schema with a member for each shares what they have in common. Compiled one by
/// one, a document whose operations use the same schemas would take time and memory that grow with
/// the square of its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot(pub(super) String);

impl Schemas {
    /// Compiles `schema`. A wrong place in it is named as `place` says.
    pub(super) fn compile(
        schema: &Value,
        place: impl Fn(&str) -> String,
    ) -> Result<Self, InvalidSchema> {
        if count_patterns(schema) > MAX_PATTERNS {
            let reason = format!("has more than {MAX_PATTERNS} patterns");
            return Err(InvalidSchema::new("", reason));
        }
        let options = jsonschema::options()
            .with_retriever(Nowhere)
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES))
            .should_validate_formats(true);
        // Others are linear in the text. These are not known to be, or are no format of JSON's.
        let annotations = ["regex", "idn-email", "idn-hostname", "iri", "iri-reference"];
        let options = annotations
            .iter()
            .chain(&["uri-template"])
            .fold(options, |options, name| options.with_format(*name, |_| true));
        let validator = options.build(schema).map_err(|error| {
            let (pointer, reason) = blame(schema, &error);
            InvalidSchema::new(place(&pointer), reason)
        })?;
        let mut names = HashSet::new();
        collect_names(schema, &mut names);
        Ok(Self { validator, names, shape: shape(schema) })
    }

    /// Checks `value`, and adds what is wrong with it under `pointer`. `size` is how long its text
    /// was, in bytes.
    pub(super) fn check(
        &self,
        slot: Option<&Slot>,
        value: Value,
        size: usize,
        pointer: &str,
        violations: &mut Violations,
    ) {
        let instance = match slot {
            None => value,
            Some(Slot(name)) => Value::Object(Map::from_iter([(name.clone(), value)])),
        };
        if self.validator.is_valid(&instance) {
            return;
        }
        let skipped = usize::from(slot.is_some());
        let mut errors = self.errors(&instance, size).peekable();
        if errors.peek().is_none() {
            violations.add(pointer, NOT_VALID);
        }
        for error in errors {
            let place = self.known_part(&instance, error.instance_path().as_str(), skipped);
            violations.add(format!("{pointer}{place}"), detail(error.kind()));
        }
    }

    pub(super) fn fits(&self, slot: &Slot, value: Value) -> bool {
        let Slot(name) = slot;
        self.validator.is_valid(&Value::Object(Map::from_iter([(name.clone(), value)])))
    }

    // Whether something is valid is found in time that is bounded by the sizes of schema and
    // instance. What is wrong is not: alternatives within alternatives, or a schema that comes back
    // to itself, can be wrong in exponentially many ways. So only what is cheap is said in full.
    fn errors<'a>(
        &'a self,
        instance: &'a Value,
        size: usize,
    ) -> Box<dyn Iterator<Item = ValidationError<'a>> + 'a> {
        let Shape { recursive, alternatives } = self.shape;
        let is_flat = !recursive || !alternatives && depth(instance) <= EXPLAINED_DEPTH;
        match (size <= EXPLAINED_BYTES, is_flat) {
            (true, true) => Box::new(self.validator.iter_errors(instance)),
            (false, true) if !alternatives => {
                Box::new(self.validator.validate(instance).err().into_iter())
            }
            (_, false) | (false, true) => Box::new(std::iter::empty()),
        }
    }

    // The part of `pointer` that holds nothing which only the sender knows.
    fn known_part(&self, instance: &Value, pointer: &str, skipped: usize) -> String {
        let mut known = String::new();
        let mut here = instance;
        for (index, segment) in pointer.split('/').skip(1).enumerate() {
            let name = segment.replace("~1", "/").replace("~0", "~");
            let next = match here {
                Value::Array(items) => name.parse().ok().and_then(|it: usize| items.get(it)),
                Value::Object(members) if index < skipped || self.names.contains(&*name) => {
                    members.get(&name)
                }
                _ => None,
            };
            let Some(next) = next else { break };
            here = next;
            if index >= skipped {
                known.push('/');
                known.push_str(segment);
            }
        }
        known
    }
}

// Whatever another crate's features make of the default.
struct Nowhere;

impl Retrieve for Nowhere {
    fn retrieve(&self, _: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err("nothing outside of the document is fetched".into())
    }
}

// The schema is the operator's own, but one line must do.
fn blame(schema: &Value, error: &ValidationError<'_>) -> (String, String) {
    use jsonschema::error::ValidationErrorKind as Kind;
    match error.kind() {
        Kind::Referencing(_) => {
            let pointer = super::reference::unresolved(schema).unwrap_or_default();
            (pointer, "names a schema that is not in this document; nothing is fetched".to_owned())
        }
        Kind::Format { format } if format == "regex" => {
            let reason = "is no regular expression that can be matched in linear time";
            (error.instance_path().as_str().to_owned(), reason.to_owned())
        }
        kind => (error.instance_path().as_str().to_owned(), detail(kind)),
    }
}

fn collect_names(schema: &Value, names: &mut HashSet<Box<str>>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                names.extend(properties.keys().map(|it| it.as_str().into()));
            }
            members.values().for_each(|it| collect_names(it, names));
        }
        Value::Array(items) => items.iter().for_each(|it| collect_names(it, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

// Each may take up to `PATTERN_BYTES`.
fn count_patterns(schema: &Value) -> usize {
    match schema {
        Value::Object(members) => {
            let here = members.iter().map(|(name, value)| match (name.as_str(), value) {
                ("pattern", Value::String(_)) => 1,
                ("patternProperties", Value::Object(patterns)) => patterns.len(),
                _ => 0,
            });
            here.sum::<usize>() + members.values().map(count_patterns).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(count_patterns).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

const PATTERN_BYTES: usize = 1 << 20;
const MAX_PATTERNS: usize = 1_024;
const EXPLAINED_BYTES: usize = 16 << 10;
const EXPLAINED_DEPTH: usize = 8;
