//! The path of a request.
//!
//! ```text
//!            edge                          route: one stack per proxy, built per revision
//!  client ─▶ hygiene ─▶ router ─▶ authenticate ─▶ authorize ─▶ limit ─▶ rules ─▶ validate ─▶ filter ─▶ inject ─▶ upstream
//!  client ◀─ record  ◀─ hygiene ◀────────────────────────────────────────────────────── filter ◀──────────────── ┘
//! ```
//!
//! Any stage may answer instead of the upstream. Moving a line changes what the gateway promises,
//! so every line says what it relies on or protects.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use rratelimit::{Key, Limiter, RateLimitLayer};
use rrauth::{AuthLayer, AuthorizeLayer, InjectLayer, Injection};
use rrcore::{Budget, Clock, Code, Refusal, Scope};
use rrfilter::FilterLayer;
use rrrules::{RulesLayer, ValidateLayer};
use tower::{ServiceBuilder, ServiceExt};

use crate::data_plane::answer;
use crate::data_plane::body::{RequestBody, ResponseBody};
use crate::data_plane::edge::{Edge, Peer};
use crate::data_plane::exchange::Exchange;
use crate::data_plane::record::Recorded;
use crate::data_plane::stack::RouteStack;
use crate::data_plane::upstream::Upstream;
use crate::data_plane::{hygiene, router};
use crate::model::{Authentication, Consumer, Proxy};

/// What every request meets before its proxy is known, and every response last.
pub async fn edge(edge: Edge, peer: Peer, request: Request<Incoming>) -> Response<Recorded> {
    // Request id, the one reading of the clock, the client's address. From here on there is a
    // record, whatever happens.
    let (exchange, request) = edge.begin(peer, request);
    let response = match through(&edge, &exchange, request).await {
        Ok(response) => response,
        Err(refusal) => answer::refuse(exchange.context(), refusal),
    };
    // `rr-*` headers, which nobody upstream may set, and the record when the last byte has left.
    edge.finish(exchange, response)
}

async fn through(
    edge: &Edge,
    exchange: &Exchange,
    mut request: Request<RequestBody>,
) -> Result<Response<ResponseBody>, Refusal> {
    // One reading of the message, or none. Below it nothing frames the message but the server, and
    // nothing in it claims to be ours.
    hygiene::admit(&mut request, edge.max_request_bytes(), edge.via())?;
    // The proxy, from the raw prefix; then the rest of the path gets its one canonical form.
    // Everything below decides by one revision: the one that is current now.
    let stack = router::route(edge.live(), exchange, &mut request)?;
    // A panic costs this request, not its connection's neighbours.
    match AssertUnwindSafe(stack.oneshot(request)).catch_unwind().await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(never)) => match never {},
        Err(_) => Err(Refusal::new(Code::Internal).because("a stage panicked")),
    }
}

/// What outlives a revision: counters, and the clock that everything is timed by.
#[derive(Clone, Debug)]
pub struct Shared {
    /// What was spent of each limit.
    pub limiter: Arc<Limiter>,
    /// The time.
    pub clock: Clock,
    /// Memory for the request bodies that stages look into.
    pub bodies: Budget,
}

