//! The path of a request.
//!
//! ```text
//!            edge                          route: one stack per proxy, built per revision
//!  client ─▶ hygiene ─▶ router ─▶ authenticate ─▶ authorize ─▶ limit ─▶ rules ─▶ validate ─▶ transform ─▶ filter ─▶ inject ─▶ upstream
//!  client ◀─ record  ◀─ hygiene ◀────────────────────────── transform ◀─ filter ◀─ meters ◀─ echo shield ◀──────────── ┘
//! ```
//!
//! Any stage may answer instead of the upstream. Moving a line changes what the gateway promises,
//! so every line says what it relies on or protects.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use rrauth::{AuthLayer, AuthorizeLayer, Index};
use rrcore::{Code, Refusal};
use tower::util::MapRequestLayer;
use tower::{ServiceBuilder, ServiceExt};
use tower_layer::Stack;

use crate::data_plane::answer;
use crate::data_plane::body::{RequestBody, ResponseBody, StagedBody, WithoutTrailers};
use crate::data_plane::edge::{Edge, Peer};
use crate::data_plane::exchange::Exchange;
use crate::data_plane::layers::{Callers, Layers};
use crate::data_plane::stack::RouteStack;
use crate::data_plane::tunnel::{self, Outgoing};
use crate::data_plane::upstream::Upstream;
use crate::data_plane::{hygiene, router, tenure};
use crate::model::{Consumer, Lapse};

/// What every request meets before its proxy is known, and every response last.
pub async fn edge(edge: Edge, peer: Peer, mut request: Request<Incoming>) -> Response<Outgoing> {
    // The caller's end of a connection that may turn into a WebSocket.
    let passage = tunnel::Passage::of(&mut request);
    // Request id, the one reading of the clock, the client's address. From here on there is a
    // record, whatever happens.
    let (ending, request) = edge.begin(peer, request);
    let exchange = ending.exchange().clone();
    let response = match through(&edge, &exchange, request).await {
        Ok(response) => response,
        Err(refusal) => answer::refuse(exchange.context(), refusal),
    };
    // `rr-*` headers, which nobody upstream may set, and the record when the last byte has left;
    // of a WebSocket that now begins, too.
    tunnel::open(passage, &exchange, edge.finish(ending, response))
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
    let served = AssertUnwindSafe(stack.oneshot(request)).catch_unwind();
    match tenure::within(exchange, edge.live(), served).await {
        Ok(Ok(Ok(response))) => Ok(response),
        Ok(Ok(Err(never))) => match never {},
        Ok(Err(_)) => Err(Refusal::new(Code::Internal).because("a stage panicked")),
        // A credential that is no longer good ends what it began.
        Err(lapse) => Err(lapsed(edge, exchange, lapse)),
    }
}

fn lapsed(edge: &Edge, exchange: &Exchange, lapse: Lapse) -> Refusal {
    let has_expired = lapse == Lapse::Expired;
    let routes = edge.live().current();
    let proxy = exchange.notes().proxy.clone();
    let route = routes.as_ref().zip(proxy).and_then(|(it, proxy)| it.table.get(&proxy.id));
    match route.map(|it| &it.stages().layers.callers) {
        Some(Callers::Known { authenticate, .. }) => authenticate.lapsed(has_expired),
        // A 401 says how to be let in (RFC 9110 §15.5.2), also where there is nothing left to enter.
        Some(Callers::Anybody(_)) | None => {
            AuthLayer::new(Index::<()>::builder().build()).lapsed(has_expired)
        }
    }
}

/// What a request meets once its proxy is known. `explain.rs` asks the same layers in this order.
pub fn route(layers: &Layers, upstream: Upstream) -> RouteStack {
    let aim = upstream.clone();
    let judged = ServiceBuilder::new()
        // The body, where a meter must look into it before it can tell what a request costs. Read
        // once, for all stages below.
        .layer(layers.read_ahead.clone())
        // How often, over all callers of the proxy, and how much by its meters: all of it has room,
        // or nothing is charged. Below authentication, so that guessing keys
        // costs nobody their quota.
        .layer(layers.limit.clone())
        // Whether. Judges the canonical path, which is also what goes upstream, and the body where
        // a rule needs it: read once, for all stages below.
        .layer(reading(layers.rules_with_bodies()))
        // What the client said belongs to its own hop. The rules have judged with it and without it.
        // Above all that sets a header: what we set cannot be nominated away.
        .map_request(hygiene::without_nominated)
        // Whether it has the right shape. Below the rules, which say more cheaply what is refused;
        // above everything that may change the body.
        .layer(reading(layers.validate.clone()))
        // What is changed in it, once it is known to be allowed and in shape; and last in its
        // response, so that nothing that was put there is filtered away.
        .layer(reading(layers.transform.clone()))
        // What of its body passes; also of what the transformation put there.
        .layer(reading(layers.request_filter.clone()))
        // What of the response passes: nothing above ever sees what it takes out.
        .layer(layers.filter.clone())
        // What the answer costs: reads what the upstream itself says, before anything is taken out.
        .layer(layers.meters.clone())
        // What must not come back: the secret that is injected below. Nearest the upstream, so that
        // nothing above can show it, hold it or write it down.
        .layer(layers.shield.clone())
        // Where to: from here on the request has the URL that is called, which is what a secret is
        // bound to and a signature covers.
        .map_request(move |request| aim.aimed(request))
        // As whom. Last, after everything that could show, log or refuse: what is injected here
        // is seen by the upstream only.
        .layer(reading(layers.inject_with_bodies()))
        .service(upstream);
    match &layers.callers {
        // Stages 3 and 4 off, because the proxy says so in so many words. What the caller shows all
        // the same, perhaps a key that other proxies take, is not ours to forward.
        Callers::Anybody(strip) => RouteStack::new(
            ServiceBuilder::new().map_response(erase).layer(strip.clone()).service(judged),
        ),
        Callers::Known { authenticate, admission, .. } => {
            let admission = Arc::clone(admission);
            RouteStack::new(
                ServiceBuilder::new()
                    .map_response(erase)
                    // Who is calling. Takes the caller's credential off the request; everything
                    // below may rely on the identity and its `Consumer`.
                    .layer(AuthLayer::clone(authenticate))
                    // Whether that credential is bound to this proxy, and grants what it asks for.
                    .layer(AuthorizeLayer::new(move |caller: &Arc<Consumer>, head: &Parts| {
                        admission.access(caller, &head.extensions)
                    }))
                    // Who is being served, for as long as that lasts.
                    .map_request(tenure::noted)
                    .service(judged),
            )
        }
    }
}

// A stage that may read the request's body. Whether it did or passed it through, the next one is
// given a body of the same type: below the first, bodies do not nest.
fn reading<L>(stage: L) -> Stack<MapRequestLayer<Flat>, L> {
    let flat: Flat = |it| it.map(rrcore::Body::flatten);
    Stack::new(MapRequestLayer::new(flat), stage)
}

type Flat = fn(Request<rrcore::Body<StagedBody>>) -> Request<StagedBody>;

fn erase<B>(response: Response<B>) -> Response<ResponseBody>
where
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<crate::data_plane::body::BoxError>,
{
    response.map(|body| WithoutTrailers::new(body).map_err(Into::into).boxed_unsync())
}
