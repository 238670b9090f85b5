//! [`RulesLayer`] seen from outside, over a mock that panics when it is called unready.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderName, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt;
use rrcore::{Code, Context, Fact, ManualClock, Outcome, Refusal, Scope, Stage};
use rrrules::{
    CanonicalPath, Effect, HeaderCheck, NameMatch, Pattern, Presence, QueryCheck, QueryName, Rule,
    RuleSet, Rules, RulesLayer, Subject, Withheld,
};
use serde_json::{Value, json};
use tokio_test::{assert_pending, assert_ready_ok};
use tower_test::mock;

#[tokio::test]
async fn a_denied_request_never_reaches_the_inner_service() {
    let layer = RulesLayer::new().scope(Scope::Proxy, set(&[deny("rul_1", "^/admin")]));
    let refused = refuse(layer, request("/x/%2e%2e/%61dmin")).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let expected = json!({"id": "rul_1", "scope": "proxy", "effect": "deny", "priority": 500});
    assert_eq!(member(&refused), &expected);
}

#[tokio::test]
async fn a_path_without_one_reading_is_malformed_and_no_rule_is_asked() {
    let layer = RulesLayer::new().per_caller(|_| panic!("asked"));
    for path in ["/a%2fb", "/..", "/a/..;/b", "/%252e", "*"] {
        let refused = refuse(layer.clone(), request(path)).await;
        let refusal = refused.extensions().get::<Refusal>().unwrap();
        assert_eq!(refusal.code(), Code::MalformedRequest, "{path}");
        assert_eq!(refusal.stage(), Stage::Route, "{path}");
    }
}

#[tokio::test]
async fn a_malformed_query_is_refused_only_where_a_rule_looks_at_it() {
    let by_path = RulesLayer::new().scope(Scope::Proxy, set(&[deny("rul_1", "^/admin")]));
    let passed = pass(by_path.clone(), request("/a?q=%zz&%")).await;
    assert_eq!(passed.uri().query(), Some("q=%zz&%"));

    // Also where the rule would not get so far, and in any of the scopes.
    let check =
        QueryCheck { name: QueryName::exact("b"), value: None, presence: Presence::Present };
    let looking = set(&[Rule::new("rul_2", Effect::Allow).methods(["PUT"]).query(check)]);
    let caller = Arc::clone(&looking);
    for layer in [
        by_path.clone().scope(Scope::Target, looking),
        by_path.per_caller(move |_| Some(Arc::clone(&caller))),
    ] {
        let refused = refuse(layer.clone(), request("/admin?q=%zz")).await;
        let refusal = refused.extensions().get::<Refusal>().unwrap();
        assert_eq!((refusal.code(), refusal.stage()), (Code::MalformedRequest, Stage::Route));
        pass(layer, request("/a?q=%41")).await;
    }
}

#[tokio::test]
async fn a_query_is_judged_decoded_and_goes_on_as_it_was_sent() {
    let value = Some(Pattern::new("^a b$", "").unwrap());
    let check = QueryCheck { name: QueryName::exact("q"), value, presence: Presence::Present };
    let rules = set(&[Rule::new("rul_1", Effect::Deny).query(check)]);
    let layer = RulesLayer::new().scope(Scope::Proxy, rules);
    for target in ["/?q=a+b", "/?x=1&%71=%61%20b", "/?q=1&q=a+b&q=2", "/?x;q=a+b"] {
        assert_eq!(
            member(&refuse(layer.clone(), request(target)).await)["id"],
            "rul_1",
            "{target}"
        );
    }
    let passed = pass(layer, request("/x/..?q=a++b&&q&%71=%2561;")).await;
    assert_eq!(passed.uri(), "/?q=a++b&&q&%71=%2561;");
}

#[tokio::test]
async fn what_is_judged_is_what_goes_on() {
    for (sent, received) in [
        ("/a//b/./%7ec/?q=%2e%2e//x", "/a/b/~c/?q=%2e%2e//x"),
        ("http://example.com:81/a/../b?", "http://example.com:81/b?"),
        ("http://example.com", "http://example.com"),
        ("/a", "/a"),
    ] {
        let passed = pass(RulesLayer::new(), request(sent)).await;
        assert_eq!(passed.uri(), received.parse::<http::Uri>().unwrap().to_string().as_str());
        let path = passed.extensions().get::<CanonicalPath>().unwrap();
        assert_eq!(path.as_str(), passed.uri().path());
    }
}

