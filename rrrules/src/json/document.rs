//! A JSON document with one reading.

use rrcore::json::{Event, Limits, Scanner};
use serde_json::Value;

use crate::json::error::JsonError;

/// Parses a whole document in which no object has two members of one name: of those, one reader
/// takes the first and another the last.
pub(crate) fn parse(text: &str) -> Result<Value, JsonError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut nobody = |_: Event<'_>| {};
    // Names are as long as the document, which is bounded, lets them be.
    let mut scanner = Scanner::new(Limits::default().depth(MAX_DEPTH).key(usize::MAX));
    let scanned = scanner.push(text.as_bytes(), &mut nobody);
    let scanned = scanned.and_then(|()| scanner.finish(&mut nobody));
    scanned.map_err(|error| JsonError::new("", error.to_string()))?;
    serde_json::from_str(text).map_err(|error| {
        // What the scanner lets pass and a string cannot hold: half a surrogate pair.
        let (line, column) = (error.line(), error.column());
        JsonError::new("", format!("no text that JSON can hold: line {line} column {column}"))
    })
}

/// Below what `serde_json` allows.
const MAX_DEPTH: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_single_reading_is_refused_with_its_place() {
        check("", "the document is not complete at byte 0");
        check("{} {}", "something follows the document at byte 3");
        check(r#"{"a":1,"\u0061":2}"#, "two members of one name at byte 14");
        check(r#"{"a":}"#, "unexpected byte at byte 5");
        check(r#""\ud800""#, "no text that JSON can hold: line 1 column 8");
        check(&"[".repeat(101), "nested too deep at byte 100");
        assert_eq!(parse("\u{feff}[1]").unwrap(), serde_json::json!([1]));
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(parse(text).unwrap_err().to_string(), expected);
    }
}
