//! What other rules would make of requests, said before they are written.

use http::StatusCode;
use rrgateway::model::Record;
use serde_json::{Value, json};

use crate::world::{Answer, CLIENT, World, ids};

#[tokio::test]
async fn described_requests_flip_stay_or_lack_what_a_rule_asks_for() {
    let world = filled().await;
    let old = json!({"effect": "deny", "path": {"pattern": "^/old/"}});
    assert_eq!(world.put("proxies/p/rules/old", old).await.status, StatusCode::CREATED);
    let revision = world.revision().number;
    let found = found(
        &world,
        json!({
            "on": {"type": "proxy", "id": "p"},
            "rules": [
                {"id": "gone", "effect": "deny", "priority": 900, "methods": ["DELETE"],
                    "headers": [{"name": "x-admin", "presence": "absent"}]},
                {"effect": "deny", "path": {"pattern": "^/admin(/|$)"}},
            ],
            "requests": [
                {"method": "GET", "path": "/a"},
                {"method": "GET", "path": "/old/a"},
                {"method": "GET", "path": "/admin"},
                {"method": "DELETE", "path": "/a"},
                {"method": "DELETE", "path": "/a", "headers": {"X-Admin": "yes"}},
                {"method": "DELETE", "path": "/a", "headers": null},
            ],
        }),
    )
    .await;
    assert_eq!((&found["compared"], &found["skipped"]), (&json!(6), &json!(0)));
    assert_eq!(found["counts"], counts(2, 1, 2, 1));
    assert_eq!(
        found["flips"],
        json!([
            {"index": 1, "method": "GET", "path": "/old/a", "from": "deny", "to": "allow",
                "by": {"rule": "old", "priority": 500}},
            {"index": 2, "method": "GET", "path": "/admin", "from": "allow", "to": "deny",
                "by": {"rule": "/rules/1", "priority": 500}},
            {"index": 5, "method": "DELETE", "path": "/a", "from": "allow", "to": "deny",
                "by": {"rule": "gone", "priority": 900}},
        ])
    );
    assert_eq!(
        found["undecidable"],
        json!([{"index": 3, "method": "DELETE", "path": "/a", "needs": ["header x-admin"]}])
    );
    assert_eq!(found["warnings"], json!([]));
    // Nothing came of it.
    assert_eq!(world.revision().number, revision);
    let rules = world.get(&format!("{CLIENT}/proxies/p/rules")).await.json;
    assert_eq!(ids(&rules), ["old"]);
    let activity = world.get(&format!("{CLIENT}/activity")).await.json;
    assert_eq!(activity["items"][0]["resource"]["id"], "old");
}

#[tokio::test]
async fn the_default_is_as_it_is_unless_another_is_given() {
    let world = filled().await;
    world.patch("proxies/p", json!({"defaultRuleEffect": "deny"})).await;
    let mut asked = json!({"on": {"type": "proxy", "id": "p"}, "rules": [],
        "requests": [{"method": "GET", "path": "/"}]});
    assert_eq!(found(&world, asked.clone()).await["counts"], counts(1, 0, 0, 0));
    asked["defaultRuleEffect"] = json!("allow");
    let flip = &found(&world, asked.clone()).await["flips"][0];
    assert_eq!(
        (&flip["to"], &flip["by"]),
        (&json!("allow"), &json!({"rule": null, "default": true}))
    );
    asked["rules"] = json!([{"effect": "deny", "path": {"pattern": "/a"}},
        {"effect": "deny", "query": [{"name": "debug"}]}]);
    asked["requests"] = json!([{"method": "GET", "path": "/", "query": "%zz"}]);
    let found = found(&world, asked).await;
    assert_eq!(found["counts"], counts(1, 0, 0, 0), "denied now, and denied then");
    let warned = &found["warnings"][0];
    assert_eq!((&warned["rule"], &warned["kind"]), (&json!("/rules/0"), &json!("unanchored")));
}

#[tokio::test]
async fn records_are_of_those_about_whom_the_rules_are_asked() {
    let world = filled().await;
    for id in ["q", "r"] {
        let proxy = json!({"name": id, "targetId": if id == "q" { "t" } else { "u" },
            "targetCredentialId": if id == "q" { json!("up") } else { Value::Null }});
        assert_eq!(world.put(&format!("proxies/{id}"), proxy).await.status, StatusCode::CREATED);
    }
    for (id, proxy, credential) in [
        ("req_1", "p", None),
        ("req_2", "q", Some("caller")),
        ("req_3", "r", Some("caller")),
        ("req_4", "p", Some("other")),
        ("req_5", "q", None),
    ] {
        report(&world, id, proxy, |it| it.credential_id = credential.map(Into::into));
    }
    world.eventually(&format!("{CLIENT}/requests"), 5).await;
    for (kind, id, limit, expected) in [
        ("proxy", "p", 1000, &["req_4", "req_1"][..]),
        ("target", "t", 1000, &["req_5", "req_4", "req_2", "req_1"]),
        ("target", "t", 3, &["req_5", "req_4", "req_2"]),
        ("target", "u", 1000, &["req_3"]),
        ("target", "unused", 1000, &[]),
        ("credential", "up", 1000, &["req_5", "req_2"]),
        ("credential", "caller", 1000, &["req_3", "req_2"]),
        ("credential", "caller", 1, &["req_3"]),
    ] {
        let asked = json!({"on": {"type": kind, "id": id}, "rules": [{"effect": "deny"}],
            "limit": limit});
        let found = found(&world, asked).await;
        let flips = found["flips"].as_array().unwrap();
        let flipped: Vec<_> = flips.iter().map(|it| it["requestId"].as_str().unwrap()).collect();
        assert_eq!(flipped, expected, "{kind} {id}");
        assert_eq!(found["compared"], expected.len());
    }
}

