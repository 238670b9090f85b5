//! Which rules are warned of, and which are not.

use super::*;
use crate::header::{HeaderCheck, NameMatch};
use crate::pattern::{Pattern, Presence};
use crate::query_check::{QueryCheck, QueryName};
use Effect::{Allow, Deny};
use Presence::{Absent, Present};
use WarningKind::*;

#[test]
fn sensible_rules_give_no_warning() {
    for sensible in [
        "^/users/",
        "^/users$",
        "(?i)^/admin[/;. ]?",
        "^/admin(/|$)",
        "^/",
        r"\.json$",
        "^.*/internal(/|$)",
        ".*/keys",
        "^/(users|groups)/[0-9]+$",
        "^/caf%C3%A9$",
        "^/v1/[^/]+:delete$",
        "^/a%3Ab",
        r"^/\.well-known/",
        r"^/files/[^/]*\.\.\.",
        "^(/a|/b)",
        "^/a|^/b",
        r"\bkeys\b",
        "^/[a-z-]+(?:/[0-9]+)?$",
        r"^/[^/]+/\w+",
        "users",
    ] {
        check(&[path(Deny, sensible)], Allow, &[]);
        check(&[path(Allow, sensible).methods(["GET"])], Deny, &[]);
    }
    for decoded in ["^/café$", "^/a b", "^/v1/[^/]+/x:y", r"^/a\?b", "^/[^/]*[\"'<>]"] {
        check(&[path(Deny, decoded)], Allow, &[]);
    }
}

#[test]
fn sensible_sets_give_no_warning() {
    check(&[], Deny, &[]);
    check(&[], Allow, &[]);
    check(&[Rule::new("1", Deny)], Allow, &[]);
    check(
        &[Rule::new("1", Allow).methods(["GET", "HEAD", "QUERY", "PROPFIND", "TRACE"])],
        Deny,
        &[],
    );
    check(&[Rule::new("1", Allow).mode(Mode::Shadow)], Deny, &[]);
    check(&[Rule::new("1", Allow).mode(Mode::Shadow)], Allow, &[]);
    let rules = [
        path(Deny, "^/admin(/|$)"),
        path(Allow, "^/users/").named("1").methods(["GET"]),
        path(Allow, "^/users/").named("2").methods(["PUT"]).header(header(
            "x-role",
            Some("^a$"),
            Present,
        )),
        path(Allow, "^/public/").named("3").header(header("x-debug", None, Absent)),
    ];
    check(&rules, Deny, &[]);
    let differs = Rule::new("1", Allow)
        .header(header("x-a", None, Present))
        .header(header("x-a", Some("^b$"), Absent))
        .query(query("a", Some("^b$"), Present))
        .query(query("a", Some("^c$"), Absent));
    check(&[differs], Deny, &[]);
    let polluted = Rule::new("1", Deny).query(query("role", Some("^user$"), Present)).query(query(
        "role",
        Some("^user$"),
        Absent,
    ));
    check(&[polluted], Allow, &[]);
}

#[test]
fn what_no_request_can_meet_is_told() {
    for pattern in ["^users/", "^$", "^[a-z]+/", r"[^\s\S]", "^/a^/b", "a$/b"] {
        check(
            &[path(Deny, pattern)],
            Allow,
            &[("0", NeverMatches, "found in no path, so the rule fits no")],
        );
    }
    let absent = Rule::new("0", Deny).path(pattern("^users/"), Absent);
    check(&[absent], Allow, &[("0", NeverMatches, "so the rule fits whatever the path is")]);
    let methods = Rule::new("0", Deny).methods(["TRACE", "CONNECT"]);
    check(&[methods], Allow, &[("0", NeverMatches, "CONNECT and TRACE")]);
    let both = |check: fn(&'static str, Option<&str>, Presence) -> HeaderCheck| {
        Rule::new("0", Deny)
            .header(check("x-a", Some("b"), Present))
            .header(check("X_A", None, Absent))
    };
    check(
        &[both(header)],
        Allow,
        &[("0", NeverMatches, "What /headers/0 asks to be there, /headers/1")],
    );
    let named =
        HeaderCheck { name: NameMatch::pattern("^x-", "").unwrap(), value: None, presence: Absent };
    let rule = Rule::new("0", Allow).header(named).header(header("x-a", None, Present));
    check(&[rule], Deny, &[("0", NeverMatches, "/headers/1 asks to be there, /headers/0")]);
    let rule = Rule::new("0", Allow).query(query("a", Some("^b$"), Present)).query(query(
        "a",
        Some("^b$"),
        Absent,
    ));
    check(&[rule], Deny, &[("0", NeverMatches, "/query/0")]);
}

