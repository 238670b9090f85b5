//! Texts and values with variables in them.

use rrfilter::{HeaderEdits, JsonTemplate, Template, Values};
use serde_json::{Value, json};

#[test]
fn a_template_says_what_its_variables_stand_for() {
    check("", Some(""));
    check("plain", Some("plain"));
    check("{claim.sub}", Some("alice"));
    check("<{claim.sub}|{claim.sub}>", Some("<alice|alice>"));
    check("{{claim.sub}}", Some("{claim.sub}"));
    check("{{{claim.sub}}}", Some("{alice}"));
    check("{claim.a.b}", Some("dotted"));
    check("{claim.https://x/y}", Some("namespaced"));
    check("é{header.x-a}é", Some("éheaderé"));
    check("{header.X-A}", Some("header"));
    check("{claim.count} {claim.is}", Some("7 true"));
    check("{claim.roles}", Some("a,2,false"));
}

#[test]
fn what_is_missing_takes_the_whole_template_with_it_unless_it_says_otherwise() {
    check("a {claim.none} b", None);
    check("a {claim.none|} b", Some("a  b"));
    check("{claim.none|no one}", Some("no one"));
    check("{claim.none|a|b}", Some("a|b"));
    check("{claim.sub|no one}", Some("alice"));
    check("{claim.null}", None);
    check("{claim.object}", None);
    check("{claim.nested}", None);
    check("{claim.comma}", None);
    check("{claim.Sub}", None);
    check("{identity.subject}{client.address|?}", None);
}

#[test]
fn a_mistake_is_said_with_its_place_when_the_template_is_made() {
    let open = "this `{` is never closed: for a brace write `{{`";
    refuse("a {claim.sub", &format!("at 2: {open}"));
    refuse("é{", &format!("at 2: {open}"));
    refuse("a } b", "at 2: a `}` alone: write `}}`");
    refuse("{claim.{x}}", "at 7: a brace within braces");
    for unknown in ["", "sub", "claims.sub", "Claim.sub", "secret.key", "injected", " claim.a"] {
        refuse(&format!("{{{unknown}}}"), "at 1: there is no variable of this name");
    }
    for unknown in ["identity.secret", "request.body", "response.body", "env.HOME"] {
        refuse(&format!("{{{unknown}}}"), "at 1: there is no variable of this name");
    }
    for unnamed in ["claim", "claim.", "header.", "query", "path."] {
        refuse(&format!("{{{unnamed}}}"), "at 1: a name is missing after the dot");
    }
    refuse("{header.a b}", "at 1: this is not the name of a header");
}

#[test]
fn what_a_credential_consists_of_has_no_variable() {
    for name in ["authorization", "Authorization", "proxy-authorization", "cookie", "set-cookie"] {
        refuse(&format!("{{header.{name}}}"), "at 1: this header holds a credential");
        refuse(&format!("{{response.header.{name}}}"), "at 1: this header holds a credential");
    }
}

#[test]
fn a_value_keeps_its_spelling_and_its_types() {
    check_json("9007199254740993", "9007199254740993");
    check_json(
        r#" {"a" : [1.0, -0 ,1e400], "é":"\u00e9"} "#,
        r#"{"a":[1.0,-0,1e400],"é":"\u00e9"}"#,
    );
    check_json(r#""{claim.sub}""#, r#""alice""#);
    check_json(r#""{claim.count}""#, "7");
    check_json(r#""{claim.is}""#, "true");
    check_json(r#""{claim.roles}""#, r#"["a",2,false]"#);
    check_json(r#""{claim.object}""#, r#"{"a":1}"#);
    check_json(r#""n{claim.count}""#, r#""n7""#);
    check_json(r#"["{claim.none}","a{claim.none}","{claim.none|x}"]"#, r#"[null,null,"x"]"#);
    check_json(r#"{"{claim.sub}":"{{}}"}"#, r#"{"{claim.sub}":"{}"}"#);
    check_json(r#""{claim.quote}""#, r#""\"\\\n""#);
    check_json(r#""{claim.quote|}!""#, r#""\"\\\u000a!""#);
    check_json(r#""\u007bclaim.sub\u007d""#, r#""alice""#);
}

#[test]
fn a_value_that_is_no_json_is_refused() {
    for bad in ["", "{", "[1,]", "nul", r#"{"a":1,"a":2}"#, "1 2", "'a'"] {
        let error = JsonTemplate::new(bad).unwrap_err();
        assert!(error.why().starts_with("this is not JSON: "), "{bad}: {error}");
    }
    let error = JsonTemplate::new(r#"{"a": "{x}"}"#).unwrap_err();
    assert_eq!(error.to_string(), "at 6: there is no variable of this name");
}

#[test]
fn values_are_not_printed() {
    let printed = format!("{:?}", values());
    assert!(printed.contains("Claim(\"sub\")") && !printed.contains("alice"), "{printed}");
}

#[test]
fn an_error_names_its_place_as_a_pointer() {
    let error = HeaderEdits::new().append("x-a", "{x}").unwrap_err();
    assert_eq!((error.place(), error.offset()), ("/append/x-a", Some(1)));
    assert_eq!(error.clone().within("a/b~").place(), "/a~1b~0/append/x-a");
    assert_eq!(error.to_string(), "/append/x-a: at 1: there is no variable of this name");
}

fn values() -> Values {
    let claims: [(&str, Value); 11] = [
        ("sub", json!("alice")),
        ("a.b", json!("dotted")),
        ("https://x/y", json!("namespaced")),
        ("count", json!(7)),
        ("is", json!(true)),
        ("roles", json!(["a", 2, false])),
        ("null", json!(null)),
        ("object", json!({"a": 1})),
        ("nested", json!([["a"]])),
        ("comma", json!(["a,b"])),
        ("quote", json!("\"\\\n")),
    ];
    let values = Values::none().with("header.x-a", "header").unwrap();
    claims
        .into_iter()
        .fold(values, |values, (name, value)| values.with(&format!("claim.{name}"), value).unwrap())
}

#[track_caller]
fn check(template: &str, expected: Option<&str>) {
    let rendered = Template::new(template).unwrap().render(&values());
    assert_eq!(rendered.as_deref(), expected, "{template}");
}

#[track_caller]
fn check_json(template: &str, expected: &str) {
    assert_eq!(JsonTemplate::new(template).unwrap().render(&values()), expected, "{template}");
}

#[track_caller]
fn refuse(template: &str, expected: &str) {
    assert_eq!(Template::new(template).unwrap_err().to_string(), expected, "{template}");
}
