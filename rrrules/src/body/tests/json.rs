//! JSON: paths, values, escapes, and what is none.

use super::Sent;

#[test]
fn every_value_has_a_path_and_every_scalar_a_text() {
    let document = r#" {"a":{"b":[10,{"c":"x y"},true,null,-0.50e1]},"":{"d":""}} "#;
    check(document, "^a$", None, "sure");
    check(document, "^a\\.b$", None, "sure");
    check(document, "^a\\.b\\.0$", Some("^10$"), "sure");
    check(document, "^a\\.b\\.1\\.c$", Some("^x y$"), "sure");
    check(document, "^a\\.b\\.2$", Some("^true$"), "sure");
    check(document, "^a\\.b\\.3$", Some("^null$"), "sure");
    check(document, "^a\\.b\\.4$", Some("^-0\\.50e1$"), "sure");
    check(document, "a\\.b\\.5", None, "none");
    check(document, "^$", None, "sure");
    check(document, "^b$", None, "none");
    check(document, "b", Some("^x y$"), "sure");
    check(document, "d$", Some("^$"), "possible");
    check(document, "c$", Some("\""), "none");
    // Objects and arrays have a path, but no text.
    check(document, "^a$", Some(""), "none");
    check(document, "^$", Some(""), "none");
}

#[test]
fn scalars_and_empty_containers_are_documents() {
    for document in ["{}", "[]", "0", "\"a\"", "null", "\u{feff}{}", " true\n"] {
        check(document, "^$", None, "sure");
        check(document, ".", None, "none");
    }
    check("17", "^$", Some("^17$"), "sure");
    check("\"a\"", "^$", Some("^a$"), "sure");
}

#[test]
fn nothing_sent_has_nothing_in_it() {
    for path in ["", "^$", ".*", "a"] {
        check("", path, None, "none");
    }
}

#[test]
fn a_path_is_searched_anywhere_unless_it_is_anchored() {
    let document = r#"{"user":{"roles":["admin"],"name":"é"}}"#;
    check(document, "role", Some("admin"), "sure");
    check(document, "role$", None, "none");
    check(document, "user\\.r", None, "sure");
    check(document, "r\\.roles\\.0$", None, "sure");
    check(document, "^user\\..*\\.0$", Some("min"), "sure");
    check(document, "(?i)ROLE", None, "sure");
    check(document, "name$", Some("^\\w$"), "sure");
    check("{\"a\\n\":1}", "(?m)a$", None, "sure");
    check("{\"a\\n\":1}", "a$", None, "none");
}

#[test]
fn paths_that_have_no_automaton_are_found_all_the_same() {
    let document = r#"{"é":{"admin":[{"x":1}]},"administer":2}"#;
    check(document, "\\badmin\\b", None, "sure");
    check(document, "\\badmin\\b", Some("^1$"), "sure");
    check(document, "\\badmin\\b", Some("^2$"), "none");
    check(document, "^é\\b.*\\bx$", Some("1"), "sure");
    check(document, "^\\w{20}\\b", None, "none");
    check(document, "^$|\\bnothing\\b", None, "sure");
}

