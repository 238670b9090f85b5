//! Whatever text is given as rules or as a pattern: it is refused in one line that says where, or it
//! decides.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use rrrules::{CanonicalPath, JsonError, Mode, Pattern, RuleOutcome, RuleSet, Subject};
use serde_json::Value;

/// `/pattern/flags` is a pattern; any other text is a document of rules.
///
/// # Panics
/// When an error does not say in one line where it is, or rules say one thing and explain another.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match text.strip_prefix('/').and_then(|it| it.rsplit_once('/')) {
        Some((pattern, flags)) => check_pattern(pattern, flags),
        None => check_rules(text),
    }
}

fn check_pattern(pattern: &str, flags: &str) {
    match Pattern::new(pattern, flags) {
        Ok(compiled) => assert_eq!(compiled.source(), pattern),
        Err(error) => {
            assert_is_one_line(&error.to_string());
            assert!(error.position().is_none_or(|it| pattern.is_char_boundary(it)), "{error}");
        }
    }
}

fn check_rules(text: &str) {
    let set = match RuleSet::from_json(text) {
        Ok(set) => set,
        Err(error) => return check_error(text, &error),
    };
    let rules = rules_of(text);
    assert_eq!(set.is_empty(), rules == 0);
    for request in &*REQUESTS {
        let subject = request.subject();
        let (verdict, explanation) = (set.decide(&subject), set.explain(&subject));
        assert_eq!(explanation.verdict, verdict);
        assert_eq!(explanation.rules.len(), rules);
        let fitting = |mode| {
            let fits = explanation.rules.iter().filter(|it| it.outcome == RuleOutcome::Fits);
            fits.filter(move |it| it.mode == mode).map(|it| it.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(fitting(Mode::Enforce), verdict.matched);
        assert_eq!(fitting(Mode::Shadow), verdict.shadow.map_or(Vec::new(), |it| it.matched));
    }
    for warning in set.lint() {
        assert_is_one_line(&warning.to_string());
    }
}

// How many rules there are in a document that was accepted.
fn rules_of(text: &str) -> usize {
    let document = document(text).expect("what is accepted is JSON");
    document.get("rules").and_then(Value::as_array).map_or(0, Vec::len)
}

// A pointer leads to what is there, or ends in what is missing; a byte is one of what it points to.
fn check_error(text: &str, error: &JsonError) {
    let said = error.to_string();
    assert_is_one_line(&said);
    let byte = said.rsplit_once(" at byte ").and_then(|(_, it)| it.parse::<usize>().ok());
    let Some(document) = document(text) else {
        assert_eq!(error.pointer(), "", "{said}");
        assert!(byte.is_none_or(|it| it <= text.len()), "{said}");
        return;
    };
    let parent = error.pointer().rsplit_once('/').map_or("", |(it, _)| it);
    assert!(document.pointer(parent).is_some(), "{said}");
    // Flags are read before what they are for.
    if let (Some(byte), Some(Value::String(text))) = (byte, document.pointer(error.pointer())) {
        assert!(text.is_char_boundary(byte), "{said}");
    }
}

fn document(text: &str) -> Option<Value> {
    serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()
}

#[track_caller]
fn assert_is_one_line(text: &str) {
    assert!(!text.is_empty() && !text.chars().any(char::is_control), "{text:?}");
}

struct Request {
    method: Method,
    path: CanonicalPath,
    query: Option<&'static str>,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    fn new(
        method: &Method,
        path: &str,
        query: Option<&'static str>,
        headers: &[(&'static str, &'static str)],
        body: &'static str,
    ) -> Self {
        let path = CanonicalPath::parse(path).expect("the paths below are good");
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let headers = headers.iter().map(line).collect();
        let body = Bytes::from_static(body.as_bytes());
        Self { method: method.clone(), path, query, headers, body }
    }

    fn subject(&self) -> Subject<'_> {
        let Self { method, path, query, headers, body } = self;
        Subject { method, path, query: *query, headers, body }
    }
}

static REQUESTS: LazyLock<[Request; 4]> = LazyLock::new(|| {
    let json = ("content-type", "application/json");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let roles = [json, ("x-role", "admin"), ("x_role", "user"), ("cookie", "a=1; b=2")];
    let batch = r#"[{"jsonrpc":"2.0","method":"tools/call","params":{"name":"a"}},{"a.b":[1]}]"#;
    [
        Request::new(&Method::GET, "/", None, &[], ""),
        Request::new(&Method::POST, "/users/1%3adelete", Some("a=1&debug&q=%41+b"), &roles, batch),
        Request::new(&Method::PUT, "/caf%c3%a9/A.json", Some("%zz"), &[form], "user[role]=a;b=1"),
        Request::new(&Method::POST, "/graphql", Some("query={a}"), &[json], r#"{"query":"{a}"}"#),
    ]
});
