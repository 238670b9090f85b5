//! The master key is changed by the vault, and the API says how that went.

use axum::body::Body;
use http::StatusCode;
use rrgateway::model::RotationFailed;
use serde_json::{Value, json};

use crate::world::{Answer, CLIENT, World};

#[tokio::test]
async fn a_change_of_the_master_key_is_answered_when_it_is_done() {
    let world = World::new().await;
    world.fill().await;
    let before = world.revision().number;
    let answer = rotate(&world).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let Value::Object(members) = &answer.json else { panic!("{}", answer.text) };
    assert!(members.keys().eq(["finishedAt", "keyId", "records", "startedAt"]), "{members:?}");
    assert_eq!((&members["keyId"], &members["records"]), (&json!("0011223344556677"), &json!(1)));
    for time in ["startedAt", "finishedAt"] {
        assert!(members[time].as_str().unwrap().starts_with("2023-11-14T22:13:20"), "{members:?}");
    }
    // Configuration is something else.
    assert_eq!(world.revision().number, before);
}

#[tokio::test]
async fn a_change_of_the_master_key_is_written_down_between_the_writes() {
    let world = World::new().await;
    world.fill().await;
    let failed = RotationFailed::NoKey("why".to_owned());
    *world.sink.rotations.lock().unwrap() = Some(failed);
    rotate(&world).await;
    let before = world.revision().number;
    let done = rotate(&world).await;
    world.patch("targets/t", json!({"timeoutMs": 7})).await;
    let list = world.get(&format!("{CLIENT}/activity")).await.json;
    let actions: Vec<_> =
        list["items"].as_array().unwrap().iter().map(|it| &it["action"]).collect();
    assert_eq!(actions, ["update", "rotate", "create", "create"], "what failed left nothing");
    let only = world.get(&format!("{CLIENT}/activity?resourceType=vault&action=rotate")).await.json;
    let item = &only["items"][0];
    assert_eq!(item, &list["items"][1]);
    assert_eq!(item["resource"], json!({"type": "vault", "id": "default"}));
    assert_eq!(item["actor"]["id"], "usr_owner");
    assert_eq!(item["before"], Value::Null);
    assert_eq!(item["after"], json!({"keyId": "0011223344556677", "records": 1}));
    assert_eq!(item["revision"], before);
    assert_eq!(item["requestId"], done.headers["rr-request-id"].to_str().unwrap());
    let page = world.get(&format!("{CLIENT}/activity?limit=1")).await.json;
    let cursor = page["nextCursor"].as_str().unwrap();
    let page = world.get(&format!("{CLIENT}/activity?limit=1&cursor={cursor}")).await.json;
    assert_eq!(&page["items"][0], item);
}

#[tokio::test]
async fn a_change_that_failed_is_answered_with_its_reason() {
    let world = World::new().await;
    for (failed, status, code) in [
        (RotationFailed::Refused("why".to_owned()), 409, "conflict"),
        (RotationFailed::NoKey("why".to_owned()), 503, "store-unavailable"),
        (RotationFailed::Unfinished("why".to_owned()), 503, "rotation-unfinished"),
    ] {
        let detail = failed.to_string();
        *world.sink.rotations.lock().unwrap() = Some(failed);
        let answer = rotate(&world).await;
        assert_eq!((answer.status.as_u16(), &answer.json["code"]), (status, &json!(code)));
        assert_eq!(answer.json["detail"], detail);
    }
    assert_eq!(rotate(&world).await.status, StatusCode::OK);
}

async fn rotate(world: &World) -> Answer {
    world.send("POST", "/v1/vault/rotate", Some(&world.token), &[], Body::empty()).await
}
