//! Audit records: kept in batches, found newest first.

use http::StatusCode;
use rrgateway::model::Record;
use serde_json::{Value, json};

use crate::world::{CLIENT, World, ids};

#[tokio::test]
async fn records_are_found_newest_first_by_status_code_and_stage() {
    let world = World::new().await;
    world.fill().await;
    world.put("proxies/p", json!({"name": "p", "authentication": "none", "targetId": "t"})).await;
    for (id, status, code, stage, proxy) in [
        ("req_1", 200, "proxy-access-granted", None, Some("p")),
        ("req_2", 429, "quota-exceeded", Some("limit"), Some("p")),
        ("req_3", 404, "proxy-not-found", Some("route"), None),
    ] {
        let record = Record {
            id: id.to_owned(),
            client_id: "default".into(),
            proxy_id: proxy.map(Into::into),
            status,
            code,
            stage,
            ..Record::default()
        };
        assert!(world.reports.report(record));
    }
    let all = world.eventually(&format!("{CLIENT}/requests"), 3).await;
    assert_eq!(ids(&all), ["req_3", "req_2", "req_1"]);
    let of_proxy = format!("{CLIENT}/proxies/p/requests");
    for (query, expected) in [
        ("", &["req_2", "req_1"][..]),
        ("?status=429", &["req_2"]),
        ("?stage=limit", &["req_2"]),
        ("?code=proxy-access-granted", &["req_1"]),
        ("?status=200&code=quota-exceeded", &[]),
    ] {
        assert_eq!(ids(&world.get(&format!("{of_proxy}{query}")).await.json), expected, "{query}");
    }
    let page = world.get(&format!("{of_proxy}?limit=1")).await.json;
    let cursor = page["nextCursor"].as_str().unwrap();
    let next = world.get(&format!("{of_proxy}?limit=1&cursor={cursor}")).await.json;
    assert_eq!((ids(&next), &next["nextCursor"]), (vec!["req_1"], &Value::Null));
    let one = world.get(&format!("{of_proxy}/req_1")).await.json;
    assert_eq!(
        (&one["id"], &one["redactions"], &one["stage"]),
        (&json!("req_1"), &json!([]), &Value::Null)
    );
    assert_eq!(one.as_object().unwrap().len(), 28);
    assert_eq!(world.get(&format!("{of_proxy}/req_3")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.get(&format!("{of_proxy}?status=x")).await.json["code"], "invalid");
    let directory = world.stop().await;
    let world = World::in_directory(directory).await.unwrap();
    assert_eq!(ids(&world.get(&format!("{CLIENT}/requests")).await.json).len(), 3);
}
