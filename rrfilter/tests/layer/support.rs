//! Drives the layer over a mock upstream, whose bodies cannot be cloned.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use rrcore::{Code, Refusal, Scope, Stage};
use rrfilter::{Filter, FilterLayer, FilterSet, FilteredBody, Filters, Operation};
use tower_test::mock::{self, Handle, Mock, Spawn};

pub(crate) type Boxed = UnsyncBoxBody<Bytes, std::io::Error>;
pub(crate) type Inner = Mock<Request<()>, Response<Boxed>>;
pub(crate) type Upstream = Handle<Request<()>, Response<Boxed>>;

/// What must not leave the upstream.
pub(crate) const CANARY: &str = "078-05-1120";

pub(crate) fn retain(paths: &[&str]) -> FilterLayer {
    let filter = Filter::new("flt_1", Operation::Retain, paths).unwrap();
    FilterLayer::new().scope(Scope::Proxy, Arc::new(FilterSet::new(vec![filter])))
}

pub(crate) fn get() -> Request<()> {
    Request::new(())
}

pub(crate) fn boxed(data: &[u8]) -> Boxed {
    Full::new(Bytes::copy_from_slice(data)).map_err(|never| match never {}).boxed_unsync()
}

pub(crate) fn json() -> http::response::Builder {
    Response::builder().header(CONTENT_TYPE, "application/json")
}

/// The layer over an upstream, ready for one request.
pub(crate) fn spawn(layer: FilterLayer) -> (Spawn<Filters<Inner>>, Upstream) {
    let (mut service, upstream) = mock::spawn_layer(layer);
    tokio_test::assert_ready_ok!(service.poll_ready());
    (service, upstream)
}

/// What becomes of `request` if the upstream answers with `response`.
pub(crate) async fn through(
    layer: FilterLayer,
    request: Request<()>,
    response: Response<Boxed>,
) -> Response<FilteredBody<Boxed>> {
    let (mut service, mut upstream) = spawn(layer);
    let answer = service.call(request);
    let (_, send) = upstream.next_request().await.unwrap();
    send.send_response(response);
    answer.await.unwrap()
}

pub(crate) async fn text(response: Response<FilteredBody<Boxed>>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// The answer is a refusal, and nothing of the upstream's response is in it.
pub(crate) async fn refused(response: Response<FilteredBody<Boxed>>, code: Code, stage: Stage) {
    let refusal = response.extensions().get::<Refusal>().unwrap();
    assert_eq!((refusal.code(), refusal.stage()), (code, stage));
    assert_eq!(response.status(), code.status());
    let head = format!("{response:?}");
    let body = text(response).await;
    assert!(!format!("{head}{body}").contains(CANARY), "{head}{body}");
    assert!(body.contains(code.as_str()));
}
