//! What is compiled, when, and what is shared.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use rrgateway::model::Revision;
use rrrules::{CanonicalPath, Effect, RuleSet, Subject, Verdict};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::World;

#[tokio::test]
async fn rule_sets_that_say_the_same_are_one_whatever_they_hang_on() {
    let world = World::new().await;
    world.fill().await;
    fill(&world).await;
    let (a, b) = (rules(&world.revision(), 0), rules(&world.revision(), 1));
    assert!(Arc::ptr_eq(&a, &b));
    world.patch("proxies/b", json!({"defaultRuleEffect": "deny"})).await;
    let denying = rules(&world.revision(), 1);
    assert!(!Arc::ptr_eq(&a, &denying), "another default is another set");
    assert_eq!((decide(&a, "/x"), decide(&denying, "/x")), (Effect::Allow, Effect::Deny));
    world.patch("proxies/b", json!({"defaultRuleEffect": "allow"})).await;
    world.put("proxies/b/rules/more", json!({"effect": "deny", "methods": ["PUT"]})).await;
    assert!(!Arc::ptr_eq(&a, &rules(&world.revision(), 1)));
    assert!(Arc::ptr_eq(&a, &rules(&world.revision(), 0)), "only what changed is compiled");
    world.delete("proxies/b/rules/more").await;
    assert!(Arc::ptr_eq(&a, &rules(&world.revision(), 1)));
}

#[tokio::test]
async fn at_the_start_rules_wait_for_their_first_request_and_then_say_what_they_said() {
    let world = World::new().await;
    world.fill().await;
    fill(&world).await;
    assert!(!is_waiting(&rules(&world.revision(), 0)), "what is written is compiled at once");

    let world = World::in_directory(world.stop().await).await.unwrap();
    let started = rules(&world.revision(), 0);
    assert!(is_waiting(&started));
    assert!(Arc::ptr_eq(&started, &rules(&world.revision(), 1)));
    assert_eq!((decide(&started, "/a"), decide(&started, "/x")), (Effect::Deny, Effect::Allow));

    world.put("proxies/b/rules/more", json!({"effect": "deny", "methods": ["PUT"]})).await;
    assert!(!is_waiting(&rules(&world.revision(), 1)));
    assert!(Arc::ptr_eq(&started, &rules(&world.revision(), 0)));
}

#[tokio::test]
async fn rules_that_cannot_be_compiled_any_more_deny() {
    let world = World::new().await;
    world.fill().await;
    fill(&world).await;
    let world = spoilt(world, "json_set(spec, '$.path.pattern', '(')", 1).await;
    let (a, b) = (rules(&world.revision(), 0), rules(&world.revision(), 1));
    assert_eq!((decide(&a, "/x"), decide(&b, "/x")), (Effect::Deny, Effect::Allow));
}

#[tokio::test]
async fn what_is_stored_and_is_no_rule_denies_until_it_is_written_anew() {
    let world = World::new().await;
    world.fill().await;
    fill(&world).await;
    let rule = world.get("/v1/clients/default/proxies/a/rules").await.json;
    let path = format!("proxies/a/rules/{}", rule["items"][0]["id"].as_str().unwrap());
    let world = spoilt(world, "json_set(spec, '$.effect', 'ignore')", 1).await;
    let (a, b) = (rules(&world.revision(), 0), rules(&world.revision(), 1));
    assert_eq!((decide(&a, "/x"), decide(&b, "/x")), (Effect::Deny, Effect::Allow));
    let shown = world.get(&format!("/v1/clients/default/{path}")).await;
    assert_eq!((shown.status.as_u16(), &shown.json["effect"]), (200, &json!("ignore")));
    let unreadable = shown.json["unreadable"].as_str().unwrap();
    assert!(unreadable.contains("unknown variant `ignore`"), "{unreadable}");
    let more = world.put("proxies/a/rules/more", json!({"effect": "allow"})).await;
    assert!(more.status.is_success(), "{}", more.text);
    assert_eq!(decide(&rules(&world.revision(), 0), "/x"), Effect::Deny, "it denies all the same");
    let repaired = world.put(&path, json!({"effect": "deny", "methods": ["PUT"]})).await;
    assert!(repaired.status.is_success(), "{}", repaired.text);
    assert_eq!(decide(&rules(&world.revision(), 0), "/x"), Effect::Allow);
}

