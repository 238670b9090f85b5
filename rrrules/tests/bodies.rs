//! Rules that look into bodies, seen from outside: what is judged, what goes on, and what is read.

#![cfg(test)]

use std::convert::Infallible;
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Cx, Poll};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt;
use rrcore::{Body, Budget, BufferedBody, Context, Fact, Refusal, Scope};
use rrrules::{BodyCheck, BodyRulesLayer, Effect, Mode, Pattern, Presence, Rule, RuleSet, RulesLayer};
use serde_json::{Value, json};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_test::mock;

#[tokio::test]
async fn a_body_is_judged_at_any_depth_and_goes_on_byte_for_byte() {
    let layer = bodies(&[deny_admin("rul_1")]);
    let sent = r#"{ "user" : {"roles":[ "user", "ad\u006din" ]} }"#;
    assert_eq!(rule(&layer, post(sent)).await["id"], "rul_1");
    for sent in [r#"{ "user" : {"roles":[ "us\u0065r" ]} }"#, "[]", " 1e400 ", r#""admin""#] {
        assert_eq!(passed(&layer, post(sent)).await, sent);
    }
}

#[tokio::test]
async fn what_cannot_be_inspected_is_denied_whatever_the_rule_is_for() {
    let allow = Rule::new("rul_2", Effect::Allow).body(check("^kind$", "^safe$"));
    for rules in [vec![deny_admin("rul_1")], vec![allow]] {
        let id = rules[0].id().to_owned();
        let layer = bodies(&rules);
        for sent in ["{", "user=admin", r#"{"a":1,"a":2}"#, "{}{}", "\u{feff}x"] {
            let expected = json!({
                "id": id, "scope": "proxy", "effect": "deny", "priority": 500,
                "reason": "body-not-inspectable",
            });
            assert_eq!(rule(&layer, post(sent)).await, expected, "{sent}");
        }
    }
}

#[tokio::test]
async fn no_body_is_an_empty_document() {
    let absent = BodyCheck { presence: Presence::Absent, ..check("role", "admin") };
    let layer = bodies(&[deny_admin("rul_1"), Rule::new("rul_2", Effect::Allow).body(absent)]);
    assert_eq!(passed(&layer, post("")).await, "");
}

