//! JSON-RPC and MCP: methods, tools, and batches of them.

use super::Sent;

#[test]
fn a_tool_is_found_by_its_name() {
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search"}}"#;
    check(call, "^method$", Some("^tools/call$"), "sure");
    check(call, "^params\\.name$", Some("^search$"), "sure");
    check(call, "^params\\.name$", Some("^delete$"), "none");
}

#[test]
fn each_call_of_a_batch_is_judged_by_itself() {
    let batch = r#" [{"jsonrpc":"2.0","params":{"name":"search"}},
        {"params":{"name":"delete"}}, 7, [{"params":{"name":"search"}}], "x"]"#;
    check(batch, "^params\\.name$", Some("^search$"), "sure none none none none");
    check(batch, "^params\\.name$", Some("^delete$"), "none sure none none none");
    check(batch, "^$", Some("^7$"), "none none sure none none");
    check(batch, "^$", Some("^x$"), "none none none none sure");
    check(batch, "^0\\.params\\.name$", Some("search"), "whole whole whole sure whole");
    check(batch, "^$", None, "sure sure sure sure sure");
    check("\u{feff}[{\"jsonrpc\":1}]", "^jsonrpc$", None, "sure");
}

#[test]
fn an_array_is_one_document_unless_it_has_a_call_in_it() {
    check("[]", "^$", None, "sure");
    check(r#"[{"method":"a"},{"method":"b"}]"#, "^1\\.method$", Some("b"), "sure");
    check(r#"[["jsonrpc"],{"a":{"jsonrpc":1}},"jsonrpc"]"#, "^1\\.a$", None, "sure");
    check(r#"{"jsonrpc":[{"jsonrpc":1},{}]}"#, "^jsonrpc\\.0", None, "sure");
    // However it is spelt.
    check(r#"[{"\u006Asonrpc":1,"a":1},{"a":2}]"#, "^a$", Some("2"), "none sure");
}

#[test]
fn a_name_with_a_dot_is_in_doubt_in_a_call_too() {
    let batch = r#"[{"jsonrpc":1,"params.name":"x"},{"params":{"name":"x"}},{"":5}]"#;
    check(batch, "^params\\.name$", Some("x"), "possible sure none");
    check(batch, "^$", Some("5"), "none none possible");
}

#[test]
fn a_batch_beyond_a_thousand_calls_is_not_inspected() {
    let batch = |calls: usize| format!("[{{\"jsonrpc\":1}}{}]", ",1".repeat(calls - 1));
    let found = Sent::json(batch(1_000)).finds("^$", None);
    assert_eq!(found.map(|it| it.split(' ').count()), Ok(1_000));
    assert_eq!(Sent::json(batch(1_001)).finds("^$", None), Err("more calls than 1,000"));
}

#[track_caller]
fn check(document: &str, path: &str, value: Option<&str>, expected: &str) {
    let found = Sent::json(document).finds(path, value);
    assert_eq!(found.as_deref(), Ok(expected), "{document} {path} {value:?}");
}
