//! Secrets that are fetched with, signed with, or fetched: none comes out, in no log at any level, no
//! file in clear, and no answer.

#![cfg(test)]

mod support;

use std::convert::Infallible;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use rrgateway::demo::Echo;
use rrgateway::listen::{self, Drainer, Limits};
use serde_json::{Value, json};

use crate::support::Server;

const CLIENT: &str = "client-secret-canary-c1";
const REFRESH: &str = "refresh-canary-r1";
// Given in place of the one before.
const NEXT: &str = "refresh-canary-r2";
const ACCESS: &str = "access-canary-a1";
const HEADER: &str = "login-header-canary-h1";
const BODY: &str = "login-body-canary-b1";
const AWS: &str = "aws-secret-canary-s1";
const SESSION: &str = "aws-session-canary-t1";
const HMAC: &str = "hmac-key-canary-k1";
const CALLER: &str = "caller-key-canary-0123456789";
const SECRETS: [&str; 10] =
    [CLIENT, REFRESH, NEXT, ACCESS, HEADER, BODY, AWS, SESSION, HMAC, CALLER];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_fetched_or_signed_with_is_logged_kept_in_clear_or_answered_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let echo = Echo::start().await.unwrap();
    let (tokens, _drainer) = token_server();
    let server = Server::start(&data, &log).await;
    let mut answers = configure(&server, &echo).await;
    for (id, auth) in credentials(tokens) {
        answers.push_str(&join(&server, id, &auth).await);
        let url = format!("http://{}/api/{id}/x?a=1", server.data);
        let headers = [("x-api-key", CALLER), ("content-type", "application/json")];
        let body = json!({"a": 1});
        let called = server.try_call(Method::POST, &url, &headers, Some(&body)).await.unwrap();
        assert_eq!(called.0, StatusCode::OK, "{id}: {}", called.1);
        answers.push_str(&called.1);
    }
    // What goes wrong is told, and not with what.
    answers.push_str(&refused(&server, tokens).await);
    for path in ["/credentials", "/proxies", "/targets", "/requests", "/activity"] {
        let (status, body) = server.api(Method::GET, path, None).await.unwrap();
        assert_eq!(status, StatusCode::OK);
        answers.push_str(&body.to_string());
    }
    assert_eq!(server.terminate(), Some(0));

    let log = fs::read(&log).unwrap();
    assert!(contains(&log, b"TRACE"), "the log must have been on for this to mean anything");
    for secret in SECRETS {
        for form in forms(secret) {
            let shown = String::from_utf8_lossy(&form).into_owned();
            assert!(!contains(answers.as_bytes(), &form), "{shown} was answered");
            assert!(!contains(&log, &form), "{shown} was logged");
            scan(&data, &form);
        }
    }
}

