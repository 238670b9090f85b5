//! Hostile request targets against rules, with an upstream that reads paths in every lenient way.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::path::Path;

use http::{HeaderMap, Method, Uri};
use proptest::prelude::*;
use rrrules::{CanonicalPath, Effect, Pattern, Presence, Rule, RuleSet, Subject};

const CASES: &str = "../../shared/conformance/paths/paths.dev.jsonl";

#[test]
fn no_reading_of_what_goes_on_reaches_what_is_denied() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(CASES);
    let Ok(cases) = std::fs::read_to_string(&file) else {
        println!("skipped: there is no {}", file.display());
        return;
    };
    let rules = rules();
    let (mut passed, mut bypasses) = (0, Vec::new());
    for case in cases.lines() {
        let case: serde_json::Value = serde_json::from_str(case).unwrap();
        let target = case["target"].as_str().unwrap();
        // What is no URI is refused by the server, before any layer.
        let uri = target.parse::<Uri>();
        let raw = uri.as_ref().map_or(target, Uri::path);
        for raw in [raw, target] {
            let Ok(path) = CanonicalPath::parse(raw) else { continue };
            if decide(&rules, &path) == Effect::Deny {
                continue;
            }
            passed += 1;
            if let Some(reading) = readings(path.as_str()).into_iter().find(|it| is_forbidden(it)) {
                bypasses.push(format!("{target} -> {path} -> {reading}"));
            }
        }
    }
    println!("{} targets, {passed} went on", cases.lines().count());
    assert!(passed > 0, "nothing at all went on");
    assert!(bypasses.is_empty(), "{} bypasses:\n{}", bypasses.len(), bypasses.join("\n"));
}

proptest! {
    #[test]
    fn nor_does_any_mixture_of_tricks(
        raw in "/(public/)?(/|\\.\\.|\\.|%2e|;|;x|admin|a|%61|%3b|%20|%e2%80%8b|%2e%2e/|/\\.\\./){1,12}",
    ) {
        if let Ok(path) = CanonicalPath::parse(&raw) {
            if decide(&rules(), &path) == Effect::Allow {
                let found = readings(path.as_str()).into_iter().find(|it| is_forbidden(it));
                prop_assert_eq!(found, None, "{} -> {}", raw, path);
            }
        }
    }
}

#[test]
fn the_readings_notice_what_is_forwarded_as_it_was_sent() {
    for raw in ["/public/../admin", "/public/%252e%252e/admin", "/public/..;/ADMIN", "/%u0061dmin"]
    {
        assert!(readings(raw).iter().any(|it| is_forbidden(it)), "{raw}");
    }
}

fn rules() -> RuleSet {
    let rule = |id: &str, effect, pattern| {
        Rule::new(id, effect).path(Pattern::new(pattern, "").unwrap(), Presence::Present)
    };
    let rules = vec![
        rule("admin", Effect::Deny, "^/admin(/|$)"),
        rule("keys", Effect::Deny, r"^/internal/.*\.key$"),
        rule("public", Effect::Allow, "^/public/"),
    ];
    RuleSet::new(rules, Effect::Deny).unwrap()
}

fn decide(rules: &RuleSet, path: &CanonicalPath) -> Effect {
    let (headers, body) = (&HeaderMap::new(), &bytes::Bytes::new());
    let subject = Subject { method: &Method::GET, path, query: None, headers, body };
    rules.decide(&subject).effect
}

fn is_forbidden(reading: &str) -> bool {
    reading == "/admin"
        || reading.starts_with("/admin/")
        || (reading.starts_with("/internal/") && reading.ends_with(".key"))
}

// Decoded up to three times; as bytes or as UTF-8; with and without parameters, backslashes as
// slashes, and a NUL as the end; in any case; blanks around names dropped.
fn readings(path: &str) -> BTreeSet<String> {
    let mut readings = BTreeSet::new();
    let mut decoded = path.to_owned();
    for _ in 0..4 {
        let bytes: Option<Vec<u8>> = decoded.chars().map(|it| u8::try_from(it).ok()).collect();
        let utf8 = bytes.and_then(|it| String::from_utf8(it).ok());
        for text in [Some(decoded.clone()), utf8].into_iter().flatten() {
            for how in 0..8_u8 {
                let reading = resolve(&text, how & 1 > 0, how & 2 > 0, how & 4 > 0);
                readings.insert(reading.to_lowercase());
                readings.insert(reading);
            }
        }
        decoded = decode_once(&decoded);
    }
    readings
}

fn resolve(text: &str, cuts_parameters: bool, folds_backslash: bool, ends_at_nul: bool) -> String {
    let text = if ends_at_nul { text.split('\0').next().unwrap() } else { text };
    let text = if folds_backslash { text.replace('\\', "/") } else { text.to_owned() };
    let mut names = Vec::new();
    for name in text.split('/') {
        let name = if cuts_parameters { name.split(';').next().unwrap() } else { name };
        match name.trim_matches([' ', '\t', '\r', '\n']) {
            "" | "." => (),
            ".." => _ = names.pop(),
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}

// `%XX` and `%uXXXX`, what is neither stays.
fn decode_once(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let escape = |from: usize, to: usize| {
            let digits = rest.get(from..to).filter(|_| next == '%')?;
            u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).map(|it| (it, to))
        };
        let unicode = if rest.starts_with("%u") { escape(2, 6) } else { None };
        let (character, length) = escape(1, 3).or(unicode).unwrap_or((next, next.len_utf8()));
        decoded.push(character);
        rest = &rest[length..];
    }
    decoded
}
