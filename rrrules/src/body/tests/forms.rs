//! Forms: names, values and their readings.

use super::Sent;

#[test]
fn each_name_is_a_path() {
    check("role=admin&x=1", "^role$", Some("^admin$"), "sure");
    check("r%6fle=adm%69n", "^role$", Some("^admin$"), "sure");
    check("a=b+c", "^a$", Some("^b c$"), "sure");
    check("a.b=1", "^a\\.b$", Some("1"), "sure");
    check("a", "^a$", Some("^$"), "sure");
    check("a", "\\ba\\b", None, "sure");
    check("b=a", "^a$", None, "none");
    check("a=1", "^$", None, "none");
    check("&&", ".*", None, "none");
}

#[test]
fn of_several_values_a_deny_needs_one_and_an_allow_all() {
    check("a=1&a=1", "^a$", Some("1"), "sure");
    check("a=1&a=2", "^a$", Some("1"), "possible");
    check("a=2&%61=1", "^a$", Some("1"), "possible");
    check("a=1&ab=2", "^a", Some("1"), "sure");
    check("a=2&a=2", "^a$", Some("1"), "none");
}

#[test]
fn brackets_are_dots_but_only_against_the_caller() {
    check("user[role]=admin", "^user\\.role$", Some("admin"), "possible");
    check("user%5Brole%5D=admin", "^user\\.role$", None, "possible");
    check("user[role]=admin", "^user\\[role\\]$", Some("admin"), "sure");
    check("a[]=1", "^a$", Some("1"), "possible");
    check("a[0][b]=1", "^a\\.0\\.b$", Some("1"), "possible");
    check("x&[a]=1", "^a$", None, "possible");
    // PHP would take the last.
    check("a=1&a[]=2", "^a$", Some("1"), "possible");
    check("a=1&a[]=1", "^a$", Some("1"), "sure");
    check("user.role=1&user[role]=2", "^user\\.role$", Some("1"), "possible");
}

#[test]
fn semicolons_and_plus_signs_have_further_readings() {
    check("a=1;b=2", "^b$", None, "possible");
    check("a=1;b=2", "^a$", None, "sure");
    check("a=1;b=2", "^a$", Some("^1$"), "possible");
    check("a=1+2", "^a$", Some("^1\\+2$"), "possible");
    check("a=1+2", "^a$", Some("^1 2$"), "sure");
    check("a=1%3Bb=2", "^b$", None, "none");
}

#[test]
fn what_is_no_form_is_not_inspected() {
    refuse("a=%zz", "a form with a malformed escape");
    refuse("{\"a\":1}", "JSON that is called a form");
    refuse("[]", "JSON that is called a form");
    refuse(&"a&".repeat(1_000), "a form with too many fields");
    check(&"a&".repeat(999), "^a$", None, "sure");
    let bytes = Sent { media: "application/x-www-form-urlencoded", ..Sent::json(b"a=\xff") };
    assert_eq!(bytes.finds("a", None), Err("a form that is not UTF-8"));
}

#[track_caller]
fn check(form: &str, path: &str, value: Option<&str>, expected: &str) {
    let found = Sent::form(form).finds(path, value);
    assert_eq!(found.as_deref(), Ok(expected), "{form} {path} {value:?}");
}

#[track_caller]
fn refuse(form: &str, reason: &str) {
    assert_eq!(Sent::form(form).finds("a", None), Err(reason));
}
