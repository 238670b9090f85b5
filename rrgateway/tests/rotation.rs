//! The master key changed under a running gateway, which is really killed in the middle of it.

#![cfg(test)]

mod support;

use std::path::Path;
use std::process::{Command, Output};

use http::{Method, StatusCode};
use rrgateway::data_plane::{KeySources, Secrets};
use rrgateway::model::SecretName;
use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::Server;

/// Rounds of rotate, kill, restart. `RR_KILL_ROUNDS=500 cargo test -p rrgateway --test rotation` is
/// the long run.
const ROUNDS: u32 = 10;
const SECRETS: usize = 40;
const OLD: &str = "5b0f9d2527db9191d327f5ad7f438949cbdf6d95376b2181431705fd4ff35959";
const NEW: &str = "xMg+P9f54tJ/NNCj2NKzWl31p+EMHw1OapuMdxDy450=";

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_lost_when_a_rotation_is_killed() {
    let rounds =
        std::env::var("RR_KILL_ROUNDS").ok().and_then(|it| it.parse().ok()).unwrap_or(ROUNDS);
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder, &[]).await;
    for number in 0..SECRETS {
        let (status, body) = put(&server, number).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
    }
    let begun = tokio::time::Instant::now();
    let (status, body) = rotate(&server).await.unwrap();
    assert_eq!((status, &body["records"]), (StatusCode::OK, &json!(SECRETS)), "{body}");
    let whole = begun.elapsed();
    server.kill();

    let mut cut_off = 0;
    for round in 0..rounds {
        let server = start(&folder, &[]).await;
        // A different moment in each round, from right away to the end. Where the last round was
        // cut off, its rotation goes on by itself meanwhile.
        let moment = whole * (round * 7 % rounds) / rounds;
        _ = tokio::time::timeout(moment, rotate(&server)).await;
        server.kill();
        cut_off += u32::from(data(&folder).join("vault/master.key.new").exists());
        check(&data(&folder));
    }
    assert!(cut_off > 0, "none of {rounds} kills came in time");

    // Whatever was left is finished.
    let server = start(&folder, &[]).await;
    let (status, body) = loop {
        let (status, body) = rotate(&server).await.unwrap();
        if body["code"] != "conflict" {
            break (status, body);
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((status, &body["records"]), (StatusCode::OK, &json!(SECRETS)), "{body}");
    assert!(!data(&folder).join("vault/master.key.new").exists());
    server.kill();
    check(&data(&folder));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_rotates_while_secrets_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder, &[]).await;
    for number in 0..SECRETS / 2 {
        put(&server, number).await;
    }
    let path = data(&folder);
    let rotating = tokio::task::spawn_blocking(move || vault_rotate(&path));
    for number in SECRETS / 2..SECRETS {
        let (status, body) = put(&server, number).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
    }
    let output = rotating.await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.ends_with("; the old one is gone\n"), "{said}");
    assert_eq!(server.terminate(), Some(0));
    check(&data(&folder));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_master_key_is_a_refused_start_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder, &[]).await;
    put(&server, 0).await;
    server.kill();
    let file = data(&folder).join("vault/master.key");
    let good = std::fs::read_to_string(&file).unwrap();
    for (content, expected) in [
        (format!("{OLD}\n"), "1 of 1 records in "),
        ("0".repeat(64), "all bytes are zero"),
        ("0123456789abcdef".repeat(4), "its bytes repeat"),
        (good[1..].to_owned(), "it does not hold exactly 64 hexadecimal digits on one line"),
        (format!("{good}\n"), "it does not hold exactly 64 hexadecimal digits on one line"),
    ] {
        std::fs::write(&file, &content).unwrap();
        let said = refusal(&folder, &[]);
        assert!(said.contains("the vault cannot be opened: ") && said.contains(expected), "{said}");
        assert!(!said.contains(&content[1..9]), "{said}");
    }
    std::fs::remove_file(&file).unwrap();
    assert!(refusal(&folder, &[]).contains("there is no such file"));
    assert!(!file.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_the_environment_is_changed_by_giving_the_one_before_too() {
    let folder = tempfile::tempdir().unwrap();
    let old = [("RR_VAULT_KEY_ENV", "KEY"), ("KEY", OLD)];
    let server = start(&folder, &old).await;
    put(&server, 0).await;
    assert!(!data(&folder).join("vault/master.key").exists());
    let output = vault_rotate(&data(&folder));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains(
            "(409 conflict): the master key comes from the environment variable KEY: to change it"
        ),
        "{said}"
    );
    server.kill();

    let new = [("RR_VAULT_KEY_ENV", "KEY"), ("KEY", NEW)];
    assert!(refusal(&folder, &new).contains("1 of 1 records in "));
    let both = [new[0], new[1], ("RR_VAULT_PREVIOUS_KEY_ENV", "LAST"), ("LAST", OLD)];
    let server = start(&folder, &both).await;
    let log = || std::fs::read_to_string(folder.path().join("log")).unwrap();
    while !log().contains("all records are under one master key") {
        tokio::task::yield_now().await;
    }
    server.kill();
    start(&folder, &new).await.kill();
    assert!(refusal(&folder, &old).contains("1 of 1 records in "));
    let unset = refusal(&folder, &[("RR_VAULT_KEY_ENV", "KEY")]);
    assert!(unset.contains("master key in the environment variable KEY: it is not set"), "{unset}");
    assert!(!log().contains(&OLD[..16]) && !log().contains(&NEW[..16]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_costs_its_own_proxies_only() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder, &[]).await;
    let target = json!({"name": "t", "baseUrl": "https://127.0.0.1:1"});
    let (status, said) = server.api(Method::PUT, "/targets/t", Some(&target)).await.unwrap();
    assert!(status.is_success(), "{said}");
    for number in 0..2 {
        put(&server, number).await;
        let proxy = json!({"name": format!("p{number}"), "targetId": "t", "authentication": "none",
            "targetCredentialId": format!("c{number}")});
        let path = format!("/proxies/p{number}");
        let (status, said) = server.api(Method::PUT, &path, Some(&proxy)).await.unwrap();
        assert!(status.is_success(), "{said}");
    }
    server.kill();
    let record = data(&folder).join("vault/default/c0.1.sealed");
    std::fs::remove_file(&record).unwrap();
    mkfifoat(CWD, &record, Mode::RUSR | Mode::WUSR).unwrap();
    std::fs::remove_file(folder.path().join("log")).unwrap();

    let server = start(&folder, &[]).await;
    for (proxy, expected) in [("p0", true), ("p1", false)] {
        let url = format!("http://{}/api/{proxy}/", server.data);
        let (status, said) = server.try_call(Method::GET, &url, &[], None).await.unwrap();
        assert_eq!(said.contains("credential-unavailable"), expected, "{proxy} {status} {said}");
    }
    let (status, said) = rotate(&server).await.unwrap();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(said["detail"].as_str().unwrap().contains("c0 version 1"), "{said}");
    server.kill();
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    let named = |line: &&str| line.contains("a target credential is unusable");
    let lines: Vec<_> = log.lines().filter(named).collect();
    assert!(matches!(lines[..], [it] if it.contains("c0") && it.contains("not a file")), "{log}");
}

async fn start(folder: &TempDir, env: &[(&str, &str)]) -> Server {
    Server::start_with(&data(folder), &folder.path().join("log"), env).await
}

fn data(folder: &TempDir) -> std::path::PathBuf {
    folder.path().join("data")
}

async fn put(server: &Server, number: usize) -> (StatusCode, Value) {
    let auth = json!({"type": "bearer", "token": secret(number)});
    let credential = json!({"name": format!("c{number}"), "kind": "target", "auth": auth});
    server.api(Method::PUT, &format!("/credentials/c{number}"), Some(&credential)).await.unwrap()
}

async fn rotate(server: &Server) -> Option<(StatusCode, Value)> {
    let url = format!("http://{}/v1/vault/rotate", server.control);
    let token = format!("Bearer {}", server.token());
    let headers = [("authorization", token.as_str())];
    let (status, body) = server.try_call(Method::POST, &url, &headers, None).await?;
    Some((status, serde_json::from_str(&body).unwrap()))
}

fn vault_rotate(data_dir: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rrgateway"));
    command.args(["vault", "rotate", "--data-dir"]).arg(data_dir).output().unwrap()
}

// What a start says that must not come about.
fn refusal(folder: &TempDir, env: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_rrgateway"))
        .args(["run", "--data-listen", "127.0.0.1:0", "--control-listen", "127.0.0.1:0"])
        .arg("--data-dir")
        .arg(data(folder))
        .envs(env.iter().copied())
        .output()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[track_caller]
fn check(data_dir: &Path) {
    let secrets = Secrets::open(data_dir, KeySources::default()).unwrap();
    for number in 0..SECRETS {
        let credential = format!("c{number}").into();
        let name = SecretName { client: "default".into(), credential, version: 1 };
        assert_eq!(*secrets.reveal(&name).unwrap(), secret(number).as_bytes());
    }
}

fn secret(number: usize) -> String {
    format!("canary-secret-{number}")
}
