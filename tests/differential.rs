//! One engine, two shapes: the same requests through layers that are composed by hand and through
//! the gateway get the same answers, byte for byte.

mod support;

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rratelimit::{Key, Limit, Limiter, Policy, RateLimitLayer};
use rrauth::{
    AuthLayer, AuthorizeLayer, Credential, Index, InjectLayer, Injection, KeyDigest, Kind,
};
use rrcore::{Clock, Scope};
use rrfilter::{EchoShieldLayer, Filter, FilterLayer, FilterSet, Operation};
use rrrules::{Effect, HeaderCheck, NameMatch, Pattern, Presence, Rule, RuleSet, RulesLayer};
use serde_json::{Value, json};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

use crate::support::upstream::Upstream;
use crate::support::{Answer, House, UPSTREAM_SECRET, proxy};

/// Fewer than the corpus has requests that get this far, so that its end meets 429.
const LIMIT: u64 = 150;

#[tokio::test]
async fn layers_by_hand_and_the_gateway_answer_alike() {
    let upstream = Upstream::start(answer);
    let house = House::build().await;
    let stranger = house.caller("stranger").await;
    configure(&house, &upstream).await;
    let clock = house.clock.clock();
    let mut by_hand = composed(&clock, &house.key, &stranger, &upstream);

    let corpus = corpus(&house.key, &stranger);
    assert!(corpus.len() >= 300, "{} requests", corpus.len());
    let mut statuses = HashSet::new();
    for (number, case) in corpus.iter().enumerate() {
        let mut one = through_gateway(&house, case).await;
        let mut two = by_hand.call(case.clone()).await.unwrap();
        if case.method() == Method::HEAD {
            // Any server leaves it out (RFC 9110 §9.3.2).
            two.body.clear();
        }
        normalise(&mut one);
        normalise(&mut two);
        let what = format!("request {number}: {} {}", case.method(), case.uri());
        assert_eq!(one.status, two.status, "{what}");
        assert_eq!(lines(&one.headers), lines(&two.headers), "{what}");
        assert_eq!(one.body, two.body, "{what}");
        statuses.insert(one.status.as_u16());
    }
    let expected = HashSet::from([200, 204, 400, 401, 403, 404, 422, 429, 500]);
    assert_eq!(statuses, expected, "the corpus must meet every outcome");
}

// What the upstream answers, by the end of the path.
async fn answer(request: Request<Bytes>) -> Response<Bytes> {
    let json = r#"{"id": 7, "secret": "s3cret", "items": [{"sku": 1, "margin": 0.50}, {"sku": 2e0, "margin": -0}], "method": "#;
    let whole = format!("{json}\"{}\", \"bytes\": {}}}", request.method(), request.body().len());
    let path = request.uri().path();
    let (status, kind, body) = match path.rsplit('/').next().unwrap_or_default() {
        "text" => (200, "text/plain", Bytes::from_static(b"plain")),
        "broken" => (200, "application/json", Bytes::from_static(b"{\"id\": 7, \"secret\"")),
        "twice" => (200, "application/json", Bytes::from_static(b"{\"id\": 1, \"id\": 2}")),
        "missing" => {
            (404, "application/json", Bytes::from_static(b"{\"secret\": \"in an error\"}"))
        }
        "failed" => (500, "text/plain", Bytes::from_static(b"failed")),
        "empty" => (204, "", Bytes::new()),
        "packed" => (200, "application/json", packed(whole.as_bytes())),
        _ => (200, "application/json; charset=utf-8", Bytes::from(whole)),
    };
    let mut response = Response::builder().status(status).header("x-upstream", "1");
    if !kind.is_empty() {
        response = response.header("content-type", kind).header("etag", "\"1\"");
    }
    if path.ends_with("packed") {
        response = response.header("content-encoding", "gzip");
    }
    response.body(body).unwrap()
}

fn packed(bytes: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().into()
}

