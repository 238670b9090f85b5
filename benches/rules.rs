//! Wall times of rules: deciding over scopes and numbers of rules, hostile patterns, compiling.
//!
//! `cargo bench --bench rules`. What must hold is in CONTRIBUTING.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use rrcore::{Context, Scope};
use rrrules::{
    BodyCheck, CanonicalPath, Effect, HeaderCheck, NameMatch, Pattern, Presence, QueryCheck,
    QueryName, Rule, RuleSet, Rules, RulesLayer, Subject,
};
use tower::util::ServiceFn;
use tower::{Layer, Service, service_fn};

fn deciding(c: &mut Criterion) {
    let mut group = c.benchmark_group("rules/four_scopes");
    for count in [0, 1, 10, 100, 1_000, 10_000] {
        let mut round = Round::new(count);
        group.bench_function(BenchmarkId::from_parameter(count), |b| b.iter(|| round.again()));
    }
    group.finish();
}

type Inner = fn(Request<()>) -> Again;
type Again = Ready<Result<Response<Request<()>>, Infallible>>;

/// A request that goes round through the layer: the inner service gives it back.
struct Round {
    service: Rules<ServiceFn<Inner>>,
    request: Option<Request<()>>,
}

impl Round {
    fn new(count: usize) -> Self {
        let mut layer = RulesLayer::new();
        for (number, scope) in Scope::ALL.into_iter().enumerate() {
            layer = layer.scope(scope, set(count, number));
        }
        let inner: Inner = |request| ready(Ok(Response::new(request)));
        let described = Described::typical();
        let mut request = Request::new(());
        *request.uri_mut() =
            "/v1/users/8c1e9c1a3f1d/orders/42?limit=100&expand=lines".parse().unwrap();
        *request.headers_mut() = described.headers;
        Self { service: layer.layer(service_fn(inner)), request: Some(request) }
    }

    fn again(&mut self) {
        let mut request = self.request.take().unwrap();
        request.extensions_mut().remove::<Context>();
        let mut future = pin!(self.service.call(request));
        let mut cx = task::Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut cx) else { unreachable!() };
        self.request = response.into_body().into_inner();
    }
}

fn hostile(c: &mut Criterion) {
    let mut group = c.benchmark_group("rules/hostile");
    group.sample_size(20);
    for (name, pattern, text) in [
        ("nested_plus", "(a+)+$", "a".repeat(64 << 10) + "b"),
        ("nested_plus_ends", "^(a+)+$", "a".repeat(64 << 10)),
        ("repeated_dots_a", "(.*a){25}", "a".repeat(64 << 10)),
        ("repeated_dots_b", "(.*a){25}", "b".repeat(64 << 10)),
        ("repeated_dots_ab", "^(.*a){25}$", "ab".repeat(32 << 10)),
        ("repeated_dots_few", "(.*a){25}", format!("{}{}", "ab".repeat(12), "b".repeat(64 << 10))),
        ("alternation", "^((a|aa)+)+c$", "a".repeat(64 << 10)),
        ("words", r"(\w+\s*)+!$", "word ".repeat(13 << 10)),
        (
            "email",
            r"^([a-zA-Z0-9_.\-])+@(([a-zA-Z0-9\-])+\.)+([a-zA-Z0-9]{2,4})+$",
            "a".repeat(64 << 10) + "!",
        ),
        ("optional", r"^(a?){50}a{50}$", "a".repeat(64 << 10)),
    ] {
        let check = HeaderCheck {
            name: NameMatch::exact("x-a".parse().unwrap()),
            value: Some(Pattern::new(pattern, "").unwrap()),
            presence: Presence::Present,
        };
        let rules =
            RuleSet::new(vec![Rule::new("r", Effect::Deny).header(check)], Effect::Allow).unwrap();
        let mut request = Described::typical();
        request.headers.insert("x-a", HeaderValue::from_str(&text).unwrap());
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| b.iter(|| rules.decide(black_box(&request.subject()))));
    }
    group.finish();
}

fn bodies(c: &mut Criterion) {
    let mut group = c.benchmark_group("rules/body");
    let mut request = Described::typical();
    request.method = Method::POST;
    request.headers.insert("content-type", HeaderValue::from_static("application/json"));
    let records: Vec<String> = (0..480).map(record).collect();
    request.body = format!("{{\"items\":[{}],\"role\":\"user\"}}", records.join(",")).into();
    let check = |path: &str, value: &str| BodyCheck {
        path: Pattern::new(path, "").unwrap(),
        value: Some(Pattern::new(value, "").unwrap()),
        presence: Presence::Present,
    };
    group.throughput(Throughput::Bytes(request.body.len() as u64));
    for (name, checks) in [
        ("one_field", vec![check("^role$", "^admin$")]),
        ("in_all_records", vec![check(r"^items\.\d+\.email$", "@evil")]),
        ("anywhere", vec![check("email", "@evil")]),
        ("ten_rules", (0..10).map(|it| check(&format!(r"^items\.\d+\.f{it}$"), "x")).collect()),
    ] {
        let rules =
            (0..).zip(checks).map(|(id, it)| Rule::new(id.to_string(), Effect::Deny).body(it));
        let rules = RuleSet::new(rules.collect(), Effect::Allow).unwrap();
        group.bench_function(name, |b| b.iter(|| rules.decide(black_box(&request.subject()))));
    }
    group.finish();
}

