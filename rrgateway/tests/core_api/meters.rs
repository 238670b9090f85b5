//! Meters as they are written, answered, and reach the data plane.

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{CLIENT, World, ids};

#[tokio::test]
async fn a_meter_lives_like_any_resource() {
    let world = World::new().await;
    open(&world).await;
    let made = world.post("proxies/p/meters", requests("calls")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let id = made.json["id"].as_str().unwrap();
    assert!(id.starts_with("mtr_"));
    let path = format!("{CLIENT}/proxies/p/meters/{id}");
    assert_eq!(made.headers["location"], path);
    let usage = json!([{"window": "day", "key": format!("p {id}"), "spent": 7, "max": 9,
        "resetsAt": "1970-01-01T00:00:00.000Z", "source": "local"}]);
    let defaults = json!({"per": "proxy", "algorithm": "slidingWindow", "mode": "enforce",
        "active": true, "predicates": [], "usage": usage});
    for (name, value) in defaults.as_object().unwrap() {
        assert_eq!(&made.json[name], value, "{name}");
    }
    let seen = world.get(&path).await;
    assert_eq!((&seen.json, &seen.headers["etag"]), (&made.json, &made.headers["etag"]));

    let meter = format!("proxies/p/meters/{id}");
    let patch = json!({"per": {"claim": "org"}, "limits": [{"window": "hour", "max": 5}]});
    let changed = world.patch(&meter, patch).await;
    assert_eq!(changed.json["per"], json!({"claim": "org"}));
    let changed = world.patch(&meter, json!({"per": {"header": "X-User"}})).await;
    assert_eq!(changed.json["per"], json!({"header": "x-user"}), "one form for another");
    assert_eq!(changed.json["limits"], json!([{"window": "hour", "max": 5}]));
    let stale = [("if-match", made.headers["etag"].to_str().unwrap())];
    let lost = world.write("PUT", &path, requests("calls"), &stale).await;
    assert_eq!(lost.status, StatusCode::PRECONDITION_FAILED);

    world.put("proxies/p/meters/m", requests("more")).await;
    let list = world.get(&format!("{CLIENT}/proxies/p/meters")).await.json;
    assert_eq!(ids(&list), [id, "m"]);
    assert_eq!(list["items"][1]["usage"][0]["key"], "p m");
    let said = world.get(&format!("{CLIENT}/activity?resourceType=meter")).await.json;
    assert_eq!(said["items"].as_array().unwrap().len(), 4);
    assert_eq!(said["items"][0]["resource"]["parent"], json!({"type": "proxy", "id": "p"}));
    assert_eq!(said["items"][0]["after"].get("usage"), None, "it was not written");
    let spent = world.get(&format!("{CLIENT}/usage")).await.json;
    assert_eq!(spent["items"][0]["proxyId"], "p");
    assert_eq!(spent["items"][0]["limits"][0]["key"], "p limits");
    assert_eq!(spent["items"][0]["meters"][1]["usage"][0]["key"], "p m");

    assert_eq!(world.delete(&meter).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.delete("proxies/p").await.status, StatusCode::NO_CONTENT);
    let gone = world.get(&format!("{CLIENT}/proxies/p/meters/m")).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn notifications_come_newest_first_and_in_pages() {
    let world = World::new().await;
    let list = format!("{CLIENT}/notifications");
    let first = world.get(&format!("{list}?limit=2")).await.json;
    assert_eq!(ids(&first), ["ntf_3", "ntf_2"]);
    let shown = json!({"id": "ntf_3", "at": "1970-01-01T00:00:00.000Z", "proxyId": "p",
        "meterId": null, "limit": "requestsPerDay", "percent": 80});
    assert_eq!(first["items"][0], shown);
    let cursor = first["nextCursor"].as_str().unwrap();
    let rest = world.get(&format!("{list}?cursor={cursor}")).await.json;
    assert_eq!((ids(&rest), &rest["nextCursor"]), (vec!["ntf_1"], &Value::Null));
    assert_eq!(world.get(&format!("{list}?limit=0")).await.json["code"], "invalid");
}

#[tokio::test]
async fn meters_survive_a_restart() {
    let world = World::new().await;
    open(&world).await;
    let written = json!({"name": "tokens", "type": "responseValue", "onMissing": 3,
        "extraction": {"location": "body", "path": "$.usage.total_tokens"},
        "estimate": {"location": "body", "path": "$.max_tokens"},
        "per": ["credential", {"claim": "org"}], "algorithm": "tokenBucket", "burst": 9,
        "limits": [{"window": "minute", "max": 7}], "onStoreFailure": "deny", "mode": "observe",
        "predicates": [{"effect": "include", "pathPattern": "^/v1/"}]});
    let made = world.put("proxies/p/meters/m", written).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let world = World::in_directory(world.stop().await).await.unwrap();
    let seen = world.get(&format!("{CLIENT}/proxies/p/meters/m")).await.json;
    let mut expected = made.json.clone();
    expected.as_object_mut().unwrap().remove("warnings");
    assert_eq!(seen, expected);
    assert_eq!(world.revision().proxies[0].meters.len(), 1);
}

#[tokio::test]
async fn flaws_are_told_with_their_pointers() {
    let world = World::new().await;
    open(&world).await;
    for (wrong, pointers) in [
        (json!({}), vec!["/name", "/type"]),
        (json!({"name": "m", "type": "responseValue"}), vec!["/extraction"]),
        (
            json!({"name": "m", "type": "requestCount", "limits": [{"window": "week"}],
                "per": [{"header": "authorization"}], "burst": 1, "unit": "x"}),
            vec!["/per/0/header", "/limits/0/window", "/limits/0/max", "/burst", "/unit"],
        ),
        (
            json!({"name": "m", "type": "requestCount",
                "predicates": [{"effect": "deny"}, {"effect": "include", "pathPattern": "("}]}),
            vec!["/predicates/0/effect", "/predicates/1/pathPattern"],
        ),
    ] {
        world.refuses("proxies/p/meters", wrong, &pointers).await;
    }
    world.put("proxies/p/meters/a", requests("a")).await;
    let same = world.put("proxies/p/meters/b", requests("a")).await;
    assert_eq!((same.status.as_u16(), &same.json["errors"][0]["pointer"]), (409, &json!("/name")));
    let elsewhere = world.post("targets/t/meters", requests("a")).await;
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND, "they hang on proxies only");
    for number in 1..50 {
        world.put(&format!("proxies/p/meters/m{number}"), requests(&format!("m{number}"))).await;
    }
    world.refuses("proxies/p/meters", requests("one too many"), &[""]).await;
}

#[tokio::test]
async fn what_is_hardly_meant_is_warned_of() {
    let world = World::new().await;
    open(&world).await;
    let made = world
        .put(
            "proxies/p/meters/m",
            json!({"name": "m", "type": "requestCount", "per": {"header": "x-user"},
                "limits": [{"window": "hour", "max": 0}]}),
        )
        .await;
    let kinds: Vec<_> =
        made.json["warnings"].as_array().unwrap().iter().map(|it| &it["kind"]).collect();
    assert_eq!(kinds, ["nothing-passes", "chosen-by-caller"]);
    assert_eq!(made.json["warnings"][1]["pointer"], "/per");
}

#[tokio::test]
async fn limits_take_all_their_members() {
    let world = World::new().await;
    open(&world).await;
    let limits = json!({"requestsPerMinute": 1, "requestsPerDay": null, "concurrency": 3,
        "countRefused": false, "legacyHeaders": true});
    let made = world.patch("proxies/p", json!({"limits": limits})).await;
    assert_eq!(made.json["limits"], limits);
    let revision = world.revision();
    let served = &revision.proxies[0].limits;
    assert!(!served.count_refused && served.legacy_headers);
    let wrong = json!({"name": "q", "targetId": "t", "limits": {"concurrency": "3",
        "countRefused": 1}});
    world.refuses("proxies", wrong, &["/limits/concurrency", "/limits/countRefused"]).await;
}

#[tokio::test]
async fn what_only_the_gateway_writes_is_not_shown() {
    let world = World::new().await;
    open(&world).await;
    let limits = |it: Value| json!({"limits": {"requestsPerDay": it}});
    let meter = |it: Value| json!({"limits": it});
    let hour = json!([{"window": "hour", "max": 1}]);
    world.put("proxies/p/meters/m", requests("m")).await;
    let id = |world: &World| {
        let proxy = world.revision().proxies[0].clone();
        let limits = [&*proxy.limits.policy, &proxy.meters[0].policy];
        limits.map(|it| it.limits().first().cloned())
    };
    world.patch("proxies/p", limits(json!(1))).await;
    world.patch("proxies/p/meters/m", meter(hour.clone())).await;
    let first = id(&world);
    world.patch("proxies/p", limits(Value::Null)).await;
    world.patch("proxies/p/meters/m", meter(json!([]))).await;
    let proxy = world.patch("proxies/p", limits(json!(1))).await;
    let meter = world.patch("proxies/p/meters/m", meter(hour)).await;
    let again = id(&world);
    assert!(first[0] != again[0] && first[1] != again[1], "{again:?}");
    assert!(!proxy.text.contains("generations") && !meter.text.contains("generations"));
    let world = World::in_directory(world.stop().await).await.unwrap();
    assert_eq!(id(&world), again);
}

#[tokio::test]
async fn what_is_made_again_is_another() {
    let world = World::new().await;
    open(&world).await;
    world.put("proxies/p/meters/m", requests("m")).await;
    let before = world.revision().proxies[0].clone();
    world.put("proxies/p/meters/m", requests("m")).await;
    assert_eq!(world.revision().proxies[0].meters[0].since, before.meters[0].since);
    world.delete("proxies/p/meters/m").await;
    world.put("proxies/p/meters/m", requests("m")).await;
    let after = world.revision().proxies[0].clone();
    assert_ne!(after.meters[0].since, before.meters[0].since);
    assert_ne!(after.digest, before.digest, "or its counts would go on");
}

async fn open(world: &World) {
    world.fill().await;
    let proxy = json!({"name": "p", "targetId": "t", "authentication": "none"});
    assert_eq!(world.put("proxies/p", proxy).await.status, StatusCode::CREATED);
}

fn requests(name: &str) -> Value {
    json!({"name": name, "type": "requestCount"})
}
