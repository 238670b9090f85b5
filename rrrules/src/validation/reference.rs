//! The references within a schema: where they lead, and whether they come back.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

/// What decides how expensive it is to say why something does not fit a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// It comes back to itself, or may.
    pub(super) recursive: bool,
    /// It has `anyOf` or `oneOf`.
    pub(super) alternatives: bool,
}

pub(super) fn shape(schema: &Value) -> Shape {
    let mut found = Found::default();
    visit(schema, &mut String::new(), &mut |name, value, _| match name {
        "anyOf" | "oneOf" => found.alternatives = true,
        "$dynamicRef" | "$recursiveRef" | "$anchor" | "$dynamicAnchor" | "$id" | "id" => {
            found.indirect |= value.is_string();
        }
        "$ref" => found.targets.extend(value.as_str().map(str::to_owned)),
        _ => {}
    });
    let recursive = found.indirect || comes_back(schema, found.targets);
    Shape { recursive, alternatives: found.alternatives }
}

/// Where a reference stands that leads out of `schema`, or nowhere.
pub(super) fn unresolved(schema: &Value) -> Option<String> {
    let mut found = None;
    visit(schema, &mut String::new(), &mut |name, value, pointer| {
        let Value::String(target) = value else { return };
        let is_reference = matches!(name, "$ref" | "$dynamicRef" | "$recursiveRef" | "$schema");
        if is_reference && found.is_none() && resolve(schema, target).is_none() {
            found = Some(pointer.to_owned());
        }
    });
    found
}

/// What a reference within `document` leads to, and the pointer to it.
pub(super) fn resolve<'a>(document: &'a Value, target: &str) -> Option<(String, &'a Value)> {
    let pointer = super::text::decode(target.strip_prefix('#')?, super::text::Plus::Plus)?;
    let value = document.pointer(&pointer)?;
    Some((pointer, value))
}

/// One step further down a JSON pointer (RFC 6901).
pub(super) fn below(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[derive(Default)]
struct Found {
    targets: HashSet<String>,
    alternatives: bool,
    indirect: bool,
}

// Whether from some target one comes back to it.
fn comes_back(schema: &Value, targets: HashSet<String>) -> bool {
    let mut leads: HashMap<String, HashSet<String>> = HashMap::new();
    for target in targets {
        // What leads elsewhere will not compile; until then, the worst is assumed.
        let Some((_, value)) = resolve(schema, &target) else { return true };
        let mut next = HashSet::new();
        visit(value, &mut String::new(), &mut |name, value, _| {
            if name == "$ref" {
                next.extend(value.as_str().map(str::to_owned));
            }
        });
        leads.insert(target, next);
    }
    // Takes away what leads nowhere any more; what is left are cycles.
    loop {
        let before = leads.len();
        let left: HashSet<String> = leads.keys().cloned().collect();
        leads.retain(|_, next| next.iter().any(|it| left.contains(it)));
        if leads.len() == before {
            return before > 0;
        }
    }
}

fn visit(schema: &Value, pointer: &mut String, see: &mut impl FnMut(&str, &Value, &str)) {
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                let length = pointer.len();
                *pointer = below(pointer, name);
                see(name, value, pointer);
                visit(value, pointer, see);
                pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                let length = pointer.len();
                *pointer = below(pointer, &index.to_string());
                visit(value, pointer, see);
                pointer.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
