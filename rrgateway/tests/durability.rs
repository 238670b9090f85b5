//! Really killed, in the middle of writes: every acknowledged write is there afterwards.

#![cfg(test)]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Server;

/// Rounds of write, kill, restart. `RR_KILL_ROUNDS=500 cargo test -p rrgateway --test durability`
/// is the long run.
const ROUNDS: u64 = 5;

/// What a target's `baseUrl` was when its last write was acknowledged; `None` for deleted.
type Acknowledged = BTreeMap<String, Option<String>>;

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_write_survives_kill_9() {
    let rounds =
        std::env::var("RR_KILL_ROUNDS").ok().and_then(|it| it.parse().ok()).unwrap_or(ROUNDS);
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut acknowledged = Acknowledged::new();
    let mut number = 0;
    for round in 0..rounds {
        let server = Server::start(&folder.path().join("data"), &log).await;
        check(&server, &acknowledged).await;
        // A different moment in each round, from right away to well into the writing.
        let until = tokio::time::Instant::now() + Duration::from_millis(round * 37 % 300);
        let mut unsure = None;
        while unsure.is_none() && tokio::time::Instant::now() < until {
            number += 1;
            unsure = write(&server, &mut acknowledged, number).await;
        }
        // One more is under way when the power goes.
        number += 1;
        let id = format!("t{}", number % 20);
        let path = format!("/targets/{id}");
        let body = target(&id, number);
        let last = server.api(Method::PUT, &path, Some(&body));
        _ = tokio::time::timeout(Duration::from_millis(round % 5), last).await;
        acknowledged.remove(&id);
        server.kill();
    }
    let server = Server::start(&folder.path().join("data"), &log).await;
    check(&server, &acknowledged).await;
    assert!(number > rounds, "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_it_in_good_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"), &folder.path().join("log")).await;
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_data_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let _first = Server::start(&data, &folder.path().join("log")).await;
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_rrgateway"))
        .args(["run", "--data-listen", "127.0.0.1:0", "--control-listen", "127.0.0.1:0"])
        .arg("--data-dir")
        .arg(&data)
        .output()
        .unwrap();
    assert!(!second.status.success());
    let text = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(text.contains("another process"), "{text}");
}

// Another one that is just starting has the lock and nothing else yet.
#[test]
fn a_directory_is_claimed_before_anything_is_made_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let lock = std::fs::File::create(folder.path().join("control.lock")).unwrap();
    lock.try_lock().unwrap();
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_rrgateway"))
        .args(["run", "--data-listen", "127.0.0.1:0", "--control-listen", "127.0.0.1:0"])
        .arg("--data-dir")
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(!second.status.success());
    let text = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(text.contains("another process uses this data directory"), "{text}");
    let made: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert_eq!(made.len(), 1, "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_spent_by_day_and_written_down_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let server = Server::start(&data, &log).await;
    limited(&server).await;
    for spent in 1..=20_u64 {
        // Nobody listens there: what fails upstream counts.
        assert_eq!(call(&server).await, StatusCode::BAD_GATEWAY);
        if spent == 10 {
            until_written(&data, 10).await;
        }
    }
    until_written(&data, 20).await;
    server.kill();

    let server = Server::start(&data, &log).await;
    let (_, usage) = server.api(Method::GET, "/usage", None).await.unwrap();
    let day = &usage["items"][0]["limits"][0];
    assert_eq!((&day["window"], &day["spent"]), (&json!("day"), &json!(20)), "{usage}");
    let meter = &usage["items"][0]["meters"][0]["usage"][0];
    assert_eq!((&meter["window"], &meter["spent"]), (&json!("month"), &json!(20)), "{usage}");
    for _ in 0..5 {
        assert_eq!(call(&server).await, StatusCode::BAD_GATEWAY);
    }
    assert_eq!(call(&server).await, StatusCode::TOO_MANY_REQUESTS, "25 a day");
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_that_are_damaged_stop_the_start_and_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let server = Server::start(&data, &log).await;
    assert_eq!(server.terminate(), Some(0));
    let damaged = vec![7; 4096];
    std::fs::write(data.join("counters.db"), damaged).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_rrgateway"))
        .args(["run", "--data-listen", "127.0.0.1:0", "--control-listen", "127.0.0.1:0"])
        .arg("--data-dir")
        .arg(&data)
        .output()
        .unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("counters.db is damaged: move it away"), "{text}");
    for name in ["counters.db", "counters.db-wal", "counters.db-shm"] {
        _ = std::fs::remove_file(data.join(name));
    }
    assert_eq!(Server::start(&data, &log).await.terminate(), Some(0));
}