#[tokio::test]
async fn a_canonical_path_of_another_uri_is_not_believed() {
    let mut request = request("/admin");
    request.extensions_mut().insert(CanonicalPath::parse("/public").unwrap());
    let layer = RulesLayer::new().scope(Scope::Target, set(&[deny("rul_1", "^/admin")]));
    assert_eq!(member(&refuse(layer, request).await)["id"], "rul_1");
}

#[tokio::test]
async fn of_several_denials_the_first_scope_is_reported_and_all_are_recorded() {
    let layer = RulesLayer::new()
        .scope(Scope::Target, set(&[deny("rul_t", "^/")]))
        .scope(Scope::Proxy, set(&[deny("rul_p", "^/")]))
        .scope(Scope::ProxyCredential, set(&[Rule::new("rul_c", Effect::Allow)]));
    let mut request = request("/");
    let context = Context::of(request.extensions_mut(), &hand().clock());
    assert_eq!(member(&refuse(layer, request).await)["id"], "rul_p");

    let trail = context.trail();
    assert_eq!(trail.entries()[0].outcome, Outcome::Refused(Code::RuleDenied));
    let fact = |scope, outcome, id: &str| Fact::Rules { scope, outcome, ids: vec![id.into()] };
    let expected = [
        fact(Scope::ProxyCredential, "allow", "rul_c"),
        fact(Scope::Proxy, "deny", "rul_p"),
        fact(Scope::Target, "deny", "rul_t"),
    ];
    assert!(trail.facts().eq(&expected), "{trail:?}");
}

#[tokio::test]
async fn a_scope_that_nothing_fits_is_decided_by_its_default_alone() {
    let nothing = Arc::new(RuleSet::new(Vec::new(), Effect::Deny).unwrap());
    let allowing = set(&[Rule::new("rul_a", Effect::Allow)]);
    let layer = RulesLayer::new().scope(Scope::Proxy, allowing).scope(Scope::Target, nothing);
    let expected = json!({"id": null, "scope": "target", "effect": "deny", "default": true});
    assert_eq!(member(&refuse(layer, request("/")).await), &expected);
}

#[tokio::test]
async fn an_unknown_caller_is_denied_and_a_known_one_gets_its_own_rules() {
    let rules = set(&[deny("rul_1", "^/admin")]);
    let layer = RulesLayer::new()
        .per_caller(move |found: &Extensions| found.get::<Caller>().map(|_| Arc::clone(&rules)))
        .deny_status(StatusCode::FORBIDDEN)
        .clock(hand().clock());

    let refused = refuse(layer.clone(), request("/public")).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let expected =
        json!({"id": null, "scope": "proxyCredential", "effect": "deny", "default": true});
    assert_eq!(member(&refused), &expected);

    let known = |path| {
        let mut request = request(path);
        request.extensions_mut().insert(Caller);
        request
    };
    let mut passed = pass(layer.clone(), known("/public")).await;
    let context = Context::of(passed.extensions_mut(), &hand().clock());
    assert_eq!(context.trail().entries()[0].outcome, Outcome::Passed);
    assert_eq!(member(&refuse(layer, known("/admin")).await)["id"], "rul_1");
}

#[tokio::test]
async fn a_header_that_connection_names_is_still_seen() {
    let name = NameMatch::exact(HeaderName::from_static("x-debug"));
    let check = HeaderCheck { name, value: None, presence: Presence::Absent };
    let rule = Rule::new("rul_1", Effect::Allow).header(check);
    let rules = Arc::new(RuleSet::new(vec![rule], Effect::Deny).unwrap());
    let layer = RulesLayer::new().scope(Scope::Proxy, rules);
    for name in ["x-debug", "x_debug"] {
        let mut request = request("/");
        request.headers_mut().insert("connection", name.parse().unwrap());
        request.headers_mut().insert(name, "1".parse().unwrap());
        assert_eq!(member(&refuse(layer.clone(), request).await)["default"], true);
    }
    pass(layer, request("/")).await;
}

