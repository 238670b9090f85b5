//! What leads to a proxy: its id, its alias, its routes.

use http::Method;
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn an_alias_is_another_name_that_is_answered_and_served() {
    let world = World::new().await;
    world.fill().await;
    let proxy = json!({"name": "p", "alias": "pay-1", "targetId": "t", "routes": [
        {"host": "API.example.com", "path": "/v1/{name}", "methods": ["GET"], "stripPrefix": true},
        {"path": "/{*rest}"}]});
    let answer = world.put("proxies/p", proxy).await.json;
    let base_urls = ["http://127.0.0.1:8080/api/p", "http://127.0.0.1:8080/api/pay-1"];
    assert_eq!((&answer["alias"], &answer["baseUrls"]), (&json!("pay-1"), &json!(base_urls)));
    let route = json!({"host": "api.example.com", "path": "/v1/{name}", "methods": ["GET"],
        "stripPrefix": true});
    assert_eq!(answer["routes"][0], route);
    let other = json!({"host": null, "path": "/{*rest}", "methods": null, "stripPrefix": false});
    assert_eq!(answer["routes"][1], other);
    let revision = world.revision();
    let served = &revision.proxies[0];
    assert_eq!(served.alias.as_deref(), Some("pay-1"));
    let [first, second] = &served.routes[..] else { panic!("{:?}", served.routes) };
    assert_eq!((first.host.as_deref(), &*first.path), (Some("api.example.com"), "/v1/{name}"));
    assert_eq!((&first.methods[..], first.strip_prefix), (&[Method::GET][..], true));
    assert!(second.host.is_none() && second.methods.is_empty() && !second.strip_prefix);
}

#[tokio::test]
async fn a_name_leads_to_one_proxy() {
    let world = World::new().await;
    world.fill().await;
    world.put("proxies/a", proxy("a", &json!({"alias": "pay"}))).await;
    for (path, alias, pointer) in
        [("b", Some("pay"), "/alias"), ("b", Some("a"), "/alias"), ("pay", None, "/id")]
    {
        let answer =
            world.put(&format!("proxies/{path}"), proxy("b", &json!({"alias": alias}))).await;
        assert_eq!((answer.status.as_u16(), &answer.json["code"]), (409, &json!("conflict")));
        assert_eq!(answer.json["errors"][0]["pointer"], pointer);
    }
    let odd = proxy("b", &json!({"alias": "prx_1"}));
    world.refuses("proxies", odd, &["/alias"]).await;
    let own = world.put("proxies/a", proxy("a", &json!({"alias": "a"}))).await;
    assert_eq!(own.json["baseUrls"], json!(["http://127.0.0.1:8080/api/a"]));
    assert_eq!(world.put("proxies/pay", proxy("b", &json!({}))).await.status.as_u16(), 201);
}

#[tokio::test]
async fn a_request_fits_the_routes_of_one_proxy() {
    let world = World::new().await;
    world.fill().await;
    let route = |path: &str, methods: &[&str]| json!({"path": path, "methods": methods});
    let taken = json!({"routes": [route("/v1/{name}", &["GET"]), {"path": "/all"},
        {"host": "a.example", "path": "/{*rest}"}]});
    assert_eq!(world.put("proxies/a", proxy("a", &taken)).await.status.as_u16(), 201);
    // The same one again is no conflict with itself.
    assert_eq!(world.put("proxies/a", proxy("a", &taken)).await.status.as_u16(), 200);
    for (routes, index) in [
        (json!([route("/v1/{name}", &["POST", "GET"])]), 0),
        (json!([route("/v2", &["GET"]), route("/v1/{other}", &["POST"])]), 1),
        (json!([route("/all", &["PUT"])]), 0),
        (json!([route("/x", &["GET"]), {"path": "/x"}]), 1),
        (json!([{"path": "/v1/{*rest}"}]), 0),
        (json!([{"host": "A.EXAMPLE", "path": "/{name}"}]), 0),
    ] {
        let answer = world.put("proxies/b", proxy("b", &json!({"routes": routes}))).await;
        let said = (answer.status.as_u16(), &answer.json["errors"][0]["pointer"]);
        assert_eq!(said, (409, &json!(format!("/routes/{index}/path"))), "{routes}");
    }
    let beside = json!([route("/v1/{name}", &["POST"]), {"path": "/v1/all"},
        {"host": "b.example", "path": "/{name}"}]);
    let answer = world.put("proxies/b", proxy("b", &json!({"routes": beside}))).await;
    assert_eq!(answer.status.as_u16(), 201, "{}", answer.text);
    let wrong = json!({"routes": [{"path": "v1"}, {"path": "/{a}{b}"}, {"host": "a:80",
        "path": "/", "methods": []}]});
    let pointers = ["/routes/0/path", "/routes/1/path", "/routes/2/host", "/routes/2/methods"];
    world.refuses("proxies", proxy("c", &wrong), &pointers).await;
}

fn proxy(name: &str, more: &Value) -> Value {
    let mut proxy = json!({"name": name, "targetId": "t"});
    proxy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    proxy
}
