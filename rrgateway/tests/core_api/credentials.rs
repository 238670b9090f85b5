//! Credentials: their secrets go to the vault, and come back from nowhere.

use http::StatusCode;
use rrgateway::model::{Presentation, SecretName};
use serde_json::{Value, json};

use crate::world::{CANARY, CLIENT, World};

#[tokio::test]
async fn a_credential_that_does_not_fit_changes_nothing_and_echoes_no_secret() {
    let world = World::new().await;
    world.fill().await;
    let credential = |kind: &str, auth: Value| json!({"name": "x", "kind": kind, "auth": auth});
    let taken = "canary-canary-canary-canary";
    let alice = credential("proxy", json!({"type": "apiKey", "key": taken}));
    world.put("credentials/alice", alice).await;
    let before = world.revision().number;
    let bearer = json!({"type": "bearer"});
    world.refuses("credentials", credential("target", bearer.clone()), &["/auth/token"]).await;
    world.refuses("credentials", credential("proxy", bearer), &["/auth/token"]).await;
    let short = json!({"type": "apiKey", "key": "canary"});
    world.refuses("credentials", credential("proxy", short), &["/auth/key"]).await;
    let split = json!({"type": "apiKey", "key": "canary\r\nx: y"});
    world.refuses("credentials", credential("target", split), &["/auth/key"]).await;
    let kind = json!({"name": "up", "kind": "proxy", "auth": {"type": "apiKey"}});
    assert_eq!(world.put("credentials/up", kind).await.json["errors"][0]["pointer"], "/kind");
    let twin = json!({"name": "twin", "kind": "proxy",
        "auth": {"type": "bearer", "token": taken}});
    assert_eq!(world.post("credentials", twin).await.json["code"], "conflict");
    assert_eq!(world.revision().number, before);
}

#[tokio::test]
async fn a_secret_goes_to_the_vault_and_comes_back_from_nowhere() {
    let world = World::new().await;
    world.fill().await;
    world
        .post(
            "credentials",
            json!({"name": "alice", "kind": "proxy",
        "auth": {"type": "apiKey", "key": format!("{CANARY}-caller")}}),
        )
        .await;
    let shown = world
        .put(
            "credentials/gen",
            json!({"name": "gen", "kind": "proxy",
        "auth": {"type": "apiKey", "name": "x-key"}}),
        )
        .await
        .json;
    let generated = shown["secret"].as_str().unwrap().to_owned();
    let digest = rrauth::KeyDigest::of(format!("{CANARY}-caller")).to_hex();
    let upstream = world.get(&format!("{CLIENT}/credentials/up")).await.json;
    assert_eq!(upstream["auth"], json!({"type": "bearer", "prefix": "Bearer "}));
    assert_eq!((&upstream["fingerprint"], &upstream["version"]), (&json!("f1f1f1f1"), &json!(1)));
    assert_eq!(upstream["secretRef"], "vault:default/up/1");
    let mut bodies = Vec::new();
    for path in world.all_paths().await {
        bodies.push(world.get(&path).await.text);
    }
    bodies.push(world.delete("credentials/none").await.text);
    for body in bodies {
        for secret in [CANARY, &generated, &digest, &world.token] {
            assert!(!body.contains(secret), "{body}");
        }
    }
    world
        .stop_and(|directory| {
            for file in ["control.db", "records.db"] {
                let bytes = std::fs::read(directory.join(file)).unwrap();
                let text = String::from_utf8_lossy(&bytes);
                assert!(!text.contains(CANARY) && !text.contains(&generated), "{file}");
            }
        })
        .await;
}

#[tokio::test]
async fn a_new_secret_is_a_new_version_and_the_old_one_is_forgotten() {
    let world = World::new().await;
    world.fill().await;
    let put = |auth: Value| json!({"name": "up", "kind": "target", "auth": auth});
    let kept = world.put("credentials/up", put(json!({"type": "bearer", "prefix": "t "}))).await;
    assert_eq!((kept.status, &kept.json["version"]), (StatusCode::OK, &json!(1)));
    let new = put(json!({"type": "bearer", "token": "new-secret"}));
    assert_eq!(world.put("credentials/up", new).await.json["version"], 2);
    world.sink.holds("up", &[2]).await;
    let other = world.put("credentials/up", put(json!({"type": "apiKey"}))).await;
    assert_eq!(other.json["errors"][0]["pointer"], "/auth/key");
    world.delete("credentials/up").await;
    world.sink.holds("up", &[]).await;
}
