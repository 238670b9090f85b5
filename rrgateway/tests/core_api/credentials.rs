//! Credentials: their secrets go to the vault, and come back from nowhere.

use http::StatusCode;
use rrgateway::model::{Presentation, SecretName, SecretSink};
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
    let kept = rrauth::KeyDigest::of(&generated).to_hex();
    assert_eq!(shown["fingerprint"], world.sink.fingerprint("default", &kept), "by the vault");
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

#[tokio::test]
async fn what_is_shown_in_several_headers_or_as_basic_is_kept_by_the_vault() {
    let world = World::new().await;
    world.fill().await;
    world.put("proxies/p", json!({"name": "p", "targetId": "t", "targetCredentialId": "up"})).await;
    let put = |auth: Value| {
        world.put("credentials/up", json!({"name": "up", "kind": "target", "auth": auth}))
    };
    let answer = put(json!({"type": "basicAuth", "username": "aladdin", "password": CANARY})).await;
    assert_eq!(answer.json["auth"], json!({"type": "basicAuth", "username": "aladdin"}));
    check(&world, &Presentation::Basic { username: "aladdin".to_owned() }, CANARY);
    let renamed = put(json!({"type": "basicAuth", "username": "jafar"})).await;
    assert_eq!(renamed.json["version"], answer.json["version"]);
    check(&world, &Presentation::Basic { username: "jafar".to_owned() }, CANARY);
    let headers = json!({"X-Key": CANARY, "x-app": "a\"b"});
    let answer = put(json!({"type": "custom", "headers": headers})).await;
    let names = json!({"type": "custom", "headers": ["X-Key", "x-app"]});
    assert_eq!(answer.json["auth"], names, "{}", answer.text);
    let names = ["x-key", "x-app"].map(http::HeaderName::from_static).to_vec();
    let secret = format!(r#"{{"x-app":"a\"b","x-key":"{CANARY}"}}"#);
    check(&world, &Presentation::Headers { names: names.clone() }, &secret);
    let kept = put(json!({"type": "custom"})).await;
    assert_eq!(kept.json["auth"], answer.json["auth"]);
    check(&world, &Presentation::Headers { names }, &secret);
}

#[tokio::test]
async fn what_could_not_be_sent_upstream_is_refused_without_an_echo() {
    let world = World::new().await;
    let long = "canary".repeat(2_000);
    for (auth, pointers) in [
        (json!({"type": "basicAuth"}), &["/auth/username"][..]),
        (json!({"type": "basicAuth", "username": "u"}), &["/auth/password"]),
        (
            json!({"type": "basicAuth", "username": "a:b", "password": "canary"}),
            &["/auth/username"],
        ),
        (json!({"type": "basicAuth", "username": "a", "password": long}), &["/auth/password"]),
        (
            json!({"type": "basicAuth", "username": "a", "password": "canary\n"}),
            &["/auth/password"],
        ),
        (json!({"type": "basicAuth", "username": "", "password": ""}), &["/auth/password"]),
        (json!({"type": "custom"}), &["/auth/headers"]),
        (json!({"type": "custom", "headers": {}}), &["/auth/headers"]),
        (json!({"type": "custom", "headers": ["canary"]}), &["/auth/headers"]),
        (json!({"type": "custom", "headers": {"host": "canary"}}), &["/auth/headers/host"]),
        (json!({"type": "custom", "headers": {"a": "canary", "A": "b"}}), &["/auth/headers/a"]),
        (json!({"type": "custom", "headers": {"a b": "canary"}}), &["/auth/headers/a b"]),
        (json!({"type": "custom", "headers": {"a": "canary\r\nb: c"}}), &["/auth/headers/a"]),
        (json!({"type": "custom", "headers": {"a": null}}), &["/auth/headers/a"]),
    ] {
        let credential = json!({"name": "c", "kind": "target", "auth": auth});
        world.refuses("credentials", credential, pointers).await;
    }
    for kind in ["oauth2", "custom"] {
        let caller = json!({"name": "c", "kind": "proxy", "auth": {"type": kind}});
        world.refuses("credentials", caller, &["/auth/type"]).await;
    }
}

#[tokio::test]
async fn a_name_of_a_secret_is_given_once_only() {
    let world = World::new().await;
    world.fill().await;
    let up =
        || json!({"name": "up", "kind": "target", "auth": {"type": "bearer", "token": CANARY}});
    assert_eq!(world.put("credentials/up", up()).await.json["version"], 2);
    world.delete("credentials/up").await;
    assert_eq!(world.put("credentials/up", up()).await.json["version"], 3);
    world.patch("credentials/up", json!({"auth": {"type": "none"}})).await;
    let directory = world.stop().await;
    let world = World::in_directory(directory).await.unwrap();
    assert_eq!(world.put("credentials/up", up()).await.json["version"], 4);
    world.delete("credentials/up").await;
    let directory = world.stop().await;
    let world = World::in_directory(directory).await.unwrap();
    assert_eq!(world.put("credentials/up", up()).await.json["version"], 5);
}

#[tokio::test]
async fn at_the_start_the_vault_is_told_what_is_named() {
    let world = World::new().await;
    // A vault without a configuration may be what is left of one: nothing of it is thrown away.
    assert_eq!(world.sink.retained(), None);
    world.fill().await;
    let caller = json!({"name": "c", "kind": "proxy", "auth": {"type": "apiKey"}});
    world.post("credentials", caller).await;
    let none = json!({"name": "n", "kind": "target", "auth": {"type": "none"}});
    world.post("credentials", none).await;
    let directory = world.stop().await;
    let world = World::in_directory(directory).await.unwrap();
    let up = SecretName { client: "default".into(), credential: "up".into(), version: 1 };
    assert_eq!(world.sink.retained(), Some(vec![up]));
}

#[track_caller]
fn check(world: &World, present: &Presentation, secret: &str) {
    let revision = world.revision();
    let credential = &revision.proxies[0].credential;
    assert_eq!(&credential.present, present);
    let name = credential.secret.as_ref().unwrap();
    assert_eq!(world.sink.held(name).as_deref(), Some(secret));
}