#[test]
fn a_spelling_that_never_arrives_is_told() {
    for (pattern, hint) in [
        ("^/%2e%2e/", "escapes are in upper case"),
        ("^/caf%c3%a9$", "escapes are in upper case"),
        ("%41dmin", "never escaped"),
        ("/./admin".replace('.', r"\.").as_str(), "resolved before rules are asked"),
        (r"/\.\./", "resolved before rules are asked"),
        (r"\\admin", "backslash"),
    ] {
        // A percent sign that is kept is one in a decoded path, which denies look at.
        let hint_to_deny = if pattern.contains('%') { "`pathOptions`" } else { hint };
        check(&[path(Deny, pattern)], Allow, &[("0", NonCanonical, hint_to_deny)]);
        check(&[path(Allow, pattern)], Deny, &[("0", NonCanonical, hint)]);
    }
    for (pattern, hint) in [
        ("^/café", "all but ASCII is escaped"),
        ("^/a b", "all but ASCII"),
        (r"^/a\?b", "in `query`"),
    ] {
        check(&[path(Allow, pattern)], Deny, &[("0", NonCanonical, hint)]);
    }
    for pattern in ["//", "^/[a-z]+//[a-z]+$", "(?i)%2f", "%25"] {
        let soft = "only arrives where the target's `pathOptions` keep it";
        check(&[path(Deny, pattern)], Allow, &[("0", NonCanonical, soft)]);
    }
}

#[test]
fn a_path_that_may_start_anywhere_is_told() {
    check(&[path(Allow, "/public")], Deny, &[("0", Unanchored, "allows more than what starts so")]);
    check(&[path(Deny, "/admin(/|$)")], Allow, &[("0", Unanchored, "write `^(?:/admin(/|$))`")]);
    check(&[path(Deny, "(?i)/admin")], Allow, &[("0", Unanchored, "denies more")]);
    check(&[path(Deny, "^/a|/b")], Allow, &[("0", Unanchored, "")]);
    let absent = Rule::new("0", Deny).path(pattern("/public/"), Absent);
    check(&[absent], Allow, &[("0", Unanchored, "misses paths that have it further on")]);
}

#[test]
fn an_end_of_a_line_is_told() {
    check(&[path(Allow, "(?m)^/a$")], Deny, &[("0", MultiLineEnd, "(at /path)")]);
    let lines = |pattern: &str| Pattern::new(pattern, "m").unwrap();
    let value = QueryCheck { value: Some(lines("^ok$")), ..query("a", None, Present) };
    check(&[Rule::new("0", Allow).query(value)], Deny, &[("0", MultiLineEnd, "(at /query/0)")]);
    let value = HeaderCheck { value: Some(lines("^ok$")), ..header("a", None, Present) };
    check(&[Rule::new("0", Allow).header(value)], Deny, &[("0", MultiLineEnd, "(at /headers/0)")]);
    let value = QueryCheck { value: Some(lines("ok")), ..query("a", None, Present) };
    check(&[Rule::new("0", Allow).query(value)], Deny, &[]);
}

#[test]
fn a_rule_that_another_makes_pointless_is_told() {
    let denied = "Rule `0` denies every request that this one fits";
    let adds_nothing = "Rule `0` already denies";
    check(&[Rule::new("0", Deny), path(Allow, "^/a").named("1")], Deny, &[("1", Shadowed, denied)]);
    for (wide, narrow) in [
        ("^/users/", "^/users/1$"),
        ("^/users/", "^/users/1/"),
        ("^/Users/|(?i)^/users/", "^/users/1/"),
        ("^/users/[0-9]+$", "^/users/12$"),
        ("^/admin(/|$)", "^/admin/"),
        ("^/admin(/|$)", "^/admin$"),
        ("^/a.*b", "^/a.*b"),
    ] {
        let wide = || path(Deny, wide);
        check(&[wide(), path(Allow, narrow).named("1")], Deny, &[("1", Shadowed, denied)]);
        check(
            &[wide(), path(Deny, narrow).named("1").methods(["PUT"])],
            Allow,
            &[("1", Shadowed, adds_nothing)],
        );
    }
    for (wide, narrow) in [
        ("^/users/$", "^/users/"),
        ("^/admin(/|$)", "^/admin"),
        (r"^/users\b", "^/users"),
        ("^/a.*b", "^/a.*bc"),
        ("^/users/1/", "^/users/"),
    ] {
        check(&[path(Deny, wide), path(Allow, narrow).named("1")], Deny, &[]);
    }
    let wide = path(Deny, "^/a").header(header("x-a", None, Present));
    let narrow = path(Allow, "^/a").named("1").header(header("x-a", Some("b"), Present));
    check(&[wide.clone(), narrow.clone()], Deny, &[("1", Shadowed, denied)]);
    check(&[wide.clone().methods(["PUT"]), narrow.clone()], Deny, &[]);
    check(&[wide.mode(Mode::Shadow), narrow], Deny, &[]);
    let alike = || path(Deny, "^/a.*b").query(query("a", None, Absent));
    check(&[alike(), alike().named("1")], Allow, &[("1", Shadowed, adds_nothing)]);
    let allows = [path(Allow, "^/a"), path(Allow, "^/a/b").named("1")];
    check(&allows, Deny, &[("1", Shadowed, "Rule `0` already allows")]);
}

