//! What a target's API needs of a path, from the request line to the upstream's.

mod support;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, House, proxy};

#[tokio::test]
async fn what_a_target_keeps_arrives_as_it_was_sent_and_is_refused_or_merged_elsewhere() {
    let house = House::build().await;
    for (option, sent, kept, strict) in [
        (
            "encodedSlash",
            "/projects/group%2Fproject/issues",
            "/projects/group%2Fproject/issues",
            None,
        ),
        (
            "encodedSlash",
            "/projects/group%2fproject?a=%2f",
            "/projects/group%2Fproject?a=%2f",
            None,
        ),
        (
            "duplicateSlashes",
            "/bucket/logs//today//",
            "/bucket/logs//today//",
            Some("/bucket/logs/today/"),
        ),
        ("duplicateSlashes", "/bucket///a", "/bucket///a", Some("/bucket/a")),
        ("encodedPercent", "/bucket/100%25", "/bucket/100%25", None),
    ] {
        options(&house, "echo", json!(null)).await;
        check(&house, sent, strict).await;
        options(&house, "echo", json!({ option: "keep" })).await;
        check(&house, sent, Some(kept)).await;
    }
}

#[tokio::test]
async fn no_option_keeps_what_means_something_else_behind() {
    let house = House::build().await;
    let all = json!({"encodedSlash": "keep", "duplicateSlashes": "keep", "encodedPercent": "keep"});
    options(&house, "echo", all).await;
    for path in ["/a/..%2Fb", "/a/%252e%252e%252fb", "/a%5Cb", "/a/..;/b", "/%00", "/a%25252525b"] {
        check(&house, path, None).await;
    }
    check(&house, "/a//../b", Some("/a/b")).await;
}

#[tokio::test]
async fn slashes_at_the_start_never_name_another_host() {
    let house = House::build().await;
    let target = json!({ "name": "root", "baseUrl": format!("http://{}", house.echo.address()),
        "allowPlaintext": true, "pathOptions": { "duplicateSlashes": "keep" } });
    house.put("/targets/root", &target).await;
    let mut proxy = proxy("p");
    proxy["targetId"] = "root".into();
    house.put("/proxies/p", &proxy).await;
    for path in ["//192.0.2.1/x", "///192.0.2.1/x"] {
        assert_eq!(house.call(Method::GET, path).await.status, StatusCode::OK);
        let received = house.echo.last().unwrap();
        assert_eq!(received.target, "/192.0.2.1/x");
        assert_eq!(received.headers["host"], house.echo.address().to_string());
    }
}

#[tokio::test]
async fn a_deny_is_asked_about_every_reading_of_what_is_kept() {
    let house = House::build().await;
    options(&house, "echo", json!({"encodedSlash": "keep", "encodedPercent": "keep"})).await;
    let deny = json!({ "effect": "deny", "path": { "pattern": "^/group/secret$" } });
    house.put("/proxies/p/rules/r", &deny).await;
    for path in ["/group/secret", "/group%2Fsecret", "/group%2F%2573ecret"] {
        let denied = house.call(Method::GET, path).await;
        denied.refused(400, "rules", "rule-denied");
    }
    assert_eq!(house.echo.count(), 0);
    check(&house, "/group%2Fopen", Some("/group%2Fopen")).await;
}

#[tokio::test]
async fn a_route_has_a_request_whose_path_matches_as_its_own_target_reads_it() {
    let house = House::build().await;
    for (name, kept) in [
        ("plain", json!(null)),
        ("gitlab", json!({"encodedSlash": "keep"})),
        ("s3", json!({"duplicateSlashes": "keep"})),
    ] {
        let target = json!({ "name": name, "baseUrl": format!("http://{}/{name}", house.echo.address()),
            "allowPlaintext": true, "pathOptions": kept });
        house.put(&format!("/targets/{name}"), &target).await;
        let mut proxy = proxy(name);
        proxy["targetId"] = name.into();
        proxy["routes"] = json!([{ "path": format!("/{name}/{{*rest}}"), "stripPrefix": true,
            "methods": ["GET"] }]);
        house.put(&format!("/proxies/{name}"), &proxy).await;
    }
    for (path, expected) in [
        ("/gitlab/group%2Fproject", Ok("/gitlab/group%2Fproject")),
        ("/gitlab//a", Ok("/gitlab/a")),
        ("/plain//a/b", Ok("/plain/a/b")),
        ("/s3/b//k", Ok("/s3/b//k")),
        ("//s3/b//k", Ok("/s3/b//k")),
        ("/gitlab/../s3/b//k", Ok("/s3/b//k")),
        ("/plain/a%2Fb", Err((400, "malformed-request", Some("plain")))),
        ("/s3/a%2Fb", Err((400, "malformed-request", Some("s3")))),
        ("/gitlab/..%2Fa", Err((400, "malformed-request", None))),
        ("/other/a", Err((404, "proxy-not-found", None))),
        ("/other/a%2Fb", Err((400, "malformed-request", None))),
        // `/s3/x` where slashes merge, and `/plain/s3/x` where they are kept: neither target reads
        // what the route was found by.
        ("/plain//../s3/x", Err((404, "proxy-not-found", None))),
    ] {
        let before = house.echo.count();
        let answer = get(&house, path).await;
        match expected {
            Ok(target) => {
                assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.json());
                assert_eq!(house.echo.last().unwrap().target, target, "{path}");
            }
            Err((status, code, proxy)) => {
                answer.refused(status, "route", code);
                assert_eq!(house.echo.count(), before, "{path}");
                assert_eq!(house.record(&answer).await["proxyId"], json!(proxy), "{path}");
            }
        }
    }
    let url = format!("http://{}/gitlab/group%2Fproject", house.gateway.data_address());
    let other = house.send(Method::PUT, &url, &[], bytes::Bytes::new()).await;
    other.refused(405, "route", "method-not-allowed");
    assert_eq!(other.header("allow"), "GET");
}

async fn options(house: &House, target: &str, options: Value) {
    let change = json!({ "pathOptions": options });
    let path = format!("/targets/{target}");
    let answer = house.api(Method::PATCH, &path, Some(&change)).await;
    assert!(answer.status.is_success(), "{}", answer.json());
}

async fn get(house: &House, path: &str) -> Answer {
    house.call_with(Method::GET, path, &[("x-api-key", &house.key)]).await
}

// What the upstream gets, behind its base path; `None`: the request is refused.
async fn check(house: &House, sent: &str, expected: Option<&str>) {
    let before = house.echo.count();
    let answer = house.call(Method::GET, sent).await;
    match expected {
        Some(target) => {
            assert_eq!(answer.status, StatusCode::OK, "{sent}: {}", answer.json());
            assert_eq!(house.echo.last().unwrap().target, format!("/base{target}"), "{sent}");
        }
        None => {
            answer.refused(400, "route", "malformed-request");
            assert_eq!(house.echo.count(), before, "{sent}");
        }
    }
}
