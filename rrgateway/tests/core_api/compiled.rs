//! What is compiled, when, and what is shared.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use rrgateway::model::Revision;
use rrrules::{CanonicalPath, Effect, RuleSet, Subject};
use serde_json::{Value, json};

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
    let directory = world.stop().await;
    let raw = rusqlite::Connection::open(directory.path().join("control.db")).unwrap();
    let broken = "UPDATE resource SET spec = json_set(spec, '$.path.pattern', '(') \
                  WHERE kind = 'rule' AND parent_id = 'a'";
    assert_eq!(raw.execute(broken, []).unwrap(), 1);
    drop(raw);
    let world = World::in_directory(directory).await.unwrap();
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
    let directory = world.stop().await;
    let raw = rusqlite::Connection::open(directory.path().join("control.db")).unwrap();
    let broken = "UPDATE resource SET spec = json_set(spec, '$.effect', 'ignore') \
                  WHERE kind = 'rule' AND parent_id = 'a'";
    assert_eq!(raw.execute(broken, []).unwrap(), 1);
    drop(raw);
    let world = World::in_directory(directory).await.unwrap();
    let (a, b) = (rules(&world.revision(), 0), rules(&world.revision(), 1));
    assert_eq!((decide(&a, "/x"), decide(&b, "/x")), (Effect::Deny, Effect::Allow));
    let shown = world.get(&format!("/v1/clients/default/{path}")).await;
    assert_eq!((shown.status.as_u16(), &shown.json["effect"]), (200, &json!("ignore")));
    let more = world.put("proxies/a/rules/more", json!({"effect": "allow"})).await;
    assert!(!more.status.is_success() && more.text.contains("is no rule"), "{}", more.text);
    let repaired = world.put(&path, json!({"effect": "deny", "methods": ["PUT"]})).await;
    assert!(repaired.status.is_success(), "{}", repaired.text);
    assert_eq!(decide(&rules(&world.revision(), 0), "/x"), Effect::Allow);
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
    let (path, body, headers) =
        (CanonicalPath::parse(path).unwrap(), Bytes::new(), HeaderMap::new());
    let method = &Method::GET;
    let subject = Subject { method, path: &path, query: None, headers: &headers, body: &body };
    rules.decide(&subject).effect
}
