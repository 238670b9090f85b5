//! What is in a JSON document, found without any haste: a list of all its values with their paths.

use regex::Regex;
use serde_json::Value;

/// A body that `serde_json` can read.
pub(super) enum Document {
    Nothing,
    One(Value),
    /// Some object has two members of one name, of which `serde_json` keeps the last.
    Ambiguous,
}

/// What is found in one call.
#[derive(Clone, Copy)]
pub(super) struct Found {
    /// In some reading of the call.
    pub(super) possible: bool,
    /// In every reading of it.
    pub(super) sure: bool,
    /// In the batch that it is in.
    pub(super) in_whole: bool,
}

pub(super) fn document(body: &[u8]) -> Option<Document> {
    if body.is_empty() {
        return Some(Document::Nothing);
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let value: Value = serde_json::from_slice(body).ok()?;
    let is_whole = members(&value) == colons(body);
    Some(if is_whole { Document::One(value) } else { Document::Ambiguous })
}

/// What is found in each call.
pub(super) fn find(document: &Value, path: &Regex, value: Option<&Regex>) -> Vec<Found> {
    let is_call = |it: &Value| it.as_object().is_some_and(|it| it.contains_key("jsonrpc"));
    let whole = in_one(document, path, value);
    match document {
        Value::Array(elements) if elements.iter().any(is_call) => {
            let found = elements.iter().map(|it| in_one(it, path, value));
            found.map(|it| Found { in_whole: whole.possible, ..it }).collect()
        }
        _ => vec![whole],
    }
}

fn in_one(call: &Value, path: &Regex, value: Option<&Regex>) -> Found {
    let mut nodes = Vec::new();
    collect(call, None, true, &mut nodes);
    nodes.retain(|it| {
        let text = it.text.as_deref();
        path.is_match(&it.path)
            && value.is_none_or(|value| text.is_some_and(|text| value.is_match(text)))
    });
    Found { possible: !nodes.is_empty(), sure: nodes.iter().any(|it| it.sure), in_whole: false }
}

struct Node {
    path: String,
    text: Option<String>,
    // Whether the path has one reading.
    sure: bool,
}

fn collect(value: &Value, path: Option<&str>, sure: bool, nodes: &mut Vec<Node>) {
    let text = match value {
        Value::Array(_) | Value::Object(_) => None,
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
    };
    nodes.push(Node { path: path.unwrap_or_default().to_owned(), text, sure });
    let below = |name: &str| path.map_or(name.to_owned(), |it| format!("{it}.{name}"));
    match value {
        Value::Array(elements) => {
            for (index, it) in elements.iter().enumerate() {
                collect(it, Some(&below(&index.to_string())), sure, nodes);
            }
        }
        Value::Object(members) => {
            for (name, it) in members {
                let is_plain = !(name.contains('.') || name.is_empty() && path.is_none());
                collect(it, Some(&below(name)), sure && is_plain, nodes);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn members(value: &Value) -> usize {
    match value {
        Value::Array(elements) => elements.iter().map(members).sum(),
        Value::Object(all) => all.len() + all.values().map(members).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

// One for each member that is written; those in strings are none.
fn colons(json: &[u8]) -> usize {
    let (mut colons, mut quoted, mut escaped) = (0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b':' if !quoted => colons += 1,
            _ => {}
        }
    }
    colons
}
