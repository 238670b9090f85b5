//! A request's whole path, over real sockets: what passes, and each way to be refused.

mod support;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::json;

use crate::support::{House, UPSTREAM_SECRET, proxy};

#[tokio::test]
async fn the_upstream_gets_its_own_credential_and_never_the_callers() {
    let house = House::build().await;
    for headers in [
        [("x-api-key", house.key.clone())],
        [("authorization", format!("Bearer {}", house.key))],
        [("authorization", house.key.clone())],
    ] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = house.call_with(Method::GET, "/api/p/users/7?x=1&x=2", &headers).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());

        let received = house.echo.last().unwrap();
        assert_eq!(received.target, "/base/users/7?x=1&x=2");
        assert_eq!(received.headers["authorization"], format!("Bearer {UPSTREAM_SECRET}"));
        assert_eq!(received.headers["host"], house.echo.address().to_string());
        assert!(!received.headers.contains_key("x-api-key"));
        assert!(!format!("{:?}", received.headers).contains(&house.key));
        assert!(!String::from_utf8_lossy(&answer.body).contains(UPSTREAM_SECRET));
    }
}

#[tokio::test]
async fn every_answer_says_which_request_and_revision_it_belongs_to() {
    let house = House::build().await;
    let granted = house.call(Method::GET, "/x").await;
    assert!(granted.header("rr-request-id").starts_with("req_"));
    assert_eq!(granted.header("rr-proxy-code"), "proxy-access-granted");
    let before: u64 = granted.header("rr-revision").parse().unwrap();

    house.post("/proxies/p/rules", &json!({ "effect": "deny", "methods": ["POST"] })).await;
    let refused = house.call(Method::POST, "/x").await;
    assert_eq!(refused.header("rr-proxy-code"), "proxy-access-denied");
    assert_eq!(refused.header("rr-revision"), (before + 1).to_string());
}

#[tokio::test]
async fn a_caller_without_a_good_credential_is_401() {
    let house = House::build().await;
    let none = house.call_with(Method::GET, "/api/p/x", &[]).await;
    none.refused(401, "authenticate", "credential-missing");
    assert!(!none.header("www-authenticate").contains("error"), "nothing was shown");

    let wrong = house.call_with(Method::GET, "/api/p/x", &[("x-api-key", "wrong")]).await;
    wrong.refused(401, "authenticate", "credential-invalid");
    assert!(wrong.header("www-authenticate").contains("invalid_token"));
    assert_eq!(house.echo.count(), 0);
}

#[tokio::test]
async fn a_good_credential_that_is_not_bound_is_403() {
    let house = House::build().await;
    let stranger = house.caller("stranger").await;
    let answer = house.call_with(Method::GET, "/api/p/x", &[("x-api-key", &stranger)]).await;
    answer.refused(403, "authorize", "not-authorized");
    assert_eq!(house.echo.count(), 0);
}

