//! Rules and filters as they are written, and what the data plane makes of them.

use bytes::Bytes;
use http::{HeaderMap, Method};
use rrfilter::Operation;
use rrrules::{CanonicalPath, Effect, Subject};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn every_criterion_of_a_rule_is_judged() {
    let world = World::new().await;
    world.fill().await;
    world.put("proxies/p", json!({"name": "p", "targetId": "t"})).await;
    let rule = json!({"effect": "deny", "pathPattern": "^/USERS", "regexFlags": "i",
        "headerChecks": [{"name": "x-debug", "presence": "must_not_exist"}],
        "queryChecks": [{"name": "mode", "value": "^raw"}]});
    let answer = world.put("proxies/p/rules/r", rule).await;
    let flagged = |pattern: &str| json!({"pattern": pattern, "flags": "i"});
    assert_eq!(answer.json["path"], json!({"pattern": flagged("^/USERS"), "presence": "present"}));
    assert_eq!(answer.json["headers"][0]["presence"], "absent");
    assert_eq!(answer.json["query"][0]["value"], flagged("^raw"));
    assert_eq!(answer.json["mode"], "enforce");
    assert!(answer.json.get("queryChecks").is_none());
    for (path, query, header, expected) in [
        ("/users", Some("mode=RAW"), None, Effect::Deny),
        ("/users", Some("mode=%72aw&x"), None, Effect::Deny),
        ("/users", Some("mode=x"), None, Effect::Allow),
        ("/users", None, None, Effect::Allow),
        ("/x", Some("mode=raw"), None, Effect::Allow),
        ("/users", Some("mode=raw"), Some("x-debug"), Effect::Allow),
    ] {
        let mut headers = HeaderMap::new();
        if let Some(name) = header {
            headers.insert(name, http::HeaderValue::from_static("1"));
        }
        let (path, body) = (CanonicalPath::parse(path).unwrap(), Bytes::new());
        let subject =
            Subject { method: &Method::GET, path: &path, query, headers: &headers, body: &body };
        let revision = world.revision();
        let verdict = revision.proxies[0].rules.decide(&subject);
        assert_eq!(verdict.effect, expected, "{subject:?}");
    }
}

#[tokio::test]
async fn a_rule_on_the_body_and_one_in_shadow_reach_the_data_plane() {
    let world = World::new().await;
    world.fill().await;
    world.put("proxies/p", json!({"name": "p", "targetId": "t"})).await;
    let body = json!([{"path": "^role$", "value": {"pattern": "^ADMIN$", "flags": "i"}}]);
    let rule = json!({"effect": "deny", "body": body});
    let answer = world.put("proxies/p/rules/r", rule).await;
    assert_eq!(answer.json["body"][0]["presence"], "present");
    world.put("proxies/p/rules/s", json!({"effect": "deny", "mode": "shadow"})).await;
    for (text, effect, shadow) in
        [(r#"{"role":"admin"}"#, Effect::Deny, Effect::Deny), ("{}", Effect::Allow, Effect::Deny)]
    {
        let (path, body) = (CanonicalPath::parse("/").unwrap(), Bytes::from(text));
        let mut headers = HeaderMap::new();
        headers.insert("content-type", http::HeaderValue::from_static("application/json"));
        let (method, query) = (&Method::POST, None);
        let subject = Subject { method, path: &path, query, headers: &headers, body: &body };
        let verdict = world.revision().proxies[0].rules.decide(&subject);
        assert_eq!(verdict.effect, effect, "{text}");
        let would = verdict.shadow.unwrap();
        assert_eq!((would.effect, &*would.matched[0]), (shadow, "s"), "{text}");
    }
    let answer = world.patch("proxies/p/rules/s", json!({"mode": "enforce"})).await;
    assert_eq!((&answer.json["mode"], &answer.json["body"]), (&json!("enforce"), &json!([])));
}

#[tokio::test]
async fn flaws_of_a_rule_are_told_where_the_client_wrote_them() {
    let world = World::new().await;
    world.fill().await;
    let rules = "targets/t/rules";
    let both = json!({"effect": "deny", "headers": [], "headerChecks": [],
        "path": {"pattern": "a"}, "pathPattern": "a", "query": [], "queryChecks": []});
    world.refuses(rules, both, &["/pathPattern", "/headerChecks", "/queryChecks"]).await;
    let patterns = json!({"effect": "deny", "pathPattern": "(a", "queryChecks": [
        {"name": {"pattern": "(?=a)"}}, {"name": "a", "value": "("}], "body": [{"path": "("}],
        "mode": "audit"});
    let pointers = [
        "/pathPattern",
        "/queryChecks/0/name/pattern",
        "/queryChecks/1/value",
        "/body/0/path",
        "/mode",
    ];
    world.refuses(rules, patterns, &pointers).await;
}

#[tokio::test]
async fn a_mask_reaches_the_data_plane() {
    let world = World::new().await;
    world.fill().await;
    world.put("proxies/p", json!({"name": "p", "targetId": "t"})).await;
    let mask = json!({"operation": "mask", "paths": ["$..iban", "$['a','b']"]});
    let answer = world.put("proxies/p/filters/f", mask).await;
    assert_eq!((answer.status.as_u16(), &answer.json["with"]), (201, &json!("***")));
    let revision = world.revision();
    assert_eq!(revision.proxies[0].filters.filters()[0].operation(), Operation::Mask);
    let odd = json!({"operation": "destroy", "paths": ["$.a"], "with": "x"});
    world.refuses("proxies/p/filters", odd, &["/with"]).await;
}
