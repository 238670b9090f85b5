//! Transformations as JSON.

use rrfilter::{Rewrite, Transform};

#[test]
fn everything_can_be_said_in_json() {
    let text = r#" {
      "request": {
        "headers": {
          "remove": ["x-debug"], "rename": {"x-old": "x-new"},
          "set": {"x-user": "{claim.sub}"}, "append": {"via": "1.1 rr"}
        },
        "query": {
          "remove": ["debug"], "rename": {"q": "query"}, "set": {"user": "{claim.sub}"},
          "append": {"tag": ["a", "b"]},
          "normalise": {
            "keepOnly": ["q", "r"], "remove": ["r"], "dropEmpty": true,
            "duplicates": "first", "sort": true
          }
        },
        "path": [{"pattern": "^/v1/(.*)$", "to": "/v2/$1"}, {"pattern": "2", "to": "3"}],
        "body": [
          {"op": "fromForm"},
          {"op": "add", "path": "/a", "value": 1.0}, {"op": "set", "path": "/b", "value": null},
          {"op": "remove", "path": "/c"}, {"op": "rename", "path": "/d", "to": "e"},
          {"op": "move", "from": "/f", "path": "/g"}, {"op": "wrap", "path": "/data"},
          {"op": "patch", "operations": [
            {"op": "test", "path": "/data/a", "value": 1}, {"op": "remove", "path": "/x"},
            {"op": "replace", "path": "/x", "value": []}, {"op": "add", "path": "/x", "value": 1},
            {"op": "move", "from": "/x", "path": "/y"}, {"op": "copy", "from": "/x", "path": "/y"}
          ]},
          {"op": "toForm"}
        ]
      },
      "response": {"headers": {"remove": ["server"]}, "body": [{"op": "unwrap", "path": "/root"}]}
    } "#;
    let transform = Transform::from_json(text).unwrap();
    assert!(transform.reads_requests() && transform.reads_responses());
    let rewrite = Rewrite::from_json(text).unwrap();
    assert_eq!(rewrite.apply_path("/v1/2"), "/v3/2");
    assert_eq!(rewrite.apply_query("x=1&r=1&q=2&q=1"), "q=2");

    for nothing in
        ["{}", r#"{"request":null,"response":{}}"#, r#"{"request":{"headers":{"set":null}}}"#]
    {
        assert!(Transform::from_json(nothing).unwrap().is_empty(), "{nothing}");
        assert!(Rewrite::from_json(nothing).unwrap().is_empty(), "{nothing}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    refuse("[]", "expected an object");
    refuse("{", "this is not JSON: the document is not complete at byte 1");
    refuse(
        r#"{"request":{},"request":{}}"#,
        "this is not JSON: two members of one name at byte 22",
    );
    refuse(r#"{"requests":{}}"#, "/requests: there is no such field here");
    refuse(r#"{"response":{"query":{}}}"#, "/response/query: there is no such field here");
    request(r#""headers":[]"#, "headers: expected an object");
    request(r#""headers":{"remove":"x"}"#, "headers/remove: expected a list");
    request(r#""headers":{"remove":[1]}"#, "headers/remove/0: expected a text");
    request(r#""headers":{"set":{"x":1}}"#, "headers/set/x: expected a text");
    request(
        r#""headers":{"set":{"host":"x"}}"#,
        "headers/set/host: this header says where the request goes",
    );
    request(r#""headers":{"sets":{}}"#, "headers/sets: there is no such field here");
    request(
        r#""headers":{"append":{"x":["a","{"]}}"#,
        "headers/append/x: at 0: this `{` is never closed: for a brace write `{{`",
    );
    request(r#""query":{"normalise":{"sort":1}}"#, "query/normalise/sort: expected true or false");
    request(
        r#""query":{"normalise":{"duplicates":"x"}}"#,
        "query/normalise/duplicates: expected \"all\" or \"first\" or \"last\"",
    );
    request(r#""path":{"pattern":"("}"#, "path/to: this is required");
    request(r#""path":{"pattern":"(","to":"/"}"#, "path/pattern: at 0: unclosed group");
    request(
        r#""path":[{"pattern":"a","to":"/$1"}]"#,
        "path/0/to: at 1: the pattern has no such group",
    );
}

#[test]
fn a_step_that_cannot_be_meant_is_refused_with_its_place() {
    let ops =
        "expected add, set, remove, rename, move, unwrap, wrap, patch, fromForm, toForm or fromXml";
    request(r#""body":[{"op":"delete"}]"#, &format!("body/0/op: {ops}"));
    request(r#""body":[{"path":"/a"}]"#, "body/0/op: this is required");
    request(r#""body":[{"op":"set","path":"/a"}]"#, "body/0/value: this is required");
    request(
        r#""body":[{"op":"remove","path":"a"}]"#,
        "body/0/path: at 0: a pointer is empty or starts with `/`",
    );
    request(
        r#""body":[{"op":"remove","path":"/a","value":1}]"#,
        "body/0/value: there is no such field here",
    );
    request(
        r#""body":[{"op":"patch","operations":[{"op":"remove","path":""}]}]"#,
        "body/0/operations/0/path: the whole document cannot be removed",
    );
    request(
        r#""body":[{"op":"patch","operations":[{"op":"x","path":""}]}]"#,
        "body/0/operations/0/op: expected add, remove, replace, move, copy or test",
    );
    request(
        r#""body":[{"op":"toForm"},{"op":"fromForm"}]"#,
        "body/0: content is written in the last step",
    );
    let many = "[],".repeat(257);
    request(
        &format!("\"body\":[{}]", many.trim_end_matches(',')),
        "body: expected 256 items at the most",
    );
}

#[track_caller]
fn request(inner: &str, expected: &str) {
    refuse(&format!("{{\"request\":{{{inner}}}}}"), &format!("/request/{expected}"));
}

#[track_caller]
fn refuse(json: &str, expected: &str) {
    assert_eq!(Transform::from_json(json).unwrap_err().to_string(), expected, "{json}");
    assert!(Rewrite::from_json(json).is_err());
}
