//! Reads what the headers say as RFC 9651 does: a List of Strings with parameters, strictly.

use http::Response;

/// A String with its parameters.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) parameters: Vec<(String, Value)>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    Int(i64),
    Text(String),
}

impl Item {
    pub(super) fn int(&self, name: &str) -> Option<i64> {
        match self.parameters.iter().find(|it| it.0 == name)?.1 {
            Value::Int(it) => Some(it),
            Value::Text(_) => None,
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match &self.parameters.iter().find(|it| it.0 == name)?.1 {
            Value::Text(it) => Some(it),
            Value::Int(_) => None,
        }
    }
}

/// The List in the lines of the field, which there must be.
#[track_caller]
pub(super) fn list<B>(response: &Response<B>, field: &str) -> Vec<Item> {
    let lines: Vec<_> =
        response.headers().get_all(field).iter().map(|it| it.to_str().unwrap()).collect();
    assert!(!lines.is_empty(), "no {field}");
    let text = lines.join(", ");
    let mut rest = text.as_str();
    let mut items = Vec::new();
    loop {
        items.push(item(&mut rest));
        rest = rest.trim_start_matches([' ', '\t']);
        if rest.is_empty() {
            return items;
        }
        rest = rest.strip_prefix(',').expect("a comma");
        rest = rest.trim_start_matches([' ', '\t']);
    }
}

fn item(rest: &mut &str) -> Item {
    let name = string(rest);
    let mut parameters = Vec::new();
    while let Some(after) = rest.strip_prefix(';') {
        *rest = after.trim_start_matches(' ');
        let key = take(rest, |it| matches!(it, 'a'..='z' | '0'..='9' | '_' | '-' | '.' | '*'));
        assert!(key.starts_with(|it: char| it.is_ascii_lowercase() || it == '*'), "{key}");
        *rest = rest.strip_prefix('=').expect("a value");
        let value = if rest.starts_with('"') {
            Value::Text(string(rest))
        } else {
            let digits = take(rest, |it| it.is_ascii_digit());
            assert!((1..=15).contains(&digits.len()), "{digits}");
            Value::Int(digits.parse().unwrap())
        };
        parameters.push((key, value));
    }
    Item { name, parameters }
}

fn string(rest: &mut &str) -> String {
    *rest = rest.strip_prefix('"').expect("a string");
    let mut text = String::new();
    loop {
        let mut chars = rest.chars();
        match chars.next().expect("an end") {
            '"' => {
                *rest = chars.as_str();
                return text;
            }
            '\\' => {
                let escaped = chars.next().expect("what is escaped");
                assert!(matches!(escaped, '"' | '\\'), "{escaped}");
                text.push(escaped);
            }
            it => {
                assert!(matches!(it, ' '..='~'), "{it:?}");
                text.push(it);
            }
        }
        *rest = chars.as_str();
    }
}

fn take(rest: &mut &str, accepts: impl Fn(char) -> bool) -> String {
    let end = rest.find(|it| !accepts(it)).unwrap_or(rest.len());
    let (taken, after) = rest.split_at(end);
    *rest = after;
    taken.to_owned()
}