#[tokio::test]
async fn a_body_is_read_only_for_rules_that_fit_otherwise() {
    let path = Pattern::new("^/orders", "").unwrap();
    let rule_of_orders =
        deny_admin("rul_1").methods(["POST"]).path(path.clone(), Presence::Present);
    let layer = bodies(&[rule_of_orders]);
    let read = |request: Request<Counted>| {
        let layer = layer.clone();
        async move {
            let pieces = Arc::clone(&request.body().read);
            let before = layer
                .layer(service_fn(async |request: Request<Body<Counted>>| {
                    let read = request.extensions().get::<BufferedBody>().is_some();
                    Ok::<_, Infallible>(Response::new(read.to_string()))
                }))
                .oneshot(request)
                .await
                .unwrap();
            (before.status(), pieces.load(Ordering::Relaxed))
        }
    };
    let other = |method: &str, path: &str| {
        let mut request = post(r#"{"role":"user"}"#);
        *request.method_mut() = method.parse().unwrap();
        *request.uri_mut() = path.parse().unwrap();
        request
    };
    assert_eq!(read(other("POST", "/other")).await, (StatusCode::OK, 0));
    assert_eq!(read(other("PUT", "/orders")).await, (StatusCode::OK, 0));
    assert_eq!(read(other("POST", "/orders/1")).await, (StatusCode::OK, 1));
}

#[tokio::test]
async fn a_body_over_the_limit_is_denied_where_a_rule_counts_and_passes_whole_where_none_does() {
    let enforced = bodies(&[deny_admin("rul_1")]).max_body_bytes(16);
    let sent = r#"{"role":"user","and":"more than that"}"#;
    assert_eq!(rule(&enforced, post(sent)).await["reason"], "body-not-inspectable");
    let shadow = bodies(&[deny_admin("rul_1").mode(Mode::Shadow)]).max_body_bytes(16);
    let (text, facts) = passed_with(&shadow, post_in_pieces(sent, 5)).await;
    assert_eq!(text, sent);
    let ids = Vec::new();
    assert_eq!(facts, [Fact::Rules { scope: Scope::Proxy, outcome: "shadowDeny", ids }]);
}

#[tokio::test]
async fn a_rule_in_shadow_mode_is_recorded_and_decides_nothing() {
    let layer = bodies(&[deny_admin("rul_1").mode(Mode::Shadow)]);
    let sent = r#"{"role":"admin"}"#;
    let (text, facts) = passed_with(&layer, post(sent)).await;
    assert_eq!(text, sent);
    let ids = vec!["rul_1".into()];
    assert_eq!(facts, [Fact::Rules { scope: Scope::Proxy, outcome: "shadowDeny", ids }]);
    let (_, facts) = passed_with(&layer, post("{}")).await;
    assert_eq!(facts, []);
}

#[tokio::test]
async fn a_coded_body_is_judged_decoded_and_goes_on_coded() {
    let layer = bodies(&[deny_admin("rul_1")]);
    let coded = |text: &str| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        let bytes = Bytes::from(gzip.finish().unwrap());
        let mut request = Request::post("/").body(Counted::of([bytes.clone()])).unwrap();
        request.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
        (request, bytes)
    };
    assert_eq!(rule(&layer, coded(r#"{"role":"admin"}"#).0).await["id"], "rul_1");
    let (request, bytes) = coded(r#"{"role":"user"}"#);
    assert_eq!(passed(&layer, request).await, bytes);
    let bomb = coded(&format!("[{}0]", "0,".repeat(1 << 20))).0;
    assert_eq!(rule(&layer, bomb).await["reason"], "body-not-inspectable");
    let mut unknown = post("{}");
    unknown.headers_mut().insert("content-encoding", "rot13".parse().unwrap());
    assert_eq!(rule(&layer, unknown).await["reason"], "body-not-inspectable");
}

#[tokio::test]
async fn one_tool_of_an_mcp_server_can_be_allowed_and_a_batch_hides_no_other() {
    let rules = vec![
        Rule::new("rul_list", Effect::Allow).body(check("^method$", "^(initialize|tools/list)$")),
        Rule::new("rul_search", Effect::Allow)
            .body(check("^method$", "^tools/call$"))
            .body(check(r"^params\.name$", "^search$")),
    ];
    let set = RuleSet::new(rules, Effect::Deny).unwrap();
    let layer = RulesLayer::new().scope(Scope::Proxy, set).bodies();
    let call = |name: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}"}}}}"#)
    };
    let list = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
    for sent in [call("search"), list.to_owned(), format!("[{},{list}]", call("search"))] {
        assert_eq!(passed(&layer, post(&sent)).await, sent);
    }
    for sent in [call("delete"), format!("[{},{}]", call("search"), call("delete")), "{}".into()] {
        let expected = json!({"id": null, "scope": "proxy", "effect": "deny", "default": true});
        assert_eq!(rule(&layer, post(&sent)).await, expected, "{sent}");
    }
}

#[tokio::test]
async fn a_layer_that_reads_no_bodies_denies_what_it_would_need_one_for() {
    let set = RuleSet::new(vec![deny_admin("rul_1")], Effect::Allow).unwrap();
    let layer = RulesLayer::new().scope(Scope::Proxy, set);
    let service = layer.layer(service_fn(async |_: Request<Counted>| {
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    let response = service.oneshot(post("{}")).await.unwrap();
    assert_eq!(member(&response)["reason"], "body-not-inspectable");
}

#[tokio::test]
async fn bodies_beyond_the_budget_are_refused_and_what_is_done_is_given_back() {
    let budget = Budget::bytes(20);
    let layer = bodies(&[deny_admin("rul_1")]).budget(&budget);
    let sent = r#"{"role":"user","n":123456789}"#;
    let response = layer.layer(echo()).oneshot(post(sent)).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(passed(&layer, post(r#"{"role":"user"}"#)).await, r#"{"role":"user"}"#);
    assert_eq!(budget.left(), 20);
}

#[tokio::test]
async fn the_service_that_was_ready_is_the_one_that_is_called() {
    let layer = bodies(&[deny_admin("rul_1")]);
    let (mut service, mut handle) =
        mock::spawn_with(|inner: mock::Mock<Request<Body<Counted>>, Response<String>>| {
            layer.layer(inner)
        });
    handle.allow(1);
    tokio_test::assert_ready_ok!(service.poll_ready());
    let answer = tokio::spawn(service.call(post_in_pieces(r#"{"role":"user"}"#, 4)));
    let (_, respond) = handle.next_request().await.unwrap();
    respond.send_response(Response::new("done".to_owned()));
    assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::OK);
}

fn deny_admin(id: &str) -> Rule {
    Rule::new(id, Effect::Deny).body(check("role", "^admin$"))
}

fn check(path: &str, value: &str) -> BodyCheck {
    let pattern = |it: &str| Pattern::new(it, "").unwrap();
    BodyCheck { path: pattern(path), value: Some(pattern(value)), presence: Presence::Present }
}

fn bodies(rules: &[Rule]) -> BodyRulesLayer {
    let set = RuleSet::new(rules.to_vec(), Effect::Allow).unwrap();
    RulesLayer::new().scope(Scope::Proxy, set).bodies()
}

fn post(text: &str) -> Request<Counted> {
    post_in_pieces(text, usize::MAX)
}

fn post_in_pieces(text: &str, size: usize) -> Request<Counted> {
    let pieces = text.as_bytes().chunks(size).map(Bytes::copy_from_slice);
    let request = Request::post("/").header("content-type", "application/json");
    request.body(Counted::of(pieces)).unwrap()
}

type Echo = Response<String>;

fn echo() -> impl Service<
    Request<Body<Counted>>,
    Response = Echo,
    Error = Infallible,
    Future = Pin<Box<dyn Future<Output = Result<Echo, Infallible>> + Send>>,
> + Clone {
    service_fn(|request: Request<Body<Counted>>| {
        let answer: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(async {
            let context = request.extensions().get::<Context>().unwrap().clone();
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let mut response = Response::new(String::new());
            response.extensions_mut().insert(body);
            response.extensions_mut().insert(context);
            Ok(response)
        });
        answer
    })
}

async fn passed(layer: &BodyRulesLayer, request: Request<Counted>) -> Bytes {
    passed_with(layer, request).await.0
}

async fn passed_with(layer: &BodyRulesLayer, request: Request<Counted>) -> (Bytes, Vec<Fact>) {
    let response = layer.layer(echo()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{:?}", response.extensions().get::<Refusal>());
    let trail = response.extensions().get::<Context>().unwrap().take_trail();
    let body = response.extensions().get::<Bytes>().unwrap().clone();
    (body, trail.facts().cloned().collect())
}

async fn rule(layer: &BodyRulesLayer, request: Request<Counted>) -> Value {
    member(&layer.layer(echo()).oneshot(request).await.unwrap())
}

fn member<B>(response: &Response<B>) -> Value {
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    response.extensions().get::<Refusal>().unwrap().get_member("rule").unwrap().clone()
}

/// A body that counts how many of its pieces were asked for.
#[derive(Debug)]
struct Counted {
    pieces: std::collections::VecDeque<Bytes>,
    read: Arc<AtomicUsize>,
}

impl Counted {
    fn of(pieces: impl IntoIterator<Item = Bytes>) -> Self {
        Self { pieces: pieces.into_iter().collect(), read: Arc::default() }
    }
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Cx<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.pop_front();
        if piece.is_some() {
            self.read.fetch_add(1, Ordering::Relaxed);
        }
        Poll::Ready(piece.map(|it| Ok(Frame::data(it))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }
}
