//! JSONTestSuite and the RFC 9535 compliance tests, where they are at hand.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use libtest_mimic::{Arguments, Trial};
use rrcore::json::{Segment, SingularPath};
use rrfilter::{Filter, Operation, apply};
use serde_json::Value;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/json");
    let is_there = folder.is_dir();
    let trial = |name: &str, test: fn(&Path)| {
        let folder = folder.clone();
        Trial::test(name, move || {
            test(&folder);
            Ok(())
        })
        .with_ignored_flag(!is_there)
    };
    let trials = vec![
        trial(
            "json_test_suite_passes_untouched_or_is_refused",
            json_test_suite_passes_untouched_or_is_refused,
        ),
        trial(
            "rfc_9535_paths_find_what_they_should_or_are_refused",
            rfc_9535_paths_find_what_they_should_or_are_refused,
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn json_test_suite_passes_untouched_or_is_refused(folder: &Path) {
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

fn rfc_9535_paths_find_what_they_should_or_are_refused(folder: &Path) {
    let suite = fs::read(folder.join("jsonpath_cts.dev.json")).unwrap();
    let suite: Value = serde_json::from_slice(&suite).unwrap();
    let mut compared = 0;
    for case in suite["tests"].as_array().unwrap() {
        let (name, selector) = (&case["name"], case["selector"].as_str().unwrap());
        let filter = |operation| Filter::new("flt", operation, [selector]);
        let destroy = match filter(Operation::Destroy) {
            _ if case["invalid_selector"] == true => {
                assert!(filter(Operation::Destroy).is_err(), "{name}: {selector} is not JSONPath");
                continue;
            }
            Ok(filter) => filter,
            Err(error) => panic!("{name}: {selector}: {error}"),
        };
        let mask = filter(Operation::Mask).unwrap();
        let document = &case["document"];
        let found = case.get("result_paths").or_else(|| case["results_paths"].get(0)).unwrap();
        let mut found: Vec<&str> =
            found.as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        found.sort_unstable();
        found.dedup();
        if found.contains(&"$") {
            let document = document.to_string();
            assert!(apply([&destroy], document.as_bytes()).is_err(), "{name}: nothing is left");
            continue;
        }
        // Where the outer of two is found, the inner goes with it.
        let outermost = found.iter().filter(|it| {
            !found.iter().any(|outer| it.strip_prefix(outer).is_some_and(|it| it.starts_with('[')))
        });
        let mut ways: Vec<_> = outermost.map(|it| way(it)).collect();
        // From the end, so that indexes hold.
        ways.sort_by(|a, b| order(b).cmp(&order(a)));
        let (mut without, mut masked) = (document.clone(), document.clone());
        for way in &ways {
            *at(&mut masked, way) = Value::from("***");
            destroyed(&mut without, way);
        }
        assert_eq!(left(&destroy, document), without, "{name}: {selector}");
        assert_eq!(left(&mask, document), masked, "{name}: {selector}");
        compared += 1;
    }
    assert!(compared > 200, "only {compared} cases: moved?");
}

fn left(filter: &Filter, document: &Value) -> Value {
    let left = apply([filter], document.to_string().as_bytes()).unwrap();
    serde_json::from_slice(&left.document).unwrap()
}

// A normalized path (RFC 9535 §2.7).
fn way(path: &str) -> Vec<Segment> {
    path.parse::<SingularPath>().unwrap().segments().to_vec()
}

fn order(way: &[Segment]) -> Vec<(u64, &str)> {
    let place = |it| match it {
        &Segment::Index(index) => (index, ""),
        Segment::Name(name) => (0, &**name),
    };
    way.iter().map(place).collect()
}

fn at<'a>(document: &'a mut Value, way: &[Segment]) -> &'a mut Value {
    way.iter().fold(document, |it, segment| match segment {
        Segment::Name(name) => &mut it[&**name],
        Segment::Index(index) => &mut it[usize::try_from(*index).unwrap()],
    })
}

fn destroyed(document: &mut Value, way: &[Segment]) {
    let (last, around) = way.split_last().unwrap();
    let parent = at(document, around);
    match last {
        Segment::Name(name) => drop(parent.as_object_mut().unwrap().remove(&**name).unwrap()),
        Segment::Index(index) => {
            parent.as_array_mut().unwrap().remove(usize::try_from(*index).unwrap());
        }
    }
}
