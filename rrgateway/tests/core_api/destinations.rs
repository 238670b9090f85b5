//! Where the secret of a target credential may go: where it was first used, and elsewhere only for
//! whoever gives the secret again.

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{Answer, CANARY, CLIENT, World};

const HOME: &str = "https://api.example.com";
const AWAY: &str = "https://evil.example";

#[tokio::test]
async fn the_first_proxy_that_joins_them_binds_a_credential_to_its_target() {
    let world = World::new().await;
    world.fill().await;
    assert_eq!(destinations(&world).await, json!([]));
    let before = up(&world).await;
    let made = world.put("proxies/p", proxy("t")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let after = up(&world).await;
    assert_eq!(after.json["destinations"], json!([HOME]));
    // The same secret, and another state of the credential: who holds the old one must read again.
    for it in ["version", "fingerprint", "lastRotatedAt", "auth"] {
        assert_eq!(before.json[it], after.json[it], "{it}");
    }
    assert_ne!(before.headers["etag"], after.headers["etag"]);
    let served = &world.revision().proxies[0].credential.destinations;
    assert_eq!(served, &[HOME.to_owned()]);

    let credential = json!({"name": "n", "kind": "target", "auth": {"type": "none"}});
    world.put("credentials/nothing", credential).await;
    let mut open = named("open", "t");
    open["targetCredentialId"] = json!("nothing");
    assert_eq!(world.put("proxies/open", open).await.status, StatusCode::CREATED);
    let nothing = world.get(&format!("{CLIENT}/credentials/nothing")).await;
    assert_eq!(nothing.json["destinations"], json!([]), "there is no secret to keep at home");
    let moved = world.patch("credentials/nothing", json!({"auth": bearer("n")})).await;
    assert_eq!(moved.json["destinations"], json!([HOME]), "{}", moved.text);
}

#[tokio::test]
async fn a_secret_does_not_follow_its_target_to_another_place() {
    let world = joined().await;
    for away in [
        AWAY,
        "https://api.example.com.evil.example",
        "https://api.example.com:8443/v1",
        "https://api.example.com@evil.example",
        "http://api.example.com",
        "https://93.184.216.34/v1",
    ] {
        let patch = json!({"baseUrl": away, "allowPlaintext": true});
        check_kept(&world, world.patch("targets/t", patch).await, "/baseUrl", away).await;
        let put = json!({"name": "t", "baseUrl": away, "allowPlaintext": true});
        check_kept(&world, world.put("targets/t", put).await, "/baseUrl", away).await;
    }
    for home in [
        "https://api.example.com/v2/other",
        "https://api.example.com:443/v1",
        "https://API.Example.com",
        "https://api.example.com.",
    ] {
        let moved = world.patch("targets/t", json!({"baseUrl": home})).await;
        assert_eq!(moved.status, StatusCode::OK, "{home}: {}", moved.text);
        assert_eq!(destinations(&world).await, json!([HOME]), "{home}");
    }
}

#[tokio::test]
async fn a_second_proxy_does_not_take_a_secret_elsewhere() {
    let world = joined().await;
    world.put("targets/away", json!({"name": "a", "baseUrl": AWAY})).await;
    world.put("targets/near", json!({"name": "n", "baseUrl": format!("{HOME}/near")})).await;
    check_kept(&world, world.put("proxies/q", named("q", "away")).await, "/targetId", AWAY).await;
    check_kept(&world, world.post("proxies", named("r", "away")).await, "/targetId", AWAY).await;
    let patch = json!({"targetId": "away"});
    check_kept(&world, world.patch("proxies/p", patch).await, "/targetId", AWAY).await;
    assert_eq!(world.put("proxies/q", named("q", "near")).await.status, StatusCode::CREATED);
    // Where nobody uses it any more, it still belongs where it was.
    for proxy in ["proxies/p", "proxies/q"] {
        assert_eq!(world.delete(proxy).await.status, StatusCode::NO_CONTENT);
    }
    check_kept(&world, world.put("proxies/q", named("q", "away")).await, "/targetId", AWAY).await;
    // An inactive proxy is one patch away from an active one.
    let mut inactive = named("q", "away");
    inactive["active"] = json!(false);
    check_kept(&world, world.put("proxies/q", inactive).await, "/targetId", AWAY).await;
}

#[tokio::test]
async fn whoever_has_the_secret_may_take_it_elsewhere() {
    let world = joined().await;
    let rebind = json!({"credentialId": "up", "auth": bearer("n")});
    let patch = json!({"baseUrl": AWAY, "rebind": rebind});
    let moved = world.patch("targets/t", patch).await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.text);
    assert_eq!(moved.json["baseUrl"], AWAY);
    assert!(moved.json.get("rebind").is_none() && !moved.text.contains(CANARY));
    let now = up(&world).await.json;
    assert_eq!((&now["version"], &now["destinations"]), (&json!(2), &json!([AWAY])));
    world.sink.holds("up", &[2]).await;
    let credential = &world.revision().proxies[0].credential;
    assert_eq!(credential.destinations, [AWAY.to_owned()]);
    let secret = world.sink.held(credential.secret.as_ref().unwrap());
    assert_eq!(secret.as_deref(), Some(format!("n-{CANARY}").as_str()));
    // It is not a member of the target: the next write is a write of its own.
    let back = world.patch("targets/t", json!({"baseUrl": HOME})).await;
    check_conflict(&back, "/baseUrl");

    // A proxy too, for which both places are in use from now on.
    world.put("targets/home", json!({"name": "h", "baseUrl": HOME})).await;
    let mut both = named("both", "home");
    both["rebind"] = json!({"credentialId": "up", "auth": bearer("m")});
    let made = world.put("proxies/q", both).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let now = up(&world).await.json;
    assert_eq!((&now["version"], &now["destinations"]), (&json!(3), &json!([HOME, AWAY])));
    let activity = world.get(&format!("{CLIENT}/activity")).await;
    assert!(!activity.text.contains(CANARY), "{}", activity.text);
}

