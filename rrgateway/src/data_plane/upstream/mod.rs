//! The call: one small service that sends a request to a target and relays what comes back.

mod body;
mod client;
mod connect;
mod failure;
mod resolver;
mod switched;

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST, TRANSFER_ENCODING, UPGRADE, VIA};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use rrcore::{Body, Code, Refusal, Stage};
use tower::Service;

use self::body::UpstreamBody;
pub use self::client::Connector;
use self::client::Partition;
use self::failure::Failure;
pub use self::switched::Switched;
use crate::data_plane::body::StagedBody;
use crate::data_plane::exchange::{Exchange, Progress, UpstreamNotes};
use crate::data_plane::hygiene::AsksForWebSocket;
use crate::data_plane::{hygiene, injection};
use crate::model::Proxy;

/// Sends requests to one proxy's target. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Upstream {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    proxy: Arc<Proxy>,
    partition: Arc<Partition>,
    via: HeaderValue,
}

impl Upstream {
    /// The upstream of `proxy`, reached through `connector`. `via` is what we add to the `Via`
    /// header.
    ///
    /// Connections are never shared with another proxy: a response that an upstream sends out of
    /// turn must not reach another tenant's caller.
    pub fn new(proxy: Arc<Proxy>, connector: &Connector, via: HeaderValue) -> Self {
        let target = &proxy.target;
        let partition = connector.partition(&target.base_url, target.timeouts.connect);
        Self { inner: Arc::new(Inner { proxy, partition, via }) }
    }
}

impl Upstream {
    /// `request` with the URL that is called in place of its path, and the host that belongs to it.
    /// Where the two do not make a URL, it stays as it is, and is refused before it is sent.
    pub fn aimed<B>(&self, mut request: Request<B>) -> Request<B> {
        let base = &self.inner.proxy.target.base_url;
        if let Some(url) = join(base, request.uri().path_and_query()) {
            *request.uri_mut() = url;
        }
        request.headers_mut().insert(HOST, base.host_field().clone());
        request
    }
}

type UpstreamResponse = Response<Body<UpstreamBody>>;

impl Service<Request<StagedBody>> for Upstream {
    type Response = UpstreamResponse;
    type Error = Infallible;
    // The client's own future is a box already; this one lets the rest be plain `async`.
    type Future = Pin<Box<dyn Future<Output = Result<UpstreamResponse, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<StagedBody>) -> Self::Future {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { Ok(inner.exchange(request).await) })
    }
}

impl Inner {
    async fn exchange(&self, mut request: Request<StagedBody>) -> UpstreamResponse {
        let Some(exchange) = request.extensions().get::<Exchange>().cloned() else {
            // Only the edge calls a route, and it puts one there.
            let context = rrcore::Context::of(request.extensions_mut(), &rrcore::Clock::system());
            let refusal = Refusal::new(Code::Internal).because("no exchange on the request");
            return context.refuse(refusal).map(Body::own);
        };
        match self.send(&exchange, request).await {
            Ok(response) => {
                exchange.context().passed(Stage::Upstream);
                response.map(Body::inner)
            }
            Err(refusal) => exchange.context().refuse(refusal).map(Body::own),
        }
    }

    async fn send(
        &self,
        exchange: &Exchange,
        request: Request<StagedBody>,
    ) -> Result<Response<UpstreamBody>, Refusal> {
        // The injection is built when a revision arrives; a date can pass after that.
        injection::in_time(&self.proxy.credential, exchange.context().now())?;
        let timeouts = self.proxy.target.timeouts;
        let request = self.addressed(request)?;
        let is_asked = request.headers().contains_key(UPGRADE);
        let mut called = Called::by(exchange);
        let answer = {
            // Where it is: it is large, and a timeout would move it twice.
            let call = pin!(self.call(request, &mut called));
            in_time(call, timeouts.response, exchange.progress()).await
        };
        called.status =
            answer.as_ref().and_then(|it| it.as_ref().ok()).map(|it| it.status().as_u16());
        drop(called);
        let response = match answer {
            None => return Err(Refusal::new(Code::UpstreamTimeout)),
            Some(Err(error)) => return Err(failure::refusal(&error)),
            Some(Ok(response)) => response,
        };
        self.relayed(response, timeouts.idle, is_asked)
    }

    // A connection that was kept open may have been closed by its other end meanwhile: what can be
    // sent twice without harm is, once.
    async fn call(
        &self,
        request: Request<StagedBody>,
        called: &mut Called<'_>,
    ) -> Result<Response<hyper::body::Incoming>, Failure> {
        let again = again(&request);
        match (self.partition.send(request).await, again) {
            (Err(failure), Some(again)) if failure.is_broken_off() => {
                called.attempts += 1;
                self.partition.send(again).await
            }
            (answer, _) => answer,
        }
    }

