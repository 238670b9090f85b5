//! How a parameter's value lies in its text (OpenAPI 3.1 §4.8.12, `style` and `explode`).

use serde_json::{Map, Value};

use super::invalid_schema::InvalidSchema;
use super::kinds::{Kinds, Reading};
use super::node::Node;
use super::place::Place;
use super::text::{Plus, decode};

/// How a value lies in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// `name=value`
    One,
    /// An array: `name=a&name=b`
    Repeated,
    /// An array: `name=a,b`
    Split(Delimiter),
    /// An object: `name=a,1,b,2`
    Listed,
    /// An object: `a=1,b=2`
    Assigned,
    /// An object whose members are parameters themselves: `a=1&b=2`
    Spread,
    /// An object: `name[a]=1&name[b]=2`
    Deep,
}

/// What stands between the items of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delimiter {
    Comma,
    Space,
    Pipe,
}

/// How one piece of text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escapes {
    /// With percent escapes.
    Percent(Plus),
    /// As it is.
    None,
}

type Read<T> = Result<T, &'static str>;

impl Layout {
    /// How the parameter at `node` lies in its `place`.
    pub(super) fn of(node: &Node<'_>, place: Place, kinds: Kinds) -> Result<Self, InvalidSchema> {
        let given = node.get("style")?;
        let style = match &given {
            Some(style) => style.text()?,
            None if matches!(place, Place::Query | Place::Cookie) => "form",
            None => "simple",
        };
        let explode = node.flag("explode", style == "form")?;
        let fits = match style {
            "form" => matches!(place, Place::Query | Place::Cookie),
            "simple" => matches!(place, Place::Path | Place::Header),
            "spaceDelimited" | "pipeDelimited" | "deepObject" => place == Place::Query,
            _ => false,
        };
        if !fits {
            return Err(given.as_ref().unwrap_or(node).error("this style is not supported here"));
        }
        let is_array = kinds.has(Kinds::ARRAY);
        Ok(match style {
            "deepObject" => Self::Deep,
            "spaceDelimited" if is_array && !explode => Self::Split(Delimiter::Space),
            "pipeDelimited" if is_array && !explode => Self::Split(Delimiter::Pipe),
            "form" | "spaceDelimited" | "pipeDelimited" if is_array && explode => Self::Repeated,
            _ if is_array => Self::Split(Delimiter::Comma),
            _ if !kinds.has(Kinds::OBJECT) => Self::One,
            "form" if explode => Self::Spread,
            _ if explode => Self::Assigned,
            _ => Self::Listed,
        })
    }
}

impl Escapes {
    pub(super) fn undo(self, raw: &str) -> Read<String> {
        match self {
            Self::Percent(plus) => decode(raw, plus).ok_or("has a malformed escape"),
            Self::None => Ok(raw.to_owned()),
        }
    }
}

/// An array from the pieces of a text, each escaped by itself.
pub(super) fn array<'a>(
    pieces: impl Iterator<Item = &'a str>,
    items: Kinds,
    escapes: Escapes,
) -> Read<Value> {
    let items: Read<Vec<_>> = pieces.map(|it| Ok(items.read(escapes.undo(it)?))).collect();
    Ok(Value::Array(items?))
}

/// The pieces of `raw`; none of an empty text.
pub(super) fn split(raw: &str, delimiter: Delimiter) -> Vec<&str> {
    match delimiter {
        _ if raw.is_empty() => Vec::new(),
        Delimiter::Comma => raw.split(',').map(|it| it.trim_matches([' ', '\t'])).collect(),
        Delimiter::Space => raw.split("%20").flat_map(|it| it.split(['+', ' '])).collect(),
        Delimiter::Pipe => {
            raw.split("%7C").flat_map(|it| it.split("%7c")).flat_map(|it| it.split('|')).collect()
        }
    }
}

/// An object from names and the texts of their values. A member that is an array may be named
/// several times.
pub(super) fn object<'a>(
    pairs: impl Iterator<Item = (String, &'a str)>,
    reading: &Reading,
    escapes: Escapes,
) -> Read<Value> {
    let mut members = Map::new();
    for (name, raw) in pairs {
        let text = escapes.undo(raw)?;
        let (kinds, items) = reading.members.get(&name).copied().unwrap_or_default();
        if kinds.has(Kinds::ARRAY) {
            let list = members.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(items.read(text));
            }
        } else {
            // A member that the schema does not know is what it was sent as.
            let known = reading.members.contains_key(&name);
            let value = if known { kinds.read(text) } else { Value::String(text) };
            if members.insert(name, value).is_some() {
                return Err("has a member that is given more than once");
            }
        }
    }
    Ok(Value::Object(members))
}

/// The members in `name,value,name,value`.
pub(super) fn listed(raw: &str, escapes: Escapes) -> Read<Vec<(String, &str)>> {
    let pieces = split(raw, Delimiter::Comma);
    let pairs = pieces.chunks(2).map(|pair| match pair {
        [name, value] => Ok((escapes.undo(name)?, *value)),
        _ => Err("has a name without a value"),
    });
    pairs.collect()
}

/// The members in `name=value,name=value`.
pub(super) fn assigned(raw: &str, escapes: Escapes) -> Read<Vec<(String, &str)>> {
    let pieces = split(raw, Delimiter::Comma);
    let pairs = pieces.into_iter().map(|it| {
        let (name, value) = it.split_once('=').ok_or("has a name without a value")?;
        Ok((escapes.undo(name)?, value))
    });
    pairs.collect()
}