#[test]
fn escapes_hide_nothing() {
    check(r#"{"\u0072ole":"adm\u0069n"}"#, "^role$", Some("^admin$"), "sure");
    check(r#"{"a":"\ud83d\ude00\n\/"}"#, "a", Some("^😀\n/$"), "sure");
    check(r#"{"a":"\\u0041"}"#, "a", Some(r"^\\u0041$"), "sure");
    check(r#"{"\u0061\u002eb":1}"#, "^a\\.b$", None, "possible");
}

#[test]
fn half_a_surrogate_pair_is_not_passed_off_as_a_character() {
    for text in [r"x\ud800", r"\udc00x", r"x\ud800\ud800", r"\ud800\u0078", r"\\\ud800", r"\uDBff"]
    {
        refuse(format!(r#"{{"a":"{text}"}}"#), "half a surrogate pair");
        refuse(format!(r#"{{"{text}":"a"}}"#), "half a surrogate pair in a name");
        refuse(format!(r#"{{"z":{{"{text}":"a"}}}}"#), "half a surrogate pair in a name");
    }
    // Nobody looks at it.
    check(r#"{"b":"\ud800","a":1}"#, "^a$", Some("1"), "sure");
    check(r#"{"a":"\\ud800 \ud83d\ude00"}"#, "a", Some("^.ud800 😀$"), "sure");
}

#[test]
fn a_name_with_a_dot_in_it_only_counts_against_the_caller() {
    check(r#"{"a.b":1}"#, "^a\\.b$", None, "possible");
    check(r#"{"a.b":{"c":1}}"#, "^a\\.b\\.c$", Some("1"), "possible");
    check(r#"{"x":[{"a.b":[1]}]}"#, "a\\.b\\.0$", Some("1"), "possible");
    check(r#"{"a.b":1,"a":{"b":2}}"#, "^a\\.b$", Some("1"), "possible");
    check(r#"{"a.b":1,"a":{"b":2}}"#, "^a\\.b$", Some("2"), "sure");
    check(r#"{"a.b":{"c":1},"d":1}"#, "^d$", None, "sure");
    check(r#"{"":1}"#, "^$", Some("1"), "possible");
    check(r#"{"a":{"":1}}"#, "^a\\.$", Some("1"), "sure");
}

#[test]
fn what_is_not_one_json_document_is_not_inspected() {
    for document in [
        " ",
        "a=1",
        "{",
        "{\"a\":1",
        "{\"a\":1}}",
        "{\"a\":1}{}",
        "{\"a\":1,}",
        "{'a':1}",
        "[1,]",
        "NaN",
        "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--",
        "01",
    ] {
        refuse(document, "not JSON");
    }
    for document in [&b"\xff\xfe{\0}\0"[..], b"\0{\0}", b"{\"\xff\":1}", b"[\"\xc0\xaf\"]"] {
        refuse(document, "not JSON");
    }
    refuse(r#"{"a":1,"a":1}"#, "JSON with two members of one name");
    refuse(r#"{"b":[{"a":1,"\u0061":2}]}"#, "JSON with two members of one name");
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    refuse(nested(129), "JSON that is nested too deep");
    check(&nested(128), &format!("^0{}$", "\\.0".repeat(126)), None, "sure");
}

#[test]
fn a_coding_is_undone_and_a_broken_one_is_not_inspected() {
    // `{"a":1}` by gzip, as any tool writes it.
    let gzip: [u8; 27] = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0x56, 0x4a, 0x54, 0xb2, 0x32, 0xac, 5, 0, 0xaf,
        0xac, 0x1b, 0x56, 7, 0, 0, 0,
    ];
    let sent = |coding, data: &[u8]| Sent { coding, ..Sent::json(data) };
    assert_eq!(sent("gzip", &gzip).finds("^a$", Some("^1$")).as_deref(), Ok("sure"));
    let corrupt = Err("not what its Content-Encoding says");
    assert_eq!(sent("gzip", b"{}").finds("a", None), corrupt);
    assert_eq!(sent("gzip", &gzip[..26]).finds("a", None), corrupt);
    let unsupported = Err("a Content-Encoding that is not supported");
    assert_eq!(sent("gzip, gzip", &gzip).finds("a", None), unsupported);
    assert_eq!(sent("nonsense", b"{}").finds("a", None), unsupported);
}

#[track_caller]
fn check(document: &str, path: &str, value: Option<&str>, expected: &str) {
    let found = Sent::json(document).finds(path, value);
    assert_eq!(found.as_deref(), Ok(expected), "{document} {path} {value:?}");
}

#[track_caller]
fn refuse(document: impl AsRef<[u8]>, reason: &str) {
    assert_eq!(Sent::json(document).finds(".", Some(".")), Err(reason));
}
