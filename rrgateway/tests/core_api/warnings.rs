//! What is said of a write that is legal, and hardly what was meant.

use serde_json::{Value, json};

use crate::world::{CLIENT, World};

#[tokio::test]
async fn a_rule_is_answered_with_what_may_be_wrong_with_it() {
    let world = World::new().await;
    world.fill().await;
    let unanchored = json!({"effect": "deny", "path": {"pattern": "/admin"}});
    let made = world.put("targets/t/rules/a", unanchored.clone()).await;
    assert_eq!(kinds(&made.json), [("a".into(), "unanchored".to_owned())]);
    assert!(made.json["warnings"][0]["detail"].as_str().unwrap().contains("^/admin"));
    let shown = world.get(&format!("{CLIENT}/targets/t/rules/a")).await.json;
    assert_eq!(shown.get("warnings"), None, "it is about the write");

    // Of another rule, what the first is warned of is not said again.
    let fine = json!({"effect": "deny", "path": {"pattern": "^/private/"}});
    assert_eq!(world.put("targets/t/rules/b", fine).await.json.get("warnings"), None);
    let repaired = world.patch("targets/t/rules/a", json!({"pathPattern": "^/admin"})).await;
    assert_eq!(repaired.json.get("warnings"), None);
    let posted = world.post("targets/t/rules", unanchored).await.json;
    assert_eq!(kinds(&posted), [(posted["id"].clone(), "unanchored".to_owned())]);
}

#[tokio::test]
async fn what_rules_hang_on_is_answered_with_what_may_be_wrong_with_all_of_them() {
    let world = World::new().await;
    world.fill().await;
    let proxy = json!({"name": "p", "targetId": "t"});
    assert_eq!(world.put("proxies/p", proxy.clone()).await.json.get("warnings"), None);
    let deny = |pattern: &str| json!({"effect": "deny", "path": {"pattern": pattern}});
    world.put("proxies/p/rules/a", deny("/a/")).await;
    world.put("proxies/p/rules/b", deny("^/b/")).await;
    let denying = world.patch("proxies/p", json!({"defaultRuleEffect": "deny"})).await.json;
    let expected = [(Value::Null, "no-effect".to_owned()), ("a".into(), "unanchored".to_owned())];
    assert_eq!(kinds(&denying), expected);
    // The set as a whole concerns each of its rules.
    let rule = world.put("proxies/p/rules/b", deny("^/c/")).await.json;
    assert_eq!(kinds(&rule), [(Value::Null, "no-effect".to_owned())]);
    assert_eq!(kinds(&world.put("proxies/p", proxy).await.json), expected[1..]);
}

#[tokio::test]
async fn a_proxy_that_is_open_to_all_is_answered_with_a_warning() {
    let world = World::new().await;
    world.fill().await;
    let open = json!({"name": "p", "targetId": "t", "authentication": "none"});
    let answer = world.put("proxies/p", open).await.json;
    assert_eq!(kinds(&answer), [(Value::Null, "open-to-all".to_owned())]);
    assert_eq!(answer["warnings"][0]["pointer"], "/authentication");
    let closed = world.patch("proxies/p", json!({"authentication": null})).await.json;
    assert_eq!(closed.get("warnings"), None);
}

// Of each warning, the rule and the kind.
fn kinds(answer: &Value) -> Vec<(Value, String)> {
    let warnings = answer["warnings"].as_array().unwrap();
    let kind = |it: &Value| it["kind"].as_str().unwrap().to_owned();
    warnings.iter().map(|it| (it["rule"].clone(), kind(it))).collect()
}
