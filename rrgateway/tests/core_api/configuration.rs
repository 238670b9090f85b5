//! What holds for a whole client.

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{CLIENT, World, ids};

const URL: &str = "/v1/clients/default/configuration";

#[tokio::test]
async fn it_is_there_from_the_start_and_changes_like_any_resource() {
    let world = World::new().await;
    let first = world.get(URL).await;
    let limits = limits(&Value::Null);
    let expected = json!({"id": "default", "limits": limits, "ruleDenyStatus": 400,
        "auditRetentionDays": 90, "authFailuresPerMinute": null,
        "createdAt": "2023-11-14T22:13:20.000Z",
        "updatedAt": "2023-11-14T22:13:20.000Z"});
    assert_eq!((first.status, &first.json), (StatusCode::OK, &expected));
    assert_eq!(first.headers["etag"], "\"r1\"");

    let changed = world.patch("configuration", json!({"ruleDenyStatus": 403})).await;
    assert_eq!((changed.status, &changed.json["ruleDenyStatus"]), (StatusCode::OK, &json!(403)));
    assert_eq!(
        (&changed.headers["etag"], &changed.headers["rr-revision"]),
        (&"\"r2\"".parse().unwrap(), &"2".parse().unwrap())
    );
    let stale = [("if-match", "\"r1\"")];
    let lost = world.write("PUT", URL, json!({}), &stale).await;
    assert_eq!(lost.status, StatusCode::PRECONDITION_FAILED);
    let known = [("if-match", "\"r2\"")];
    let replaced = world.write("PUT", URL, json!({"limits": {"requestsPerDay": 7}}), &known).await;
    assert_eq!((replaced.status, &replaced.json["ruleDenyStatus"]), (StatusCode::OK, &json!(400)));
    assert!(!replaced.headers.contains_key("location"), "it is not new");
    let list = world.get(&format!("{CLIENT}/activity?resourceType=configuration")).await.json;
    assert_eq!(list["items"][0]["before"], changed.json);
    assert_eq!(list["items"][0]["after"], replaced.json);
    assert_eq!(list["items"][0]["resource"], json!({"type": "configuration", "id": "default"}));
    assert_eq!(ids(&list).len(), 2);

    let world = World::in_directory(world.stop().await).await.unwrap();
    let kept = world.get(URL).await;
    assert_eq!((&kept.json, &kept.headers["etag"]), (&replaced.json, &"\"r3\"".parse().unwrap()));
}

#[tokio::test]
async fn what_is_not_there_or_does_not_fit_is_refused() {
    let world = World::new().await;
    for (document, pointer) in [
        (json!({"ruleDenyStatus": 404}), "/ruleDenyStatus"),
        (json!({"auditRetentionDays": 0}), "/auditRetentionDays"),
        (json!({"limits": {"perHour": 1}}), "/limits/perHour"),
        (json!({"name": "x"}), "/name"),
    ] {
        for method in ["PUT", "PATCH"] {
            let answer = world.write(method, URL, document.clone(), &[]).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{document}");
            assert_eq!(answer.json["errors"][0]["pointer"], pointer);
        }
    }
    assert_eq!(world.delete("configuration").await.status, StatusCode::METHOD_NOT_ALLOWED);
    let below = world.get(&format!("{URL}/default")).await;
    assert_eq!(below.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn its_limits_are_those_of_a_new_proxy_that_gives_none() {
    let world = World::new().await;
    world.fill().await;
    let proxy = |name: &str| json!({"name": name, "targetId": "t"});
    let before = world.put("proxies/before", proxy("before")).await.json;
    assert_eq!(before["limits"]["requestsPerMinute"], json!(null));
    let limits = limits(&json!(600));
    world.patch("configuration", json!({"limits": limits})).await;
    assert_eq!(world.put("proxies/a", proxy("a")).await.json["limits"], limits);
    assert_eq!(world.post("proxies", proxy("b")).await.json["limits"], limits);
    let own = json!({"name": "c", "targetId": "t", "limits": {"requestsPerDay": 1}});
    assert_eq!(world.put("proxies/c", own).await.json["limits"]["requestsPerMinute"], json!(null));
    let unlimited = json!({"name": "d", "targetId": "t", "limits": {}});
    let unlimited = world.put("proxies/d", unlimited).await.json;
    assert_eq!(unlimited["limits"]["requestsPerMinute"], json!(null), "it says so");
    // Copied: what is there already does not change with it.
    let old = world.put("proxies/before", proxy("before")).await.json;
    assert_eq!(old["limits"]["requestsPerMinute"], json!(null));
    world.patch("configuration", json!({"limits": null})).await;
    assert_eq!(world.get(&format!("{CLIENT}/proxies/a")).await.json["limits"], limits);
}

fn limits(per_minute: &Value) -> Value {
    json!({"requestsPerMinute": per_minute, "requestsPerDay": null, "concurrency": null,
        "countRefused": true, "legacyHeaders": false})
}

#[tokio::test]
async fn the_status_of_denials_reaches_every_proxy() {
    let world = World::new().await;
    world.fill().await;
    for name in ["a", "b"] {
        world.put(&format!("proxies/{name}"), json!({"name": name, "targetId": "t"})).await;
    }
    let statuses = |world: &World| {
        let revision = world.revision();
        revision.proxies.iter().map(|it| it.rule_deny_status.as_u16()).collect::<Vec<_>>()
    };
    assert_eq!(statuses(&world), [400, 400]);
    let before = world.revision();
    world.patch("configuration", json!({"ruleDenyStatus": 403})).await;
    assert_eq!(statuses(&world), [403, 403]);
    assert_ne!(world.revision().proxies[0].digest, before.proxies[0].digest, "stacks are rebuilt");
}