    fn addressed(&self, mut request: Request<StagedBody>) -> Result<Request<StagedBody>, Refusal> {
        if request.uri().authority().is_none() {
            return Err(Refusal::new(Code::MalformedRequest)
                .because("the target and the path do not make a URL"));
        }
        *request.version_mut() = Version::HTTP_11;
        // Without that, the client library takes for granted that these have no body.
        if is_framed_by_nothing(&request) {
            request.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        request.headers_mut().append(VIA, self.via.clone());
        // The client's own went with what belonged to its hop.
        let is_asked = request.extensions().get::<AsksForWebSocket>().is_some();
        if is_asked && self.proxy.allow_upgrade {
            let headers = request.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        }
        Ok(request)
    }

    fn relayed(
        &self,
        mut response: Response<hyper::body::Incoming>,
        idle: Duration,
        is_asked: bool,
    ) -> Result<Response<UpstreamBody>, Refusal> {
        let switched = match response.status() == StatusCode::SWITCHING_PROTOCOLS {
            true if is_asked && hygiene::is_websocket(response.headers()) => {
                Some(Switched { upstream: hyper::upgrade::on(&mut response) })
            }
            true => {
                let invalid = Refusal::new(Code::UpstreamInvalidResponse);
                return Err(invalid.because("a 101 that nobody asked for"));
            }
            false => None,
        };
        hygiene::cleanse(response.headers_mut(), &self.proxy.id, &self.proxy.target.base_url);
        response.extensions_mut().clear();
        if let Some(switched) = switched {
            response.extensions_mut().insert(switched);
        }
        *response.version_mut() = Version::HTTP_11;
        Ok(response.map(|body| UpstreamBody::new(body, idle)))
    }
}

/// A call of the upstream: noted when it ends, also where nobody waits for its answer any more.
struct Called<'a> {
    exchange: &'a Exchange,
    start: Duration,
    status: Option<u16>,
    attempts: u32,
}

impl<'a> Called<'a> {
    fn by(exchange: &'a Exchange) -> Self {
        Self { exchange, start: exchange.context().clock().monotonic(), status: None, attempts: 1 }
    }
}

impl Drop for Called<'_> {
    fn drop(&mut self) {
        let now = self.exchange.context().clock().monotonic();
        let mut notes = self.exchange.notes();
        // Sent again, with another token.
        let before = notes.upstream.map_or((Duration::ZERO, 0), |it| (it.took, it.attempts));
        notes.upstream = Some(UpstreamNotes {
            status: self.status,
            took: before.0 + now.saturating_sub(self.start),
            attempts: before.1 + self.attempts,
        });
    }
}

// The answer of `call`, if it comes within `limit` of the last of the request's body.
async fn in_time<F: Future>(
    mut call: Pin<&mut F>,
    limit: Duration,
    progress: &Progress,
) -> Option<F::Output> {
    let mut wait = limit;
    loop {
        match tokio::time::timeout(wait, call.as_mut()).await {
            Ok(answer) => return Some(answer),
            Err(_) => wait = progress.grants(limit)?,
        }
    }
}

// A body of unknown length, of a method that seldom has one.
fn is_framed_by_nothing(request: &Request<StagedBody>) -> bool {
    let body = request.body();
    matches!(*request.method(), Method::GET | Method::HEAD)
        && !http_body::Body::is_end_stream(body)
        && http_body::Body::size_hint(body).exact().is_none()
}

// The same request: without a body, and such that twice is as good as once (RFC 9110 §9.2.2).
fn again(request: &Request<StagedBody>) -> Option<Request<StagedBody>> {
    if !request.method().is_idempotent() || !http_body::Body::is_end_stream(request.body()) {
        return None;
    }
    let mut again = Request::new(StagedBody::default());
    again.method_mut().clone_from(request.method());
    again.uri_mut().clone_from(request.uri());
    again.headers_mut().clone_from(request.headers());
    *again.version_mut() = request.version();
    Some(again)
}

fn join(base: &crate::model::BaseUrl, target: Option<&PathAndQuery>) -> Option<Uri> {
    let target = target.map_or("/", |it| it.as_str());
    let whole: Bytes = format!("{}{target}", base.path()).into();
    Uri::builder()
        .scheme(base.scheme().clone())
        .authority(base.authority().clone())
        .path_and_query(PathAndQuery::from_maybe_shared(whole).ok()?)
        .build()
        .ok()
}
