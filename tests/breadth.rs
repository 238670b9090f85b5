//! What an administrator can configure beyond the common case, seen from both ends.

mod support;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{House, proxy};

#[tokio::test]
async fn a_proxy_answers_to_its_alias_too() {
    let house = House::build().await;
    let mut aliased = proxy("p");
    aliased["alias"] = json!("crm-eu");
    let answer = house.put("/proxies/p", &aliased).await;
    let base = format!("http://{}", house.gateway.data_address());
    let expected = json!([format!("{base}/api/p"), format!("{base}/api/crm-eu")]);
    assert_eq!(answer["baseUrls"], expected);
    for name in ["p", "crm-eu"] {
        let answer = get(&house, &format!("/api/{name}/x")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(house.record(&answer).await["proxyId"], "p");
    }
    let mut other = proxy("other");
    other["alias"] = json!("crm-eu");
    let taken = house.api(Method::PUT, "/proxies/other", Some(&other)).await;
    assert_eq!(taken.status, StatusCode::CONFLICT, "{}", taken.json());
}

#[tokio::test]
async fn a_route_finds_a_proxy_by_host_path_and_method() {
    let house = House::build().await;
    let mut routed = proxy("p");
    routed["routes"] = json!([
        { "path": "/v1/{name}", "methods": ["GET"] },
        { "host": "crm.test", "path": "/crm/{*rest}", "stripPrefix": true },
    ]);
    house.put("/proxies/p", &routed).await;

    let answer = get(&house, "/v1/customers").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    assert_eq!(house.echo.last().unwrap().target, "/base/v1/customers");
    let other = call(&house, Method::PUT, "/v1/customers", &[]).await;
    other.refused(405, "route", "method-not-allowed");
    assert_eq!(other.header("allow"), "GET");

    let answer = call(&house, Method::PUT, "/crm/a/b?q=1", &[("host", "crm.test")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    assert_eq!(house.echo.last().unwrap().target, "/base/a/b?q=1");
    get(&house, "/crm/a").await.refused(404, "route", "proxy-not-found");
    // What goes on is what was matched.
    get(&house, "/v1/%2e%2e/admin").await.refused(404, "route", "proxy-not-found");
}

#[tokio::test]
async fn rules_see_the_path_as_it_goes_on() {
    let house = House::build().await;
    let mut routed = proxy("p");
    routed["routes"] = json!([{ "path": "/crm/{*rest}", "stripPrefix": true }]);
    house.put("/proxies/p", &routed).await;
    let rule = json!({ "effect": "deny", "path": { "pattern": "^/admin$" } });
    house.post("/proxies/p/rules", &rule).await;
    get(&house, "/crm/admin").await.refused(400, "rules", "rule-denied");
    get(&house, "/crm/x/../admin").await.refused(400, "rules", "rule-denied");
    assert_eq!(get(&house, "/crm/other").await.status, StatusCode::OK);
}

#[tokio::test]
async fn basic_and_custom_credentials_reach_the_upstream_and_nobody_else() {
    let house = House::build().await;
    let auth = json!({ "type": "basicAuth", "username": "ada", "password": "p:w canary" });
    let basic = json!({ "name": "upstream", "kind": "target", "auth": auth });
    let answer = house.put("/credentials/upstream", &basic).await;
    assert!(!answer.to_string().contains("canary"));
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    let received = house.echo.last().unwrap();
    assert_eq!(received.headers["authorization"], "Basic YWRhOnA6dyBjYW5hcnk=");

    let auth =
        json!({ "type": "custom", "headers": { "X-App-Id": "canary-1", "X-App-Key": "canary-2" } });
    let custom = json!({ "name": "upstream", "kind": "target", "auth": auth });
    let answer = house.put("/credentials/upstream", &custom).await;
    assert!(!answer.to_string().contains("canary"));
    let answer = house
        .call_with(Method::GET, "/api/p/x", &[("x-api-key", &house.key), ("x_app_key", "mine")])
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    let received = house.echo.last().unwrap();
    assert_eq!(received.headers["x-app-id"], "canary-1");
    assert_eq!(received.headers["x-app-key"], "canary-2");
    assert!(!received.headers.contains_key("x_app_key"));
    assert!(!received.headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_rule_on_the_query_sees_every_value() {
    let house = House::build().await;
    let rule = json!({ "effect": "deny", "query": [{ "name": "role", "value": "^admin$" }] });
    house.post("/proxies/p/rules", &rule).await;
    for query in ["role=admin", "role=user&role=admin", "role=%61dmin", "x=1&role=admin&role=user"]
    {
        house.call(Method::GET, &format!("/x?{query}")).await.refused(400, "rules", "rule-denied");
    }
    assert_eq!(house.call(Method::GET, "/x?role=user").await.status, StatusCode::OK);
}

#[tokio::test]
async fn older_spellings_of_a_rule_are_read_and_answered_in_the_new_one() {
    let house = House::build().await;
    let old = json!({
        "effect": "deny", "pathPattern": "^/ADMIN", "regexFlags": "i", "pathPresence": "must_exist",
        "headerChecks": [{ "name": "x-a", "presence": "must_not_exist" }],
    });
    let answer = house.post("/proxies/p/rules", &old).await;
    assert_eq!(answer["path"]["presence"], "present", "{answer}");
    assert_eq!(answer["headers"][0]["presence"], "absent", "{answer}");
    house.call(Method::GET, "/admin").await.refused(400, "rules", "rule-denied");
    let both = json!({ "effect": "deny", "pathPattern": "a", "path": { "pattern": "a" } });
    let answer = house.api(Method::POST, "/proxies/p/rules", Some(&both)).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_filter_masks_and_reaches_any_depth() {
    let house = House::build().await;
    let mask =
        json!({ "operation": "mask", "paths": ["$..sku", "$['email','taxNumber']"], "with": "#" });
    house.post("/proxies/p/filters", &mask).await;
    let body = house.call(Method::GET, "/customers/7").await.json();
    assert_eq!((&body["email"], &body["taxNumber"]), (&json!("#"), &json!("#")));
    assert_eq!((&body["orders"][0]["sku"], &body["orders"][1]["sku"]), (&json!("#"), &json!("#")));
    assert_eq!(body["name"], "Ada Lovelace");
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_keeps_the_secret() {
    let house = House::build().await;
    let patch = json!({ "limits": { "requestsPerMinute": 1 } });
    let answer = house.api(Method::PATCH, "/proxies/p", Some(&patch)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    assert_eq!(answer.json()["proxyCredentialIds"], json!(["caller"]));
    let renamed =
        house.api(Method::PATCH, "/credentials/upstream", Some(&json!({ "name": "n" }))).await;
    assert_eq!(
        renamed.json()["version"],
        house.api(Method::GET, "/credentials/upstream", None).await.json()["version"]
    );
    assert_eq!(house.call(Method::GET, "/x").await.status, StatusCode::OK);
    house.call(Method::GET, "/x").await.refused(429, "limit", "quota-exceeded");
}

#[tokio::test]
async fn every_change_leaves_who_what_and_when() {
    let house = House::build().await;
    house.put("/proxies/p", &proxy("p")).await;
    let page = house.api(Method::GET, "/activity?resourceType=proxy", None).await.json();
    let items = page["items"].as_array().unwrap();
    let actions: Vec<&Value> = items.iter().map(|it| &it["action"]).collect();
    assert_eq!(actions, ["update", "create"]);
    assert_eq!(items[0]["resource"], json!({ "type": "proxy", "id": "p" }));
    assert_eq!(items[0]["address"], "127.0.0.1");
    assert_eq!(items[1]["before"], json!(null));
    let all = house.api(Method::GET, "/activity", None).await;
    assert!(!String::from_utf8_lossy(&all.body).contains(support::UPSTREAM_SECRET));
}

#[tokio::test]
async fn records_can_be_searched() {
    let house = House::build().await;
    let granted = house.call(Method::GET, "/users/7").await;
    let refused = house.call_with(Method::POST, "/api/p/orders", &[]).await;
    house.record(&granted).await;
    house.record(&refused).await;
    for (query, expected) in [
        ("status=200", 1),
        ("status=401", 1),
        ("code=credential-missing", 1),
        ("stage=authenticate", 1),
        ("credentialId=caller", 1),
        ("method=POST", 1),
        ("pathPrefix=/users", 1),
        ("minDurationMs=60000", 0),
        ("after=2100-01-01T00:00:00Z", 0),
        ("before=2100-01-01T00:00:00Z", 2),
    ] {
        let page =
            house.api(Method::GET, &format!("/proxies/p/requests?{query}"), None).await.json();
        assert_eq!(page["items"].as_array().map(Vec::len), Some(expected), "{query}: {page}");
    }
}

async fn get(house: &House, target: &str) -> support::Answer {
    call(house, Method::GET, target, &[]).await
}

async fn call(
    house: &House,
    method: Method,
    target: &str,
    headers: &[(&str, &str)],
) -> support::Answer {
    let mut headers = headers.to_vec();
    headers.push(("x-api-key", &house.key));
    house.call_with(method, target, &headers).await
}

#[tokio::test]
async fn a_gateway_is_no_target_of_its_own() {
    let house = House::build().await;
    let ports = [house.gateway.control_address().port(), house.gateway.data_address().port()];
    for (port, host) in ports.into_iter().flat_map(|port| HERE.map(|host| (port, host))) {
        let url = format!("http://{host}:{port}");
        let target = json!({ "name": "t", "baseUrl": url, "allowPlaintext": true });
        let answer = house.api(Method::PUT, "/targets/t", Some(&target)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{url}");
        let text = answer.json().to_string();
        assert!(text.contains("the gateway itself listens at this address"), "{url}: {text}");
    }
}

const HERE: [&str; 3] = ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"];
