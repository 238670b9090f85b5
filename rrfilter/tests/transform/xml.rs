//! XML as JSON.

use std::fmt::Write;

use rrfilter::BodyStep;

use crate::support::{LIMIT, changed, check, refuse};

#[test]
fn elements_become_texts_or_objects() {
    check(xml(), "<a/>", r#"{"a":null}"#);
    check(xml(), "<a></a>", r#"{"a":null}"#);
    check(xml(), "<a> x </a>", r#"{"a":" x "}"#);
    check(xml(), "<a>1.0</a>", r#"{"a":"1.0"}"#);
    check(xml(), "<a><b>1</b><c/></a>", r#"{"a":{"b":"1","c":null}}"#);
    check(xml(), "<a><b>1</b><c/><b>2</b></a>", r#"{"a":{"b":["1","2"],"c":null}}"#);
    check(xml(), "<a>\n <b/>\n</a>", r#"{"a":{"b":null}}"#);
    check(xml(), "<a> x <b/> y </a>", r##"{"a":{"b":null,"#text":"x  y"}}"##);
    check(xml(), r#"<a id='1' x="&lt;&#65;"/>"#, r#"{"a":{"@id":"1","@x":"<A"}}"#);
    check(xml(), r#"<a id="1">t</a>"#, r##"{"a":{"@id":"1","#text":"t"}}"##);
    check(xml(), "<s:a xmlns:s='u'><s:b/></s:a>", r#"{"s:a":{"@xmlns:s":"u","s:b":null}}"#);
}

#[test]
fn what_is_no_content_is_left_out() {
    let whole = "<?xml version='1.0' encoding='UTF-8'?>\n<!-- c --><a>x<!-- c -->y<?p i?>z</a>\n";
    check(xml(), whole, r#"{"a":"xyz"}"#);
    check(xml(), "\u{feff}<a><![CDATA[<b>&amp;]]>&amp;&gt;</a>", r#"{"a":"<b>&amp;&>"}"#);
    check(xml(), "<a>1\r\n2\r3</a>", r#"{"a":"1\u000a2\u000a3"}"#);
    check(xml(), "<a>&#x1F600;&quot;&apos;</a>", r#"{"a":"😀\"'"}"#);
}

#[test]
fn what_a_document_declares_by_itself_is_never_expanded() {
    let mut laughs = String::from("<!DOCTYPE l [<!ENTITY l0 \"lol\">");
    for it in 1..10 {
        let lower = format!("&l{};", it - 1).repeat(10);
        write!(laughs, "<!ENTITY l{it} \"{lower}\">").unwrap();
    }
    let why = "it is not XML that is read: it has a document type";
    refuse(xml(), &format!("{laughs}]><l>&l9;</l>"), why);
    refuse(xml(), "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", why);
    refuse(xml(), "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", why);
    refuse(xml(), "<a>&x;</a>", "it is not XML that is read: it refers to an entity");
    refuse(xml(), "<a b='&x;'/>", "it is not XML that is read: it is not well formed");
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for bad in ["", "<a>", "<a></b>", "</a>", "x", "<a/>x", "<a/><b/>", "<a", "<a b/>", "<a b=1/>"]
    {
        assert!(changed([xml()], bad).is_err(), "{bad}");
    }
    for bad in ["<a>&#0;</a>", "<a>&#xD800;</a>", "<a>& </a>", "<a b='1' b='2'/>", "<1/>", "<@b/>"]
    {
        assert!(changed([xml()], bad).is_err(), "{bad}");
    }
    for bad in ["<a><#text/>t</a>", "<?xml version='1.0' encoding='latin1'?><a/>", "&lt;<a/>"] {
        assert!(changed([xml()], bad).is_err(), "{bad}");
    }
}

#[test]
fn depth_names_and_size_are_bounded() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(changed([xml()], &nested(64)).is_ok());
    refuse(xml(), &nested(65), "it is not XML that is read: it is nested too deep");
    refuse(xml(), &"<a>".repeat(10_000), "it is not XML that is read: it is nested too deep");

    let names: String = (0..10_001).map(|it| format!("<a{it}/>")).collect();
    refuse(xml(), &format!("<a>{names}</a>"), "it is not XML that is read: it has too many names");
    let attributes: String = (0..10_001).map(|it| format!(" a{it}=''")).collect();
    refuse(
        xml(),
        &format!("<a{attributes}/>"),
        "it is not XML that is read: it has too many names",
    );
    let same = "<b/>".repeat(10_001);
    assert!(changed([xml()], &format!("<a>{same}</a>")).is_ok());

    let large = format!("<a>{}</a>", "\u{1}".repeat(LIMIT / 2));
    assert!(changed([xml()], &large).unwrap_err().is_too_large());
}

fn xml() -> BodyStep {
    BodyStep::from_xml()
}