/// What a request meets once its proxy is known.
pub fn route(
    proxy: &Proxy,
    shared: &Shared,
    injection: Arc<Injection>,
    upstream: Upstream,
) -> RouteStack {
    let clock = &shared.clock;
    let key = Key::of(&["proxy", &proxy.client, &proxy.id]);
    let judged = ServiceBuilder::new()
        // How often, over all callers of the proxy. Below authentication, so that guessing keys
        // costs nobody their quota.
        .layer(
            RateLimitLayer::new(Arc::clone(&proxy.limits), Arc::clone(&shared.limiter))
                .key(move |_| key)
                .clock(clock.clone()),
        )
        // Whether. Judges the canonical path, which is also what goes upstream, and the body where
        // a rule needs it: read once, for all stages below.
        .layer(rules(proxy, clock).bodies().budget(&shared.bodies))
        // Whether it has the right shape. Below the rules, which say more cheaply what is refused;
        // above everything that may change the body.
        .layer(validation(proxy, shared))
        .map_request(|request: Request<rrcore::Body<_>>| request.map(rrcore::Body::flatten))
        // What of the response passes; nearest the upstream but for the credential, so that
        // nothing above ever sees what it takes out.
        .layer(filters(proxy, clock))
        // What the client said belongs to its own hop. The rules have seen it.
        .map_request(hygiene::without_nominated)
        // As whom. Last, after everything that could show, log or refuse: what is injected here
        // is seen by the upstream only.
        .layer(InjectLayer::new(injection).clock(clock.clone()))
        .service(upstream);
    match &proxy.authentication {
        // Stages 3 and 4 off, because the proxy says so in so many words. The caller's
        // `Authorization` is not ours to forward.
        Authentication::None => RouteStack::new(
            ServiceBuilder::new()
                .map_response(erase)
                .map_request(hygiene::without_authorization)
                .service(judged),
        ),
        Authentication::Credentials { index, headers, bound } => {
            let bound = bound.clone();
            RouteStack::new(
                ServiceBuilder::new()
                    .map_response(erase)
                    // Who is calling. Takes the caller's credential off the request; everything
                    // below may rely on the identity and its `Consumer`.
                    .layer(
                        AuthLayer::new(Arc::clone(index))
                            .headers(headers.iter().cloned())
                            .clock(clock.clone()),
                    )
                    // Whether that credential is bound to this proxy.
                    .layer(AuthorizeLayer::new(move |caller: &Arc<Consumer>, _: &_| {
                        bound.contains(&caller.credential)
                    }))
                    .service(judged),
            )
        }
    }
}

fn rules(proxy: &Proxy, clock: &Clock) -> RulesLayer {
    let layer = RulesLayer::new()
        .scope(Scope::TargetCredential, Arc::clone(&proxy.credential.rules))
        .scope(Scope::Proxy, Arc::clone(&proxy.rules))
        .scope(Scope::Target, Arc::clone(&proxy.target.rules))
        .deny_status(proxy.rule_deny_status)
        .clock(clock.clone());
    match &proxy.authentication {
        // The proxy-credential scope is empty and allows.
        Authentication::None => layer,
        Authentication::Credentials { .. } => layer.per_caller(|extensions| {
            extensions.get::<Arc<Consumer>>().map(|it| Arc::clone(&it.rules))
        }),
    }
}

fn validation(proxy: &Proxy, shared: &Shared) -> ValidateLayer {
    let Some(validation) = &proxy.validation else { return ValidateLayer::off() };
    let layer = ValidateLayer::new(Arc::clone(&validation.validator));
    let layer = if validation.watches_responses { layer.responses(WATCHED_BYTES) } else { layer };
    layer.budget(&shared.bodies).clock(shared.clock.clone())
}

fn filters(proxy: &Proxy, clock: &Clock) -> FilterLayer {
    let layer = FilterLayer::new()
        .scope(Scope::TargetCredential, Arc::clone(&proxy.credential.filters))
        .scope(Scope::Target, Arc::clone(&proxy.target.filters))
        .scope(Scope::Proxy, Arc::clone(&proxy.filters))
        .clock(clock.clone());
    match &proxy.authentication {
        Authentication::None => layer,
        Authentication::Credentials { .. } => layer.per_caller(|extensions| {
            extensions.get::<Arc<Consumer>>().map(|it| Arc::clone(&it.filters))
        }),
    }
}

fn erase<B>(response: Response<B>) -> Response<ResponseBody>
where
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<crate::data_plane::body::BoxError>,
{
    response.map(|body| body.map_err(Into::into).boxed_unsync())
}

/// Of a response that is looked at, so much is kept until its end.
const WATCHED_BYTES: usize = 1 << 20;