fn credentials(tokens: SocketAddr) -> [(&'static str, Value); 5] {
    let url = format!("http://{tokens}/token");
    let oauth2 = |flow: &str, auth: &str| {
        json!({"type": "oauth2", "flow": flow, "tokenUrl": url, "clientId": "rr",
            "clientSecret": CLIENT, "clientAuth": auth, "allowPlaintext": true})
    };
    let mut refreshed = oauth2("authorization_code", "post");
    refreshed["refreshToken"] = json!(REFRESH);
    [
        ("client", oauth2("client_credentials", "basic")),
        ("refreshed", refreshed),
        (
            "vendor",
            json!({"type": "customToken", "tokenPath": "$.access_token", "ttlSeconds": 60,
                "allowPlaintext": true, "present": {"in": "query", "name": "t"},
                "request": {"url": url, "headers": {"x-login": HEADER}, "body": BODY}}),
        ),
        (
            "aws",
            json!({"type": "awsSigV4", "accessKeyId": "AKID", "service": "s3", "awsRegion": "r",
                "secretAccessKey": AWS, "sessionToken": SESSION}),
        ),
        (
            "signed",
            json!({"type": "hmac", "keyId": "k", "key": HMAC,
                "components": ["@method", "content-digest"]}),
        ),
    ]
}

async fn configure(server: &Server, echo: &Echo) -> String {
    let base = format!("http://{}", echo.address());
    let target = json!({"name": "echo", "baseUrl": base, "allowPlaintext": true});
    let caller =
        json!({"name": "caller", "kind": "proxy", "auth": {"type": "apiKey", "key": CALLER}});
    let made = put(server, "/targets/echo", &target).await;
    made + &put(server, "/credentials/caller", &caller).await
}

async fn join(server: &Server, id: &str, auth: &Value) -> String {
    let credential = json!({"name": id, "kind": "target", "auth": auth});
    let proxy = json!({"name": id, "proxyCredentialIds": ["caller"], "targetId": "echo",
        "targetCredentialId": id});
    let made = put(server, &format!("/credentials/{id}"), &credential).await;
    made + &put(server, &format!("/proxies/{id}"), &proxy).await
}

// A token endpoint that says no with everything that it was sent.
async fn refused(server: &Server, tokens: SocketAddr) -> String {
    let auth = json!({"type": "oauth2", "flow": "client_credentials", "clientId": "rr",
        "tokenUrl": format!("http://{tokens}/refuse"), "clientSecret": CLIENT,
        "clientAuth": "post", "allowPlaintext": true});
    let made = join(server, "refused", &auth).await;
    let url = format!("http://{}/api/refused/x", server.data);
    let called = server.try_call(Method::GET, &url, &[("x-api-key", CALLER)], None).await.unwrap();
    assert_eq!(called.0, StatusCode::SERVICE_UNAVAILABLE, "{}", called.1);
    let unknown = json!({"name": "u", "kind": "target", "auth": {"type": "awsSigV4",
        "secretAccessKey": AWS, "sessionToken": {"a": SESSION}, "region": AWS}});
    let (status, body) =
        server.api(Method::PUT, "/credentials/unknown", Some(&unknown)).await.unwrap();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    made + &called.1 + &body.to_string()
}

async fn put(server: &Server, path: &str, body: &Value) -> String {
    let (status, answer) = server.api(Method::PUT, path, Some(body)).await.unwrap();
    assert_eq!(status, StatusCode::CREATED, "{path}: {answer}");
    answer.to_string()
}

fn token_server() -> (SocketAddr, Drainer) {
    let listener = listen::bind((Ipv4Addr::LOCALHOST, 0).into(), false).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let address = listener.local_addr().unwrap();
    let (drainer, drain) = listen::drain();
    tokio::spawn(listen::accept(listener, Limits::default(), drain, |_| {
        service_fn(async |request: Request<Incoming>| {
            let (status, answer) = match request.uri().path() {
                "/token" => {
                    let token = json!({"access_token": ACCESS, "token_type": "Bearer",
                        "expires_in": 600, "refresh_token": NEXT});
                    (StatusCode::OK, token.to_string())
                }
                _ => {
                    let why = json!({"error": CLIENT, "error_description": CLIENT});
                    (StatusCode::BAD_REQUEST, why.to_string())
                }
            };
            let response = Response::builder().status(status);
            let response = response.header("content-type", "application/json");
            Ok::<_, Infallible>(response.body(Full::<Bytes>::from(answer)).unwrap())
        })
    }));
    (address, drainer)
}

fn forms(secret: &str) -> Vec<Vec<u8>> {
    let hex: String = secret.bytes().map(|it| format!("{it:02x}")).collect();
    let bytes = format!("{:?}", secret.as_bytes());
    let basic = STANDARD.encode(format!("rr:{secret}"));
    let all = [secret.to_owned(), hex, bytes, STANDARD.encode(secret), basic];
    all.map(String::into_bytes).to_vec()
}

fn scan(folder: &Path, form: &[u8]) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scan(&path, form);
        } else {
            let is_there = contains(&fs::read(&path).unwrap(), form);
            assert!(!is_there, "a secret is in {}", path.display());
        }
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|it| it == needle)
}