#[tokio::test]
async fn a_rebind_is_of_a_credential_that_goes_along_and_has_its_secret() {
    let world = joined().await;
    let other = json!({"name": "o", "kind": "target", "auth": bearer("o")});
    world.put("credentials/other", other).await;
    let caller = json!({"name": "c", "kind": "proxy", "auth": {"type": "apiKey"}});
    world.put("credentials/caller", caller).await;
    let before = world.revision().number;
    for (rebind, pointer) in [
        (json!({"credentialId": "other", "auth": bearer("n")}), "/rebind/credentialId"),
        (json!({"credentialId": "caller", "auth": bearer("n")}), "/rebind/credentialId"),
        (json!({"credentialId": "none", "auth": bearer("n")}), "/rebind/credentialId"),
        (json!({"credentialId": "up"}), "/rebind/auth"),
        (json!({"auth": bearer("n")}), "/rebind/credentialId"),
        (json!({"credentialId": "up", "auth": {"type": "bearer"}}), "/rebind/auth"),
        (json!({"credentialId": "up", "auth": {"token": CANARY}}), "/rebind/auth/type"),
        (json!({"credentialId": "up", "auth": {"type": "none"}}), "/rebind/auth"),
        (json!({"credentialId": "up", "auth": bearer("n"), "all": true}), "/rebind/all"),
        (json!(CANARY), "/rebind"),
    ] {
        for write in [json!({"baseUrl": AWAY}), json!({"timeoutMs": 7})] {
            let mut patch = write;
            patch["rebind"] = rebind.clone();
            let refused = world.patch("targets/t", patch).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{rebind}");
            assert_eq!(refused.json["errors"][0]["pointer"], pointer, "{}", refused.text);
            assert!(!refused.text.contains("canary"), "{}", refused.text);
        }
    }
    // Giving it again is giving all of it.
    let token = |request: Value| json!({"type": "customToken", "tokenPath": "$.t", "ttlSeconds": 60, "request": request});
    let whole = token(json!({"url": "https://auth.example.com/t", "headers": {"X": CANARY},
        "body": CANARY}));
    let up = json!({"name": "up", "kind": "target", "auth": whole});
    assert_eq!(world.put("credentials/up", up).await.status, StatusCode::OK);
    let part = token(json!({"url": "https://auth.example.com/t", "headers": {"X": CANARY}}));
    let rebind = json!({"credentialId": "up", "auth": part});
    let refused = world.patch("targets/t", json!({"baseUrl": AWAY, "rebind": rebind})).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    assert_eq!(refused.json["errors"][0]["pointer"], "/rebind/auth/request/body");
    // Nor does giving one credential again let another one go along.
    let mut proxy = named("q", "t");
    proxy["targetCredentialId"] = json!("other");
    assert_eq!(world.put("proxies/q", proxy).await.status, StatusCode::CREATED);
    let rebind = json!({"credentialId": "other", "auth": bearer("n")});
    let refused = world.patch("targets/t", json!({"baseUrl": AWAY, "rebind": rebind})).await;
    check_conflict(&refused, "/baseUrl");
    assert!(refused.json["errors"][0]["detail"].as_str().unwrap().contains("credential up "));
    assert_eq!(world.revision().number, before + 2);
}

