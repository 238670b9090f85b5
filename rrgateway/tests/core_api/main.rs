//! The Core API in process: what clients see, what the data plane gets, what survives.
#![cfg(test)] // tells clippy that this may panic

mod activity;
mod auth_errors;
mod auth_types;
mod compiled;
mod configuration;
mod credentials;
mod described;
mod destinations;
mod diff;
mod meters;
mod metrics;
mod patch;
mod records;
mod routes;
mod rules;
mod vault;
mod warnings;
mod world;

use std::sync::Arc;

use axum::body::Body;
use http::StatusCode;
use rrgateway::model::{Authentication, Presentation};
use serde_json::{Value, json};

use crate::world::{CANARY, CLIENT, World, ids};

#[tokio::test]
async fn nothing_is_shown_or_done_without_the_owners_token() {
    let world = World::new().await;
    let spec = world.get("/v1/openapi.json").await.json;
    let mut operations = 0;
    for (path, methods) in spec["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let url = path.replace(['{', '}'], "");
            for token in [None, Some("wrong"), Some("")] {
                let answer = world.send(&method, &url, token, &[], Body::empty()).await;
                // Nobody knows from where these requests come, so metrics are not shown either.
                let is_closed = path.starts_with("/v1") || path == "/metrics";
                let is_open = !is_closed || path == "/v1/openapi.json";
                assert_ne!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
                assert_eq!(answer.status == StatusCode::UNAUTHORIZED, !is_open, "{method} {path}");
                if !is_open {
                    assert_eq!(answer.json["code"], "unauthenticated");
                    assert!(answer.headers.contains_key("www-authenticate"));
                }
            }
            operations += 1;
        }
    }
    assert_eq!(operations, 10 * 6 + 3 + 25);
}