#[tokio::test]
async fn records_lack_headers_and_values_and_some_are_of_no_use() {
    let world = filled().await;
    report(&world, "req_1", "p", |it| it.query_keys = vec!["page".to_owned()]);
    report(&world, "req_2", "p", |it| it.query_keys = vec!["debug".to_owned()]);
    report(&world, "req_3", "p", |it| it.method = "POST".to_owned());
    report(&world, "req_4", "p", |it| it.stage = Some("route"));
    world.eventually(&format!("{CLIENT}/requests"), 4).await;
    let found = found(
        &world,
        json!({"on": {"type": "proxy", "id": "p"}, "rules": [
            {"effect": "deny", "methods": ["GET"], "query": [{"name": "debug", "value": "^1$"}]},
            {"effect": "deny", "methods": ["POST"], "headers": [{"name": "x-guest"}]},
        ]}),
    )
    .await;
    assert_eq!((&found["compared"], &found["skipped"]), (&json!(3), &json!(1)));
    assert_eq!(found["counts"], counts(1, 0, 0, 2));
    let open = found["undecidable"].as_array().unwrap();
    let open: Vec<_> = open.iter().map(|it| (&it["requestId"], &it["needs"])).collect();
    assert_eq!(
        open,
        [
            (&json!("req_3"), &json!(["header x-guest"])),
            (&json!("req_2"), &json!(["value of query parameter debug"])),
        ]
    );
}

#[tokio::test]
async fn all_are_counted_and_a_hundred_shown() {
    let world = filled().await;
    for number in 0..1_100 {
        while !world.reports.report(record(&format!("req_{number}"), "p")) {
            tokio::task::yield_now().await;
        }
    }
    // The newest is the last that is kept.
    loop {
        let newest = world.get(&format!("{CLIENT}/requests?limit=1")).await.json;
        if ids(&newest) == ["req_1099"] {
            break;
        }
        tokio::task::yield_now().await;
    }
    let asked = |limit: Value| json!({"on": {"type": "proxy", "id": "p"}, "rules": [{"effect": "deny"}], "limit": limit});
    for (limit, expected) in [(Value::Null, 1_000), (json!(1_099), 1_099), (json!(10_000), 1_100)] {
        let found = found(&world, asked(limit)).await;
        assert_eq!(found["counts"], counts(0, 0, expected, 0));
        let flips = found["flips"].as_array().unwrap();
        assert_eq!((flips.len(), &flips[99]["requestId"]), (100, &json!("req_1000")));
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_place() {
    let world = filled().await;
    let refused = async |more: Value, pointers: &[&str]| {
        let mut asked = json!({"on": {"type": "proxy", "id": "p"}, "rules": []});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = ask(&world, asked).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
        let errors = answer.json["errors"].as_array().unwrap();
        let said: Vec<_> = errors.iter().map(|it| it["pointer"].as_str().unwrap()).collect();
        assert_eq!(said, pointers);
    };
    let fine = || json!({"effect": "deny"});
    let unclosed = json!({"effect": "deny", "path": {"pattern": "(a"}});
    refused(json!({"rules": [fine(), fine(), fine(), unclosed]}), &["/rules/3/path/pattern"]).await;
    let twice = json!([{"id": "a", "effect": "deny"}, {"id": "a", "effect": "allow"}]);
    refused(json!({"rules": twice}), &["/rules"]).await;
    refused(json!({"requests": [{"method": "GET", "path": "/.."}]}), &["/requests/0/path"]).await;
    refused(json!({"limit": 0, "defaultRuleEffect": "maybe"}), &["/defaultRuleEffect", "/limit"])
        .await;
}

#[tokio::test]
async fn there_is_nothing_to_compare_with_what_is_not_there() {
    let world = filled().await;
    for (kind, id) in [("proxy", "t"), ("target", "p"), ("credential", "nobody")] {
        let answer = ask(&world, json!({"on": {"type": kind, "id": id}, "rules": []})).await;
        assert_eq!(
            (answer.status, &answer.json["code"]),
            (StatusCode::NOT_FOUND, &json!("not-found"))
        );
    }
}

// A proxy `p` to target `t`, and more that rules can hang on.
async fn filled() -> World {
    let world = World::new().await;
    world.fill().await;
    for target in ["u", "unused"] {
        let spec = json!({"name": target, "baseUrl": "https://api.example.com/v1/"});
        world.put(&format!("targets/{target}"), spec).await;
    }
    for caller in ["caller", "other"] {
        let spec = json!({"name": caller, "kind": "proxy", "auth": {"type": "apiKey"}});
        world.put(&format!("credentials/{caller}"), spec).await;
    }
    let made = world.put("proxies/p", json!({"name": "p", "targetId": "t"})).await;
    assert_eq!(made.status, StatusCode::CREATED);
    world
}

fn report(world: &World, id: &str, proxy: &str, more: impl FnOnce(&mut Record)) {
    let mut record = record(id, proxy);
    more(&mut record);
    assert!(world.reports.report(record));
}

fn record(id: &str, proxy: &str) -> Record {
    Record {
        id: id.to_owned(),
        client_id: "default".into(),
        proxy_id: Some(proxy.into()),
        method: "GET".to_owned(),
        path: "/a".to_owned(),
        ..Record::default()
    }
}

async fn found(world: &World, asked: Value) -> Value {
    let answer = ask(world, asked).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json
}

async fn ask(world: &World, asked: Value) -> Answer {
    world.write("POST", "/v1/explain/diff", asked, &[]).await
}

fn counts(same: u32, allowed: u32, denied: u32, undecidable: u32) -> Value {
    json!({"same": same, "newlyAllowed": allowed, "newlyDenied": denied,
        "undecidable": undecidable})
}