#[tokio::test]
async fn of_two_that_are_no_rules_each_can_be_repaired_and_both_deny_until_then() {
    let world = World::new().await;
    world.fill().await;
    fill(&world).await;
    world.put("proxies/a/rules/s", json!({"effect": "allow"})).await;
    let world = spoilt(world, "'zzz'", 2).await;
    let list = world.get("/v1/clients/default/proxies/a/rules").await.json;
    for rule in list["items"].as_array().unwrap() {
        assert!(rule["unreadable"].as_str().is_some_and(|it| it.contains("expected")), "{rule}");
    }
    let denied_by = |world: &World| {
        let rules = rules(&world.revision(), 0);
        decision(&rules, "/x").deciding.map(|it| it.id.to_string())
    };
    assert_eq!(denied_by(&world).as_deref(), Some("r"), "the first of them is named");

    for (path, change) in [
        ("proxies/a/rules/more", json!({"effect": "allow"})),
        ("proxies/a/rules/r", json!({"effect": "allow", "notes": "repaired"})),
    ] {
        let written = world.put(path, change).await;
        assert!(written.status.is_success(), "{path}: {}", written.text);
        assert_eq!(decide(&rules(&world.revision(), 0), "/x"), Effect::Deny, "{path}");
    }
    let patched = world.patch("proxies/a", json!({"defaultRuleEffect": "deny"})).await;
    assert!(patched.status.is_success(), "{}", patched.text);
    assert_eq!(denied_by(&world).as_deref(), Some("s"), "what is left of them");
    let wrong = json!({"effect": "allow", "path": {"pattern": "("}});
    let wrong = world.put("proxies/a/rules/more", wrong).await;
    assert_eq!(wrong.status.as_u16(), 422, "what is written must be right: {}", wrong.text);
    let gone = world.delete("proxies/a/rules/s").await;
    assert!(gone.status.is_success(), "{}", gone.text);
    assert_eq!(decide(&rules(&world.revision(), 0), "/x"), Effect::Allow);
}

#[tokio::test]
async fn what_is_no_rule_can_be_patched_into_one() {
    let world = World::new().await;
    world.fill().await;
    fill(&world).await;
    let world = spoilt(world, "json_set(spec, '$.effect', 'ignore')", 1).await;
    let patched = world.patch("proxies/a/rules/r", json!({"effect": "deny"})).await;
    assert!(patched.status.is_success(), "{}", patched.text);
    assert_eq!(patched.json.get("unreadable"), None);
    let rules = rules(&world.revision(), 0);
    assert_eq!((decide(&rules, "/a"), decide(&rules, "/x")), (Effect::Deny, Effect::Allow));
}

#[tokio::test]
async fn other_rules_are_not_compared_with_what_is_no_rule() {
    let world = World::new().await;
    world.fill().await;
    fill(&world).await;
    let world = spoilt(world, "'zzz'", 1).await;
    let question = json!({"on": {"type": "proxy", "id": "a"}, "rules": [],
        "requests": [{"method": "GET", "path": "/x"}]});
    let answer = world.write("POST", "/v1/explain/diff", question, &[]).await;
    assert_eq!((answer.status.as_u16(), &answer.json["code"]), (409, &json!("conflict")));
    let detail = answer.json["detail"].as_str().unwrap();
    assert!(detail.starts_with("proxy/a/rule/r: what is stored of it is no rule"), "{detail}");
}

#[tokio::test]
async fn what_is_stored_and_is_no_filter_is_named_once_and_nothing_starts() {
    let world = World::new().await;
    world.fill().await;
    fill(&world).await;
    let filter = json!({"operation": "destroy", "paths": ["$.a"]});
    world.put("proxies/a/filters/f", filter).await;
    let directory = world.stop().await;
    spoil(&directory, "UPDATE resource SET spec = 'zzz' WHERE kind = 'filter'", 1);
    let error = World::start(directory.path()).await.err().unwrap();
    let said = format!("{:#}", anyhow::Error::from(error));
    assert!(said.contains("what is stored of proxy/a/filter/f cannot be read: "), "{said}");
    assert_eq!(said.matches("expected value").count(), 1, "{said}");
}