#[tokio::test]
async fn a_withheld_header_is_judged_as_there_and_as_missing() {
    let name = HeaderName::from_static("x-ticket");
    let by = |effect, presence| {
        let name = NameMatch::exact(name.clone());
        let rule = Rule::new("rul_1", effect).header(HeaderCheck { name, value: None, presence });
        let default = if effect == Effect::Allow { Effect::Deny } else { Effect::Allow };
        let rules = Arc::new(RuleSet::new(vec![rule], default).unwrap());
        RulesLayer::new().scope(Scope::Proxy, rules)
    };
    let shown = |withheld: Option<&HeaderName>| {
        let mut request = request("/");
        request.headers_mut().insert(&name, "7".parse().unwrap());
        request.extensions_mut().insert(Withheld::new(withheld.cloned()));
        request
    };
    let other = HeaderName::from_static("x-other");
    for (effect, presence, passes) in [
        (Effect::Allow, Presence::Present, true),
        (Effect::Allow, Presence::Absent, false),
        (Effect::Deny, Presence::Present, false),
        (Effect::Deny, Presence::Absent, true),
    ] {
        let layer = by(effect, presence);
        for unchanged in [None, Some(&other)] {
            if passes {
                let passed = pass(layer.clone(), shown(unchanged)).await;
                assert_eq!(passed.headers()[&name], "7", "not taken off here");
            } else {
                refuse(layer.clone(), shown(unchanged)).await;
            }
        }
        // Whatever is asked of it, there is one reading in which it is not so.
        let request = shown(Some(&name));
        let path = CanonicalPath::parse("/").unwrap();
        let subject = Subject {
            method: request.method(),
            path: &path,
            query: None,
            headers: request.headers(),
            body: &Bytes::new(),
        };
        let explained = layer.explain(&subject, request.extensions());
        assert!(explained.refusal.is_some(), "{effect:?} {presence:?}");
        refuse(layer, request).await;
    }
}

#[tokio::test]
async fn bodies_and_trailers_pass_unchanged() {
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(RulesLayer::new());
    assert_ready_ok!(service.poll_ready());
    let response = service.call(request("/"));
    let (received, reply) = upstream.next_request().await.unwrap();
    assert_eq!(received.into_body(), NotClone("payload"));

    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", "1".parse().unwrap());
    let frames = [Frame::data(Bytes::from_static(b"abc")), Frame::trailers(trailers.clone())];
    reply.send_response(Response::new(Frames(frames.into())));
    let collected = response.await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(collected.trailers(), Some(&trailers));
    assert_eq!(collected.to_bytes(), "abc");
}

#[tokio::test]
async fn readiness_is_that_of_the_inner_service() {
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(RulesLayer::new());
    upstream.allow(0);
    assert_pending!(service.poll_ready());
    upstream.allow(1);
    assert_ready_ok!(service.poll_ready());
}

#[test]
fn layer_and_service_go_anywhere() {
    fn anywhere<T: Clone + Send + Sync + 'static>() {}
    fn sent<T: Send>(_: &T) {}
    anywhere::<RulesLayer>();
    anywhere::<Rules<mock::Mock<Req, Res>>>();
    let (mut service, _upstream) = mock::spawn_layer::<Req, Res, _>(RulesLayer::new());
    assert_ready_ok!(service.poll_ready());
    sent(&service.call(request("/")));
}

#[derive(Clone)]
struct Caller;

#[derive(Debug, PartialEq)]
struct NotClone(&'static str);

struct Frames(VecDeque<Frame<Bytes>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

type Req = Request<NotClone>;
type Res = Response<Frames>;

fn hand() -> ManualClock {
    ManualClock::starting_at(Duration::from_secs(1_700_000_000))
}

fn request(target: &str) -> Req {
    Request::get(target).body(NotClone("payload")).unwrap()
}

fn deny(id: &str, pattern: &str) -> Rule {
    let pattern = Pattern::new(pattern, "").unwrap();
    Rule::new(id, Effect::Deny).path(pattern, Presence::Present)
}

fn set(rules: &[Rule]) -> Arc<RuleSet> {
    Arc::new(RuleSet::new(rules.to_vec(), Effect::Allow).unwrap())
}

fn member<B>(refused: &Response<B>) -> &Value {
    refused.extensions().get::<Refusal>().unwrap().get_member("rule").unwrap()
}

async fn refuse(layer: RulesLayer, request: Req) -> Response<rrcore::Body<Frames>> {
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer);
    assert_ready_ok!(service.poll_ready());
    let response = service.call(request).await.unwrap();
    drop(service);
    assert!(upstream.next_request().await.is_none(), "a refused request went on");
    response
}

async fn pass(layer: RulesLayer, request: Req) -> Req {
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer);
    assert_ready_ok!(service.poll_ready());
    let _response = service.call(request);
    upstream.next_request().await.expect("it goes on").0
}
