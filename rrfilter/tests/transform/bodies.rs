//! Steps that change JSON.

use rrfilter::{BodyStep, BodyTransform, JsonPointer};

use crate::support::{changed, check, refuse};

#[test]
fn what_is_not_spoken_of_keeps_its_bytes() {
    let rest =
        r#""big" : 9007199254740993 ,"f":1.0,"z":-0,"e":1E400, "s":"\u00e9\/", "d":{"x" :[ ]}"#;
    let content = format!("{{ {rest} , \"a\":1 }}");
    let with = |a: &str| format!("{{ {rest} , {a} }}");
    check(set("/a", "2"), &content, &with(r#""a":2"#));
    check(rename("/a", "b"), &content, &with(r#""b":1"#));
    check(remove("/a"), &content, &format!("{{ {rest} }}"));
    check(set("/b", "2"), &content, &with(r#""a":1,"b":2"#));
    check(move_to("/a", "/d/y"), &content, &format!("{{ {rest} }}").replace("[ ]", r#"[ ],"y":1"#));
    check(BodyStep::wrap("/w").unwrap(), &content, &format!("{{\"w\":{content}}}"));
    check(BodyStep::unwrap("/d").unwrap(), &content, r#"{"x" :[ ]}"#);
}

#[test]
fn a_pointer_finds_what_rfc_6901_says() {
    let document = r#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,"\u00e9":9}"#;
    for (pointer, expected) in [
        ("", document),
        ("/foo", r#"["bar","baz"]"#),
        ("/foo/0", r#""bar""#),
        ("/", "0"),
        ("/a~1b", "1"),
        ("/c%d", "2"),
        ("/e^f", "3"),
        ("/g|h", "4"),
        ("/i\\j", "5"),
        ("/k\"l", "6"),
        ("/ ", "7"),
        ("/m~0n", "8"),
        ("/é", "9"),
    ] {
        if pointer.is_empty() {
            assert!(JsonPointer::new(pointer).unwrap().is_root());
        } else {
            check(BodyStep::unwrap(pointer).unwrap(), document, expected);
        }
        assert_eq!(JsonPointer::new(pointer).unwrap().to_string(), pointer);
    }
    let unwrap = |it| BodyStep::unwrap(it).unwrap();
    let nothing = "step 0: there is nothing where the step needs it";
    for pointer in ["/x", "/foo/2", "/foo/-", "/foo/00", "/foo/+1", "/foo/ 1", "/foo/x", "/foo/0/x"]
    {
        refuse(unwrap(pointer), document, nothing);
    }
    refuse(unwrap("/foo/99999999999999999999999"), document, nothing);
}

#[test]
fn a_pointer_that_is_none_is_refused_with_its_place() {
    for (bad, expected) in [
        ("a", "/path: at 0: a pointer is empty or starts with `/`"),
        ("#/a", "/path: at 0: a pointer is empty or starts with `/`"),
        ("/a~", "/path: at 2: after `~` comes `0` or `1`"),
        ("/a/b~2", "/path: at 4: after `~` comes `0` or `1`"),
    ] {
        assert_eq!(BodyStep::remove(bad).unwrap_err().to_string(), expected);
    }
    let deep = "/a".repeat(65);
    assert!(BodyStep::remove(&deep).is_err() && BodyStep::remove(&deep[2..]).is_ok());
}

#[test]
fn set_puts_a_value_whatever_is_there() {
    check(set("/a", "1"), "{}", r#"{"a":1}"#);
    check(set("/a", "1"), "{ }", r#"{"a":1 }"#);
    check(set("/a", "1"), r#"{"a":{"b":2}}"#, r#"{"a":1}"#);
    check(set("/a/b/c", "1"), r#"{"x":0}"#, r#"{"x":0,"a":{"b":{"c":1}}}"#);
    check(set("/a/b/c", "1"), r#"{"a":{}}"#, r#"{"a":{"b":{"c":1}}}"#);
    check(set("/a/1", "9"), r#"{"a":[1,2,3]}"#, r#"{"a":[1,9,3]}"#);
    check(set("/a/3", "9"), r#"{"a":[1,2,3]}"#, r#"{"a":[1,2,3,9]}"#);
    check(set("/a/-", "9"), r#"{"a":[]}"#, r#"{"a":[9]}"#);
    check(set("/a/-", "9"), r#"{"x":1}"#, r#"{"x":1,"a":{"-":9}}"#);
    check(set("", "9"), "[1]", "9");
    check(set("/by", r#""{claim.sub}""#), r#"{"by":"root"}"#, r#"{"by":"alice"}"#);
    // Nobody can speak in the place of what is missing.
    check(set("/by", r#""{claim.none}""#), r#"{"by":"root"}"#, r#"{"by":null}"#);
    check(set("/a\"b", "1"), "{}", r#"{"a\"b":1}"#);
    let nowhere = "step 0: the step leads where nothing can be";
    for (path, content) in
        [("/a/b", r#"{"a":1}"#), ("/4", "[1]"), ("/x", "[]"), ("/-/a", "[]"), ("/a", "7")]
    {
        refuse(set(path, "9"), content, nowhere);
    }
}

#[test]
fn add_puts_a_value_where_nothing_is() {
    let add = |path, value| BodyStep::add(path, value).unwrap();
    check(add("/a", "1"), "{}", r#"{"a":1}"#);
    check(add("/a", "1"), r#"{"a":null}"#, r#"{"a":null}"#);
    check(add("/a/b", "1"), "{}", r#"{"a":{"b":1}}"#);
    check(add("/-", "1"), "[0]", "[0,1]");
    check(add("/0", "1"), "[0]", "[0]");
    check(add("", "1"), "[0]", "[0]");
}

#[test]
fn remove_takes_one_comma_along() {
    check(remove("/a"), r#"{"a":1}"#, "{}");
    check(remove("/a"), r#"{"a":1,"b":2}"#, r#"{"b":2}"#);
    check(remove("/b"), r#"{"a":1,"b":2}"#, r#"{"a":1}"#);
    check(remove("/b"), r#"{"a":1, "b" : 2 , "c":3}"#, r#"{"a":1, "c":3}"#);
    check(remove("/1"), "[1,2,3]", "[1,3]");
    check(remove("/a/0"), r#"{"a":["}]",[{}]]}"#, r#"{"a":[[{}]]}"#);
    check(remove("/\u{e9}"), r#"{"\u00E9":1,"e":2}"#, r#"{"e":2}"#);
    for absent in ["/x", "/a/b/c", "/a/0", "/-"] {
        check(remove(absent), r#"{"a":"b"}"#, r#"{"a":"b"}"#);
    }
}

#[test]
fn rename_leaves_one_member_of_the_new_name() {
    check(rename("/a", "b"), r#"{"a":1,"c":2}"#, r#"{"b":1,"c":2}"#);
    check(rename("/a", "b"), r#"{"b":0,"a":1}"#, r#"{"b":1}"#);
    check(rename("/a", "b"), r#"{"a":1,"\u0062":0}"#, r#"{"b":1}"#);
    check(rename("/x/a", "\""), r#"{"x":{"a" : 1}}"#, r#"{"x":{"\"" : 1}}"#);
    check(rename("/a", "b"), r#"{"b":0}"#, r#"{"b":0}"#);
    refuse(rename("/0", "b"), "[1]", "step 0: the step leads where nothing can be");
}

#[test]
fn move_puts_in_place_of_what_is_there() {
    check(move_to("/a", "/b"), r#"{"a":1,"b":2}"#, r#"{"b":1}"#);
    check(move_to("/a", "/b/c"), r#"{"a":1.0}"#, r#"{"b":{"c":1.0}}"#);
    check(move_to("/a/b", "/a"), r#"{"a":{"b":1,"c":2}}"#, r#"{"a":1}"#);
    check(move_to("/a/0", "/a/-"), r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#);
    check(move_to("/x", "/b"), r#"{"b":2}"#, r#"{"b":2}"#);
    check(move_to("/a", ""), r#"{"a":[7],"b":2}"#, "[7]");
}

#[test]
fn envelopes_are_stripped_and_put_around() {
    check(BodyStep::unwrap("/data/items").unwrap(), r#"{"data":{"items":[1 ]}}"#, "[1 ]");
    check(BodyStep::wrap("/a/b").unwrap(), "7", r#"{"a":{"b":7}}"#);
    // What is in the envelope beside it may be what nobody should see.
    let unwrap = BodyStep::unwrap("/data").unwrap();
    refuse(unwrap, r#"{"error":"x"}"#, "step 0: there is nothing where the step needs it");
}

#[test]
fn steps_are_done_in_order_and_the_one_that_fails_is_named() {
    let steps = [set("/b", "1"), move_to("/b", "/c"), rename("/c", "d"), set("/d/e", "1")];
    let error = changed(steps, "{}").unwrap_err();
    assert_eq!((error.step(), error.is_too_large()), (Some(3), false));
}

#[test]
fn what_has_several_readings_is_not_changed_but_refused() {
    for bad in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"x":[{"b":1,"b":1}]}"#,
        "",
        "{",
        "{} {}",
        "NaN",
        "[1,]",
        "\u{feff}\u{feff}{}",
        "// c\n{}",
        ")]}'\n{}",
    ] {
        let error = changed([set("/c", "1")], bad).unwrap_err();
        assert_eq!(error.step(), None, "{bad}");
        assert!(error.to_string().starts_with("it is not JSON that all"), "{bad}: {error}");
    }
    for bad in [&b"\xff{}"[..], b"\xff\xfe{\0}\0", b"{\"a\":\"\xc0\xaf\"}"] {
        let body = BodyTransform::new([set("/c", "1")]).unwrap();
        assert!(body.apply(bad, &rrfilter::Values::none(), 100).is_err());
    }
    check(set("/c", "1"), "\u{feff}{}", r#"{"c":1}"#);
}

#[test]
fn steps_that_make_no_sense_are_refused_when_they_are_made() {
    let message = |it: Result<BodyStep, rrfilter::InvalidTransform>| it.unwrap_err().to_string();
    assert_eq!(message(BodyStep::remove("")), "/path: this is the whole document");
    assert_eq!(message(BodyStep::rename("", "a")), "/path: this is the whole document");
    assert_eq!(message(BodyStep::rename("/a", "a")), "/to: it already has this name");
    assert_eq!(message(BodyStep::move_to("", "/a")), "/from: this is the whole document");
    assert_eq!(message(BodyStep::move_to("/a", "/a/b")), "/path: this is inside of `from`");
    assert_eq!(message(BodyStep::move_to("/a", "/a")), "/path: this is inside of `from`");
    assert_eq!(message(BodyStep::wrap("")), "/path: this is the whole document");
    assert_eq!(message(BodyStep::unwrap("")), "/path: this is the whole document");
    assert_eq!(
        message(BodyStep::set("/a", "{x}")),
        "/value: this is not JSON: unexpected byte at byte 1"
    );
    let late = BodyTransform::new([set("/a", "1"), BodyStep::from_form()]).unwrap_err();
    assert_eq!(late.to_string(), "/1: content is read once, in the first step");
    let early = BodyTransform::new([BodyStep::to_form(), set("/a", "1")]).unwrap_err();
    assert_eq!(early.to_string(), "/0: content is written in the last step");
    assert!(BodyTransform::new((0..257).map(|_| set("/a", "1"))).is_err());
}

fn set(path: &str, value: &str) -> BodyStep {
    BodyStep::set(path, value).unwrap()
}

fn remove(path: &str) -> BodyStep {
    BodyStep::remove(path).unwrap()
}

fn rename(path: &str, to: &str) -> BodyStep {
    BodyStep::rename(path, to).unwrap()
}

fn move_to(from: &str, path: &str) -> BodyStep {
    BodyStep::move_to(from, path).unwrap()
}
