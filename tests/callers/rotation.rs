//! API keys that are rotated, with and without a time of grace.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Answer, House};
use crate::world::{BOUND, admitted, invalid};

#[tokio::test]
async fn the_key_before_is_good_until_its_grace_ends() {
    let house = House::build().await;
    let said = house.post("/credentials/caller/rotate", &json!({"graceSeconds": 60})).await;
    let new = said["secret"].as_str().unwrap().to_owned();
    assert!(new.starts_with("rr_live_") && new != house.key);
    assert_eq!(said["previous"], json!({"version": 1, "validUntil": "2027-01-15T08:01:00.000Z"}));
    let shown = house.api(Method::GET, "/credentials/caller", None).await.json();
    assert!(shown["secret"].is_null() && !shown.to_string().contains(&new), "once only: {shown}");

    for key in [&house.key, &new] {
        let answer = call(&house, key).await;
        admitted(&answer);
        assert_eq!(house.record(&answer).await["credentialId"], "caller");
    }
    house.clock.advance(Duration::from_millis(59_999));
    admitted(&call(&house, &house.key).await);
    house.clock.advance(Duration::from_millis(1));
    call(&house, &house.key).await.refused(401, "authenticate", "credential-expired");
    admitted(&call(&house, &new).await);
}

#[tokio::test]
async fn only_one_key_before_is_still_good() {
    let house = House::build().await;
    let rotation = json!({"graceSeconds": 3_600});
    let mut keys = vec![house.key.clone()];
    for _ in 0..2 {
        let said = house.post("/credentials/caller/rotate", &rotation).await;
        keys.push(said["secret"].as_str().unwrap().to_owned());
    }
    invalid(&call(&house, &keys[0]).await);
    admitted(&call(&house, &keys[1]).await);
    admitted(&call(&house, &keys[2]).await);
    // One that is known to others is rotated away at once.
    house.post("/credentials/caller/rotate", &json!({})).await;
    for key in &keys {
        invalid(&call(&house, key).await);
    }
}

#[tokio::test]
async fn without_grace_the_key_before_is_bad_also_on_an_open_connection() {
    let house = House::build().await;
    let mut stream = TcpStream::connect(house.gateway.data_address()).await.unwrap();
    assert!(ask(&mut stream, &house.key).await.starts_with("HTTP/1.1 200 "));
    let said = house.post("/credentials/caller/rotate", &json!({})).await;
    assert_eq!(said["previous"], Value::Null);
    let refused = ask(&mut stream, &house.key).await;
    assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
    let new = said["secret"].as_str().unwrap();
    assert!(ask(&mut stream, new).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_credential_that_is_off_is_off_with_both_of_its_keys() {
    let house = House::build().await;
    let said = house.post("/credentials/caller/rotate", &json!({"graceSeconds": 60})).await;
    let new = said["secret"].as_str().unwrap();
    house.api(Method::PATCH, "/credentials/caller", Some(&json!({"active": false}))).await;
    for key in [house.key.as_str(), new] {
        invalid(&call(&house, key).await);
    }
}

#[tokio::test]
async fn a_rotation_says_what_is_wrong_with_it() {
    let house = House::build().await;
    let cases = [
        (json!({"graceSeconds": -1}), "/graceSeconds"),
        (json!({"graceSeconds": "60"}), "/graceSeconds"),
        (json!({"graceSeconds": 2_592_001}), "/graceSeconds"),
        (json!({"grace": 1}), "/grace"),
        (json!({"auth": {"key": "short"}}), "/auth/key"),
        (json!({"auth": {"type": "bearer"}}), "/auth/type"),
    ];
    for (rotation, pointer) in cases {
        let answer = house.api(Method::POST, "/credentials/caller/rotate", Some(&rotation)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{rotation}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{}", answer.json());
    }
    admitted(&house.call(Method::GET, "/x").await);
}

async fn call(house: &House, key: &str) -> Answer {
    house.call_with(Method::GET, "/api/p/x", &[("x-api-key", key)]).await
}

// One exchange on a connection that stays open; the answer's head and body.
async fn ask(stream: &mut TcpStream, key: &str) -> String {
    let request = format!("GET /api/p/x HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = async {
        loop {
            let text = String::from_utf8_lossy(&answer).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|it| {
                    it.to_lowercase().strip_prefix("content-length: ").map(str::to_owned)
                });
                if length.expect("a length").parse::<usize>().unwrap() == body.len() {
                    return text;
                }
            }
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "the connection ended");
        }
    };
    tokio::time::timeout(BOUND, read).await.expect("an answer")
}
