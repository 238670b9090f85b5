//! The page on writing rules: each rule on it is one, and decides as the page says.

#![cfg(test)]
#![cfg(feature = "graphql")]

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use rrcore::{Code, Refusal, Scope};
use rrrules::{CanonicalPath, RuleSet, RulesLayer, WRITING_RULES, WarningKind};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};

/// A fenced block: its language, and its text.
struct Block<'a> {
    language: &'a str,
    text: &'a str,
}

#[test]
fn every_rule_on_the_page_can_be_written_and_nothing_is_odd_about_it() {
    let rules: Vec<_> = blocks().iter().filter(|it| it.language == "json").map(rules).collect();
    assert!(rules.len() >= 12, "{} blocks: are they found?", rules.len());
    for set in rules {
        assert_eq!(set.lint(), [], "{set:?}");
    }
}

#[tokio::test]
async fn rules_decide_as_the_page_says() {
    let blocks = blocks();
    let (mut examples, mut wrong) = (0, Vec::new());
    for pair in blocks.windows(2) {
        let [rule, table] = pair else { panic!() };
        if (rule.language, table.language) == ("json", "text") {
            for line in table.text.lines() {
                let decided = decided(rules(rule), line).await;
                wrong.extend((!line.ends_with(decided)).then(|| format!("{line}: {decided}")));
                examples += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(examples >= 45, "{examples} lines: are they found?");
}

#[test]
fn paths_that_the_page_calls_refused_are() {
    let (_, table) = WRITING_RULES.split_once("is what has no single reading:").unwrap();
    let (table, _) = table.split_once("An API may need").unwrap();
    let paths: Vec<_> = table.split('`').skip(1).step_by(2).collect();
    assert!(paths.len() >= 12, "{paths:?}");
    for path in paths {
        assert!(CanonicalPath::parse(path).is_err(), "{path}");
    }
}

#[test]
fn the_page_knows_every_kind_of_warning() {
    for kind in [
        WarningKind::NeverMatches,
        WarningKind::Shadowed,
        WarningKind::Unanchored,
        WarningKind::MultiLineEnd,
        WarningKind::NonCanonical,
        WarningKind::WiderThanDefault,
        WarningKind::UnknownMethod,
        WarningKind::NoEffect,
    ] {
        assert!(WRITING_RULES.contains(&format!("| `{}` |", kind.as_str())), "{kind:?}");
    }
}

// `METHOD TARGET  [Name: value]  [body]  outcome`, with two spaces or more between.
async fn decided(rules: RuleSet, line: &str) -> &'static str {
    let columns: Vec<_> = line.split("  ").map(str::trim).filter(|it| !it.is_empty()).collect();
    let (method, target) = columns[0].split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(target);
    let mut body = Bytes::new();
    for column in &columns[1..columns.len() - 1] {
        match column.split_once(": ") {
            Some((name, value)) if !column.starts_with(['{', '[']) => {
                request = request.header(name, value);
            }
            _ => body = Bytes::copy_from_slice(column.as_bytes()),
        }
    }
    let service = RulesLayer::new().scope(Scope::Proxy, rules).bodies().layer(service_fn(
        async |_: Request<_>| Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())),
    ));
    let response = service.oneshot(request.body(Full::new(body)).unwrap()).await.unwrap();
    let code = response.extensions().get::<Refusal>().map(Refusal::code);
    match code {
        None => "allowed",
        Some(Code::RuleDenied) => "denied",
        Some(Code::MalformedRequest) => "malformed",
        Some(other) => panic!("{line}: {other:?}"),
    }
}

// A rule by itself stands under the default that it is an exception to.
fn rules(Block { text, .. }: &Block<'_>) -> RuleSet {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let set = match value.get("effect").and_then(Value::as_str) {
        None => text.to_string(),
        Some(effect) => {
            let default = if effect == "allow" { "deny" } else { "allow" };
            json!({ "defaultRuleEffect": default, "rules": [value] }).to_string()
        }
    };
    RuleSet::from_json(&set).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn blocks() -> Vec<Block<'static>> {
    let fenced = WRITING_RULES.split("```").skip(1).step_by(2);
    fenced
        .map(|it| it.split_once('\n').unwrap())
        .map(|(language, text)| Block { language, text })
        .collect()
}