#[test]
fn rules_that_change_nothing_are_told() {
    let rules = [path(Allow, "^/a"), path(Allow, "^/b").named("1").mode(Mode::Shadow)];
    check(&rules, Allow, &[("0", NoEffect, "allows what the default allows anyway")]);
    check(&[path(Deny, "^/a")], Deny, &[("", NoEffect, "every request is denied")]);
    for wide in [Rule::new("0", Allow), path(Allow, "^/"), path(Allow, ".*"), path(Allow, "")] {
        check(&[wide.clone(), path(Allow, "^/b").named("1")], Deny, &[("0", WiderThanDefault, "")]);
        check(&[wide.methods(["GET"])], Deny, &[]);
    }
}

#[test]
fn methods_that_nobody_sends_are_told() {
    for (name, reason) in [
        ("DELTE", "did you mean `DELETE`?"),
        ("PSOT", "did you mean `POST`?"),
        ("OPTION", "did you mean `OPTIONS`?"),
        ("delete", "write `DELETE`"),
        ("PURGE", "check the spelling, unless the upstream is known to take it"),
        ("FROBNICATE", "check the spelling"),
    ] {
        let rule = Rule::new("0", Deny).methods([name, "GET"]);
        check(&[rule], Allow, &[("0", UnknownMethod, reason)]);
    }
}

#[test]
fn warnings_come_in_the_order_of_evaluation_then_of_kind() {
    let rules = [
        path(Allow, "/b").named("low").methods(["gEt"]).priority(1),
        path(Allow, "^users").named("high").priority(2),
    ];
    let warnings = RuleSet::new(rules.to_vec(), Allow).unwrap().lint();
    let said: Vec<_> = warnings.iter().map(|it| (it.rule.as_deref().unwrap(), it.kind)).collect();
    let expected = [
        ("high", NeverMatches),
        ("high", NoEffect),
        ("low", Unanchored),
        ("low", UnknownMethod),
        ("low", NoEffect),
    ];
    assert_eq!(said, expected);
    assert!(warnings[0].to_string().starts_with("rule `high` (never-matches): `^users` is found"));
}

#[test]
fn costly_patterns_are_given_up_on() {
    let rules = (0..45).map(|at| {
        let costly = format!("^/(?:[a-z0-9]+[.]?){{20}}/{at}(?:\\w+x){{4}}$");
        path(Allow, &costly).named(&at.to_string())
    });
    let set = RuleSet::new(rules.collect(), Deny).unwrap();
    assert_eq!(set.lint(), []);
}

impl Rule {
    fn named(mut self, id: &str) -> Self {
        self.id = id.into();
        self
    }
}

fn path(effect: Effect, source: &str) -> Rule {
    Rule::new("0", effect).path(pattern(source), Present)
}

fn pattern(source: &str) -> Pattern {
    Pattern::new(source, "").unwrap()
}

fn header(name: &'static str, value: Option<&str>, presence: Presence) -> HeaderCheck {
    let name = NameMatch::exact(name.parse().unwrap());
    HeaderCheck { name, value: value.map(pattern), presence }
}

fn query(name: &str, value: Option<&str>, presence: Presence) -> QueryCheck {
    QueryCheck { name: QueryName::exact(name), value: value.map(pattern), presence }
}

// Of each warning: the rule's id, or nothing; the kind; a part of the reason.
#[track_caller]
fn check(rules: &[Rule], default: Effect, expected: &[(&str, WarningKind, &str)]) {
    let set = RuleSet::new(rules.to_vec(), default).unwrap();
    let warnings = set.lint();
    for rule in rules {
        let of_it = |it: &&Warning| it.rule.as_ref().is_none_or(|id| *id == rule.id);
        let filtered: Vec<_> = warnings.iter().filter(of_it).cloned().collect();
        assert_eq!(set.lint_of(&rule.id), filtered, "{rules:?}");
    }
    let said: Vec<_> =
        warnings.iter().map(|it| (it.rule.as_deref().unwrap_or_default(), it.kind)).collect();
    let wanted: Vec<_> = expected.iter().map(|(id, kind, _)| (*id, *kind)).collect();
    assert_eq!(said, wanted, "{rules:?} {warnings:?}");
    for (warning, (_, _, reason)) in warnings.iter().zip(expected) {
        assert!(warning.reason.contains(reason), "{warning}");
    }
}