#[tokio::test]
async fn requests_that_are_no_requests_are_refused_with_their_code() {
    let world = World::new().await;
    let token = world.token.clone();
    let json = [("content-type", "application/json")];
    let targets = format!("{CLIENT}/targets");
    let big = format!("\"{}\"", "x".repeat(1 << 20));
    let cases: [Malformed<'_>; 11] = [
        ("GET", "/v1/clients/%ff/targets", &[], "", 404, "not-found"),
        ("POST", &targets, &json, "{", 400, "malformed"),
        ("POST", &targets, &json, r#"{"name":"a","name":"b"}"#, 400, "malformed"),
        ("POST", &targets, &json, "[]", 422, "invalid"),
        ("POST", &targets, &json, &big, 413, "content-too-large"),
        ("POST", &targets, &[], "{}", 415, "unsupported-media-type"),
        ("PATCH", &targets, &json, "{}", 405, "method-not-allowed"),
        ("GET", "/v1/nothing", &[], "", 404, "not-found"),
        ("GET", "/v1/clients/other/targets", &[], "", 404, "not-found"),
        ("GET", &format!("{CLIENT}/targets/none/rules"), &[], "", 404, "not-found"),
        ("PUT", &format!("{CLIENT}/targets/Bad%20Id"), &json, "{}", 422, "invalid"),
    ];
    for (method, url, headers, body, status, code) in cases {
        let body = Body::from(body.to_owned());
        let answer = world.send(method, url, Some(&token), headers, body).await;
        assert_eq!((answer.status.as_u16(), &answer.json["code"]), (status, &json!(code)), "{url}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(answer.json["type"], format!("urn:rr:problem:{code}"));
        assert_eq!(answer.json["requestId"], answer.headers["rr-request-id"].to_str().unwrap());
    }
    let answer = world.send("PATCH", &targets, Some(&token), &[], Body::empty()).await;
    let allow = answer.headers["allow"].to_str().unwrap().to_owned();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    let foreign = [("origin", "http://evil.example")];
    let answer = world.send("GET", &targets, Some(&token), &foreign, Body::empty()).await;
    assert_eq!(answer.json["code"], "forbidden");
    let rebound = [("host", "evil.example")];
    let answer = world.send("GET", &targets, Some(&token), &rebound, Body::empty()).await;
    assert_eq!(answer.json["code"], "misdirected-request");
    assert!(answer.json["detail"].as_str().unwrap().contains("control.hosts"), "{}", answer.text);
    let deep = "[".repeat(200);
    let answer = world.send("POST", &targets, Some(&token), &json, Body::from(deep)).await;
    assert!(answer.json["detail"].as_str().unwrap().contains("128 deep"), "{}", answer.text);
}

#[tokio::test]
async fn a_whole_proxy_reaches_the_data_plane_before_its_write_is_answered() {
    let world = World::new().await;
    let caller = world
        .post(
            "credentials",
            json!({"name": "alice", "kind": "proxy",
        "auth": {"type": "apiKey"}, "defaultRuleEffect": "deny"}),
        )
        .await;
    assert_eq!(caller.status, StatusCode::CREATED);
    let key = caller.json["secret"].as_str().unwrap().to_owned();
    assert!(rrauth::api_key::is_well_formed(&key));
    let caller_id = caller.json["id"].as_str().unwrap().to_owned();
    assert!(caller_id.starts_with("cred_"));
    let location = caller.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(location, format!("{CLIENT}/credentials/{caller_id}"));
    world.fill().await;
    let rule = json!({"effect": "allow", "methods": ["GET"], "path": {"pattern": "^/v1/"}});
    let rule = world.post(&format!("credentials/{caller_id}/rules"), rule).await;
    let filter = json!({"operation": "retain", "paths": ["$.id"]});
    assert_eq!(world.put("targets/t/filters/f", filter).await.status, StatusCode::CREATED);
    let proxy = json!({"name": "p", "proxyCredentialIds": [caller_id], "targetId": "t",
        "targetCredentialId": "up", "limits": {"requestsPerMinute": 60}});
    let proxy = world.put("proxies/p", proxy).await;
    assert_eq!(proxy.json["baseUrls"], json!(["http://127.0.0.1:8080/api/p"]));
    let revision = world.revision();
    assert_eq!(proxy.headers["rr-revision"], revision.number.to_string());
    let [served] = &revision.proxies[..] else { panic!("{revision:?}") };
    assert_eq!((&*served.id, &*served.client, served.active), ("p", "default", true));
    assert_eq!(served.target.base_url.to_string(), "https://api.example.com/v1");
    assert_eq!(served.target.filters.filters().len(), 1);
    assert_eq!(served.limits.policy.limits().len(), 1);
    let name = served.credential.secret.clone().unwrap();
    assert_eq!((&*name.credential, name.version), ("up", 1));
    let bearer =
        Presentation::Header { name: http::header::AUTHORIZATION, prefix: "Bearer ".to_owned() };
    assert_eq!(served.credential.present, bearer);
    assert_eq!(world.sink.held(&name).as_deref(), Some(CANARY));
    let Authentication::Credentials { callers, headers, bound, .. } = &served.authentication else {
        panic!("open")
    };
    assert_eq!(headers, &["x-api-key"]);
    assert!(bound.contains(&*caller_id));
    let known = callers.index.find(&rrauth::KeyDigest::of(&key)).unwrap();
    assert!(!known.caller.rules.is_empty());
    assert_eq!(rule.status, StatusCode::CREATED);
}

#[tokio::test]
async fn what_a_write_does_not_touch_is_not_compiled_again() {
    let world = World::new().await;
    world.fill().await;
    let proxy = |name: &str| json!({"name": name, "authentication": "none", "targetId": "t"});
    world.put("proxies/a", proxy("a")).await;
    world.put("proxies/b", proxy("b")).await;
    let before = world.revision();
    world.put("proxies/b/rules/r", json!({"effect": "deny"})).await;
    let after = world.revision();
    assert!(Arc::ptr_eq(&before.proxies[0], &after.proxies[0]));
    assert!(!Arc::ptr_eq(&before.proxies[1], &after.proxies[1]));
    assert_ne!(before.proxies[1].digest, after.proxies[1].digest);
    assert!(Arc::ptr_eq(&before.proxies[1].target, &after.proxies[1].target));
    assert_ne!(before.digest, after.digest);
    world.delete("proxies/b/rules/r").await;
    assert_eq!(world.revision().proxies[1].digest, before.proxies[1].digest);
}

#[tokio::test]
async fn a_resource_that_does_not_fit_changes_nothing_and_says_where() {
    let world = World::new().await;
    world.fill().await;
    let before = world.revision().number;
    let dangling = json!({"name": "p", "targetId": "x", "targetCredentialId": "y",
        "proxyCredentialIds": ["up"]});
    let pointers = ["/proxyCredentialIds/0", "/targetId", "/targetCredentialId"];
    world.refuses("proxies", dangling, &pointers).await;
    let assigned = json!({"name": "p", "targetId": "t", "id": "x", "tenant": "y"});
    world.refuses("proxies", assigned, &["/id", "/tenant"]).await;
    world.refuses("proxies", json!({"targetId": "t"}), &["/name"]).await;
    let target = |url: &str| json!({"name": "x", "baseUrl": url});
    world.refuses("targets", target("https://10.0.0.1"), &["/baseUrl"]).await;
    world.refuses("targets", target("http://a.example"), &["/baseUrl"]).await;
    let rule = json!({"effect": "deny", "path": {"pattern": "(a"}});
    world.refuses("targets/t/rules", rule, &["/path/pattern"]).await;
    let filter = json!({"operation": "retain", "paths": ["$.a", "b"]});
    world.refuses("targets/t/filters", filter, &["/paths/1"]).await;
    let same = world.post("targets", json!({"name": "t", "baseUrl": "https://b.example"})).await;
    assert_eq!((same.status.as_u16(), &same.json["code"]), (409, &json!("conflict")));
    assert_eq!(world.revision().number, before);
}

#[tokio::test]
async fn what_is_in_use_stays_until_it_is_not() {
    let world = World::new().await;
    world.fill().await;
    let proxy = json!({"name": "p", "authentication": "none", "targetId": "t",
        "targetCredentialId": "up"});
    world.put("proxies/p", proxy).await;
    for used in ["targets/t", "credentials/up"] {
        let answer = world.delete(used).await;
        assert_eq!((answer.status.as_u16(), &answer.json["code"]), (409, &json!("in-use")));
        assert_eq!(answer.json["usedBy"], json!([{"type": "proxy", "id": "p"}]));
    }
    world.put("targets/t/rules/r", json!({"effect": "deny"})).await;
    assert_eq!(world.delete("proxies/p").await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.delete("targets/t").await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.delete("targets/t").await.status, StatusCode::NOT_FOUND);
    world.put("targets/t", json!({"name": "t", "baseUrl": "https://b.example"})).await;
    assert_eq!(world.get(&format!("{CLIENT}/targets/t/rules")).await.json["items"], json!([]));
}

#[tokio::test]
async fn of_two_writers_who_saw_the_same_one_wins() {
    let world = World::new().await;
    world.fill().await;
    let seen = world.get(&format!("{CLIENT}/targets/t")).await;
    let tag = seen.headers["etag"].to_str().unwrap().to_owned();
    let write = |url: &str| json!({"name": "t", "baseUrl": url});
    let path = format!("{CLIENT}/targets/t");
    let one = world.write("PUT", &path, write("https://one.example"), &[("if-match", &tag)]).await;
    let two = world.write("PUT", &path, write("https://two.example"), &[("if-match", &tag)]).await;
    assert_eq!((one.status.as_u16(), two.status.as_u16()), (200, 412));
    assert_eq!(one.json["createdAt"], seen.json["createdAt"]);
    let weak = format!("W/{}", one.headers["etag"].to_str().unwrap());
    for bad in [&*tag, &*weak, "\"x\"", ""] {
        let token = Some(&*world.token);
        let answer = world.send("DELETE", &path, token, &[("if-match", bad)], Body::empty()).await;
        assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED, "{bad}");
    }
    let new = format!("{CLIENT}/targets/new");
    let answer = world.write("PUT", &new, write("https://a.example"), &[("if-match", "*")]).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn lists_come_in_pages_in_order_of_creation() {
    let world = World::new().await;
    for name in ["c", "a", "b"] {
        let target = json!({"name": name, "baseUrl": "https://a.example"});
        world.put(&format!("targets/{name}"), target).await;
    }
    world.put("targets/c", json!({"name": "c", "baseUrl": "https://b.example"})).await;
    let list = format!("{CLIENT}/targets?limit=2");
    let first = world.get(&list).await.json;
    assert_eq!(ids(&first), ["c", "a"]);
    let cursor = first["nextCursor"].as_str().unwrap().to_owned();
    let second = world.get(&format!("{list}&cursor={cursor}")).await.json;
    assert_eq!((ids(&second), &second["nextCursor"]), (vec!["b"], &Value::Null));
    let foreign = world.get(&format!("{CLIENT}/proxies?cursor={cursor}")).await;
    assert_eq!(foreign.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.get(&format!("{CLIENT}/targets?limit=0")).await.json["code"], "invalid");
}

#[tokio::test]
async fn acknowledged_writes_survive_and_numbers_go_on() {
    let world = World::new().await;
    let token = world.token.clone();
    world.fill().await;
    world.put("proxies/p", json!({"name": "p", "authentication": "none", "targetId": "t"})).await;
    let before = world.revision();
    let list = world.get(&format!("{CLIENT}/credentials")).await.json;
    let directory = world.stop().await;
    let world = World::in_directory(directory).await.unwrap();
    assert_eq!(world.token, token);
    let after = world.revision();
    assert_eq!((after.number, after.digest), (before.number, before.digest));
    assert_eq!(after.proxies[0].digest, before.proxies[0].digest);
    assert_eq!(world.get(&format!("{CLIENT}/credentials")).await.json, list);
    let next = world.put("proxies/p", json!({"name": "q", "targetId": "t"})).await;
    assert_eq!(next.headers["rr-revision"], (before.number + 1).to_string());
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_is_refused_with_the_reason() {
    let world = World::new().await;
    let second = World::start(world.directory.path()).await.map(drop).unwrap_err();
    assert!(second.to_string().contains("another process"), "{second}");
    let directory = world.stop().await;
    let database = directory.path().join("control.db");
    let raw = rusqlite::Connection::open(&database).unwrap();
    raw.pragma_update(None, "user_version", 9).unwrap();
    drop(raw);
    let newer = World::start(directory.path()).await.map(drop).unwrap_err();
    assert!(newer.to_string().contains("newer gateway (format 9"), "{newer}");
    std::fs::write(&database, "").unwrap();
    let emptied = World::start(directory.path()).await.map(drop).unwrap_err();
    assert!(emptied.to_string().contains("it is empty"), "{emptied}");
    let no_directory = World::start(&database).await.map(drop).unwrap_err();
    let said = format!("{:#}", anyhow::Error::from(no_directory));
    assert!(said.contains("control.db") && said.matches("os error").count() == 1, "{said}");
}

#[tokio::test]
async fn a_damaged_file_is_refused_although_all_that_is_served_can_be_read() {
    let world = World::new().await;
    world.fill().await;
    let directory = world.stop().await;
    let database = directory.path().join("control.db");
    let whole = std::fs::read(&database).unwrap();
    let mut damaged = whole.clone();
    // The number of pages that are free, which nothing that is read depends on.
    damaged[39] += 1;
    std::fs::write(&database, damaged).unwrap();
    let refused = World::start(directory.path()).await.map(drop).unwrap_err().to_string();
    assert!(refused.contains("control.db: damaged: "), "{refused}");
    std::fs::write(&database, whole).unwrap();
    assert_eq!(World::in_directory(directory).await.unwrap().revision().number, 3);
}

#[tokio::test]
async fn a_store_that_fails_changes_nothing_and_recovers() {
    let world = World::new().await;
    world.fill().await;
    let before = world.revision().number;
    let raw = rusqlite::Connection::open(world.directory.path().join("control.db")).unwrap();
    raw.execute_batch("ALTER TABLE resource RENAME TO away").unwrap();
    let put = || {
        json!({"name": "up", "kind": "target",
        "auth": {"type": "bearer", "token": "another-secret"}})
    };
    for _ in 0..2 {
        let failed = world.put("credentials/up", put()).await;
        assert_eq!(failed.json["code"], "store-unavailable");
    }
    let target = world.get(&format!("{CLIENT}/targets/t")).await;
    assert_eq!((target.status, world.revision().number), (StatusCode::OK, before));
    // The store cannot be read back: nobody knows whether it names the new secret.
    let sealed = rrgateway::model::SecretName {
        client: "default".into(),
        credential: "up".into(),
        version: 2,
    };
    assert!(world.sink.held(&sealed).is_some());
    let more = json!({"name": "m", "kind": "target",
        "auth": {"type": "bearer", "token": "another-secret"}});
    let failed = world.put("credentials/more", more).await;
    assert_eq!(failed.json["code"], "store-unavailable");
    raw.execute_batch("ALTER TABLE away RENAME TO resource").unwrap();
    drop(raw);
    let done = world.put("credentials/up", put()).await;
    assert_eq!(done.headers["rr-revision"], (before + 1).to_string());
    world.sink.holds("up", &[2]).await;
    world.sink.holds("more", &[]).await;
    world.sink.refuse(true);
    let refused = world.put("credentials/up", put()).await;
    assert_eq!(refused.json["code"], "store-unavailable");
    assert_eq!(world.revision().number, before + 1);
}

#[tokio::test]
async fn what_an_older_gateway_kept_is_served_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let raw = rusqlite::Connection::open(directory.path().join("control.db")).unwrap();
    raw.execute_batch(OLD).unwrap();
    drop(raw);
    let world = World::in_directory(directory).await.unwrap();
    let revision = world.revision();
    assert_eq!((revision.number, revision.proxies[0].rules.is_empty()), (9, false));
    let name = revision.proxies[0].credential.secret.clone().unwrap();
    assert_eq!(world.sink.retained(), Some(vec![name]));
    let again = json!({"auth": {"token": CANARY}});
    let answer = world.patch("credentials/up", again).await;
    assert_eq!(
        (&answer.json["version"], &answer.headers["rr-revision"]),
        (&json!(4), &http::HeaderValue::from_static("10"))
    );
    let rule = world.get(&format!("{CLIENT}/proxies/p/rules/r")).await.json;
    assert_eq!((&rule["query"], &rule["mode"]), (&json!([]), &json!("enforce")));
    let raw = rusqlite::Connection::open(world.directory.path().join("control.db")).unwrap();
    let stored = "SELECT spec FROM resource WHERE kind = 'rule'";
    let stored: String = raw.query_row(stored, [], |row| row.get(0)).unwrap();
    assert_eq!(stored, r#"{"effect":"deny","priority":500}"#, "and nothing that it does not ask");
    assert_eq!(ids(&world.get(&format!("{CLIENT}/activity")).await.json).len(), 1);
}

#[tokio::test]
async fn readiness_follows_what_is_served() {
    let world = World::new().await;
    assert_eq!(world.get("/livez").await.status, StatusCode::OK);
    assert_eq!(world.get("/readyz").await.status, StatusCode::OK);
    let current = world.get("/v1/revisions/current").await.json;
    assert_eq!((&current["number"], &current["author"]), (&json!(1), &json!("owner")));
    assert_eq!(current["nodes"][0]["state"], "applied");
    assert_eq!(current["nodes"][0]["reason"], Value::Null);
    world.plane.drain();
    assert_eq!(world.get("/readyz").await.json["code"], "not-ready");
    let docs = world.get("/docs").await;
    assert!(docs.text.contains("/v1/revisions/current") && !docs.text.contains("<script"));
    assert!(docs.headers["content-security-policy"].to_str().unwrap().contains("'none'"));
    let rules = world.get("/docs/writing-rules").await;
    assert!(
        docs.text.contains("href=\"/docs/writing-rules\"")
            && rules.text.contains("<h2 id=\"recipes\">")
    );
    assert_eq!(rules.headers["content-type"], "text/html; charset=utf-8");
    let credentials = world.get("/docs/credentials").await;
    assert!(
        docs.text.contains("href=\"/docs/credentials\"")
            && credentials.text.contains("<h2 id=\"what-answers-mean\">")
    );
    for (page, heading) in [
        ("/docs/hiding-fields", "<h2 id=\"when-it-applies\">"),
        ("/docs/transforming", "<h2 id=\"variables\">"),
    ] {
        assert!(docs.text.contains(&format!("href=\"{page}\"")));
        assert!(world.get(page).await.text.contains(heading), "{page}");
    }
    assert_eq!(world.get("/").await.headers["location"], "/docs");
}

/// Method, URL, headers, body; status and code.
type Malformed<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, u16, &'a str);

/// A database of the first version, with one of everything.
const OLD: &str = r#"
    CREATE TABLE resource (created_in INTEGER PRIMARY KEY, kind TEXT NOT NULL,
        parent_kind TEXT NOT NULL, parent_id TEXT NOT NULL, id TEXT NOT NULL,
        changed_in INTEGER NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,
        spec TEXT NOT NULL, UNIQUE (kind, parent_kind, parent_id, id)) STRICT;
    CREATE TABLE revision (number INTEGER PRIMARY KEY, digest BLOB NOT NULL, author TEXT NOT NULL,
        created_ms INTEGER NOT NULL) STRICT;
    CREATE TABLE owner (one INTEGER PRIMARY KEY CHECK (one = 1), digest BLOB NOT NULL) STRICT;
    INSERT INTO revision VALUES (9, zeroblob(32), 'owner', 0);
    INSERT INTO resource VALUES (2, 'target', '', '', 't', 2, 0, 0, '{"name":"t",
        "baseUrl":"https://a.example","timeoutMs":1,"connectTimeoutMs":1,"idleTimeoutMs":1,
        "defaultRuleEffect":"allow","allowPlaintext":false}');
    INSERT INTO resource VALUES (3, 'credential', '', '', 'up', 8, 0, 0, '{"name":"up",
        "kind":"target","auth":{"type":"bearer","prefix":"Bearer "},"defaultRuleEffect":"allow",
        "expiresAtMs":null,"active":true,"region":"local",
        "secret":{"version":3,"fingerprint":"f1f1f1f1","rotatedAtMs":0}}');
    INSERT INTO resource VALUES (4, 'proxy', '', '', 'p', 4, 0, 0, '{"name":"p","active":true,
        "region":"local","proxyCredentialIds":[],"targetId":"t","targetCredentialId":"up",
        "defaultRuleEffect":"allow","limits":{"requestsPerMinute":null,"requestsPerDay":null}}');
    INSERT INTO resource VALUES (5, 'rule', 'proxy', 'p', 'r', 5, 0, 0, '{"effect":"deny",
        "priority":500,"methods":null,"path":null,"headers":[],"notes":null}');
    INSERT INTO resource VALUES (6, 'filter', 'proxy', 'p', 'f', 6, 0, 0, '{"operation":"retain",
        "paths":["$.a"]}');
    PRAGMA application_id = 1920099184;
    PRAGMA user_version = 1;
"#;
