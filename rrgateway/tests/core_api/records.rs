//! Audit records: kept in batches, found newest first.

use http::StatusCode;
use rrgateway::model::Record;
use serde_json::{Value, json};

use crate::world::{CLIENT, World, ids};

#[tokio::test]
async fn records_are_found_newest_first_by_status_code_and_stage() {
    let world = World::new().await;
    world.fill().await;
    world.put("proxies/p", json!({"name": "p", "authentication": "none", "targetId": "t"})).await;
    for (id, status, code, stage, proxy) in [
        ("req_1", 200, "proxy-access-granted", None, Some("p")),
        ("req_2", 429, "quota-exceeded", Some("limit"), Some("p")),
        ("req_3", 404, "proxy-not-found", Some("route"), None),
    ] {
        let record = Record {
            id: id.to_owned(),
            client_id: "default".into(),
            proxy_id: proxy.map(Into::into),
            status,
            code,
            stage,
            received_at_ms: NOW_MS,
            ..Record::default()
        };
        assert!(world.reports.report(record));
    }
    let all = world.eventually(&format!("{CLIENT}/requests"), 3).await;
    assert_eq!(ids(&all), ["req_3", "req_2", "req_1"]);
    let of_proxy = format!("{CLIENT}/proxies/p/requests");
    for (query, expected) in [
        ("", &["req_2", "req_1"][..]),
        ("?status=429", &["req_2"]),
        ("?stage=limit", &["req_2"]),
        ("?code=proxy-access-granted", &["req_1"]),
        ("?status=200&code=quota-exceeded", &[]),
    ] {
        assert_eq!(ids(&world.get(&format!("{of_proxy}{query}")).await.json), expected, "{query}");
    }
    let page = world.get(&format!("{of_proxy}?limit=1")).await.json;
    let cursor = page["nextCursor"].as_str().unwrap();
    let next = world.get(&format!("{of_proxy}?limit=1&cursor={cursor}")).await.json;
    assert_eq!((ids(&next), &next["nextCursor"]), (vec!["req_1"], &Value::Null));
    let one = world.get(&format!("{of_proxy}/req_1")).await.json;
    assert_eq!(
        (&one["id"], &one["redactions"], &one["stage"]),
        (&json!("req_1"), &json!([]), &Value::Null)
    );
    assert_eq!(one.as_object().unwrap().len(), 31);
    assert_eq!(world.get(&format!("{of_proxy}/req_3")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.get(&format!("{of_proxy}?status=x")).await.json["code"], "invalid");
    let directory = world.stop().await;
    let world = World::in_directory(directory).await.unwrap();
    assert_eq!(ids(&world.get(&format!("{CLIENT}/requests")).await.json).len(), 3);
}

#[tokio::test]
async fn records_are_found_by_when_who_what_and_how_long() {
    let world = World::new().await;
    world.fill().await;
    world.put("proxies/p", json!({"name": "p", "authentication": "none", "targetId": "t"})).await;
    for (id, at, credential, method, path, took) in [
        ("req_1", 1_000, Some("alice"), "GET", "/v1/a%25_", 0.5),
        ("req_2", 3_000, None, "POST", "/v1/b", 20.0),
        ("req_3", 2_000, Some("bob"), "GET", "/v2", 19.9),
    ] {
        let record = Record {
            id: id.to_owned(),
            client_id: "default".into(),
            proxy_id: Some("p".into()),
            received_at_ms: at,
            credential_id: credential.map(Into::into),
            method: method.to_owned(),
            path: path.to_owned(),
            duration_ms: took,
            ..Record::default()
        };
        assert!(world.reports.report(record));
    }
    world.eventually(&format!("{CLIENT}/requests"), 3).await;
    for (query, expected) in [
        ("after=1970-01-01T00:00:02Z", &["req_3", "req_2"][..]),
        ("before=1970-01-01T00:00:02Z", &["req_1"]),
        ("after=1970-01-01T00:00:02Z&before=1970-01-01T00:00:03.000Z", &["req_3"]),
        ("after=1970-01-01T01:00:02%2B01:00", &["req_3", "req_2"]),
        ("credentialId=alice", &["req_1"]),
        ("credentialId=al", &[]),
        ("method=GET", &["req_3", "req_1"]),
        ("method=get", &[]),
        ("pathPrefix=/v1", &["req_2", "req_1"]),
        ("pathPrefix=/v1/a%25", &["req_1"]),
        ("pathPrefix=/v%25", &[]),
        ("minDurationMs=20", &["req_2"]),
        ("minDurationMs=0&method=GET&pathPrefix=/v2&credentialId=bob", &["req_3"]),
    ] {
        for list in ["requests", "proxies/p/requests"] {
            let found = world.get(&format!("{CLIENT}/{list}?{query}")).await.json;
            assert_eq!(ids(&found), expected, "{list} {query}");
        }
    }
}

#[tokio::test]
async fn a_query_that_cannot_be_meant_is_refused_with_its_place() {
    let world = World::new().await;
    for (query, pointer) in [
        ("after=yesterday", "/after"),
        ("before=", "/before"),
        ("minDurationMs=-1", "/minDurationMs"),
        ("minDurationMs=1.5", "/minDurationMs"),
        ("method=a%20b", "/method"),
        ("pathPrefix=v1", "/pathPrefix"),
        ("status=1", "/status"),
        ("path=/v1", "/path"),
        ("code=a&code=b", "/code"),
    ] {
        let answer = world.get(&format!("{CLIENT}/requests?{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_eq!(answer.json["errors"][0]["pointer"], pointer, "{query}");
    }
}

#[tokio::test]
async fn records_of_an_older_gateway_are_found_too() {
    let directory = tempfile::tempdir().unwrap();
    let raw = rusqlite::Connection::open(directory.path().join("records.db")).unwrap();
    raw.execute_batch(OLD).unwrap();
    let body = json!({"id": "req_1", "receivedAt": "2023-11-14T22:13:01.234Z", "durationMs": 7.5,
        "credentialId": "alice", "method": "GET", "path": "/v1"});
    let insert = "INSERT INTO record (id, client, status, code, body) VALUES (?, ?, 200, '', ?)";
    raw.execute(insert, ["req_1", "default", &body.to_string()]).unwrap();
    drop(raw);
    let world = World::in_directory(directory).await.unwrap();
    for (query, count) in [
        ("", 1),
        ("?after=2023-11-14T22:13:01.234Z&before=2023-11-14T22:13:01.235Z", 1),
        ("?after=2023-11-14T22:13:01.235Z", 0),
        ("?credentialId=alice&method=GET&pathPrefix=/v&minDurationMs=7", 1),
        ("?minDurationMs=8", 0),
    ] {
        let found = world.get(&format!("{CLIENT}/requests{query}")).await.json;
        assert_eq!(ids(&found).len(), count, "{query}");
    }
}

#[tokio::test]
async fn records_are_kept_as_long_as_the_configuration_says() {
    let mut world = World::new().await;
    for days in [0, 29, 31, 89, 91] {
        let received_at_ms = NOW_MS - days * DAY_MS;
        let record = Record { id: format!("req_{days}"), received_at_ms, ..Record::default() };
        assert!(world.reports.report(Record { client_id: "default".into(), ..record }));
    }
    world.eventually(&format!("{CLIENT}/requests"), 5).await;
    for (days, left) in [(None, 4), (Some(30), 2), (Some(1), 1)] {
        if let Some(days) = days {
            let answer = world.patch("configuration", json!({"auditRetentionDays": days})).await;
            assert_eq!(answer.status, StatusCode::OK);
        }
        // Each start looks, and then each hour.
        world = World::in_directory(world.stop().await).await.unwrap();
        world.eventually(&format!("{CLIENT}/requests"), left).await;
    }
}

// What the clock of these tests says.
const NOW_MS: i64 = 1_700_000_000_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

const OLD: &str = "
    CREATE TABLE record (position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL,
        client TEXT NOT NULL, proxy TEXT, status INTEGER NOT NULL, code TEXT NOT NULL, stage TEXT,
        body TEXT NOT NULL) STRICT;
    CREATE INDEX record_id ON record (id);
    CREATE INDEX record_proxy ON record (proxy, position);
    PRAGMA application_id = 1920099184;
    PRAGMA user_version = 1;
";
