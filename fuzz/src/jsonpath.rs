//! What is a JSONPath, and what it finds, is what another implementation says.

use rrfilter::{Filter, Operation, apply};
use serde_json::Value;
use serde_json_path::JsonPath;

/// Takes any text as a path.
///
/// # Panics
/// When the two do not agree.
pub fn check(data: &[u8]) {
    let Ok(path) = std::str::from_utf8(data) else { return };
    let ours = match Filter::new("flt", Operation::Mask, [path]) {
        Ok(filter) => filter,
        Err(error) => {
            assert!(error.offset <= path.len(), "{error}");
            return;
        }
    };
    // What is refused for its size is refused before the other reads it, which recurses. The other
    // refuses blanks before `..`, and surrogates in lower case, which the RFC allows.
    let theirs = match JsonPath::parse(path) {
        Ok(theirs) => theirs,
        Err(_) if path.contains([' ', '\t', '\n', '\r']) || path.contains("\\ud") => return,
        Err(_) => panic!("{path} is not JSONPath"),
    };
    if ours.needs_buffering() {
        let _ = apply([&ours], DOCUMENT.as_bytes());
        return;
    }
    let value: Value = serde_json::from_str(DOCUMENT).expect("it is JSON");
    let ways: Vec<String> =
        theirs.query_located(&value).locations().map(|it| it.to_string()).collect();
    let located = Filter::new("flt", Operation::Mask, ways).expect("a way is a path");
    assert_eq!(
        apply([&ours], DOCUMENT.as_bytes()).expect("it is JSON").document,
        apply([&located], DOCUMENT.as_bytes()).expect("it is JSON").document
    );
}

const DOCUMENT: &str =
    r#"{"a":[1,{"b":"x","a":[[2,3],{"a":null}]},4.5],"b":{"a":{"b":[]},"é":true},"":0,"c":"a"}"#;