// A proxy that anybody may call, 25 times a day, and that leads nowhere.
async fn limited(server: &Server) {
    let target = json!({"name": "t", "baseUrl": "http://127.0.0.1:1", "allowPlaintext": true});
    let proxy = json!({"name": "p", "targetId": "t", "authentication": "none",
        "limits": {"requestsPerDay": 25}});
    let meter = json!({"name": "m", "type": "requestCount",
        "limits": [{"window": "month", "max": 1000}]});
    for (path, body) in
        [("/targets/t", target), ("/proxies/p", proxy), ("/proxies/p/meters/m", meter)]
    {
        let (status, said) = server.api(Method::PUT, path, Some(&body)).await.unwrap();
        assert!(status.is_success(), "{path}: {said}");
    }
}

async fn call(server: &Server) -> StatusCode {
    let url = format!("http://{}/api/p/x", server.data);
    server.try_call(Method::GET, &url, &[], None).await.unwrap().0
}

// Waits until both counts stand in the file; the test runner's patience is the limit.
async fn until_written(data: &std::path::Path, expected: u64) {
    let mut tries = tokio::time::interval(Duration::from_millis(20));
    loop {
        tries.tick().await;
        let counters = rusqlite::Connection::open(data.join("counters.db")).unwrap();
        let mut rows = counters.prepare("SELECT value FROM count").unwrap();
        let counts = rows.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        let counts: Vec<u64> = counts
            .map(|it| it.unwrap().last_chunk().map_or(0, |it| u64::from_be_bytes(*it)))
            .collect();
        if counts.len() == 2 && counts.iter().all(|it| *it == expected) {
            return;
        }
    }
}

// Writes one target. A write whose answer did not come is returned: it may or may not have been.
async fn write(server: &Server, acknowledged: &mut Acknowledged, number: u64) -> Option<String> {
    let id = format!("t{}", number % 20);
    let path = format!("/targets/{id}");
    let is_there = acknowledged.get(&id).is_some_and(Option::is_some);
    let (answer, value) = if is_there && number.is_multiple_of(7) {
        (server.api(Method::DELETE, &path, None).await, None)
    } else {
        let body = target(&id, number);
        let url = body["baseUrl"].as_str().unwrap().to_owned();
        (server.api(Method::PUT, &path, Some(&body)).await, Some(url))
    };
    match answer {
        Some((status, body)) => {
            assert!(status.is_success(), "{status} {body}");
            acknowledged.insert(id, value);
            None
        }
        None => {
            acknowledged.remove(&id);
            Some(id)
        }
    }
}

async fn check(server: &Server, acknowledged: &Acknowledged) {
    for (id, expected) in acknowledged {
        let (status, body) =
            server.api(Method::GET, &format!("/targets/{id}"), None).await.unwrap();
        match expected {
            Some(url) => assert_eq!(body["baseUrl"], *url, "{id} was acknowledged"),
            None => assert_eq!(status, StatusCode::NOT_FOUND, "{id} was deleted"),
        }
    }
}

fn target(id: &str, number: u64) -> Value {
    json!({ "name": id, "baseUrl": format!("https://example.test/v{number}") })
}
