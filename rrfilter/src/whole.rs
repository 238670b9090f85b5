//! Paths that ask for more than the way to a value: they need the document as a whole.

use rrcore::json::{Query, Selector, Step};
use serde_json::Value;
use serde_json_path::{JsonPath, PathElement};

use crate::error::NotFilterable;
use crate::paths::{PathIndex, PathSet};

/// A filter's paths, some of which need the document as a whole.
#[derive(Debug)]
pub(crate) struct WholePaths {
    paths: Vec<WholePath>,
}

#[derive(Debug)]
pub(crate) enum WholePath {
    /// It does not: it can be followed on the way.
    Onward(Query),
    Looking(Box<JsonPath>, Cost),
}

/// What decides how long it may take to follow a path.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    // In how many ways one value may be found, as a power of 2: by several selectors at once.
    doublings: u32,
    // How often values in values are looked at: `..`, and filters.
    descents: u32,
    // How often filters look at the whole document: `$`.
    roots: u32,
    // Patterns are compiled for each value.
    patterns: u32,
}

impl WholePaths {
    pub(crate) const fn new(paths: Vec<WholePath>) -> Self {
        Self { paths }
    }

    /// The ways to all values that the paths find in `document`.
    pub(crate) fn ways(&self, document: &[u8]) -> Result<PathSet, NotFilterable> {
        let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
        let value = rrcore::json::value(document).map_err(|_| NotFilterable::NotRead)?;
        let (values, depth) = extent(&value);
        let mut queries = Vec::new();
        for (index, path) in (0..).zip(&self.paths) {
            match path {
                WholePath::Onward(query) => queries.push((index, query.clone())),
                WholePath::Looking(path, cost) => {
                    if cost.steps(values, depth) > MOST_STEPS {
                        return Err(NotFilterable::TooCostly);
                    }
                    locate(path, index, &value, &mut queries)?;
                }
            }
        }
        PathSet::new(&queries, self.paths.len()).map_err(|_| NotFilterable::TooCostly)
    }
}

fn locate(
    path: &JsonPath,
    index: PathIndex,
    value: &Value,
    queries: &mut Vec<(PathIndex, Query)>,
) -> Result<(), NotFilterable> {
    for way in path.query_located(value).locations() {
        if queries.len() > MOST_FOUND {
            return Err(NotFilterable::TooCostly);
        }
        // Not by its text: a name may hold anything, also what reads like a path.
        let query = way.iter().map(|it| Step::from(selector(it))).collect();
        queries.push((index, query));
    }
    Ok(())
}

fn selector(element: &PathElement<'_>) -> Selector {
    match element {
        PathElement::Name(name) => Selector::Name((*name).into()),
        PathElement::Index(index) => Selector::Index(u64::try_from(*index).unwrap_or(u64::MAX)),
    }
}

// How many values there are, and how deep they are nested.
fn extent(value: &Value) -> (u64, u64) {
    let sum = |(values, depth): (u64, u64), it: &Value| {
        let inner = extent(it);
        (values + inner.0, depth.max(inner.1))
    };
    let (values, depth) = match value {
        Value::Array(array) => array.iter().fold((0, 0), sum),
        Value::Object(object) => object.values().fold((0, 0), sum),
        _ => (0, 0),
    };
    (values + 1, depth + 1)
}

impl WholePath {
    /// Reads a path that cannot be followed on the way. An error says where it stops being one.
    pub(crate) fn looking(path: &str) -> Result<Self, (usize, &'static str)> {
        let cost = Cost::of(path)?;
        let read = JsonPath::parse(&as_it_is_read(path)).map_err(|error| {
            (error.position().saturating_sub(1).min(path.len()), "this is not JSONPath (RFC 9535)")
        })?;
        Ok(Self::Looking(Box::new(read), cost))
    }
}

