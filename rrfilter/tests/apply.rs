//! What filters leave of documents, byte for byte.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use rrfilter::Operation::{self, Destroy, Mask, Retain};
use rrfilter::{Filter, NotFilterable, apply};

#[test]
fn retain_keeps_matches_whole_and_the_way_to_them() {
    let order = r#"{"id":7,"user":{"name":"Ann","ssn":"1"},"items":[{"sku":"a","cost":1}]}"#;
    check(Retain, &["$.id"], order, r#"{"id":7}"#, 2);
    check(Retain, &["$.user"], order, r#"{"user":{"name":"Ann","ssn":"1"}}"#, 2);
    check(Retain, &["$.user.name"], order, r#"{"user":{"name":"Ann"}}"#, 3);
    check(Retain, &["$.items[*].sku", "$.id"], order, r#"{"id":7,"items":[{"sku":"a"}]}"#, 2);
    check(Retain, &["$.*.name"], order, r#"{"user":{"name":"Ann"}}"#, 3);
    check(Retain, &["$"], order, order, 0);
    check(Retain, &["$", "$.id"], order, order, 0);
    check(Retain, &["$.*"], order, order, 0);
}

#[test]
fn retain_closes_arrays_up_over_elements_without_a_match() {
    check(Retain, &["$[*].a"], r#"[{"b":1},{"a":2},3,{"a":4}]"#, r#"[{"a":2},{"a":4}]"#, 2);
    check(Retain, &["$[1]"], "[1,2,3]", "[2]", 2);
    check(Retain, &["$[0]", "$[2]"], "[1,2,3]", "[1,3]", 1);
    check(Retain, &["$[*][0]"], "[[1,2],[],[3]]", "[[1],[3]]", 2);
}

#[test]
fn retain_leaves_an_empty_root_where_nothing_matches() {
    check(Retain, &["$.x"], r#"{"a":1,"b":[{}]}"#, "{}", 2);
    check(Retain, &["$.x"], r#" { "a" : 1 } "#, " {} ", 1);
    check(Retain, &["$[7]"], "[1, 2]", "[]", 2);
    check(Retain, &["$.a.b"], r#"{"a":{"c":{"d":1},"e":2}}"#, "{}", 1);
    check(Retain, &["$.a.b"], r#"{"a":1}"#, "{}", 1);
    check(Retain, &["$.a[*]"], r#"{"a":[]}"#, "{}", 1);
    check(Retain, &[], r#"{"a":1}"#, "{}", 1);
    check(Retain, &["$.a"], "{ }", "{ }", 0);
}

#[test]
fn destroy_removes_matches_and_nothing_else() {
    let user = r#"{"id":1,"ssn":"x","kin":[{"ssn":"y"},{"id":2,"ssn":{"a":[1]}}]}"#;
    let (all, of_kin) = (["$.ssn", "$.kin[*].ssn"], ["$.kin[*].ssn"]);
    check(Destroy, &all, user, r#"{"id":1,"kin":[{},{"id":2}]}"#, 3);
    check(Destroy, &of_kin, user, r#"{"id":1,"ssn":"x","kin":[{},{"id":2}]}"#, 2);
    check(
        Destroy,
        &["$.kin[0]"],
        user,
        r#"{"id":1,"ssn":"x","kin":[{"id":2,"ssn":{"a":[1]}}]}"#,
        1,
    );
    check(Destroy, &["$.none", "$[0]", "$.id.x"], user, user, 0);
    check(Destroy, &["$.*"], user, "{}", 3);
    check(Destroy, &[], user, user, 0);
}

#[test]
fn mask_replaces_matches_and_leaves_everything_around_them() {
    let user = r#"{ "id": 1, "ssn": "x", "kin": [{"ssn": [1, {"a": 2}]}, {"ssn":{}}, 3] }"#;
    let masked = r#"{ "id": 1, "ssn": "***", "kin": [{"ssn": "***"}, {"ssn":"***"}, 3] }"#;
    check(Mask, &["$.ssn", "$.kin[*].ssn"], user, masked, 3);
    check(Mask, &["$..ssn"], user, masked, 3);
    check(Mask, &["$.kin[1:]"], "{\"kin\":[1,2,3]}", r#"{"kin":[1,"***","***"]}"#, 2);
    check(Mask, &["$.none", "$.id.x"], user, user, 0);
    check(Mask, &[], user, user, 0);
    check(Mask, &["$"], user, r#""***""#, 1);
    check(Mask, &["$"], " 12 ", r#" "***" "#, 1);
    for (with, expected) in [("", r#"[""]"#), ("\"\n\\é", r#"["\"\u000a\\é"]"#)] {
        let filter = Filter::new("flt", Mask, ["$[0]"]).unwrap().with(with);
        assert_eq!(apply([&filter], b"[0]").unwrap().document, expected);
    }
}

#[test]
fn descendants_are_found_at_every_depth() {
    let tree = r#"{"a":{"b":[{"a":1,"c":2},{"c":{"a":3}}]},"c":4}"#;
    check(Destroy, &["$..c"], tree, r#"{"a":{"b":[{"a":1},{}]}}"#, 3);
    check(Destroy, &["$..[0]"], tree, r#"{"a":{"b":[{"c":{"a":3}}]},"c":4}"#, 1);
    check(Destroy, &["$.a..a"], tree, r#"{"a":{"b":[{"c":2},{"c":{}}]},"c":4}"#, 2);
    check(Destroy, &["$..b..c"], tree, r#"{"a":{"b":[{"a":1},{}]},"c":4}"#, 2);
    check(Destroy, &["$..*"], tree, "{}", 2);
    check(Retain, &["$..c"], tree, r#"{"a":{"b":[{"c":2},{"c":{"a":3}}]},"c":4}"#, 1);
    check(Retain, &["$..c.a"], tree, r#"{"a":{"b":[{"c":{"a":3}}]}}"#, 2);
    check(Retain, &["$..x"], tree, "{}", 2);
    check(Mask, &["$..b[1]..*"], tree, r#"{"a":{"b":[{"a":1,"c":2},{"c":"***"}]},"c":4}"#, 1);
}

#[test]
fn of_matches_inside_of_one_another_the_outermost_counts() {
    let nested = r#"{"a":{"a":{"a":1}},"b":[{"a":2}]}"#;
    check(Destroy, &["$..a"], nested, r#"{"b":[{}]}"#, 2);
    check(Mask, &["$..a"], nested, r#"{"a":"***","b":[{"a":"***"}]}"#, 2);
    check(Retain, &["$..a"], nested, nested, 0);
    check(Retain, &["$.a.a.a", "$.a"], nested, r#"{"a":{"a":{"a":1}}}"#, 1);
}

#[test]
fn several_selectors_find_what_any_of_them_finds() {
    let row = r#"{"a":1,"b":2,"c":3}"#;
    check(Retain, &["$['a','c']"], row, r#"{"a":1,"c":3}"#, 1);
    check(Destroy, &["$['a','a',0]"], row, r#"{"b":2,"c":3}"#, 1);
    check(Destroy, &["$['b',*]"], row, "{}", 3);
    check(Retain, &["$[0,2,4]"], "[0,1,2,3]", "[0,2]", 2);
    // What one path adds to a name is not what another does.
    let two = r#"{"a":{"x":1,"y":2},"b":{"x":3,"y":4}}"#;
    check(Retain, &["$['a','b'].x", "$.a.y"], two, r#"{"a":{"x":1,"y":2},"b":{"x":3}}"#, 1);
}

#[test]
fn slices_are_those_of_rfc_9535() {
    check(Retain, &["$[1:3]"], "[0,1,2,3]", "[1,2]", 2);
    check(Retain, &["$[::2]"], "[0,1,2,3,4]", "[0,2,4]", 2);
    check(Retain, &["$[1:9:2]"], "[0,1,2,3]", "[1,3]", 2);
    check(Retain, &["$[2:]", "$[:1]"], "[0,1,2,3]", "[0,2,3]", 1);
    check(Retain, &["$[3:1]", "$[::0]"], "[0,1,2,3]", "[]", 4);
    check(Destroy, &["$[:]"], r#"{"0":1}"#, r#"{"0":1}"#, 0);
}

#[test]
fn a_filter_whose_paths_would_all_be_followed_at_once_is_refused() {
    let names = (0..5_000).map(|it| format!("$..name{it}"));
    assert!(Filter::new("flt", Destroy, names).is_ok(), "of these, none is followed further");
    let pairs = (0..1_000).map(|it| format!("$..[{it}].a"));
    let error = Filter::new("flt", Destroy, pairs).unwrap_err();
    assert_eq!((error.index, error.why), (999, "there are too many steps below `..`"));
    let document = format!("{}{}", "[".repeat(128), "]".repeat(128));
    let deep = Filter::new("flt", Destroy, [format!("${}", "..*".repeat(400))]).unwrap();
    assert_eq!(apply([&deep], document.as_bytes()).unwrap().document, document);
}

#[test]
fn names_are_compared_by_what_they_say() {
    check(Destroy, &["$.ssn"], r#"{"\u0073sn":1,"Ssn":2}"#, r#"{"Ssn":2}"#, 1);
    check(Destroy, &[r"$['\u0073sn']"], r#"{"ssn":1}"#, "{}", 1);
    check(Destroy, &["$.é"], "{\"\\u00e9\":1,\"e\u{301}\":2}", "{\"e\u{301}\":2}", 1);
    check(Destroy, &["$['0']"], r#"{"0":1}"#, "{}", 1);
    check(Destroy, &["$['0']"], "[1]", "[1]", 0);
    check(Destroy, &["$[0]"], r#"{"0":1}"#, r#"{"0":1}"#, 0);
}

#[test]
fn what_stays_keeps_its_bytes() {
    let odd = "{ \"n\": [9007199254740993, 1e400, -0, 1.0, 1E+2, 0.10], \"s\": \"\\u0041\\/\" }\n";
    check(Retain, &["$"], odd, odd, 0);
    check(Destroy, &["$.x"], odd, odd, 0);
    check(Retain, &["$.n", "$.s"], odd, odd, 0);
    check(
        Retain,
        &["$.n[*]"],
        odd,
        "{ \"n\": [9007199254740993, 1e400, -0, 1.0, 1E+2, 0.10] }\n",
        1,
    );
    check(Destroy, &["$.n"], odd, "{ \"s\": \"\\u0041\\/\" }\n", 1);
    check(Retain, &["$.z", "$.a"], r#"{"z":1,"m":0,"a":2}"#, r#"{"z":1,"a":2}"#, 1);
    let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
    check(Destroy, &["$.x"], &deep, &deep, 0);
}

#[test]
fn commas_and_blanks_fit_whatever_went() {
    check(Destroy, &["$[0]"], "[1, 2, 3]", "[ 2, 3]", 1);
    check(Destroy, &["$[1]"], "[1, 2, 3]", "[1, 3]", 1);
    check(Destroy, &["$[2]"], "[1, 2, 3 ]", "[1, 2 ]", 1);
    check(Destroy, &["$[*]"], "[ 1 , 2 ]", "[]", 2);
    let pretty = "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}";
    check(Destroy, &["$.a", "$.c"], pretty, "{\n  \"b\": 2\n}", 2);
    check(Destroy, &["$.b"], pretty, "{\n  \"a\": 1,\n  \"c\": 3\n}", 1);
}

#[test]
fn each_filter_sees_what_the_one_before_left() {
    let filter = |operation, path| Filter::new("flt", operation, [path]).unwrap();
    let filters = [
        filter(Destroy, "$.items[0]"),
        filter(Retain, "$.items"),
        filter(Destroy, "$.items[0]"),
        filter(Retain, "$.items[*].id"),
    ];
    let document = br#"{"a":1,"items":[{"id":1},{"id":2},{"id":3,"b":0}]}"#;
    let left = apply(&filters, document).unwrap();
    assert_eq!(left.document, r#"{"items":[{"id":3}]}"#);
    assert_eq!(left.removed, [1, 1, 1, 1]);

    let two_allow_lists = [filter(Retain, "$.a"), filter(Retain, "$.items")];
    assert_eq!(apply(&two_allow_lists, document).unwrap().document, "{}");
    assert_eq!(apply([], b"anything at all").unwrap().document, "anything at all");
}

#[test]
fn a_document_of_which_nothing_is_left_is_an_error() {
    for (operation, path, document) in [
        (Retain, "$.a", "1"),
        (Retain, "$.a", "\"canary\""),
        (Retain, "$[0]", " null "),
        (Destroy, "$", "1"),
        (Destroy, "$", "{\"a\":1}"),
    ] {
        let filter = Filter::new("flt", operation, [path]).unwrap();
        assert_eq!(apply([&filter], document.as_bytes()), Err(NotFilterable::NothingLeft));
    }
    check(Retain, &["$"], "\"x\"", "\"x\"", 0);
    check(Destroy, &["$.a"], "-1.0 ", "-1.0 ", 0);
}

#[test]
fn what_readers_could_read_differently_is_no_document_even_in_parts_that_go() {
    for document in [
        "",
        " ",
        r#"{"ssn":1,"ssn":2}"#,
        r#"{"ssn":{"a":1,"\u0061":2}}"#,
        r#"{"ssn":1} {"ssn":2}"#,
        r#"{"ssn":1"#,
        r#"{"ssn":NaN}"#,
        r#"{"ssn":1,}"#,
        r#"{"ssn":'x'}"#,
        "{\"ssn\":\"a\tb\"}",
        r#"{/* */"ssn":1}"#,
        r#"cb({"ssn":1})"#,
        r#")]}',{"ssn":1}"#,
        "{\"ssn\":01}",
    ] {
        for (operation, path) in [(Retain, "$"), (Retain, "$.id"), (Destroy, "$.ssn")] {
            let filter = Filter::new("flt", operation, [path]).unwrap();
            let error = apply([&filter], document.as_bytes()).unwrap_err();
            assert!(matches!(error, NotFilterable::Json(_)), "{operation:?} {path} {document}");
        }
    }
    let too_deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
    let filter = Filter::new("flt", Destroy, ["$[0]"]).unwrap();
    assert!(apply([&filter], too_deep.as_bytes()).is_err());
}

#[track_caller]
fn check(operation: Operation, paths: &[&str], document: &str, expected: &str, removed: u64) {
    let filter = Filter::new("flt", operation, paths).unwrap();
    let left = apply([&filter], document.as_bytes()).unwrap();
    let text = std::str::from_utf8(&left.document).unwrap();
    assert_eq!(text, expected, "{operation:?} {paths:?} of {document}");
    assert_eq!(left.removed, [removed], "{operation:?} {paths:?} of {document}");
}

#[test]
fn what_a_name_says_is_no_part_of_the_way_to_it() {
    for name in
        ["a'b", "a'] ['b", "x']['y", r"\", r"\'", r"\\", r"\u0041", "", "\u{0}\n", "$..*", "é'"]
    {
        let member = serde_json::Value::from(name);
        let document = format!(r#"{{{member}:{{"secret":1,"n":2}},"other":{{"n":1}}}}"#);
        let filter = Filter::new("f", Destroy, ["$[?@.n == 2]"]).unwrap();
        let left = apply([&filter], document.as_bytes()).unwrap();
        assert_eq!(left.document, r#"{"other":{"n":1}}"#, "{name:?}");
    }
}

#[test]
fn an_escape_that_is_none_is_refused() {
    for (path, valid) in [
        (r"$[?@.a == '\u0041']", true),
        (r"$[?@.a == '\ud83d\ude00']", true),
        (r#"$[?@.a == "\\ \" \/ \b\f\n\r\t"]"#, true),
        (r"$[?'\u", false),
        (r"$[?@.a == '\u00']", false),
        (r"$[?@.a == '\ud83d']", false),
        (r"$[?@.a == '\ud83d\u0041']", false),
        (r"$[?@.a == '\ude00']", false),
        (r"$[?@.a == '\x41']", false),
        (r"$[?@.a == '\", false),
    ] {
        let filter = Filter::new("f", Destroy, [path]);
        assert_eq!(filter.is_ok(), valid, "{path}: {filter:?}");
    }
}
