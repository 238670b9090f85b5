//! What `explain` says of a request is what becomes of it when it is sent.

mod support;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, House, UPSTREAM_SECRET, proxy};

/// A request, to be sent and to be explained.
struct Case {
    proxy: &'static str,
    method: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    /// The credential that it shows.
    caller: Option<&'static str>,
}

const GET: Case =
    Case { proxy: "p", method: "GET", path: "/x", headers: &[], body: "", caller: Some("caller") };

#[tokio::test]
async fn what_is_explained_is_what_happens() {
    let city = City::build().await;
    let json: &[_] = &[("content-type", "application/json")];
    let cases = [
        // The code that is expected keeps the table honest: both sides could be wrong alike.
        ("proxy-access-granted", GET),
        ("proxy-access-granted", Case { proxy: "open", caller: None, ..GET }),
        ("proxy-access-granted", Case { proxy: "also-p", ..GET }),
        ("proxy-access-granted", Case { path: "", ..GET }),
        ("proxy-access-granted", Case { path: "/a/../b?q=1", method: "PUT", body: "b", ..GET }),
        (
            "proxy-access-granted",
            Case { proxy: "body", method: "POST", body: r#"{"a":{"b":1}}"#, headers: json, ..GET },
        ),
        ("method-not-allowed", Case { method: "TRACE", ..GET }),
        ("malformed-request", Case { headers: &[("transfer_encoding", "chunked")], ..GET }),
        ("proxy-not-found", Case { proxy: "nobody", ..GET }),
        ("proxy-inactive", Case { proxy: "off", ..GET }),
        ("malformed-request", Case { path: "/a/%2e%2e%2fb", ..GET }),
        ("credential-missing", Case { caller: None, ..GET }),
        ("credential-invalid", Case { caller: Some("disabled"), ..GET }),
        ("credential-expired", Case { caller: Some("expired"), ..GET }),
        (
            "credential-invalid",
            Case { headers: &[("x-api-key", "nobody-has-this-key")], caller: None, ..GET },
        ),
        ("credential-invalid", Case { proxy: "closed", ..GET }),
        ("not-authorized", Case { caller: Some("stranger"), ..GET }),
        ("quota-exceeded", Case { proxy: "spent", ..GET }),
        ("rule-denied", Case { path: "/admin", ..GET }),
        ("rule-denied", Case { path: "/x/%61dmin/../../admin", ..GET }),
        (
            "rule-denied",
            Case { headers: &[("x-internal", "1"), ("connection", "x-internal")], ..GET },
        ),
        ("rule-denied", Case { headers: &[("X_Internal", "1")], ..GET }),
        ("rule-denied", Case { path: "/x?debug=%74rue", ..GET }),
        ("malformed-request", Case { path: "/x?debug=%zz", ..GET }),
        ("rule-denied", Case { caller: Some("narrow"), ..GET }),
        ("rule-denied", Case { proxy: "default", ..GET }),
        (
            "rule-denied",
            Case {
                proxy: "body",
                method: "POST",
                body: r#"{"a":{"role":"admin"}}"#,
                headers: json,
                ..GET
            },
        ),
        ("rule-denied", Case { proxy: "body", method: "POST", body: "role", headers: json, ..GET }),
        (
            "proxy-access-granted",
            Case { proxy: "shaped", method: "POST", body: r#"{"a":1}"#, headers: json, ..GET },
        ),
        (
            "validation-failed",
            Case { proxy: "shaped", method: "POST", body: r#"{"b":1}"#, headers: json, ..GET },
        ),
        (
            "unsupported-media-type",
            Case { proxy: "shaped", method: "POST", body: r#"{"a":1}"#, ..GET },
        ),
        // What the gateway takes off, no rule sees.
        (
            "proxy-access-granted",
            Case { headers: &[("x-forwarded-for", "1"), ("rr-x", "1")], ..GET },
        ),
        ("credential-unavailable", Case { proxy: "unavailable", ..GET }),
        ("credential-unavailable", Case { proxy: "outdated", ..GET }),
    ];
    for (code, case) in cases {
        city.check(&case, code).await;
    }
    assert!(city.granted() > 4, "some of it reached the upstream");
}

#[tokio::test]
async fn explaining_consumes_nothing_and_sends_nothing() {
    let house = House::build().await;
    let mut limited = proxy("p");
    limited["limits"] = json!({"requestsPerMinute": 2});
    house.put("/proxies/p", &limited).await;
    let question = json!({"proxyId": "p", "method": "GET", "path": "/x", "credentialId": "caller"});
    for _ in 0..100 {
        let said = explain(&house, &question).await;
        assert_eq!(said["allowed"], true, "{said}");
        assert_eq!(stage(&said, "limit")["limits"][0]["remaining"], 1, "{said}");
    }
    assert_eq!(house.echo.count(), 0);
    for left in ["1", "0"] {
        let answer = house.call(Method::GET, "/x").await;
        assert!(answer.header("ratelimit").contains(&format!("r={left}")), "{:?}", answer.headers);
    }
    let said = explain(&house, &question).await;
    assert_eq!((&said["status"], &said["code"]), (&json!(429), &json!("quota-exceeded")));
    let limit = stage(&said, "limit");
    assert_eq!(limit["violated-policies"], json!(["requestsPerMinute"]));
    let refused = house.call(Method::GET, "/x").await;
    assert_eq!(limit["retryAfterSeconds"], refused.json()["retryAfterSeconds"]);
}

#[tokio::test]
async fn every_rule_says_on_which_criterion_it_fails() {
    let house = House::build().await;
    let rules = [
        json!({"effect": "deny", "priority": 900, "methods": ["DELETE"]}),
        json!({"effect": "deny", "priority": 800, "methods": ["GET"],
            "headers": [{"name": "x-a"}, {"name": "x-b", "value": "^no$"}]}),
        json!({"effect": "allow", "priority": 700, "path": {"pattern": "^/x"}}),
    ];
    let mut ids = Vec::new();
    for rule in &rules {
        ids.push(house.post("/proxies/p/rules", rule).await["id"].clone());
    }
    let question = json!({"proxyId": "p", "method": "GET", "path": "/x", "credentialId": "caller",
        "headers": {"x-a": "1", "x-b": ["yes", "maybe"]}});
    let said = explain(&house, &question).await;
    let scopes = &stage(&said, "rules")["scopes"];
    let names: Vec<_> = scopes.as_array().unwrap().iter().map(|it| it["scope"].clone()).collect();
    assert_eq!(names, ["proxyCredential", "targetCredential", "proxy", "target"]);
    assert_eq!(scopes[2]["outcome"], "allow");
    assert_eq!(
        scopes[2]["rule"],
        json!({"id": ids[2], "scope": "proxy", "effect": "allow", "priority": 700})
    );
    let rule = |at: usize, effect: &str, priority: u16, outcome: &str, criterion: Value| {
        json!({"id": ids[at], "effect": effect, "priority": priority, "mode": "enforce",
            "outcome": outcome, "criterion": criterion})
    };
    assert_eq!(
        scopes[2]["rules"],
        json!([
            rule(0, "deny", 900, "fails", json!("/methods")),
            rule(1, "deny", 800, "fails", json!("/headers/1")),
            rule(2, "allow", 700, "fits", Value::Null),
        ])
    );
    let by_default = json!({"id": null, "scope": "target", "effect": "allow", "default": true});
    assert_eq!((&scopes[3]["rule"], &scopes[3]["default"]), (&by_default, &json!(true)));
}

#[tokio::test]
async fn stages_behind_the_refusing_one_are_asked_as_far_as_they_can_tell() {
    let house = House::build().await;
    house.post("/proxies/p/filters", &json!({"operation": "destroy", "paths": ["$.a"]})).await;
    let question = |caller: Value| json!({"proxyId": "p", "method": "GET", "path": "/a/../x", "credentialId": caller});
    let outcomes = |said: &Value| -> Vec<String> {
        let stages = said["stages"].as_array().unwrap();
        stages
            .iter()
            .map(|it| format!("{} {}", it["stage"], it["outcome"]).replace('"', ""))
            .collect()
    };

    let said = explain(&house, &question(json!("caller"))).await;
    let expected = [
        "hygiene passed",
        "route passed",
        "authenticate passed",
        "authorize passed",
        "limit passed",
        "rules passed",
        "validate passed",
        "transform passed",
        "inject passed",
        "upstream notSent",
        "filter applies",
    ];
    assert_eq!(outcomes(&said), expected);
    assert_eq!(said["status"], Value::Null);
    assert_eq!(stage(&said, "route")["path"], "/x");
    assert_eq!(stage(&said, "upstream")["targetId"], "echo");
    assert_eq!(
        stage(&said, "inject")["present"],
        json!({"in": "header", "name": "authorization", "prefix": "Bearer "})
    );
    assert_eq!(stage(&said, "filter")["filters"][0]["operation"], "destroy");
    assert!(!said.to_string().contains(UPSTREAM_SECRET));

    // Known, but not bound: its rules and filters are known too.
    house.caller("stranger").await;
    let said = explain(&house, &question(json!("stranger"))).await;
    assert_eq!(said["stage"], "authorize");
    assert_eq!(outcomes(&said)[4..], expected[4..]);

    // Nobody: what hangs on the caller cannot be asked.
    let said = explain(&house, &question(Value::Null)).await;
    assert_eq!(said["stage"], "authenticate");
    let nobody = outcomes(&said);
    assert_eq!(
        nobody[2..6],
        ["authenticate refused", "authorize skipped", "limit passed", "rules skipped"]
    );
    assert_eq!(stage(&said, "rules")["scopes"][0]["outcome"], "unknown");
    assert_eq!(stage(&said, "rules")["scopes"][2]["outcome"], "allow");

    let said = explain(&house, &json!({"proxyId": "nobody", "method": "GET", "path": "/"})).await;
    assert_eq!((&said["allowed"], &said["code"]), (&json!(false), &json!("proxy-not-found")));
    assert!(outcomes(&said)[2..].iter().all(|it| it.ends_with("skipped")), "{said}");
}

#[tokio::test]
async fn bad_questions_are_refused_where_they_are_wrong() {
    let house = House::build().await;
    for (question, pointers) in [
        (json!({}), vec!["/proxyId", "/method", "/path"]),
        (json!({"proxyId": "p", "method": "get", "path": "/"}), vec!["/method"]),
        (json!({"proxyId": "p", "method": "GET", "path": "x", "verb": 1}), vec!["/path", "/verb"]),
        (
            json!({"proxyId": "p", "method": "GET", "path": "/", "headers": {"a": {}}}),
            vec!["/headers/a"],
        ),
    ] {
        let answer = ask(&house, &question).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let problem = answer.json();
        let errors = problem["errors"].as_array().unwrap();
        let said: Vec<_> = errors.iter().map(|it| it["pointer"].as_str().unwrap()).collect();
        assert_eq!(said, pointers);
    }
}

/// A house with a proxy for each way to be refused.
struct City {
    house: House,
    keys: Vec<(&'static str, String)>,
}

impl City {
    async fn build() -> Self {
        let house = House::build().await;
        let mut keys = vec![("caller", house.key.clone())];
        for id in ["stranger", "disabled", "expired", "narrow"] {
            keys.push((id, house.caller(id).await));
        }
        house.put("/credentials/disabled", &caller("disabled", json!({"active": false}))).await;
        let expired = json!({"expiresAt": "2027-01-15T08:00:01Z"});
        house.put("/credentials/expired", &caller("expired", expired)).await;
        let city = Self { house, keys };
        city.proxies().await;
        city.rules().await;
        // `expired` and what is `outdated` were good when they were written.
        city.house.clock.advance(Duration::from_secs(2));
        city
    }

    async fn proxies(&self) {
        let house = &self.house;
        let bound = json!(["caller", "disabled", "expired", "narrow"]);
        for (id, more) in [
            ("p", json!({"alias": "also-p", "proxyCredentialIds": bound})),
            ("body", json!({})),
            ("open", json!({"proxyCredentialIds": [], "authentication": "none"})),
            ("off", json!({"active": false})),
            ("closed", json!({"proxyCredentialIds": []})),
            ("spent", json!({"limits": {"requestsPerDay": 0}})),
            ("shaped", json!({"validation": {"request": {"schema": {"required": ["a"]}}}})),
            ("default", json!({"defaultRuleEffect": "deny"})),
            ("unavailable", json!({"targetCredentialId": "off"})),
            ("outdated", json!({"targetCredentialId": "outdated"})),
        ] {
            for (credential, member) in [
                ("off", json!({"active": false})),
                ("outdated", json!({"expiresAt": "2027-01-15T08:00:01Z"})),
            ] {
                let auth = json!({"type": "apiKey", "key": "k"});
                let mut it = json!({"name": credential, "kind": "target", "auth": auth});
                merge(&mut it, member);
                house.put(&format!("/credentials/{credential}"), &it).await;
            }
            let mut it = proxy(id);
            merge(&mut it, more);
            house.put(&format!("/proxies/{id}"), &it).await;
        }
    }

    async fn rules(&self) {
        for (on, rule) in [
            ("proxies/p", json!({"effect": "deny", "path": {"pattern": "^/admin"}})),
            ("targets/echo", json!({"effect": "deny", "headers": [{"name": "x-internal"}]})),
            (
                "credentials/upstream",
                json!({"effect": "deny", "query": [{"name": "debug", "value": "^true$"}]}),
            ),
            (
                "proxies/body",
                json!({"effect": "deny", "methods": ["POST"],
                    "body": [{"path": "role$", "value": "^admin$"}]}),
            ),
            ("credentials/narrow", json!({"effect": "deny", "priority": 7})),
            ("proxies/p", json!({"effect": "deny", "headers": [{"name": "x-forwarded-for"}]})),
            ("proxies/p", json!({"effect": "deny", "headers": [{"name": "x-api-key"}]})),
            ("proxies/p", json!({"effect": "deny", "headers": [{"name": {"pattern": "^rr-"}}]})),
        ] {
            self.house.post(&format!("/{on}/rules"), &rule).await;
        }
    }

    /// Sends `case`, and explains it: with the credential by its id, and with the key itself.
    async fn check(&self, case: &Case, code: &str) {
        let Case { proxy, method, path, headers, body, caller } = case;
        let what = format!("{method} {proxy} {path} {caller:?}");
        let key = caller.map(|id| self.keys.iter().find(|it| it.0 == id).unwrap().1.clone());
        let mut sent = headers.to_vec();
        sent.extend(key.as_deref().map(|it| ("x-api-key", it)));
        let url = format!("http://{}/api/{proxy}{path}", self.house.gateway.data_address());
        let method: Method = method.parse().unwrap();
        let answer =
            self.house.send(method, &url, &sent, Bytes::from_static(body.as_bytes())).await;
        let seen = match answer.header("rr-proxy-code") {
            "proxy-access-granted" => "proxy-access-granted".to_owned(),
            _ => answer.json()["code"].as_str().unwrap_or_default().to_owned(),
        };
        assert_eq!(seen, code, "{what}: {}", answer.json());

        let mut question = json!({"proxyId": proxy, "method": case.method, "path": path});
        question["headers"] = headers.iter().map(|it| (it.0.to_owned(), json!(it.1))).collect();
        question["body"] = if body.is_empty() { Value::Null } else { (*body).into() };
        let mut by_id = question.clone();
        by_id["credentialId"] = json!(caller);
        agree(&what, &answer, &explain(&self.house, &by_id).await);
        if let Some(key) = key {
            question["headers"]["x-api-key"] = key.into();
            agree(&what, &answer, &explain(&self.house, &question).await);
        }
    }

    fn granted(&self) -> usize {
        self.house.echo.count()
    }
}

#[track_caller]
fn agree(what: &str, answer: &Answer, said: &Value) {
    if said["stage"] != "hygiene" {
        // Before `route` no revision has decided.
        assert_eq!(said["revision"].to_string(), answer.header("rr-revision"), "{what}");
    }
    if answer.header("rr-proxy-code") == "proxy-access-granted" {
        assert_eq!(said["allowed"], true, "{what}: {said}");
        assert_eq!(said["code"], "proxy-access-granted", "{what}");
        return;
    }
    let problem = answer.json();
    assert_eq!(said["allowed"], false, "{what}: {said}");
    for member in ["status", "code", "stage"] {
        assert_eq!(said[member], problem[member], "{what}: {said}");
    }
    let refusing = said["stages"].as_array().unwrap().iter().find(|it| it["outcome"] == "refused");
    for member in ["rule", "detail", "violated-policies"] {
        assert_eq!(refusing.unwrap()[member], problem[member], "{what}: {said}");
    }
}

async fn explain(house: &House, question: &Value) -> Value {
    let answer = ask(house, question).await;
    assert_eq!(answer.status, StatusCode::OK, "{question}: {}", answer.json());
    answer.json()
}

async fn ask(house: &House, question: &Value) -> Answer {
    let url = format!("http://{}/v1/explain", house.gateway.control_address());
    let token = format!("Bearer {}", *house.gateway.owner_token().unwrap());
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    house.send(Method::POST, &url, &headers, Bytes::from(question.to_string())).await
}

#[track_caller]
fn stage<'a>(said: &'a Value, name: &str) -> &'a Value {
    said["stages"].as_array().unwrap().iter().find(|it| it["stage"] == name).unwrap()
}

fn caller(id: &str, more: Value) -> Value {
    let mut it = json!({"name": id, "kind": "proxy", "auth": {"type": "apiKey"}});
    merge(&mut it, more);
    it
}

fn merge(it: &mut Value, more: Value) {
    let Value::Object(more) = more else { return };
    it.as_object_mut().unwrap().extend(more);
}
