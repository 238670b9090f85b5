//! Deciding about a request that no rule fits takes no memory.

#![cfg(test)]

use allocation_counter::measure;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use rrrules::{CanonicalPath, RuleSet, Subject};

#[test]
fn what_no_rule_fits_takes_no_memory() {
    check(&Method::GET, "/v1/users/8c1e/orders/42", None);
    check(&Method::GET, "/v1/users/8c1e/orders/42", Some("limit=100"));
    check(&Method::DELETE, "/v1/users/8c1e/orders/42", Some("limit=100&expand=lines&role=user"));
    check(&Method::GET, "/", Some("role=user&role=guest&sort=-date"));
    check(
        &Method::from_bytes(b"REPORT").unwrap(),
        "/files/a.txt",
        Some("a=1&b=2&c&d=&e=5&f&g&h=8"),
    );
}

// Of more than a few rules an index says which may fit: up to 64 of them without memory.
#[test]
fn nor_does_it_among_many() {
    let rules: Vec<_> = (0..5).map(|it| RULES.replace("ID", &it.to_string())).collect();
    let set = read(&rules.join(","));
    let path = CanonicalPath::parse("/v1/users/8c1e/orders/42").unwrap();
    assert_eq!(allocations(&set, &Method::GET, &path, Some("limit=100&role=user")), 0);
}

// The measure itself: what fits is told by its id.
#[test]
fn what_a_rule_fits_is_noted() {
    let set = read(&RULES.replace("ID", ""));
    let path = CanonicalPath::parse("/v1/reports/9").unwrap();
    assert!(allocations(&set, &Method::GET, &path, None) > 0);
}

#[track_caller]
fn check(method: &Method, path: &str, query: Option<&str>) {
    let scopes: Vec<_> = (0..4).map(|it| read(&RULES.replace("ID", &it.to_string()))).collect();
    let path = CanonicalPath::parse(path).unwrap();
    for set in &scopes {
        assert_eq!(allocations(set, method, &path, query), 0, "{method} {path:?} {query:?}");
    }
}

fn allocations(set: &RuleSet, method: &Method, path: &CanonicalPath, query: Option<&str>) -> u64 {
    let mut headers = HeaderMap::new();
    for (name, value) in HEADERS {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let body = &Bytes::new();
    let subject = Subject { method, path, query, headers: &headers, body };
    // An expression makes itself what it needs when it is first asked.
    let expected = set.decide(&subject);
    let counted = measure(|| assert_eq!(set.decide(&subject), expected));
    counted.count_total
}

fn read(rules: &str) -> RuleSet {
    let text = format!(r#"{{"defaultRuleEffect":"allow","rules":[{rules}]}}"#);
    RuleSet::from_json(&text).unwrap()
}

const HEADERS: [(&str, &str); 8] = [
    ("host", "api.example.com"),
    ("user-agent", "example-sdk/4.2.1 (linux; x86_64)"),
    ("accept", "application/json"),
    ("accept-encoding", "gzip, deflate"),
    ("authorization", "Bearer 0123456789"),
    ("x-request-id", "0196f0c0-6d2b-7c1e-9c1a-3f1d2a7b9c10"),
    ("x-role", "user"),
    ("cookie", "a=1; b=2"),
];

// Ten, of every kind.
const RULES: &str = r#"
    {"id":"aID","effect":"deny","methods":["DELETE","PUT"],"path":{"pattern":"^/internalID/"}},
    {"id":"bID","effect":"deny","path":{"pattern":"(?i)/adminID/"}},
    {"id":"cID","effect":"allow","path":{"pattern":"^/v1/[^/]+/keysID$"}},
    {"id":"dID","effect":"allow","path":{"pattern":"^/v1/reports/[0-9]+$"}},
    {"id":"eID","effect":"allow","path":{"pattern":".","presence":"absent"}},
    {"id":"fID","effect":"deny","query":[{"name":"role","value":"^adminID$"}]},
    {"id":"gID","effect":"allow","query":[{"name":{"pattern":"^(role|sort)$"},"value":"^adminID$"}]},
    {"id":"hID","effect":"deny","headers":[{"name":"user-agent","value":"^BadBotID/|[0-9]{9}ID!"}]},
    {"id":"iID","effect":"deny","headers":[{"name":{"pattern":"^x-debug-"}}]},
    {"id":"jID","effect":"deny","headers":[{"name":"x-role","value":"admin"}],
     "body":[{"path":"^role$","value":"^admin$"}]}"#;