// The policy, as an administrator writes it.
async fn configure(house: &House, upstream: &Upstream) {
    let url = format!("http://{}/base", upstream.address);
    let target = json!({ "name": "echo", "baseUrl": url, "allowPlaintext": true });
    house.retarget(target).await;
    let mut limited = proxy("p");
    limited["limits"] = json!({ "requestsPerMinute": LIMIT });
    house.put("/proxies/p", &limited).await;
    for (path, body) in [
        (
            "/targets/echo/rules/no-delete",
            json!({ "effect": "deny", "methods": ["DELETE"], "priority": 900 }),
        ),
        (
            "/proxies/p/rules/no-admin",
            json!({ "effect": "deny", "path": { "pattern": "^/admin(/|$)" } }),
        ),
        (
            "/credentials/caller/rules/no-debug",
            json!({ "effect": "deny", "headers": [{ "name": "x-debug", "value": "^(1|true)$" }] }),
        ),
        (
            "/credentials/upstream/filters/secret",
            json!({ "operation": "destroy", "paths": ["$.secret"] }),
        ),
        (
            "/proxies/p/filters/margins",
            json!({ "operation": "destroy", "paths": ["$.items[*].margin"] }),
        ),
    ] {
        house.put(path, &body).await;
    }
}

// The same policy, as a programmer writes it.
fn composed(
    clock: &Clock,
    key: &str,
    stranger: &str,
    upstream: &Upstream,
) -> impl Service<Request<Full<Bytes>>, Response = Answer, Error = std::convert::Infallible> + use<>
{
    let credential = |id: &'static str| Credential::new(id, id, Kind::ApiKey, id);
    let index: Index<&'static str> = [
        (KeyDigest::of(key), credential("caller")),
        (KeyDigest::of(stranger), credential("stranger")),
    ]
    .into_iter()
    .collect();
    let policy =
        Policy::new([Limit::sliding("requestsPerMinute", LIMIT, Duration::from_secs(60))]).unwrap();
    let injection = Injection::bearer("Bearer ", UPSTREAM_SECRET).unwrap();
    let stack = ServiceBuilder::new()
        // Without a rule it only makes the path canonical, as the gateway's router does first.
        .layer(RulesLayer::new().clock(clock.clone()))
        .layer(AuthLayer::new(Arc::new(index)).clock(clock.clone()))
        .layer(AuthorizeLayer::new(|caller: &&'static str, _: &_| *caller == "caller"))
        .layer(
            RateLimitLayer::new(policy, Arc::new(Limiter::new()))
                .key(|_| Key::of(&["all"]))
                .clock(clock.clone()),
        )
        .layer(rules().clock(clock.clone()))
        .layer(filters().clock(clock.clone()))
        .layer(EchoShieldLayer::new().clock(clock.clone()))
        .layer(InjectLayer::new(Arc::new(injection)).clock(clock.clone()))
        .service(call(upstream));
    service_fn(move |request| {
        let stack = stack.clone();
        async move {
            let (head, body) = stack.oneshot(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Ok(Answer { status: head.status, headers: head.headers, body })
        }
    })
}

fn rules() -> RulesLayer {
    let set = |rule| Arc::new(RuleSet::new(vec![rule], Effect::Allow).unwrap());
    let admin = Pattern::new("^/admin(/|$)", "").unwrap();
    let debug = HeaderCheck {
        name: NameMatch::exact(HeaderName::from_static("x-debug")),
        value: Some(Pattern::new("^(1|true)$", "").unwrap()),
        presence: Presence::Present,
    };
    let no_delete = Rule::new("no-delete", Effect::Deny).methods(["DELETE"]).priority(900);
    RulesLayer::new()
        .scope(Scope::Target, set(no_delete))
        .scope(
            Scope::Proxy,
            set(Rule::new("no-admin", Effect::Deny).path(admin, Presence::Present)),
        )
        .scope(Scope::ProxyCredential, set(Rule::new("no-debug", Effect::Deny).header(debug)))
}

fn filters() -> FilterLayer {
    let set = |id, path| {
        let filter = Filter::new(id, Operation::Destroy, [path]).unwrap();
        Arc::new(FilterSet::new(vec![filter]))
    };
    FilterLayer::new()
        .scope(Scope::TargetCredential, set("secret", "$.secret"))
        .scope(Scope::Proxy, set("margins", "$.items[*].margin"))
}

// The upstream, behind a client that does nothing else.
fn call<B>(
    upstream: &Upstream,
) -> impl Service<
    Request<B>,
    Response = Response<hyper::body::Incoming>,
    Error = hyper_util::client::legacy::Error,
    Future: Send,
> + Clone
+ use<B>
where
    B: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + Unpin
        + 'static,
{
    let client = Client::builder(TokioExecutor::new()).build_http::<B>();
    let address = upstream.address;
    service_fn(move |mut request: Request<B>| {
        let target = request.uri().path_and_query().unwrap().as_str();
        *request.uri_mut() = format!("http://{address}/base{target}").parse().unwrap();
        let host = address.to_string();
        request.headers_mut().insert(HOST, host.parse().unwrap());
        client.request(request)
    })
}

// Every caller with every method on every path, and what headers can do.
fn corpus(key: &str, stranger: &str) -> Vec<Request<Full<Bytes>>> {
    let basic = {
        use base64::Engine as _;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{key}:"));
        format!("Basic {pair}")
    };
    let callers: Vec<Vec<(HeaderName, String)>> = vec![
        vec![(HeaderName::from_static("x-api-key"), key.to_owned())],
        vec![(AUTHORIZATION, format!("Bearer {key}"))],
        vec![(AUTHORIZATION, key.to_owned())],
        vec![(AUTHORIZATION, basic)],
        vec![],
        vec![(HeaderName::from_static("x-api-key"), "wrong".to_owned())],
        vec![(HeaderName::from_static("x-api-key"), stranger.to_owned())],
        vec![
            (HeaderName::from_static("x-api-key"), key.to_owned()),
            (AUTHORIZATION, format!("Bearer {stranger}")),
        ],
        vec![
            (HeaderName::from_static("x-api-key"), key.to_owned()),
            (HeaderName::from_static("x-debug"), "true".to_owned()),
        ],
    ];
    let mut corpus: Vec<_> =
        PATHS.iter().map(|path| request(&Method::HEAD, path, &callers[0])).collect();
    for caller in &callers {
        for path in PATHS {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                corpus.push(request(&method, path, caller));
            }
        }
    }
    corpus
}

fn request(method: &Method, path: &str, headers: &[(HeaderName, String)]) -> Request<Full<Bytes>> {
    let body = if *method == Method::POST { "{\"a\": 1}" } else { "" };
    let mut request = Request::builder().method(method).uri(path.parse::<Uri>().unwrap());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    if *method == Method::POST {
        request = request.header("content-type", "application/json");
    }
    request.body(Full::from(body)).unwrap()
}

const PATHS: [&str; 16] = [
    "/items",
    "/items?page=1&page=2&q=a+b",
    "/a/./b/../c",
    "//a///b",
    "/%7Euser/%c3%a9",
    "/text",
    "/broken",
    "/twice",
    "/missing",
    "/failed",
    "/empty",
    "/packed",
    "/admin/users",
    "/x/%2e%2e/admin",
    "/..%2fadmin",
    "/%zz",
];

async fn through_gateway(house: &House, case: &Request<Full<Bytes>>) -> Answer {
    let target = case.uri().path_and_query().unwrap().as_str();
    let url = format!("http://{}/api/p{target}", house.gateway.data_address());
    let headers: Vec<_> = case
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    let body = case.body().clone().collect().await.unwrap().to_bytes();
    house.send(case.method().clone(), &url, &headers, body).await
}

// What only the gateway says, and what names one request or moment.
fn normalise(answer: &mut Answer) {
    let own: Vec<HeaderName> = answer
        .headers
        .keys()
        .filter(|it| it.as_str().starts_with("rr-") || *it == "proxy-status" || *it == "date")
        .cloned()
        .collect();
    for name in own {
        answer.headers.remove(name);
    }
    let is_problem =
        answer.headers.get("content-type").is_some_and(|it| it == "application/problem+json");
    // The server counts the bytes of a body that it is given whole; layers leave that to it.
    if is_problem || answer.status == StatusCode::OK {
        answer.headers.remove("content-length");
    }
    if is_problem && !answer.body.is_empty() {
        let mut problem: Value = serde_json::from_slice(&answer.body).unwrap();
        problem["requestId"] = Value::Null;
        answer.body = problem.to_string().into();
    }
}

fn lines(headers: &HeaderMap) -> Vec<String> {
    let line = |(name, value): (&HeaderName, &http::HeaderValue)| {
        format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
    };
    let mut lines: Vec<String> = headers.iter().map(line).collect();
    lines.sort();
    lines
}
