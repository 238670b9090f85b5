//! Secrets go in; none comes out, in no log at any level, no file in clear, and no answer.

#![cfg(test)]

mod support;

use std::fs;
use std::path::Path;

use http::{Method, StatusCode};
use rrgateway::demo::Echo;
use serde_json::{Value, json};

use crate::support::Server;

const UPSTREAM: &str = "sk_canary_upstream_5f2c9a";
const CALLER: &str = "canary-caller-key-4e8b1d7a90c3";
const WRONG: &str = "canary-wrong-key-77aa01b2c3d4";

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_logged_kept_in_clear_or_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let echo = Echo::start().await.unwrap();
    let server = Server::start(&data, &log).await;
    let token = server.token().to_owned();
    configure(&server, &echo).await;
    let mut answers = calls(&server, &echo).await;
    answers.push_str(&reads(&server).await);
    assert_eq!(server.terminate(), Some(0));

    let log = fs::read(&log).unwrap();
    assert!(contains(&log, b"TRACE"), "the log must have been on for this to mean anything");
    for secret in [UPSTREAM, CALLER, WRONG, token.as_str()] {
        for form in forms(secret) {
            assert!(!contains(answers.as_bytes(), &form), "{secret} was answered");
            assert!(!contains(&log, &form), "{secret} was logged");
            scan(&data, &form);
        }
    }
}

async fn configure(server: &Server, echo: &Echo) {
    let base = format!("http://{}", echo.address());
    for (path, body) in [
        ("/targets/echo", json!({ "name": "echo", "baseUrl": base, "allowPlaintext": true })),
        (
            "/credentials/up",
            json!({ "name": "up", "kind": "target", "auth": { "type": "bearer", "token": UPSTREAM } }),
        ),
        (
            "/credentials/caller",
            json!({ "name": "caller", "kind": "proxy", "auth": { "type": "apiKey", "key": CALLER } }),
        ),
        (
            "/proxies/p",
            json!({
                "name": "p", "proxyCredentialIds": ["caller"], "targetId": "echo",
                "targetCredentialId": "up",
            }),
        ),
    ] {
        let (status, answer) = server.api(Method::PUT, path, Some(&body)).await.unwrap();
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }
}

async fn calls(server: &Server, echo: &Echo) -> String {
    let url = format!("http://{}/api/p/x", server.data);
    let mut answers = String::new();
    for (key, expected) in [(CALLER, StatusCode::OK), (WRONG, StatusCode::UNAUTHORIZED)] {
        let basic = format!("Bearer {key}");
        for header in [("x-api-key", key), ("authorization", basic.as_str())] {
            let (status, body) = server.try_call(Method::GET, &url, &[header], None).await.unwrap();
            assert_eq!(status, expected);
            answers.push_str(&body);
        }
    }
    let received = echo.last().unwrap();
    assert_eq!(received.headers["authorization"], format!("Bearer {UPSTREAM}"));
    answers
}

async fn reads(server: &Server) -> String {
    let mut answers = String::new();
    for path in [
        "/credentials",
        "/credentials/up",
        "/credentials/caller",
        "/proxies",
        "/targets",
        "/requests",
    ] {
        let (status, body) = server.api(Method::GET, path, None).await.unwrap();
        assert_eq!(status, StatusCode::OK);
        answers.push_str(&body.to_string());
    }
    // A write that is refused must not say what it refused.
    let bad = json!({ "name": 7, "kind": "target", "auth": { "type": "bearer", "token": UPSTREAM, "x": UPSTREAM } });
    let (status, body) = server.api(Method::PUT, "/credentials/bad", Some(&bad)).await.unwrap();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    answers.push_str(&body.to_string());
    let bad = Value::String(UPSTREAM.to_owned());
    let (_, body) = server.api(Method::PUT, "/credentials/bad", Some(&bad)).await.unwrap();
    answers.push_str(&body.to_string());
    answers
}

fn forms(secret: &str) -> Vec<Vec<u8>> {
    let hex: String = secret.bytes().map(|it| format!("{it:02x}")).collect();
    let reversed: Vec<u8> = secret.bytes().rev().collect();
    let bytes = format!("{:?}", secret.as_bytes());
    vec![secret.as_bytes().to_vec(), hex.into_bytes(), reversed, bytes.into_bytes()]
}

fn scan(folder: &Path, form: &[u8]) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scan(&path, form);
        } else if path.file_name().is_none_or(|it| it != "admin.token") {
            assert!(
                !contains(&fs::read(&path).unwrap(), form),
                "a secret is in {}",
                path.display()
            );
        }
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|it| it == needle)
}