#[tokio::test]
async fn a_spent_quota_is_429_until_the_window_has_passed() {
    let house = House::build().await;
    house.put("/proxies/p", &limited(2)).await;
    for left in ["1", "0"] {
        let answer = house.call(Method::GET, "/x").await;
        assert_eq!(answer.status, StatusCode::OK);
        let expected = format!("\"requestsPerMinute\";r={left}");
        assert!(answer.header("ratelimit").starts_with(&expected), "{:?}", answer.headers);
    }
    let refused = house.call(Method::GET, "/x").await;
    let problem = refused.refused(429, "limit", "quota-exceeded");
    assert_eq!(problem["violated-policies"], json!(["requestsPerMinute"]));
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert_eq!(house.echo.count(), 2);

    house.clock.advance(Duration::from_secs(wait));
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_was_spent_survives_a_revision() {
    let house = House::build().await;
    house.put("/proxies/p", &limited(2)).await;
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    house.put("/proxies/p", &limited(1)).await;
    house.call(Method::GET, "/x").await.refused(429, "limit", "quota-exceeded");
}

#[tokio::test]
async fn guessing_keys_costs_nobody_their_quota() {
    let house = House::build().await;
    house.put("/proxies/p", &limited(1)).await;
    for _ in 0..3 {
        house.call_with(Method::GET, "/api/p/x", &[("x-api-key", "guess")]).await;
    }
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_rule_of_any_scope_can_deny() {
    for (path, scope) in [
        ("/credentials/caller", "proxyCredential"),
        ("/credentials/upstream", "targetCredential"),
        ("/proxies/p", "proxy"),
        ("/targets/echo", "target"),
    ] {
        let house = House::build().await;
        let rule =
            json!({ "effect": "deny", "path": { "pattern": "^/admin(/|$)" }, "priority": 900 });
        let made = house.post(&format!("{path}/rules"), &rule).await;

        for hidden in ["/admin", "/x/../admin", "/%61dmin", "//admin/", "/./admin"] {
            let answer = house.call(Method::GET, hidden).await;
            let problem = answer.refused(400, "rules", "rule-denied");
            let expected = json!({
                "id": made["id"], "scope": scope, "effect": "deny", "priority": 900,
            });
            assert_eq!(problem["rule"], expected, "{hidden}");
        }
        assert_eq!(house.echo.count(), 0);
        assert_eq!(house.call(Method::GET, "/administrator").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_header_cannot_be_hidden_from_the_rules() {
    let house = House::build().await;
    let rule = json!({ "effect": "deny", "headers": [{ "name": "x-internal" }] });
    house.post("/proxies/p/rules", &rule).await;
    for headers in [
        vec![("x-internal", "1")],
        vec![("X_Internal", "1")],
        vec![("x-internal", "1"), ("connection", "x-internal")],
    ] {
        let mut headers = headers;
        headers.push(("x-api-key", &house.key));
        let answer = house.call_with(Method::GET, "/api/p/x", &headers).await;
        answer.refused(400, "rules", "rule-denied");
    }
    assert_eq!(house.echo.count(), 0);
}

#[tokio::test]
async fn what_the_gateway_sets_cannot_be_nominated_away() {
    let house = House::build().await;
    let set = json!({ "request": { "headers": { "set": { "x-tenant": "acme" } } } });
    let patch = json!({ "transform": set });
    let written = house.api(Method::PATCH, "/proxies/p", Some(&patch)).await;
    assert!(written.status.is_success(), "{}", written.json());
    let nominated = "x-mine, X-Tenant, authorization, x-api-key, host";
    let headers = [
        ("x-api-key", house.key.as_str()),
        ("x-mine", "1"),
        ("x-tenant", "evil"),
        ("connection", nominated),
    ];
    let answer = house.call_with(Method::GET, "/api/p/x", &headers).await;
    assert_eq!(answer.status, StatusCode::OK);
    let seen = house.echo.last().unwrap().headers;
    assert_eq!(seen["x-tenant"], "acme");
    assert!(seen.contains_key("authorization") && !seen.contains_key("x-mine"), "{seen:?}");
}

#[tokio::test]
async fn a_nominated_header_is_of_no_use_to_a_rule_that_asks_for_it() {
    let house = House::build().await;
    let rule = json!({"effect": "deny", "headers": [{"name": "x-ticket", "presence": "absent"}]});
    house.post("/proxies/p/rules", &rule).await;
    let key = ("x-api-key", house.key.as_str());
    let shown = [key, ("x-ticket", "7")];
    let answer = house.call_with(Method::GET, "/api/p/x", &shown).await;
    assert_eq!(answer.status, StatusCode::OK);
    let nominated = [key, ("x-ticket", "7"), ("connection", "X-Ticket")];
    let answer = house.call_with(Method::GET, "/api/p/x", &nominated).await;
    answer.refused(400, "rules", "rule-denied");
    assert_eq!(house.echo.count(), 1);
}

#[tokio::test]
async fn a_path_with_two_readings_is_400() {
    let house = House::build().await;
    for path in ["/%2e%2e/%2e%2e/x", "/a%2fb", "/a%00", "/%c0%ae", "/..;/x", "/%zz", "/%252e"] {
        house.call(Method::GET, path).await.refused(400, "route", "malformed-request");
    }
    assert_eq!(house.echo.count(), 0);
}

#[tokio::test]
async fn filters_take_out_what_callers_should_not_see_in_four_stages() {
    let house = House::build().await;
    let destroy = |path: &str| json!({ "operation": "destroy", "paths": [path] });
    house.post("/credentials/upstream/filters", &destroy("$.taxNumber")).await;
    house.post("/targets/echo/filters", &destroy("$.orders[*].internalMargin")).await;
    house.post("/credentials/caller/filters", &destroy("$.orders[0]")).await;
    let retain = json!({ "operation": "retain", "paths": ["$.id", "$.orders[0].sku"] });
    house.post("/proxies/p/filters", &retain).await;

    let answer = house.call(Method::GET, "/customers/7").await;
    assert_eq!(answer.json(), json!({ "id": 7, "orders": [{ "sku": "notes-7" }] }));
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());

    let record = house.record(&answer).await;
    let scopes: Vec<_> =
        record["filters"].as_array().unwrap().iter().map(|it| &it["scope"]).collect();
    assert_eq!(scopes, ["targetCredential", "target", "proxyCredential", "proxy"]);
}

#[tokio::test]
async fn a_response_that_cannot_be_filtered_is_422_and_nothing_of_it_passes() {
    let house = House::build().await;
    house.post("/proxies/p/filters", &json!({ "operation": "destroy", "paths": ["$.x"] })).await;
    let answer = house.call(Method::GET, "/report.txt").await;
    answer.refused(422, "filter", "response-not-filterable");
    assert!(!String::from_utf8_lossy(&answer.body).contains("revenue"));
}

#[tokio::test]
async fn an_unknown_proxy_is_404_and_an_inactive_one_503() {
    let house = House::build().await;
    for target in ["/api/nobody/x", "/api/P/x", "/", "/v1/clients", "/livez", "/metrics"] {
        let answer = house.call_with(Method::GET, target, &[]).await;
        answer.refused(404, "route", "proxy-not-found");
    }
    let mut inactive = proxy("p");
    inactive["active"] = json!(false);
    house.put("/proxies/p", &inactive).await;
    house.call(Method::GET, "/x").await.refused(503, "route", "proxy-inactive");
    assert_eq!(house.echo.count(), 0);
}

#[tokio::test]
async fn before_the_first_proxy_everything_is_404() {
    let house = House::bare(|it| it).await;
    let answer = house.call_with(Method::GET, "/api/p/x", &[]).await;
    answer.refused(404, "route", "proxy-not-found");
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_and_never_arrives_whole() {
    let house = House::build_with(|it| it.max_request_bytes(1000)).await;
    let url = format!("http://{}/api/p/x", house.gateway.data_address());
    let key = house.key.clone();
    let headers = [("x-api-key", key.as_str())];
    let fits = house.send(Method::POST, &url, &headers, Bytes::from(vec![b'x'; 1000])).await;
    assert_eq!(fits.status, StatusCode::OK);
    assert_eq!(house.echo.last().unwrap().body.len(), 1000);

    let over = house.send(Method::POST, &url, &headers, Bytes::from(vec![b'x'; 1001])).await;
    over.refused(413, "hygiene", "content-too-large");
    assert_eq!(house.echo.count(), 1);
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_502() {
    let house = House::build().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let target =
        json!({ "name": "echo", "baseUrl": format!("http://{nobody}"), "allowPlaintext": true });
    house.retarget(target).await;
    let answer = house.call(Method::GET, "/x").await;
    answer.refused(502, "upstream", "upstream-unreachable");
    assert!(!String::from_utf8_lossy(&answer.body).contains(&nobody.to_string()));
}

#[tokio::test]
async fn an_upstream_that_says_nothing_is_504() {
    let house = House::build().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = json!({
        "name": "echo", "baseUrl": format!("http://{}", silent.local_addr().unwrap()),
        "allowPlaintext": true, "timeoutMs": 50,
    });
    house.retarget(target).await;
    house.call(Method::GET, "/x").await.refused(504, "upstream", "upstream-timeout");
}

#[tokio::test]
async fn a_private_address_is_not_called_unless_it_is_allowed() {
    let house = House::build().await;
    let target = json!({ "name": "inside", "baseUrl": "http://10.0.0.1/", "allowPlaintext": true });
    let answer = house.api(Method::PUT, "/targets/inside", Some(&target)).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.json()["errors"][0]["pointer"], "/baseUrl");
}

#[tokio::test]
async fn a_refused_request_is_recorded_too() {
    let house = House::build().await;
    let answer = house.call_with(Method::GET, "/api/p/x?token=1&q=2", &[]).await;
    let record = house.record(&answer).await;
    assert_eq!(record["status"], 401);
    assert_eq!(record["code"], "credential-missing");
    assert_eq!(record["stage"], "authenticate");
    assert_eq!(record["proxyId"], "p");
    assert_eq!(record["path"], "/x");
    assert_eq!(record["queryKeys"], json!(["token", "q"]));
    assert_eq!(record["auth"], json!({ "type": null, "outcome": "missing" }));
    assert_eq!(record["upstream"], json!(null));

    let unknown = house.call_with(Method::GET, "/api/nobody/x", &[]).await;
    let record = house.record(&unknown).await;
    assert_eq!((&record["clientId"], &record["proxyId"]), (&json!("default"), &json!(null)));
}

#[tokio::test]
async fn a_relayed_request_is_recorded_with_what_each_stage_decided() {
    let house = House::build().await;
    house.put("/proxies/p", &limited(10)).await;
    let answer = house.call(Method::GET, "/users/7").await;
    let record = house.record(&answer).await;
    assert_eq!(record["status"], 200);
    assert_eq!(record["code"], "proxy-access-granted");
    assert_eq!(record["credentialId"], "caller");
    assert_eq!(record["auth"], json!({ "type": "apiKey", "outcome": "ok" }));
    assert_eq!(record["limits"], json!([{ "policy": "requestsPerMinute", "remaining": 9 }]));
    assert_eq!(record["upstream"], json!({ "target": "echo", "status": 200, "attempts": 1 }));
    assert_eq!(record["responseBytes"], answer.body.len());
    assert_eq!(record["clientAddress"], "127.0.0.1");
}

#[tokio::test]
async fn a_restart_serves_what_was_configured() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let house = House::build_with(|it| it.data_dir(&path)).await;
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    let house = house.restart(path).await;
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    let received = house.echo.last().unwrap();
    assert_eq!(received.headers["authorization"], format!("Bearer {UPSTREAM_SECRET}"));
}

#[tokio::test]
async fn an_unbound_or_deleted_credential_is_refused_on_the_next_request() {
    let house = House::build().await;
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    let mut unbound = proxy("p");
    unbound["proxyCredentialIds"] = json!([]);
    house.put("/proxies/p", &unbound).await;
    house.call(Method::GET, "/x").await.refused(401, "authenticate", "credential-invalid");
    let gone = house.api(Method::DELETE, "/credentials/caller", None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    house.caller("other").await;
    let mut others = proxy("p");
    others["proxyCredentialIds"] = json!(["other"]);
    house.put("/proxies/p", &others).await;
    house.call(Method::GET, "/x").await.refused(401, "authenticate", "credential-invalid");
}

#[tokio::test]
async fn a_proxy_without_authentication_has_to_say_so() {
    let house = House::build().await;
    let mut open = proxy("p");
    open["proxyCredentialIds"] = json!([]);
    open["authentication"] = json!("none");
    house.put("/proxies/p", &open).await;
    let headers = [("authorization", "Bearer somebody-elses")];
    let answer = house.call_with(Method::GET, "/api/p/x", &headers).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    let received = house.echo.last().unwrap();
    assert_eq!(received.headers["authorization"], format!("Bearer {UPSTREAM_SECRET}"));
}

fn limited(per_minute: u64) -> serde_json::Value {
    let mut limited = proxy("p");
    limited["limits"] = json!({ "requestsPerMinute": per_minute });
    limited
}