#[tokio::test]
async fn a_change_makes_the_proxies_anew_that_it_touches_and_no_others() {
    let world = World::new().await;
    world.fill().await;
    fill(&world).await;
    let deny = json!({"effect": "deny", "methods": ["PUT"]});
    let filter = json!({"operation": "destroy", "paths": ["$.a"]});
    let meter =
        json!({"name": "m", "type": "requestCount", "limits": [{"window": "day", "max": 7}]});
    for (path, change, touched) in [
        ("proxies/b/rules/more", &deny, [false, true]),
        ("proxies/b/filters/f", &filter, [false, true]),
        ("proxies/a/meters/m", &meter, [true, false]),
        ("targets/t/rules/r", &deny, [true, true]),
        ("credentials/up/rules/r", &deny, [false, false]),
    ] {
        let before = world.revision();
        let written = world.put(path, change.clone()).await;
        assert_eq!(written.status.as_u16(), 201, "{path}: {}", written.text);
        assert_eq!(anew(&before, &world.revision()), touched, "{path}");
    }
    for (path, change, touched) in [
        ("proxies/a", json!({"limits": {"requestsPerMinute": 7}}), [true, false]),
        ("proxies/b", json!({"targetCredentialId": "up"}), [false, true]),
        ("credentials/up/rules/r", json!({"effect": "allow"}), [false, true]),
        ("targets/t", json!({"timeoutMs": 7}), [true, true]),
        ("configuration", json!({"ruleDenyStatus": 403}), [true, true]),
    ] {
        let before = world.revision();
        let written = world.patch(path, change).await;
        assert_eq!(written.status.as_u16(), 200, "{path}: {}", written.text);
        assert_eq!(anew(&before, &world.revision()), touched, "{path}");
    }
    let before = world.revision();
    world.delete("proxies/b/rules/more").await;
    assert_eq!(anew(&before, &world.revision()), [false, true]);
    let said = |revision: &Revision| -> Vec<_> {
        revision.proxies.iter().map(|it| (it.id.to_string(), it.digest)).collect()
    };
    let changed = said(&world.revision());
    let world = World::in_directory(world.stop().await).await.unwrap();
    assert_eq!(said(&world.revision()), changed, "made of everything at once, it is the same");
    world.delete("proxies/a").await;
    assert_eq!(said(&world.revision()), changed[1..]);
}

// The world anew, with `spec` in the place of what is stored of the rules on proxy `a`.
async fn spoilt(world: World, spec: &str, rows: usize) -> World {
    let directory = world.stop().await;
    let set = format!("UPDATE resource SET spec = {spec} WHERE kind = 'rule' AND parent_id = 'a'");
    spoil(&directory, &set, rows);
    World::in_directory(directory).await.unwrap()
}

fn spoil(directory: &TempDir, sql: &str, rows: usize) {
    let raw = rusqlite::Connection::open(directory.path().join("control.db")).unwrap();
    assert_eq!(raw.execute(sql, []).unwrap(), rows);
}

// Of each proxy, whether it was made between the two.
fn anew(before: &Revision, after: &Revision) -> Vec<bool> {
    let both = before.proxies.iter().zip(&after.proxies);
    both.map(|(before, after)| !Arc::ptr_eq(before, after)).collect()
}

async fn fill(world: &World) {
    for name in ["a", "b"] {
        let proxy: Value = json!({"name": name, "authentication": "none", "targetId": "t"});
        world.put(&format!("proxies/{name}"), proxy).await;
        let rule = json!({"effect": "deny", "path": {"pattern": "^/[a-c]+$"}});
        world.put(&format!("proxies/{name}/rules/r"), rule).await;
    }
}

fn rules(revision: &Revision, proxy: usize) -> Arc<RuleSet> {
    Arc::clone(&revision.proxies[proxy].rules)
}

// What has not been compiled does not show any rules.
fn is_waiting(rules: &RuleSet) -> bool {
    format!("{rules:?}") == "RuleSet(…)"
}

fn decide(rules: &RuleSet, path: &str) -> Effect {
    decision(rules, path).effect
}

fn decision(rules: &RuleSet, path: &str) -> Verdict {
    let (path, body, headers) =
        (CanonicalPath::parse(path).unwrap(), Bytes::new(), HeaderMap::new());
    let method = &Method::GET;
    let subject = Subject { method, path: &path, query: None, headers: &headers, body: &body };
    rules.decide(&subject)
}
