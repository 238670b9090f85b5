//! What is decided about requests of which only parts are known, and what is said to be missing.

#![cfg(test)]

use rrcore::Scope;
use rrrules::{Cause, Described, Outcome, RuleSet, Scopes};
use serde_json::{Value, json};

const GUESTS: &str = r#"{"effect":"deny","headers":[{"name":"x-guest"}]}"#;
const DEBUG: &str = r#"{"effect":"deny","query":[{"name":"debug"}]}"#;
const LARGE: &str = r#"{"effect":"deny","query":[{"name":"limit","value":"^[0-9]{4}"}]}"#;
const ROLE: &str = r#"{"effect":"deny","body":[{"path":"^role$"}]}"#;
const READS: &str = r#"{"effect":"allow","methods":["GET"]}"#;

#[test]
fn what_is_not_known_does_not_matter_where_it_decides_nothing() {
    check(("allow", &[]), ("allow", &[]), json!({}), "same Allow");
    check(("allow", &[]), ("allow", &[GUESTS]), json!({"headers": {}}), "same Allow");
    check(("deny", &[]), ("deny", &[GUESTS]), json!({}), "same Deny");
    check(("deny", &[]), ("deny", &[GUESTS, READS]), json!({"method": "PUT"}), "same Deny");
    check(
        ("allow", &[]),
        ("deny", &[READS, r#"{"effect":"allow","headers":[{"name":"x"}]}"#]),
        json!({}),
        "same Allow",
    );
    let elsewhere = r#"{"effect":"deny","path":{"pattern":"^/b"},"body":[{"path":"x"}]}"#;
    check(("allow", &[]), ("allow", &[elsewhere]), json!({}), "same Allow");
    let mode = r#"{"effect":"deny","mode":"shadow","headers":[{"name":"x"}]}"#;
    check(("allow", &[]), ("allow", &[mode]), json!({}), "same Allow");
}

#[test]
fn what_is_missing_is_named_once() {
    check(("allow", &[]), ("allow", &[GUESTS, ROLE]), json!({}), "needs body, header x-guest");
    check(
        ("allow", &[]),
        ("allow", &[DEBUG, LARGE]),
        json!({}),
        "needs query parameter debug, query parameter limit",
    );
    let named = r#"{"effect":"deny","headers":[{"name":{"pattern":"^x-"},"presence":"absent"}]}"#;
    check(("allow", &[named]), ("allow", &[]), json!({}), "needs headers named like ^x-");
    // A body can only be read with what says how.
    let known = json!({"body": {"role": 1}});
    check(("allow", &[]), ("allow", &[ROLE]), known, "needs headers and query to read the body");
    let known = json!({"body": {"role": 1}, "headers": {}, "query": null});
    check(("allow", &[]), ("allow", &[ROLE]), known, "Allow to Deny by proxy 0");
    // Where a body cannot be inspected, even a rule that allows denies.
    let allows = r#"{"effect":"allow","body":[{"path":"^role$"}]}"#;
    check(("allow", &[]), ("allow", &[allows]), json!({}), "needs body");
}

#[test]
fn names_of_parameters_are_enough_for_what_asks_for_names() {
    let names = |names: &[&str]| json!({"queryKeys": names});
    check(("allow", &[]), ("allow", &[DEBUG]), names(&["page"]), "same Allow");
    check(
        ("allow", &[]),
        ("allow", &[DEBUG]),
        names(&["page", "%64ebug"]),
        "Allow to Deny by proxy 0",
    );
    check(("allow", &[]), ("allow", &[LARGE]), names(&["page"]), "same Allow");
    check(
        ("allow", &[]),
        ("allow", &[LARGE]),
        names(&["limit"]),
        "needs value of query parameter limit",
    );
    check(
        ("allow", &[]),
        ("allow", &[DEBUG, LARGE]),
        names(&["limit", "debug"]),
        "Allow to Deny by proxy 0",
    );
    let none: &[&str] = &[];
    check(("allow", &[]), ("allow", &[LARGE]), names(none), "same Allow");
    // A record has no more than so many, and no longer ones.
    check(("allow", &[]), ("allow", &[DEBUG]), names(&["a"; 64]), "needs query parameter debug");
    check(("allow", &[]), ("allow", &[DEBUG]), names(&["a"; 63]), "same Allow");
    check(
        ("allow", &[]),
        ("allow", &[DEBUG]),
        names(&["a".repeat(64).as_str()]),
        "needs query parameter debug",
    );
}

#[test]
fn a_rule_that_stays_changes_nothing_whatever_is_not_known() {
    check(("allow", &[GUESTS]), ("allow", &[GUESTS]), json!({}), "same either way");
    check(
        ("allow", &[GUESTS, ROLE]),
        ("allow", &[ROLE, GUESTS, READS]),
        json!({}),
        "same either way",
    );
    let other = r#"{"effect":"deny","headers":[{"name":"x-guest","value":"^1$"}]}"#;
    check(("allow", &[GUESTS]), ("allow", &[other]), json!({}), "needs header x-guest");
    let elsewhere = r#"{"effect":"deny","path":{"pattern":"^/b"}}"#;
    check(("allow", &[GUESTS]), ("allow", &[GUESTS, elsewhere]), json!({}), "same either way");
    check(
        ("allow", &[GUESTS]),
        ("allow", &[GUESTS, r#"{"effect":"deny"}"#]),
        json!({}),
        "needs header x-guest",
    );
}

#[test]
fn what_brings_a_change_about_is_named() {
    check(("allow", &[]), ("deny", &[]), json!({}), "Allow to Deny by proxy default");
    check(("deny", &[]), ("allow", &[]), json!({}), "Deny to Allow by proxy default");
    check(("deny", &[]), ("deny", &[READS]), json!({}), "Deny to Allow by proxy 0");
    let (high, low) = (
        r#"{"effect":"deny","priority":9,"id":"high"}"#,
        r#"{"effect":"deny","id":"low","priority":1}"#,
    );
    check(("allow", &[low, high]), ("allow", &[READS]), json!({}), "Deny to Allow by proxy high");
    check(("allow", &[]), ("allow", &[low, high]), json!({}), "Allow to Deny by proxy high");
    // As the layer does: as soon as any rule looks at a query.
    let malformed = json!({"query": "a=%zz"});
    let elsewhere = r#"{"effect":"deny","path":{"pattern":"^/b"},"query":[{"name":"a"}]}"#;
    check(("allow", &[]), ("allow", &[elsewhere]), malformed, "Allow to Deny by malformed query");
}

#[test]
fn one_scope_that_denies_is_enough() {
    let set = |text: &str| RuleSet::from_json(text).unwrap();
    let denies = || set(r#"{"defaultRuleEffect":"deny"}"#);
    let guests = || set(&format!(r#"{{"defaultRuleEffect":"allow","rules":[{GUESTS}]}}"#));
    let request = Described::from_json(&json!({"method": "GET", "path": "/a"})).unwrap();
    let open = Scopes::allow_all().scope(Scope::Target, guests());
    assert_eq!(said(&Scopes::allow_all().compare(&open, &request)), "needs header x-guest");
    let shut = open.clone().scope(Scope::TargetCredential, denies());
    let by = "Allow to Deny by targetCredential default";
    assert_eq!(said(&Scopes::allow_all().compare(&shut, &request)), by);
    assert_eq!(said(&open.compare(&open, &request)), "same either way");
    assert_eq!(said(&shut.compare(&shut, &request)), "same Deny");
}

fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Same(effect) => format!("same {effect:?}"),
        Outcome::SameEitherWay => "same either way".to_owned(),
        Outcome::Undecidable { needs } => format!("needs {}", needs.join(", ")),
        Outcome::Flips { from, to, by } => {
            let by = match by {
                Cause::Rule(scope, rule) => format!("{} {}", scope.as_str(), rule.id),
                Cause::Default(scope) => format!("{} default", scope.as_str()),
                _ => "malformed query".to_owned(),
            };
            format!("{from:?} to {to:?} by {by}")
        }
    }
}

// Of `known`, `method` and `path` are `GET` and `/a` unless given; with `queryKeys`, it is a record.
#[track_caller]
fn check(before: (&str, &[&str]), after: (&str, &[&str]), known: Value, expected: &str) {
    let set = |(default, rules): (&str, &[&str])| {
        let text = format!(r#"{{"defaultRuleEffect":"{default}","rules":[{}]}}"#, rules.join(","));
        Scopes::from(RuleSet::from_json(&text).unwrap())
    };
    let mut document = json!({"method": "GET", "path": "/a"});
    if let (Value::Object(document), Value::Object(known)) = (&mut document, known) {
        document.extend(known);
    }
    let request = match document.get("queryKeys") {
        Some(_) => Described::from_record(&document).unwrap().unwrap(),
        None => Described::from_json(&document).unwrap(),
    };
    assert_eq!(said(&set(before).compare(&set(after), &request)), expected, "{document}");
}
