//! The whole gateway with TLS: when it starts, what it says of itself, and how it stops.

use std::process::Command;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rrgateway::Gateway;
use rrgateway::listen::TlsSettings;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{Authority, BOUND, Folder, Pair};

#[tokio::test]
async fn callers_speak_tls_and_the_core_api_says_so() {
    let ours = Authority::new("ours");
    let folder = Folder::with(&ours.issue("localhost"));
    for workers in [1, 2] {
        let gateway =
            Gateway::builder().data_tls(folder.settings()).workers(workers).start().await.unwrap();
        let answer = ours.client(None).get(gateway.data_address(), "/api/x/y").await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("proxy-not-found"));

        let expected = format!("https://{}", gateway.data_address());
        assert_eq!(gateway.data_url(), expected);
        assert_eq!(base_urls(&gateway).await, json!([format!("{expected}/api/crm")]));
        let announced = std::fs::read_to_string(gateway.data_dir().join("listen.json")).unwrap();
        let announced: Value = serde_json::from_str(&announced).unwrap();
        assert_eq!(announced["data"], gateway.data_address().to_string());
        gateway.stop().await.unwrap();
    }
}

#[tokio::test]
async fn without_tls_nothing_says_https() {
    let gateway = Gateway::builder().start().await.unwrap();
    let expected = format!("http://{}", gateway.data_address());
    assert_eq!(gateway.data_url(), expected);
    assert_eq!(base_urls(&gateway).await, json!([format!("{expected}/api/crm")]));
}

#[tokio::test]
async fn stopping_finishes_a_request_that_came_by_tls() {
    let ours = Authority::new("ours");
    let folder = Folder::with(&ours.issue("localhost"));
    let gateway = Gateway::builder().data_tls(folder.settings()).drain_grace(BOUND);
    let gateway = gateway.start().await.unwrap();
    let mut stream = ours.client(None).connect(gateway.data_address()).await.unwrap();
    stream.write_all(b"GET /api/x/y HTTP/1.1\r\nHost: localhost\r\n").await.unwrap();
    // So that the first bytes have been seen when draining begins: the one worker has read them,
    // since it has answered what came after.
    assert!(ours.client(None).get(gateway.data_address(), "/").await.is_ok());

    let stopping = tokio::spawn(gateway.stop());
    stream.write_all(b"\r\n").await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(BOUND, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    stopping.await.unwrap().unwrap();
}

#[tokio::test]
async fn files_that_cannot_be_used_stop_the_start() {
    let ours = Authority::new("ours");
    let (pair, other) = (ours.issue("localhost"), ours.issue("localhost"));
    let with =
        |cert: &str, key: &str| Folder::with(&Pair { cert: cert.to_owned(), key: key.to_owned() });
    let good = Folder::with(&pair);
    let (cert, key) = (good.path("cert.pem"), good.path("key.pem"));
    let absent = good.path("absent.pem");

    let wrong = with(&pair.cert, &other.key);
    check(
        wrong.settings(),
        &wrong,
        "the key {}/key.pem is not that of the certificate {}/cert.pem",
    )
    .await;
    let wrong = with("nonsense", &pair.key);
    let none = "the certificate {}/cert.pem: there is no certificate in PEM";
    check(wrong.settings(), &wrong, none).await;
    let wrong = with(&pair.cert, &pair.cert);
    let no_key = "the key {}/key.pem holds no private key in PEM; an encrypted one is not read";
    check(wrong.settings(), &wrong, no_key).await;
    let wrong = with(&pair.cert, "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n");
    check(wrong.settings(), &wrong, "the key {}/key.pem is not PEM").await;
    let wrong = with(&pair.cert, &"x".repeat((1 << 20) + 1));
    let large = "cannot read the key {}/key.pem: it is larger than 1048576 bytes";
    check(wrong.settings(), &wrong, large).await;

    let missing =
        "cannot read the certificate {}/absent.pem: No such file or directory (os error 2)";
    check(TlsSettings::new(&absent, &key), &good, missing).await;
    let missing = "cannot read the key {}/absent.pem: No such file or directory (os error 2)";
    check(TlsSettings::new(&cert, &absent), &good, missing).await;
    let missing = "cannot read the client CA {}/absent.pem: No such file or directory (os error 2)";
    check(good.settings().client_ca(&absent), &good, missing).await;

    let open =
        "cannot read the key {}/open.pem: its mode is 0644: everybody may read it (chmod o= it)";
    let path = good.write("open.pem", &pair.key, 0o644);
    check(TlsSettings::new(&cert, path), &good, open).await;
    let path = good.write("group.pem", &pair.key, 0o640);
    let group = TlsSettings::new(&cert, path);
    assert!(Gateway::builder().data_tls(group).start().await.is_ok());

    let path = good.write("key_as_ca.pem", &pair.key, 0o600);
    let no_ca = "the client CA {}/key_as_ca.pem: there is no certificate in PEM";
    check(good.settings().client_ca(path), &good, no_ca).await;
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let path = good.write("bad_ca.pem", &format!("{}{broken}", ours.pem()), 0o644);
    let bad_ca =
        "the client CA {}/bad_ca.pem: certificate 2: invalid peer certificate: BadEncoding";
    check(good.settings().client_ca(path), &good, bad_ca).await;
}

#[test]
fn half_of_tls_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let run = |flags: &[&str], variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rrgateway"));
        command.current_dir(&folder).arg("run").args(flags).envs(variables.iter().copied());
        let ended = command.output().unwrap();
        assert!(!ended.status.success());
        String::from_utf8(ended.stderr).unwrap()
    };
    let no_key = "rrgateway: data.tls.cert is set, and data.tls.key is not\n";
    assert_eq!(run(&["--data-tls-cert", "c"], &[]), no_key);
    assert_eq!(run(&[], &[("RR_DATA_TLS_CERT", "c")]), no_key);
    let alone = "rrgateway: data.tls is set, but for data.tls.cert and data.tls.key\n";
    assert_eq!(run(&["--data-tls-client-ca", "c"], &[]), alone);
    let both = run(&["--data-tls-cert", "c", "--data-tls-key", "k"], &[]);
    let absent = "rrgateway: data.tls: cannot read the certificate c: No such file";
    assert!(both.contains(absent), "{both}");
}

async fn check(settings: TlsSettings, folder: &Folder, expected: &str) {
    let error = Gateway::builder().data_tls(settings).start().await.unwrap_err();
    let expected = expected.replace("{}", &folder.root().display().to_string());
    assert_eq!(format!("{error:#}"), format!("data.tls: {expected}"));
}

/// Where the Core API says that a new proxy is.
async fn base_urls(gateway: &Gateway) -> Value {
    let put = async |path: &str, body: Value| {
        let url = format!("http://{}/v1/clients/default{path}", gateway.control_address());
        let request = Request::put(url)
            .header("authorization", format!("Bearer {}", &*gateway.owner_token().unwrap()))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let answer = client.request(request).await.unwrap().into_body().collect().await.unwrap();
        serde_json::from_slice::<Value>(&answer.to_bytes()).unwrap()
    };
    put("/targets/t", json!({"name": "t", "baseUrl": "https://api.example.com"})).await;
    let auth = json!({"type": "bearer", "token": "t"});
    put("/credentials/c", json!({"name": "c", "kind": "target", "auth": auth})).await;
    let proxy = json!({"name": "crm", "targetId": "t", "targetCredentialId": "c", "authentication": "none"});
    put("/proxies/crm", proxy).await["baseUrls"].take()
}