#[tokio::test]
async fn more_destinations_are_for_whoever_gives_the_secret_with_them() {
    let world = joined().await;
    let widen = |list: Value| json!({"destinations": list});
    for list in [json!([HOME, AWAY]), json!([AWAY]), json!([]), json!(["http://api.example.com"])] {
        let wider = world.patch("credentials/up", widen(list.clone())).await;
        check_kept(&world, wider, "/destinations", &list.to_string()).await;
    }
    for (list, pointer) in [
        (json!([format!("{HOME}/v1")]), "/destinations/0"),
        (json!(["api.example.com"]), "/destinations/0"),
        (json!(HOME), "/destinations"),
    ] {
        let wrong = world.patch("credentials/up", widen(list.clone())).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{list}: {}", wrong.text);
        assert_eq!(wrong.json["errors"][0]["pointer"], pointer);
    }
    let both =
        json!({"auth": {"token": CANARY}, "destinations": [AWAY, "https://API.example.com:443"]});
    let wider = world.patch("credentials/up", both).await;
    assert_eq!(wider.status, StatusCode::OK, "{}", wider.text);
    assert_eq!(wider.json["destinations"], json!([HOME, AWAY]));
    assert_eq!(wider.json["version"], 2);
    // Now the target may go there.
    assert_eq!(world.patch("targets/t", json!({"baseUrl": AWAY})).await.status, StatusCode::OK);
    let in_use = world.patch("credentials/up", widen(json!([HOME]))).await;
    check_conflict(&in_use, "/destinations");
    let narrower = world.patch("credentials/up", widen(json!([AWAY]))).await;
    assert_eq!(narrower.json["destinations"], json!([AWAY]), "{}", narrower.text);
    assert_eq!(narrower.json["version"], 2);
    check_conflict(&world.patch("targets/t", json!({"baseUrl": HOME})).await, "/baseUrl");
    // What says nothing of them leaves them.
    let put = json!({"name": "up", "kind": "target", "auth": {"type": "bearer"}});
    assert_eq!(world.put("credentials/up", put).await.json["destinations"], json!([AWAY]));
    let rotated = world.post("credentials/up/rotate", json!({"auth": {"token": CANARY}})).await;
    assert_eq!(rotated.json["destinations"], json!([AWAY]));
    let caller = json!({"name": "c", "kind": "proxy", "auth": {"type": "apiKey"},
        "destinations": [HOME]});
    world.refuses("credentials", caller, &["/destinations"]).await;
}

#[tokio::test]
async fn destinations_outlive_a_start() {
    let world = joined().await;
    let directory = world.stop().await;
    let world = World::in_directory(directory).await.unwrap();
    assert_eq!(destinations(&world).await, json!([HOME]));
    check_conflict(&world.patch("targets/t", json!({"baseUrl": AWAY})).await, "/baseUrl");
}

/// A world whose proxy `p` joins the target `t` and the credential `up`.
#[tokio::test]
async fn a_store_from_before_destinations_is_bound_to_what_it_used() {
    let directory = joined().await.stop().await;
    let raw = rusqlite::Connection::open(directory.path().join("control.db")).unwrap();
    let forgotten = raw.execute(
        "UPDATE resource SET spec = json_remove(spec, '$.destinations') WHERE id = 'up'",
        [],
    );
    assert_eq!(forgotten, Ok(1));
    drop(raw);
    let world = World::in_directory(directory).await.unwrap();
    assert_eq!(destinations(&world).await, json!([HOME]));
    assert_eq!(world.revision().proxies[0].credential.destinations, [HOME.to_owned()]);
    let patch = json!({"baseUrl": AWAY, "allowPlaintext": true});
    check_kept(&world, world.patch("targets/t", patch).await, "/baseUrl", AWAY).await;
}

async fn joined() -> World {
    let world = World::new().await;
    world.fill().await;
    assert_eq!(world.put("proxies/p", proxy("t")).await.status, StatusCode::CREATED);
    world
}

fn proxy(target: &str) -> Value {
    named("p", target)
}

fn named(name: &str, target: &str) -> Value {
    json!({"name": name, "targetId": target, "targetCredentialId": "up"})
}

fn bearer(prefix: &str) -> Value {
    json!({"type": "bearer", "token": format!("{prefix}-{CANARY}")})
}

async fn up(world: &World) -> Answer {
    world.get(&format!("{CLIENT}/credentials/up")).await
}

async fn destinations(world: &World) -> Value {
    up(world).await.json["destinations"].clone()
}

/// That `answer` refused to send the secret elsewhere, and that everything is as it was.
async fn check_kept(world: &World, answer: Answer, pointer: &str, elsewhere: &str) {
    if answer.status == StatusCode::UNPROCESSABLE_ENTITY {
        // Not even a URL.
        assert!(elsewhere.contains('@'), "{elsewhere}: {}", answer.text);
    } else {
        check_conflict(&answer, pointer);
        if pointer != "/destinations" {
            let detail = answer.json["errors"][0]["detail"].as_str().unwrap();
            assert!(detail.contains("credential up"), "{detail}");
        }
    }
    assert_eq!(destinations(world).await, json!([HOME]), "{elsewhere}");
    let target = world.get(&format!("{CLIENT}/targets/t")).await.json;
    assert_eq!(target["baseUrl"], format!("{HOME}/v1"), "{elsewhere}");
}

#[track_caller]
fn check_conflict(answer: &Answer, pointer: &str) {
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    assert_eq!(answer.json["code"], "conflict");
    assert_eq!(answer.json["errors"][0]["pointer"], pointer, "{}", answer.text);
    assert!(!answer.text.contains("canary"), "{}", answer.text);
}
