//! Changes to a part of a resource (RFC 7396).

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{CANARY, CLIENT, World};

#[tokio::test]
async fn a_patch_changes_what_it_names_and_nothing_else() {
    let world = World::new().await;
    world.fill().await;
    let proxy = json!({"name": "p", "alias": "pay", "authentication": "none", "targetId": "t",
        "targetCredentialId": "up", "limits": {"requestsPerMinute": 60, "requestsPerDay": 9},
        "routes": [{"path": "/v1"}]});
    let before = world.put("proxies/p", proxy).await.json;
    for (patch, pointer, expected) in [
        (json!({"limits": {"requestsPerDay": null}}), "/limits/requestsPerDay", Value::Null),
        (json!({}), "/limits/requestsPerMinute", json!(60)),
        (json!({"alias": null}), "/alias", Value::Null),
        (json!({"active": false}), "/active", json!(false)),
        (json!({"active": null}), "/active", json!(true)),
        (json!({"routes": [{"path": "/v2"}]}), "/routes/0/path", json!("/v2")),
    ] {
        let answer = world.patch("proxies/p", patch.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{patch}");
        assert_eq!(answer.json.pointer(pointer), Some(&expected), "{patch}");
        assert!(answer.headers.contains_key("rr-revision") && answer.headers.contains_key("etag"));
    }
    let after = world.get(&format!("{CLIENT}/proxies/p")).await.json;
    for unchanged in ["id", "name", "authentication", "targetId", "targetCredentialId", "createdAt"]
    {
        assert_eq!(after[unchanged], before[unchanged], "{unchanged}");
    }
    world.put("targets/t/rules/r", json!({"effect": "deny", "path": {"pattern": "^/a"}})).await;
    let rule = world.patch("targets/t/rules/r", json!({"pathPattern": "^/b"})).await.json;
    assert_eq!(rule["path"], json!({"pattern": "^/b", "presence": "present"}));
    world.put("targets/t/filters/f", json!({"operation": "retain", "paths": ["$.a"]})).await;
    let filter = world.patch("targets/t/filters/f", json!({"operation": "mask"})).await.json;
    assert_eq!((&filter["with"], &filter["paths"]), (&json!("***"), &json!(["$.a"])));
}

#[tokio::test]
async fn a_patch_that_does_not_fit_changes_nothing() {
    let world = World::new().await;
    world.fill().await;
    let before = world.revision().number;
    for (path, patch, status, pointer) in [
        ("targets/t", json!({"name": null}), 422, "/name"),
        ("targets/t", json!({"baseUrl": "https://10.0.0.1"}), 422, "/baseUrl"),
        ("targets/t", json!({"id": "x"}), 422, "/id"),
        ("targets/t", json!([]), 422, ""),
        ("credentials/up", json!({"kind": "proxy", "auth": {"type": "none"}}), 422, "/auth/type"),
        ("credentials/up", json!({"kind": "proxy"}), 422, "/kind"),
        ("credentials/up", json!({"version": 9}), 422, "/version"),
        ("credentials/up", json!({"auth": {"token": "canary\n"}}), 422, "/auth/token"),
    ] {
        let answer = world.patch(path, patch.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{patch}");
        assert_eq!(answer.json["errors"][0]["pointer"], pointer, "{patch} {}", answer.text);
        assert!(!answer.text.contains("canary"), "{}", answer.text);
    }
    assert_eq!(world.revision().number, before);
    assert_eq!(world.patch("targets/none", json!({})).await.status, StatusCode::NOT_FOUND);
    let url = format!("{CLIENT}/targets/t");
    let token = Some(&*world.token);
    let odd = [("content-type", "application/json-patch+json")];
    let answer = world.send("PATCH", &url, token, &odd, "[]".into()).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let plain = world.write("PATCH", &url, json!({"timeoutMs": 7}), &[]).await;
    assert_eq!((plain.status, &plain.json["timeoutMs"]), (StatusCode::OK, &json!(7)));
    let tag = plain.headers["etag"].to_str().unwrap();
    let stale = [("if-match", "\"r1\"")];
    let answer = world.write("PATCH", &url, json!({"timeoutMs": 8}), &stale).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
    let answer = world.write("PATCH", &url, json!({"timeoutMs": 8}), &[("if-match", tag)]).await;
    assert_eq!((answer.status, &answer.json["timeoutMs"]), (StatusCode::OK, &json!(8)));
}

#[tokio::test]
async fn a_type_in_a_patch_replaces_all_of_auth_and_keeps_a_secret_that_fits() {
    let world = World::new().await;
    world.fill().await;
    let patch = |auth: Value| world.patch("credentials/up", json!({ "auth": auth }));
    let answer = patch(json!({"prefix": "token "})).await.json;
    let expected = json!({"type": "bearer", "prefix": "token "});
    assert_eq!((&answer["auth"], &answer["version"]), (&expected, &json!(1)));
    let answer = patch(json!({"type": "bearer"})).await.json;
    let expected = json!({"type": "bearer", "prefix": "Bearer "});
    assert_eq!((&answer["auth"], &answer["version"]), (&expected, &json!(1)));
    let answer = patch(json!({"token": "canary-2"})).await.json;
    assert_eq!((&answer["auth"], &answer["version"]), (&expected, &json!(2)));
    let answer = patch(json!({"type": "apiKey"})).await;
    assert_eq!(answer.json["errors"][0]["pointer"], "/auth/key");
    let answer = patch(json!({"type": "apiKey", "key": CANARY})).await.json;
    let expected = json!({"type": "apiKey", "in": "header", "name": "X-API-Key", "prefix": ""});
    assert_eq!((&answer["auth"], &answer["version"]), (&expected, &json!(3)));
    let answer = world.patch("credentials/up", json!({"active": false})).await.json;
    assert_eq!((&answer["auth"], &answer["version"]), (&expected, &json!(3)));
}
