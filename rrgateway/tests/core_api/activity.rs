//! Who changed what: one item for each write, in the transaction of the write.

use std::net::SocketAddr;

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::world::{CANARY, CLIENT, World, ids};

#[tokio::test]
async fn every_write_that_was_made_leaves_one_item() {
    let world = World::new().await;
    world.fill().await;
    world.patch("targets/t", json!({"timeoutMs": 7})).await;
    let made = world.post("targets/t/rules", json!({"effect": "deny"})).await;
    world.put("targets/t", json!({"name": "t"})).await;
    world.delete("targets/none").await;
    let gone = world.delete("targets/t").await;
    let list = list(&world, "").await;
    let said = |it: &Value| {
        let resource = format!("{} {}", it["resource"]["type"], it["resource"]["id"]);
        (it["revision"].as_u64().unwrap(), it["action"].as_str().unwrap().to_owned(), resource)
    };
    let rule = made.json["id"].to_string();
    let item = |revision, action: &str, kind: &str, id: &str| {
        (revision, action.to_owned(), format!("\"{kind}\" {id}"))
    };
    assert_eq!(
        list.iter().map(said).collect::<Vec<_>>(),
        [
            item(6, "delete", "target", "\"t\""),
            item(5, "create", "rule", &rule),
            item(4, "update", "target", "\"t\""),
            item(3, "create", "credential", "\"up\""),
            item(2, "create", "target", "\"t\""),
        ]
    );
    let (delete, create) = (&list[0], &list[1]);
    assert_eq!(
        delete["actor"],
        json!({"id": "usr_owner", "name": "owner", "tokenId": "tok_owner"})
    );
    assert_eq!(delete["requestId"], gone.headers["rr-request-id"].to_str().unwrap());
    assert_eq!(delete["at"], "2023-11-14T22:13:20.000Z");
    assert_eq!((&delete["after"], &delete["before"]["timeoutMs"]), (&Value::Null, &json!(7)));
    assert_eq!((&create["before"], &create["after"]), (&Value::Null, &made.json));
    assert_eq!(create["resource"]["parent"], json!({"type": "target", "id": "t"}));
    assert_eq!(
        (&list[2]["before"]["timeoutMs"], &list[2]["address"]),
        (&json!(30_000), &Value::Null)
    );
    let schema = world.get("/v1/openapi.json").await.json;
    let described = &schema["components"]["schemas"]["Activity"]["properties"];
    let keys = |it: &Value| it.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(described), keys(delete));
}

#[tokio::test]
async fn no_secret_is_in_it() {
    let world = World::new().await;
    world.fill().await;
    let custom = json!({"type": "custom", "headers": {"X-A": CANARY}});
    let basic = json!({"type": "basicAuth", "username": "u", "password": CANARY});
    for auth in [custom, basic, json!({"type": "apiKey", "key": CANARY}), json!({"type": "none"})] {
        assert_eq!(
            world.patch("credentials/up", json!({"auth": auth})).await.status,
            StatusCode::OK
        );
    }
    let caller = json!({"name": "c", "kind": "proxy", "auth": {"type": "apiKey"}});
    let made = world.put("credentials/c", caller).await.json["secret"].as_str().unwrap().to_owned();
    world.delete("credentials/c").await;
    world.delete("credentials/up").await;
    let answer = world.get(&format!("{CLIENT}/activity")).await;
    assert_eq!(answer.json["items"].as_array().unwrap().len(), 9);
    let digests = [&made, CANARY].map(|it| rrauth::KeyDigest::of(it).to_hex());
    for secret in [CANARY, &made, &digests[0], &digests[1]] {
        assert!(!answer.text.contains(secret), "{}", answer.text);
    }
    world
        .stop_and(|directory| {
            let bytes = std::fs::read(directory.join("control.db")).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(CANARY) && !text.contains(&made));
        })
        .await;
}

#[tokio::test]
async fn it_is_found_by_what_who_and_when() {
    let world = World::new().await;
    world.fill().await;
    world.put("targets/t/rules/r", json!({"effect": "deny"})).await;
    world.delete("targets/t/rules/r").await;
    for (query, expected) in [
        ("?resourceType=rule", &[5, 4][..]),
        ("?resourceType=rule&action=delete", &[5]),
        ("?resourceId=t", &[2]),
        ("?resourceId=x", &[]),
        ("?action=update", &[]),
        ("?after=2023-11-14T22:13:20Z", &[5, 4, 3, 2]),
        ("?before=2023-11-14T22:13:20Z", &[]),
        ("?after=2023-11-14T22:13:20.001Z", &[]),
    ] {
        let revisions: Vec<_> =
            list(&world, query).await.iter().map(|it| it["revision"].as_u64().unwrap()).collect();
        assert_eq!(revisions, expected, "{query}");
    }
    for (query, pointer) in [
        ("?resourceType=x", "/resourceType"),
        ("?action=x", "/action"),
        ("?after=x", "/after"),
        ("?status=200", "/status"),
    ] {
        let answer = world.get(&format!("{CLIENT}/activity{query}")).await;
        assert_eq!(answer.json["errors"][0]["pointer"], pointer);
    }
    let all = world.get(&format!("{CLIENT}/activity")).await.json;
    let (mut url, mut pages) = (format!("{CLIENT}/activity?limit=3"), Vec::new());
    for _ in 0..2 {
        let page = world.get(&url).await.json;
        pages.extend(ids(&page).iter().map(ToString::to_string));
        url = format!(
            "{CLIENT}/activity?limit=3&cursor={}",
            page["nextCursor"].as_str().unwrap_or_default()
        );
    }
    assert_eq!(pages, ids(&all));
    let directory = world.stop().await;
    let world = World::in_directory(directory).await.unwrap();
    assert_eq!(world.get(&format!("{CLIENT}/activity")).await.json, all);
}

#[tokio::test]
async fn the_address_of_the_peer_is_in_it() {
    let world = World::new().await;
    let request = Request::put(format!("{CLIENT}/targets/t"))
        .extension(SocketAddr::from(([192, 0, 2, 7], 4_711)))
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {}", world.token))
        .body(Body::from(json!({"name": "t", "baseUrl": "https://a.example"}).to_string()))
        .unwrap();
    let response = world.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(list(&world, "").await[0]["address"], "192.0.2.7");
}

async fn list(world: &World, query: &str) -> Vec<Value> {
    let list = world.get(&format!("{CLIENT}/activity{query}")).await;
    assert_eq!(list.status, StatusCode::OK, "{}", list.text);
    list.json["items"].as_array().unwrap().clone()
}