fn compiling(c: &mut Criterion) {
    let mut group = c.benchmark_group("rules/compile");
    group.sample_size(20);
    for count in [10, 1_000] {
        group.bench_function(BenchmarkId::new("set", count), |b| {
            b.iter(|| set(black_box(count), 0))
        });
    }
    // 10,000 sets of ten rules at the start of a process: nothing is compiled before it is asked.
    group.bench_function("start_10k_sets", |b| {
        b.iter(|| {
            (0..10_000)
                .map(|scope| {
                    RuleSet::deferred(move || Ok::<_, ()>(rules(10, scope)), Effect::Allow)
                })
                .collect::<Vec<_>>()
        });
    });
    group.finish();
}

struct Described {
    method: Method,
    path: CanonicalPath,
    headers: HeaderMap,
    body: Bytes,
}

impl Described {
    fn typical() -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "api.example.com"),
            ("user-agent", "example-sdk/4.2.1 (linux; x86_64)"),
            ("accept", "application/json"),
            ("accept-encoding", "gzip, deflate"),
            ("content-type", "application/json"),
            ("x-request-id", "0196f0c0-6d2b-7c1e-9c1a-3f1d2a7b9c10"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            ("accept-language", "en"),
            ("cache-control", "no-cache"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let path = CanonicalPath::parse("/v1/users/8c1e9c1a3f1d/orders/42").unwrap();
        Self { method: Method::GET, path, headers, body: Bytes::new() }
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            method: &self.method,
            path: &self.path,
            query: Some("limit=100&expand=lines"),
            headers: &self.headers,
            body: &self.body,
        }
    }
}

fn set(count: usize, scope: usize) -> RuleSet {
    RuleSet::new(rules(count, scope), Effect::Allow).unwrap()
}

/// What people write: mostly paths and methods, some headers and queries. One of them fits.
fn rules(count: usize, scope: usize) -> Vec<Rule> {
    let path = |pattern: String| (Pattern::new(&pattern, "").unwrap(), Presence::Present);
    let rule = |at: usize| {
        let id: Arc<str> = format!("rul_{scope}_{at}").into();
        let (allow, deny) =
            (Rule::new(Arc::clone(&id), Effect::Allow), Rule::new(id, Effect::Deny));
        let (pattern, presence) = match at % 10 {
            0 if at == 0 => path("^/v1/users/[^/]+/orders".to_owned()),
            0 => path(format!(r"^/v{at}/users/\d+$")),
            1 | 2 => path(format!("^/v1/resource{at}/")),
            3 => path(format!(r"^/internal{at}/.*\.key$")),
            4 => path(format!("^/v1/[^/]+/orders{at}$")),
            5 => path(format!("(?i)/admin{at}/")),
            6 => {
                let name = QueryName::exact(format!("debug{at}"));
                return deny.query(QueryCheck { name, value: None, presence: Presence::Present });
            }
            7 => {
                return deny.header(HeaderCheck {
                    name: NameMatch::exact("user-agent".parse().unwrap()),
                    value: Some(Pattern::new(&format!("^BadBot{at}/"), "").unwrap()),
                    presence: Presence::Present,
                });
            }
            8 => {
                return deny.header(HeaderCheck {
                    name: NameMatch::exact(format!("x-debug-{at}").parse().unwrap()),
                    value: None,
                    presence: Presence::Present,
                });
            }
            _ => path(format!("^/v1/reports/{at}$")),
        };
        match at % 2 {
            0 => allow.path(pattern, presence),
            _ => deny.methods(["DELETE", "PUT"]).path(pattern, presence),
        }
    };
    (0..count).map(rule).collect()
}

fn record(at: usize) -> String {
    format!(
        "{{\"id\":{at},\"name\":\"Person Number {at}\",\"email\":\"person{at}@example.com\",\
         \"active\":true,\"balance\":{at}.25,\"address\":{{\"city\":\"Example\",\"zip\":\"{at:05}\"}}}}"
    )
}

criterion_group!(benches, deciding, hostile, bodies, compiling);
criterion_main!(benches);
