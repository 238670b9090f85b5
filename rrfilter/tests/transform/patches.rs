//! JSON Patch: the facts of RFC 6902, and what its Appendix A leaves open.

use rrfilter::{BodyStep, InvalidTransform, JsonPointer, JsonTemplate, PatchOperation};
use serde_json::{Value, json};

use crate::support::changed;

const ABSENT: Result<Value, &str> = Err("step 0: there is nothing where the step needs it");
const NO_PLACE: Result<Value, &str> = Err("step 0: the step leads where nothing can be");
const TEST: Result<Value, &str> = Err("step 0: a test failed");

#[test]
fn objects_and_arrays_get_what_is_added() {
    check(r#"{"foo":"bar"}"#, &json!([add("/baz", "qux")]), Ok(json!({"baz":"qux","foo":"bar"})));
    let list = r#"{"foo":["bar","baz"]}"#;
    check(list, &json!([add("/foo/1", "qux")]), Ok(json!({"foo":["bar","qux","baz"]})));
    check(list, &json!([add("/foo/0", "qux")]), Ok(json!({"foo":["qux","bar","baz"]})));
    check(list, &json!([add("/foo/2", "qux")]), Ok(json!({"foo":["bar","baz","qux"]})));
    let child = json!([add("/child", json!({"grandchild":{}}))]);
    check(r#"{"foo":"bar"}"#, &child, Ok(json!({"foo":"bar","child":{"grandchild":{}}})));
    let to_the_end = json!([add("/foo/-", json!(["abc", "def"]))]);
    check(r#"{"foo":["bar"]}"#, &to_the_end, Ok(json!({"foo":["bar",["abc","def"]]})));
    check(r#"{"foo":1}"#, &json!([add("/foo", 2)]), Ok(json!({"foo":2})));
    check(r#"{"foo":1}"#, &json!([add("", [2])]), Ok(json!([2])));
    // A.12
    check(r#"{"foo":"bar"}"#, &json!([add("/baz/bat", "qux")]), ABSENT);
    check("[1]", &json!([add("/2", 1)]), NO_PLACE);
    check("[1]", &json!([add("/01", 1)]), NO_PLACE);
    check("7", &json!([add("/a", 1)]), NO_PLACE);
}

#[test]
fn what_is_removed_or_replaced_has_to_be_there() {
    let remove = |path: &str| json!([{"op":"remove","path":path}]);
    check(r#"{"baz":"qux","foo":"bar"}"#, &remove("/baz"), Ok(json!({"foo":"bar"})));
    check(r#"{"foo":["bar","qux","baz"]}"#, &remove("/foo/1"), Ok(json!({"foo":["bar","baz"]})));
    check(r#"{"foo":1}"#, &remove("/bar"), ABSENT);
    check(r#"{"foo":[1]}"#, &remove("/foo/1"), ABSENT);
    check(r#"{"foo":[1]}"#, &remove("/foo/-"), ABSENT);
    let replace = |path: &str| json!([{"op":"replace","path":path,"value":"boo"}]);
    check(r#"{"baz":"qux","foo":"bar"}"#, &replace("/baz"), Ok(json!({"baz":"boo","foo":"bar"})));
    check(r#"[1,2]"#, &replace("/1"), Ok(json!([1, "boo"])));
    check(r#"{"a":1}"#, &replace(""), Ok(json!("boo")));
    check(r#"{"a":1}"#, &replace("/b"), ABSENT);
}

#[test]
fn what_is_moved_or_copied_has_to_be_there() {
    let operation = |op: &str, from: &str, path: &str| json!([{"op":op,"from":from,"path":path}]);
    check(
        r#"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#,
        &operation("move", "/foo/waldo", "/qux/thud"),
        Ok(json!({"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}})),
    );
    check(
        r#"{"foo":["all","grass","cows","eat"]}"#,
        &operation("move", "/foo/1", "/foo/3"),
        Ok(json!({"foo":["all","cows","eat","grass"]})),
    );
    check(r#"{"a":1}"#, &operation("move", "/a", "/a"), Ok(json!({"a":1})));
    check(r#"{"a":1}"#, &operation("move", "/b", "/a"), ABSENT);
    check(r#"{"a":{"b":1}}"#, &operation("move", "/a/b", "/a"), Ok(json!({"a":1})));
    check(r#"{"a":[1]}"#, &operation("copy", "/a", "/a/0"), Ok(json!({"a":[[1],1]})));
    check(r#"{"a":[1]}"#, &operation("copy", "", "/b"), Ok(json!({"a":[1],"b":{"a":[1]}})));
    check(r#"{"a":1}"#, &operation("copy", "/b", "/a"), ABSENT);
}

#[test]
fn a_test_compares_what_values_say() {
    let test = |path: &str, value: Value| json!([{"op":"test","path":path,"value":value}]);
    let document = r#"{"baz":"qux","foo":["a",2,"c"]}"#;
    let same = || Ok(serde_json::from_str(document).unwrap());
    check(document, &test("/baz", json!("qux")), same());
    check(document, &test("/foo/1", json!(2)), same());
    check(document, &test("", json!({"foo":["a",2,"c"],"baz":"qux"})), same());
    check(r#"{"baz":"qux"}"#, &test("/baz", json!("bar")), TEST);
    check(document, &test("/none", json!(null)), ABSENT);
    // A.14, A.15
    check(r#"{"/":9,"~1":10}"#, &test("/~01", json!(10)), Ok(json!({"/":9,"~1":10})));
    check(r#"{"/":9,"~1":10}"#, &test("/~01", json!("10")), TEST);
    check(r#"{"a":"\u00e9"}"#, &test("/a", json!("é")), Ok(json!({"a":"é"})));
    for (one, other) in [("[1]", "[1,2]"), ("[1,2]", "[1]"), ("{}", "[]"), ("null", "false")] {
        check_equal(one, other, false);
    }
    check_equal(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, true);
    check_equal(r#"{"a":1}"#, r#"{"a":1,"b":2}"#, false);
    check_equal(r#"{"a":1,"b":2}"#, r#"{"a":1,"c":2}"#, false);
}

#[test]
fn numbers_are_compared_to_the_last_digit() {
    check_equal("1", "1.0", true);
    check_equal("100", "1e2", true);
    check_equal("1.50", "15E-1", true);
    check_equal("0", "-0.00e7", true);
    check_equal("-1", "1", false);
    check_equal("9007199254740993", "9007199254740992", false);
    check_equal("9007199254740993", "9007199254740993.0", true);
    check_equal("1e400", "10e399", true);
    check_equal("1e400", "1e401", false);
    check_equal("1e99999999999", "1e99999999999", true);
    check_equal("0.1", "0.10000000000000000001", false);
}

#[test]
fn a_patch_is_done_whole_or_not_at_all() {
    let patch = json!([add("/a", 1), {"op":"test","path":"/a","value":2}, add("/b", 1)]);
    check("{}", &patch, TEST);
    let patch = json!([add("/a", 1), {"op":"test","path":"/a","value":1}, add("/b", 1)]);
    check("{}", &patch, Ok(json!({"a":1,"b":1})));
}

#[test]
fn what_no_document_allows_is_refused_when_the_patch_is_made() {
    let made = |it| BodyStep::patch([it]).map(|_| ()).map_err(|it| it.to_string());
    let inside = PatchOperation::Move { from: pointer("/a"), path: pointer("/a/b") };
    assert_eq!(made(inside), Err("/0/path: this is inside of `from`".to_owned()));
    let beside = PatchOperation::Move { from: pointer("/a"), path: pointer("/ab") };
    assert_eq!(made(beside), Ok(()));
    let all = PatchOperation::Remove { path: pointer("") };
    assert_eq!(made(all), Err("/0/path: the whole document cannot be removed".to_owned()));
    let many = (0..257).map(|_| PatchOperation::Remove { path: pointer("/a") });
    assert!(BodyStep::patch(many).is_err());
}

fn add(path: &str, value: impl Into<Value>) -> Value {
    json!({"op": "add", "path": path, "value": value.into()})
}

fn pointer(text: &str) -> JsonPointer {
    JsonPointer::new(text).unwrap()
}

fn read(operation: &Value) -> Result<PatchOperation, InvalidTransform> {
    let at = |name: &str| JsonPointer::new(operation[name].as_str().unwrap_or_default());
    let (path, from) = (at("path")?, at("from"));
    let value = || JsonTemplate::new(&operation["value"].to_string());
    Ok(match operation["op"].as_str().unwrap() {
        "add" => PatchOperation::Add { path, value: value()? },
        "remove" => PatchOperation::Remove { path },
        "replace" => PatchOperation::Replace { path, value: value()? },
        "move" => PatchOperation::Move { path, from: from? },
        "copy" => PatchOperation::Copy { path, from: from? },
        "test" => PatchOperation::Test { path, value: value()? },
        other => panic!("{other}"),
    })
}

#[track_caller]
fn check(document: &str, patch: &Value, expected: Result<Value, &str>) {
    let operations = patch.as_array().unwrap().iter().map(|it| read(it).unwrap());
    let changed = changed([BodyStep::patch(operations).unwrap()], document);
    let changed = changed.map(|it| serde_json::from_str::<Value>(&it).unwrap());
    assert_eq!(changed.map_err(|it| it.to_string()), expected.map_err(str::to_owned), "{patch}");
}

#[track_caller]
fn check_equal(one: &str, other: &str, expected: bool) {
    for (one, other) in [(one, other), (other, one)] {
        let test =
            PatchOperation::Test { path: pointer("/a"), value: JsonTemplate::new(one).unwrap() };
        let document = format!("{{\"a\": {other} }}");
        let passed = changed([BodyStep::patch([test]).unwrap()], &document).is_ok();
        assert_eq!(passed, expected, "{one} {other}");
    }
}
