//! JSON files that must parse, and that must not (JSONTestSuite, which is not in this repository).

use std::path::Path;

use super::Sent;

#[test]
fn the_files_of_jsontestsuite_are_inspected_if_and_only_if_they_are_json() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/json");
    let Ok(names) = std::fs::read_to_string(folder.join("jsontestsuite.dev.txt")) else {
        use std::io::Write;
        _ = writeln!(std::io::stderr(), "skipped: there is no {}", folder.display());
        return;
    };
    let mut wrong = Vec::new();
    for name in names.lines().map(str::trim).filter(|it| !it.is_empty()) {
        let file = std::fs::read(folder.join("jsontestsuite_parsing").join(name)).unwrap();
        let found = Sent::json(&file).finds(".", Some("."));
        let is_right = match (name.as_bytes().first(), found) {
            // Duplicate names have two readings. An empty body is no body.
            (Some(b'y'), found) => match found {
                Err(reason) => {
                    name.contains("duplicate") && reason == "JSON with two members of one name"
                }
                Ok(_) => !name.contains("duplicate"),
            },
            (Some(b'n'), found) => found.is_err() != file.is_empty(),
            // Either way, but without harm.
            (_, _) => true,
        };
        if !is_right {
            wrong.push(name);
        }
    }
    assert_eq!(wrong, [""; 0]);
}
