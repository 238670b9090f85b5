//! An older configuration put back beside a newer vault, and taken out again.

#![cfg(test)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use http::Method;
use rrgateway::data_plane::{KeySources, Secrets};
use rrgateway::model::SecretName;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::Server;

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_an_older_configuration_destroys_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    run(&folder, &[(Method::PUT, credential("canary-one"))]).await;
    let older = set_aside(&folder, "older.db");
    let patch = json!({"auth": {"token": "canary-two"}});
    run(&folder, &[(Method::PATCH, patch)]).await;
    let newer = set_aside(&folder, "newer.db");

    put_back(&folder, &older);
    run(&folder, &[]).await;
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    let warned = log.lines().filter(|it| it.contains("secrets that are newer")).count();
    assert_eq!(warned, 1, "{log}");

    put_back(&folder, &newer);
    run(&folder, &[]).await;
    let name = SecretName { client: "default".into(), credential: "up".into(), version: 2 };
    let secrets = Secrets::open(&data(&folder), KeySources::default()).unwrap();
    assert_eq!(*secrets.reveal(&name).unwrap(), b"canary-two");
    assert_eq!(records(&folder), ["up.2.sealed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_forgets_what_was_deleted_and_is_still_there() {
    let folder = tempfile::tempdir().unwrap();
    run(&folder, &[(Method::PUT, credential("canary-one"))]).await;
    let record = data(&folder).join("vault/default/up.1.sealed");
    let sealed = fs::read(&record).unwrap();
    run(&folder, &[(Method::DELETE, Value::Null)]).await;
    // As if the power had gone after the revision was on disk, and before the vault was told.
    fs::write(&record, sealed).unwrap();
    run(&folder, &[]).await;
    assert_eq!(records(&folder), [""; 0]);
}

// Starts the gateway, writes the credential `up`, and ends it.
async fn run(folder: &TempDir, writes: &[(Method, Value)]) {
    let server = Server::start(&data(folder), &folder.path().join("log")).await;
    for (method, body) in writes {
        let body = Some(body).filter(|it| !it.is_null());
        let answer = server.api(method.clone(), "/credentials/up", body).await;
        let (status, said) = answer.unwrap();
        assert!(status.is_success(), "{status} {said}");
    }
    assert_eq!(server.terminate(), Some(0));
}

fn credential(token: &str) -> Value {
    json!({"name": "up", "kind": "target", "auth": {"type": "bearer", "token": token}})
}

fn data(folder: &TempDir) -> PathBuf {
    folder.path().join("data")
}

fn set_aside(folder: &TempDir, name: &str) -> PathBuf {
    let copy = folder.path().join(name);
    fs::copy(data(folder).join("control.db"), &copy).unwrap();
    copy
}

fn put_back(folder: &TempDir, copy: &Path) {
    fs::copy(copy, data(folder).join("control.db")).unwrap();
    for more in ["control.db-wal", "control.db-shm"] {
        _ = fs::remove_file(data(folder).join(more));
    }
}

fn records(folder: &TempDir) -> Vec<String> {
    let files = fs::read_dir(data(folder).join("vault/default")).unwrap();
    files.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
}
