//! What is measured: each stage's decision, and a stack of them over a service that answers at
//! once. Shared, so that times and instruction counts are of the same code.

#![allow(dead_code, reason = "each bench uses a part of it")]

pub mod stack;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http::{HeaderMap, Method, Request, Response};
use rratelimit::{Key, Limit, Limiter, Policy};
use rrauth::{Credential, Index, Inject, InjectLayer, Injection, KeyDigest, Kind};
use rrcore::{Clock, Context, Now};
use rrfilter::{Filter, Operation};
use rrrules::{CanonicalPath, Effect, Pattern, Presence, Rule, RuleSet, Subject};
use tower::util::ServiceFn;
use tower::{Layer, Service};

/// Two limits, and callers that keep asking.
pub struct Limits {
    policy: Policy,
    limiter: Limiter,
    keys: Vec<Key>,
    calls: u64,
}

impl Limits {
    /// `callers` of which each is about to ask for the second time at least.
    pub fn of(callers: usize) -> Self {
        let policy = Policy::new([
            Limit::sliding("requestsPerMinute", PLENTY, Duration::from_secs(60)),
            Limit::calendar_day("requestsPerDay", PLENTY),
        ]);
        let keys = (0..callers).map(|it| Key::of(&["proxy", &it.to_string()])).collect();
        let mut limits = Self { policy: policy.unwrap(), limiter: Limiter::new(), keys, calls: 0 };
        (0..2 * callers).for_each(|_| assert!(limits.decide()));
        limits
    }

    /// One request, a microsecond after the one before.
    pub fn decide(&mut self) -> bool {
        self.calls += 1;
        let at = Duration::from_micros(self.calls);
        let now = Now { monotonic: at, wall: at + Duration::from_secs(1_800_000_000) };
        let key = self.keys[scattered(self.calls, self.keys.len())];
        self.limiter.check(&self.policy, key, now).is_allowed()
    }
}

/// An index of API keys, and callers that show theirs.
pub struct Keys {
    index: Index<()>,
    shown: Vec<String>,
    calls: u64,
}

impl Keys {
    /// An index of `size` keys.
    pub fn among(size: usize) -> Self {
        let key = |it: usize| format!("rk_{it:040x}");
        let credential = |it: usize| {
            let digest = KeyDigest::of(key(it));
            (digest, Credential::new(it.to_string(), "caller", Kind::ApiKey, ()))
        };
        // Enough to find each one's entry out of the cache.
        let shown = (0..size).step_by(size.div_ceil(100_000)).map(key).collect();
        Self { index: (0..size).map(credential).collect(), shown, calls: 0 }
    }

    /// The digest of what is shown, and the look-up.
    pub fn decide(&mut self) -> bool {
        self.calls += 1;
        let shown = &self.shown[scattered(self.calls, self.shown.len())];
        self.index.find(&KeyDigest::of(shown)).is_some()
    }
}

/// Four scopes with a rule that allows and one that denies in each, and one request.
pub struct Rules {
    scopes: [RuleSet; 4],
    method: Method,
    path: CanonicalPath,
    headers: HeaderMap,
}

impl Rules {
    pub fn asked(method: Method, path: &str) -> Self {
        let scopes = [(); 4].map(|()| rules());
        let path = CanonicalPath::parse(path).unwrap();
        let headers = request(method.clone(), "/").into_parts().0.headers;
        Self { scopes, method, path, headers }
    }

    /// Whether all scopes allow.
    pub fn decide(&self) -> bool {
        let Self { method, path, headers, .. } = self;
        let subject = Subject { method, path, query: None, headers, body: &bytes::Bytes::new() };
        self.scopes.iter().all(|it| it.decide(&subject).effect == Effect::Allow)
    }
}

/// Reads may pass, what is below `/admin` may not.
pub fn rules() -> RuleSet {
    let admin = Pattern::new("^/admin(/|$)", "i").unwrap();
    let rules = vec![
        Rule::new("reads", Effect::Allow).methods(["GET", "HEAD"]),
        Rule::new("no-admin", Effect::Deny).path(admin, Presence::Present),
    ];
    RuleSet::new(rules, Effect::Deny).unwrap()
}

/// Some JSON, and filters for it.
pub struct Document {
    text: String,
    filters: Vec<Filter>,
}

impl Document {
    /// An array of customers, of at least `bytes`.
    pub fn of(bytes: usize) -> Self {
        let mut text = "[".to_owned();
        for id in 0.. {
            text += &format!(
                r#"{{"id":{id},"name":"Ada Lovelace","taxNumber":"QQ 12 34 56 C","orders":[{{"sku":"engine-{id}","price":100.00,"internalMargin":0.42}}]}}"#
            );
            if text.len() + 1 >= bytes {
                break;
            }
            text.push(',');
        }
        let filters = vec![
            Filter::new("public", Operation::Retain, ["$[*].id", "$[*].orders"]).unwrap(),
            Filter::new("no-margins", Operation::Destroy, ["$[*].orders[*].internalMargin"])
                .unwrap(),
        ];
        Self { text: text + "]", filters }
    }

    /// What is left of it, in bytes.
    pub fn decide(&self) -> usize {
        rrfilter::apply(&self.filters, self.text.as_bytes()).unwrap().document.len()
    }
}

type AtOnce = ServiceFn<fn(Request<()>) -> Ready<Result<Response<()>, Infallible>>>;

/// The injection of a bearer token, over a service that answers at once.
pub struct Injecting(Inject<AtOnce>);

impl Injecting {
    pub fn bearer() -> Self {
        let injection = Injection::bearer("Bearer ", "sk_live_4eC39HqLyjWDarjtT1zdp7dc");
        let inner: AtOnce = tower::service_fn(|_| ready(Ok(Response::new(()))));
        Self(InjectLayer::new(Arc::new(injection.unwrap())).layer(inner))
    }

    /// A request whose context an outer layer has made.
    pub fn request() -> Request<()> {
        let mut request = request(Method::GET, "/customers/7");
        request.extensions_mut().insert(Context::new(&Clock::system()));
        request
    }

    pub fn call(&mut self, request: Request<()>) -> bool {
        self.0.call(request).now_or_never().unwrap().unwrap().status().is_success()
    }
}

/// A request with headers as programs send them.
pub fn request(method: Method, path: &str) -> Request<()> {
    let request = Request::builder().method(method).uri(path).header("host", "gateway.example");
    let request = request.header("accept", "application/json").header("user-agent", "bench/1.0");
    request.header("accept-encoding", "identity").body(()).unwrap()
}

/// Some index below `len`: neighbouring calls are far apart in memory.
fn scattered(call: u64, len: usize) -> usize {
    // Fibonacci hashing; the high bits, scaled.
    ((u128::from(call.wrapping_mul(0x9E37_79B9_7F4A_7C15)) * len as u128) >> 64) as usize
}

/// Never reached.
pub const PLENTY: u64 = 1_000_000_000_000;
