//! What a plan finds is what a slow and simple reader finds.

use proptest::prelude::*;
use serde_json::Value;

use super::{BodyPlan, Presence, Sent, body_check, pattern, words};

proptest! {
    // Automata take their time in a build that is not optimised.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_plan_finds_what_a_tree_of_values_has(
        document in document(),
        checks in prop::collection::vec((path(), value()), 1..4),
    ) {
        let mut all = Vec::new();
        for (path, value) in &checks {
            for presence in [Presence::Present, Presence::Absent] {
                all.push(body_check(path, value.as_deref(), presence));
            }
        }
        let wanted: Vec<_> = (0..all.len()).collect();
        let found = Sent::json(document.to_string()).inspect(&BodyPlan::new(all), &wanted).unwrap();
        for (index, (path, value)) in checks.iter().enumerate() {
            let expected = expected(&document, path, value.as_deref());
            prop_assert_eq!(words(&found, 2 * index, 2 * index + 1), expected, "{} {}", path, document);
        }
    }

    #[test]
    fn escapes_of_names_and_values_change_nothing(
        document in document(), path in path(), value in value(), every in 1..4_usize,
    ) {
        let escaped = escaped(&document.to_string(), every);
        prop_assert_eq!(
            Sent::json(escaped).finds(&path, value.as_deref()),
            Sent::json(document.to_string()).finds(&path, value.as_deref())
        );
    }

    #[test]
    fn no_body_makes_it_panic(
        tokens in prop::collection::vec(token(), 0..20),
        bytes in prop::collection::vec(any::<u8>(), 0..40),
        media in prop::sample::select(vec![
            "", "application/json", "application/x-www-form-urlencoded", "application/graphql",
        ]),
        query in prop::option::of("[a-z=&%{}+;]{0,12}"),
    ) {
        for data in [tokens.concat().into_bytes(), bytes] {
            let sent = Sent { media, query: query.as_deref(), ..Sent::json(data) };
            _ = sent.finds("a", Some("1"));
            _ = sent.finds("\\bgraphql\\b", Some("1"));
        }
    }
}

fn document() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec!["a", "b", "role", "a.b", "", "0", "1", "é\n", "jsonrpc"]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..20_i64).prop_map(Value::from),
        "[ab1é\"\\\\]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..5).prop_map(|it| {
                it.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            }),
        ]
    })
}

fn path() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "a",
        "b",
        "role",
        "\\.",
        "\\d",
        "0",
        ".",
        ".*",
        "\\w+",
        "(a|b)",
        "é",
        "[^.]*",
        "$",
        "^",
        "\\b",
        "(?i)A",
        "(?-u:\\b)",
        "(?m)$",
        "a?",
        "jsonrpc",
    ]);
    ("\\^?", prop::collection::vec(part, 0..5), "\\$?")
        .prop_map(|(start, parts, end)| format!("{start}{}{end}", parts.concat()))
}

fn value() -> impl Strategy<Value = Option<String>> {
    let value = prop::sample::select(vec!["^1$", "a", "", "^true$", "null", "\"", "^$", "-"]);
    prop::option::of(value.prop_map(str::to_owned))
}

fn token() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"query\"",
        "\"{a}\"",
        "\"jsonrpc\"",
        "1",
        "null",
        "\\",
        "\"",
        "\"\\ud800\"",
        " ",
        "&",
        "=",
        "%",
        "{\"a\":1}",
        "mutation",
        "...",
        "\u{feff}",
        "\"operationName\"",
        "\"id\"",
    ])
}

// A word for each call, as `words` has them.
fn expected(document: &Value, path: &str, value: Option<&str>) -> String {
    let is_call = |it: &Value| it.as_object().is_some_and(|it| it.contains_key("jsonrpc"));
    match document {
        Value::Array(elements) if elements.iter().any(is_call) => {
            let in_whole = found(document, path, value).0;
            let words = elements.iter().map(|it| match found(it, path, value) {
                (true, true) => "sure",
                (true, false) => "possible",
                (false, _) if in_whole => "whole",
                (false, _) => "none",
            });
            words.collect::<Vec<_>>().join(" ")
        }
        _ => match found(document, path, value) {
            (true, true) => "sure".to_owned(),
            (true, false) => "possible".to_owned(),
            (false, _) => "none".to_owned(),
        },
    }
}

// Whether something is found, and whether for sure.
fn found(document: &Value, path: &str, value: Option<&str>) -> (bool, bool) {
    let (path, value) = (pattern(path), value.map(pattern));
    let mut nodes = Vec::new();
    collect(document, None, true, &mut nodes);
    nodes.retain(|(at, text, _)| {
        let is_wanted = |value: &crate::pattern::Pattern| {
            text.as_ref().is_some_and(|text| value.is_match(text))
        };
        path.is_match(at) && value.as_ref().is_none_or(is_wanted)
    });
    (!nodes.is_empty(), nodes.iter().any(|it| it.2))
}

type Node = (String, Option<String>, bool);

fn collect(value: &Value, path: Option<&str>, sure: bool, nodes: &mut Vec<Node>) {
    let text = match value {
        Value::Array(_) | Value::Object(_) => None,
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
    };
    nodes.push((path.unwrap_or_default().to_owned(), text, sure));
    let below = |name: &str| path.map_or(name.to_owned(), |it| format!("{it}.{name}"));
    match value {
        Value::Array(elements) => {
            for (index, it) in elements.iter().enumerate() {
                collect(it, Some(&below(&index.to_string())), sure, nodes);
            }
        }
        Value::Object(members) => {
            for (name, it) in members {
                let is_plain = !(name.contains('.') || name.is_empty() && path.is_none());
                collect(it, Some(&below(name)), sure && is_plain, nodes);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

// Writes each nth character of what is in quotes as an escape.
fn escaped(json: &str, every: usize) -> String {
    let mut written = String::new();
    let (mut quoted, mut chars) = (false, json.chars().enumerate());
    while let Some((index, char)) = chars.next() {
        match char {
            '"' => {
                quoted = !quoted;
                written.push(char);
            }
            '\\' => {
                written.push(char);
                written.extend(chars.next().map(|it| it.1));
            }
            _ if quoted && index % every == 0 => {
                let mut units = [0; 2];
                for unit in char.encode_utf16(&mut units) {
                    written.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => written.push(char),
        }
    }
    written
}
