//! All stages over a service that answers at once.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use rratelimit::{Limit, Limiter, Policy, RateLimitLayer};
use rrauth::{AuthLayer, AuthorizeLayer, Credential, Index, InjectLayer, Injection};
use rrauth::{KeyDigest, Kind};
use rrcore::{ContextLayer, Scope};
use rrfilter::{BodyError, Filter, FilterLayer, FilterSet, Operation};
use rrrules::RulesLayer;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceBuilder};

/// What one request comes to.
#[derive(Clone, Copy)]
pub enum Case {
    Granted,
    Unauthorized,
    Forbidden,
    Limited,
    Denied,
}

impl Case {
    pub const ALL: [(&str, Self); 5] = [
        ("granted", Self::Granted),
        ("unauthorized_401", Self::Unauthorized),
        ("forbidden_403", Self::Forbidden),
        ("limited_429", Self::Limited),
        ("denied_400", Self::Denied),
    ];

    pub fn request(self) -> Request<()> {
        let method = if let Self::Denied = self { Method::DELETE } else { Method::GET };
        let mut request = super::request(method, "/customers/7?verbose=1");
        let key = match self {
            Self::Unauthorized => return request,
            Self::Forbidden => STRANGER,
            Self::Granted | Self::Limited | Self::Denied => CALLER,
        };
        request.headers_mut().insert("x-api-key", HeaderValue::from_static(key));
        request
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Granted => StatusCode::OK,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Limited => StatusCode::TOO_MANY_REQUESTS,
            Self::Denied => StatusCode::BAD_REQUEST,
        }
    }
}

/// The stages, boxed once as a gateway would.
pub struct Stack(BoxCloneSyncService<Request<()>, Response<Boxed>, Infallible>);

type Boxed = UnsyncBoxBody<Bytes, BodyError>;

impl Stack {
    /// The stack in which `case` comes to what it says; has answered it before.
    pub fn of(case: Case) -> Self {
        let max = if let Case::Limited = case { 0 } else { super::PLENTY };
        let mut stack = Self::limited_to(max);
        for _ in 0..2 {
            assert_eq!(stack.call(case.request()).status(), case.status());
        }
        stack
    }

    fn limited_to(max: u64) -> Self {
        let keys = [(CALLER, true), (STRANGER, false)].map(|(key, bound)| {
            (KeyDigest::of(key), Credential::new(key, "caller", Kind::ApiKey, bound))
        });
        let keys: Index<bool> = keys.into_iter().collect();
        let policy = Policy::new([Limit::sliding("perMinute", max, Duration::from_secs(60))]);
        let rules = Arc::new(super::rules());
        let filter = Filter::new("no-tax", Operation::Destroy, ["$.taxNumber"]);
        let filters = FilterSet::new(vec![filter.unwrap()]);
        let injection = Injection::bearer("Bearer ", "sk_live_4eC39HqLyjWDarjtT1zdp7dc");
        let stack = ServiceBuilder::new()
            .map_response(|it: Response<_>| it.map(BodyExt::boxed_unsync))
            .layer(ContextLayer::new())
            .layer(AuthLayer::new(Arc::new(keys)))
            .layer(AuthorizeLayer::new(|bound: &bool, _: &_| *bound))
            .layer(RateLimitLayer::new(policy.unwrap(), Arc::new(Limiter::new())))
            .layer(
                RulesLayer::new()
                    .scope(Scope::Proxy, Arc::clone(&rules))
                    .scope(Scope::Target, Arc::clone(&rules))
                    .scope(Scope::TargetCredential, Arc::clone(&rules))
                    .scope(Scope::ProxyCredential, rules),
            )
            .layer(FilterLayer::new().scope(Scope::Proxy, Arc::new(filters)))
            .layer(InjectLayer::new(Arc::new(injection.unwrap())))
            .service_fn(|_: Request<()>| ready(Ok(upstream())));
        Self(BoxCloneSyncService::new(stack))
    }

    pub fn call(&mut self, request: Request<()>) -> Response<Boxed> {
        // Always ready, and never waits.
        self.0.call(request).now_or_never().unwrap().unwrap()
    }
}

fn upstream() -> Response<Full<Bytes>> {
    let body = r#"{"id":7,"name":"Ada Lovelace","taxNumber":"QQ 12 34 56 C","orders":[]}"#;
    let mut response = Response::new(Full::from(body));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    response
}

const CALLER: &str = "rk_bench_caller_000000000000000000000000";
const STRANGER: &str = "rk_bench_stranger_0000000000000000000000";