// The reader does not take blanks before `..`, which the RFC allows (§2.1.1) and which mean nothing;
// and the first half of a surrogate pair only in upper case.
fn as_it_is_read(path: &str) -> String {
    let (mut read, mut quote, mut is_escaped) = (String::with_capacity(path.len()), None, false);
    let mut digits = 0;
    for (at, char) in path.char_indices() {
        match quote {
            None if matches!(char, '"' | '\'') => quote = Some(char),
            Some(end) if char == end && !is_escaped => quote = None,
            _ => {}
        }
        if is_escaped && char == 'u' {
            digits = 4;
            read.push('u');
            is_escaped = false;
            continue;
        }
        if digits > 0 {
            digits -= 1;
            read.push(char.to_ascii_uppercase());
            continue;
        }
        is_escaped = char == '\\' && !is_escaped && quote.is_some();
        if quote.is_none() && path.get(at..).is_some_and(|it| it.starts_with("..")) {
            read.truncate(read.trim_end_matches([' ', '\t', '\n', '\r']).len());
        }
        read.push(char);
    }
    read
}

impl Cost {
    // By the look of it, outside of what is quoted.
    fn of(path: &str) -> Result<Self, (usize, &'static str)> {
        if path.len() > MOST_BYTES {
            return Err((MOST_BYTES, "an expression is no longer than 1,024 bytes"));
        }
        let (mut cost, mut nested, mut quote, mut before) = (Self::default(), 0_u32, None, ' ');
        let mut chars = path.char_indices();
        while let Some((at, char)) = chars.next() {
            if let Some(end) = quote {
                if char == '\\' {
                    let escaped = path.get(at..).and_then(escape);
                    let length = escaped.ok_or((at, "this is no escape (RFC 9535 §2.3.1.1)"))?;
                    chars.by_ref().take(length - 1).for_each(|_| {});
                } else if char == end {
                    quote = None;
                }
                continue;
            }
            match char {
                '"' | '\'' => quote = Some(char),
                '(' | '[' => nested += 1,
                ')' | ']' => nested = nested.saturating_sub(1),
                ',' => cost.doublings += 1,
                '$' if at > 0 => cost.roots += 1,
                '.' if before == '.' => cost.descents += 1,
                '?' => cost.descents += 1,
                // `match(` and `search(` end so, and `length(` does.
                'h' if path.get(at..).is_some_and(|it| it.starts_with("h(")) => cost.patterns += 1,
                _ => {}
            }
            if nested > MOST_NESTED {
                return Err((at, "this is nested too deep"));
            }
            before = char;
        }
        Ok(cost)
    }

    // No fewer than it takes to follow the path.
    fn steps(self, values: u64, depth: u64) -> u64 {
        let several = 1_u64.checked_shl(self.doublings).unwrap_or(u64::MAX);
        let patterns = if self.patterns > 0 { PATTERN } else { 1 };
        values
            .saturating_mul(several)
            .saturating_mul(depth.saturating_pow(self.descents.saturating_sub(1)))
            .saturating_mul(values.saturating_pow(self.roots))
            .saturating_mul(patterns)
    }
}

// How many characters the escape at the start of `text` has; `None` where it is none. The reader of
// expressions does not survive one that is cut off.
fn escape(text: &str) -> Option<usize> {
    let unit = |at: usize| {
        let hex = text.get(at..at + 6)?.strip_prefix("\\u")?;
        let is_hex = hex.bytes().all(|it| it.is_ascii_hexdigit());
        is_hex.then(|| u16::from_str_radix(hex, 16).ok()).flatten()
    };
    match text.as_bytes().get(1)? {
        b'b' | b'f' | b'n' | b'r' | b't' | b'/' | b'\\' | b'\'' | b'"' => Some(2),
        b'u' => match unit(0)? {
            0xd800..=0xdbff => matches!(unit(6)?, 0xdc00..=0xdfff).then_some(12),
            0xdc00..=0xdfff => None,
            _ => Some(6),
        },
        _ => None,
    }
}

// A path is a tenant's, and a document an upstream's: neither may cost others their time.
const MOST_BYTES: usize = 1_024;
const MOST_NESTED: u32 = 12;
const MOST_STEPS: u64 = 50_000_000;
const MOST_FOUND: usize = 100_000;
// What it takes to compile a pattern, beside looking at a value.
const PATTERN: u64 = 500;
