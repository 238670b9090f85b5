//! Paths rewritten, and queries normalised, before anybody looks at them.

use rrfilter::{Duplicates, PathRewrite, QueryNormalisation};

#[test]
fn a_path_is_rewritten_at_the_first_place_that_fits() {
    check("^/v1/", "/v2/", "/v1/v1/a", Some("/v2/v1/a"));
    check("^/v1/", "/v2/", "/a/v1/", None);
    check("/a", "/b", "/a/a/a", Some("/b/a/a"));
    check(r"^/users/(\d+)/?$", "/people/$1", "/users/7/", Some("/people/7"));
    check("^/(?<a>[^/]+)/(?<b>[^/]+)", "/${b}/$1", "/x/y/z", Some("/y/x/z"));
    check("^/(a)?b", "/c$1d", "/b", Some("/cd"));
    check("^/a$", "/$$1", "/a", Some("/$1"));
    check("^/a", "/%2F;a=b@:", "/a", Some("/%2F;a=b@:"));
    check("^", "/pre", "/a", Some("/pre/a"));
    check("$", "/end", "/a", Some("/a/end"));
    check("^/", "", "//a", Some("/a"));
    check("^/(.*)$", "$1", "/a", None);
    check("(?i)^/API", "/x", "/api/y", Some("/x/y"));
}

#[test]
fn a_rewrite_that_cannot_be_is_refused_with_its_place() {
    let chars = "in a path this is percent-encoded";
    refuse("(", "/", "/pattern: at 0: unclosed group");
    refuse(
        "a(?=b)",
        "/",
        "/pattern: at 1: look-around, including look-ahead and look-behind, is not supported",
    );
    refuse(r"(a)\1", "/", "/pattern: at 3: backreferences are not supported");
    refuse("(a{1000}){1000}", "/", "/pattern: compiled, it is larger than 1 MiB");
    refuse(&"a".repeat(4097), "/", "/pattern: a pattern has 4 KiB at the most");
    refuse("a", "/x?y", "/to: at 2: this would end the path");
    refuse("a", "/x#", "/to: at 2: this would end the path");
    refuse("a", "/%", "/to: at 1: after `%` come two hexadecimal digits");
    refuse("a", "/%2", "/to: at 1: after `%` come two hexadecimal digits");
    for bad in ["/ ", "/\r", "/\\", "/é", "/\0", "/{", "/\""] {
        refuse("a", bad, &format!("/to: at 1: {chars}"));
    }
    refuse("a", "/$", "/to: at 1: after `$` comes a number, a name in braces, or another `$`");
    refuse("a", "/$a", "/to: at 1: after `$` comes a number, a name in braces, or another `$`");
    refuse("a", "/${a", "/to: at 1: after `$` comes a number, a name in braces, or another `$`");
    refuse("(a)", "/$2", "/to: at 1: the pattern has no such group");
    refuse("(?<a>a)", "/b${b}", "/to: at 2: the pattern has no such group");
    refuse("a", "/$99999999999999999999", "/to: at 1: the pattern has no such group");
}

#[test]
fn a_rewrite_cannot_make_a_path_grow_without_bounds() {
    let rewrite = PathRewrite::new("^(.*)$", &"$1".repeat(1_000)).unwrap();
    assert_eq!(rewrite.apply(&format!("/{}", "a".repeat(1_000))), None);
}

#[test]
fn a_query_is_normalised_as_it_is_told() {
    let none = QueryNormalisation::new;
    check_query(&none(), "b=1&&a=%zz", "b=1&&a=%zz");
    check_query(&none().sort(), "b=2&a=%41&b=1&a", "a=%41&a&b=2&b=1");
    check_query(&none().sort(), "%62=2&a=1&c=3", "a=1&%62=2&c=3");
    check_query(&none().drop_empty(), "a=&b&&c=0&=", "c=0");
    check_query(&none().remove(["a"]), "a=1&b=2&%61=3&x=1;a=2&aa=1", "b=2&aa=1");
    check_query(
        &none().keep_only(["a", "b c"]),
        "a=1&b+c=2&b%20c=3&d=4&a=1;d=2&a=1;a=2",
        "a=1&b+c=2&b%20c=3&a=1;a=2",
    );
    check_query(&none().keep_only([""; 0]), "a=1&b", "");
    check_query(&none().duplicates(Duplicates::First), "a=1&b=1&%61=2&b=2", "a=1&b=1");
    check_query(&none().duplicates(Duplicates::Last), "a=1&b=1&%61=2&c=3&b=2", "%61=2&c=3&b=2");
    check_query(&none().remove(["%ff"]), "%ff=1&a", "%ff=1&a");
    assert!(none().is_empty() && !none().sort().is_empty());
}

#[track_caller]
fn check(pattern: &str, to: &str, path: &str, expected: Option<&str>) {
    let rewrite = PathRewrite::new(pattern, to).unwrap();
    assert_eq!(rewrite.apply(path).as_deref(), expected, "{pattern} {to} {path}");
}

#[track_caller]
fn refuse(pattern: &str, to: &str, expected: &str) {
    assert_eq!(PathRewrite::new(pattern, to).unwrap_err().to_string(), expected, "{pattern} {to}");
}

#[track_caller]
fn check_query(normalisation: &QueryNormalisation, query: &str, expected: &str) {
    let once = normalisation.apply(query).into_owned();
    assert_eq!(once, expected, "{query}");
    assert_eq!(normalisation.apply(&once), once, "{query}");
}
