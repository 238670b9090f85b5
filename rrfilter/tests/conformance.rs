//! JSONTestSuite and the RFC 9535 compliance tests, where they are at hand.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic, or be skipped")]

use std::fs;
use std::path::{Path, PathBuf};

use rrcore::json::{Segment, segments};
use rrfilter::{Filter, Operation, apply};
use serde_json::Value;

#[test]
fn json_test_suite_passes_untouched_or_is_refused() {
    let Some(folder) = material() else { return };
    let list = fs::read_to_string(folder.join("jsontestsuite.dev.txt")).unwrap();
    let everything = Filter::new("flt", Operation::Retain, ["$"]).unwrap();
    for name in list.lines().filter(|it| !it.is_empty()) {
        let document = fs::read(folder.join("jsontestsuite_parsing").join(name)).unwrap();
        let left = apply([&everything], &document);
        match name.as_bytes() {
            // The grammar has them, but readers disagree about what they say.
            _ if name.starts_with("y_object_duplicated_key") => assert!(left.is_err(), "{name}"),
            [b'y', ..] => assert_eq!(left.unwrap().document, document, "{name}"),
            [b'n', ..] => assert!(left.is_err(), "{name}"),
            _ => {}
        }
    }
}

#[test]
fn rfc_9535_paths_find_what_they_should_or_are_refused() {
    let Some(folder) = material() else { return };
    let suite = fs::read(folder.join("jsonpath_cts.dev.json")).unwrap();
    let suite: Value = serde_json::from_slice(&suite).unwrap();
    let mut compared = 0;
    for case in suite["tests"].as_array().unwrap() {
        let (name, selector) = (&case["name"], case["selector"].as_str().unwrap());
        let filter = Filter::new("flt", Operation::Destroy, [selector]);
        if case["invalid_selector"] == true {
            assert!(filter.is_err(), "{name}: {selector} is not JSONPath");
            continue;
        }
        let filter = match filter {
            Ok(filter) => filter,
            Err(error) if error.why.ends_with("not supported") => continue,
            Err(error) => panic!("{name}: {selector} is JSONPath, but {error}"),
        };
        let mut expected = case["document"].clone();
        let found = case.get("result_paths").or_else(|| case["results_paths"].get(0)).unwrap();
        // From the end, so that indexes hold.
        for path in found.as_array().unwrap().iter().rev() {
            destroy(&mut expected, path.as_str().unwrap());
        }
        let left = apply([&filter], case["document"].to_string().as_bytes()).unwrap();
        let left: Value = serde_json::from_slice(&left.document).unwrap();
        assert_eq!(left, expected, "{name}: {selector}");
        compared += 1;
    }
    assert!(compared > 20, "only {compared} cases were within reach");
}

// Takes out what a normalized path (RFC 9535 §2.7) names.
fn destroy(document: &mut Value, path: &str) {
    let mut segments = segments(path).unwrap();
    let last = segments.pop().unwrap();
    let parent = segments.iter().fold(document, |it, segment| match segment {
        Segment::Name(name) => &mut it[&**name],
        Segment::Index(index) => &mut it[usize::try_from(*index).unwrap()],
        Segment::Wildcard => unreachable!("normalized: {path}"),
    });
    match last {
        Segment::Name(name) => drop(parent.as_object_mut().unwrap().remove(&*name).unwrap()),
        Segment::Index(index) => {
            parent.as_array_mut().unwrap().remove(usize::try_from(index).unwrap());
        }
        Segment::Wildcard => unreachable!("normalized: {path}"),
    }
}

fn material() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/json");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: there is no {}", folder.display());
    None
}
