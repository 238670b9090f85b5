//! [`ValidateLayer`] seen from outside, over a mock that panics when it is called unready.

#![cfg(test)]
#![cfg(feature = "validation")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt;
use rrcore::{Body, Budget, BufferedBody, Clock, Context, Fact, Handle, Outcome, Refusal, Stage};
use rrrules::{OpenApi, Shadowed, Validate, ValidateLayer, Validator};
use serde_json::{Value, json};
use tokio_test::{assert_pending, assert_ready_ok};
use tower_test::mock;

#[tokio::test]
async fn what_is_valid_goes_on_byte_for_byte() {
    let sent = "{ \"name\" :\t\"\\u0041da\", \"price\": 1.00e0 }";
    let received = pass(by_schema(), post(&[&sent[..5], &sent[5..]])).await;
    let context = received.extensions().get::<Context>().unwrap().clone();
    assert_eq!(received.extensions().get::<BufferedBody>().unwrap().data(), sent);
    assert_eq!(received.into_body().collect().await.unwrap().to_bytes(), sent);
    let trail = context.trail();
    assert_eq!(
        (trail.entries()[0].stage, trail.entries()[0].outcome),
        (Stage::Validate, Outcome::Passed)
    );
}

#[tokio::test]
async fn a_layer_that_is_off_reads_and_records_nothing() {
    let received = pass(ValidateLayer::off(), post(&["no ", "JSON"])).await;
    assert!(received.extensions().get::<BufferedBody>().is_none());
    assert!(received.extensions().get::<Context>().is_none());
    assert_eq!(received.into_body().collect().await.unwrap().to_bytes(), "no JSON");
}

#[tokio::test]
async fn what_is_not_valid_never_reaches_the_inner_service() {
    let refused =
        refuse(by_schema(), post(&["{\"name\":", "\"canary\",\"price\":\"canary\"}"])).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let body = document(refused).await;
    assert_eq!(body["code"], "validation-failed");
    assert_eq!(body["stage"], "validate");
    let expected = json!([{ "pointer": "/body/price", "detail": "must be of type number" }]);
    assert_eq!(body["errors"], expected);
    assert!(!body.to_string().contains("canary"));
}

#[tokio::test]
async fn each_reason_has_its_status_and_code() {
    let gzip = |bytes: &'static [u8]| with("content-encoding", "gzip", post_bytes(vec![bytes]));
    for (request, status, code) in [
        (with("content-type", "text/plain", post(&["{}"])), 415, "unsupported-media-type"),
        (with("content-encoding", "br", post(&["{}"])), 415, "unsupported-media-type"),
        (gzip(b"not gzip"), 415, "unsupported-media-type"),
        (gzip(GZIPPED_ZEROS), 413, "content-too-large"),
        (
            post(&["[", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"]),
            413,
            "content-too-large",
        ),
        (post(&["{\"name\":1,\"name\":2}"]), 422, "validation-failed"),
        (post(&[]), 422, "validation-failed"),
        (post(&[""]), 422, "validation-failed"),
    ] {
        let refused = refuse(by_schema().max_body_bytes(64), request).await;
        assert_eq!(refused.status(), status);
        let refusal = refused.extensions().get::<Refusal>().unwrap();
        assert_eq!((refusal.code().as_str(), refusal.stage()), (code, Stage::Validate));
    }
}

#[tokio::test]
async fn a_coded_body_is_checked_decoded_and_goes_on_coded() {
    let received =
        pass(by_schema(), with("content-encoding", "gzip", post_bytes(vec![GZIPPED_NAME]))).await;
    assert_eq!(received.into_body().collect().await.unwrap().to_bytes(), GZIPPED_NAME);
}

#[tokio::test]
async fn memory_that_is_used_up_is_said_to_be() {
    let refused = refuse(by_schema().budget(&Budget::bytes(3)), post(&["{\"name\":1}"])).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn nothing_is_read_that_nobody_looks_into() {
    // A body that would fail the test if it were asked for anything.
    let request =
        Request::post("/upload").header("content-type", "image/png").body(Frames::never());
    let received = pass(by_document(), request.unwrap()).await;
    assert!(received.extensions().get::<BufferedBody>().is_none());
    let listed = Request::post("/upload").header("content-type", "text/csv");
    let listed = listed.header("content-length", "9").body(Frames::never());
    assert_eq!(refuse(by_document(), listed.unwrap()).await.status(), 415);
}

#[tokio::test]
async fn by_a_document_the_path_goes_on_as_it_was_judged() {
    let get = |target: &str| Request::get(target).body(Frames::of(&[])).unwrap();
    let received = pass(by_document(), get("/x/%2e%2e//pets/%37?a=%2f")).await;
    assert_eq!(received.uri(), "/pets/7?a=%2f");
    assert_eq!(
        refuse(by_document(), get("/pets/x/..%2f7")).await.status(),
        StatusCode::BAD_REQUEST
    );
    assert_eq!(refuse(by_document(), get("/pets/x")).await.status(), 422);
}

#[tokio::test]
async fn a_request_is_checked_by_what_is_in_force_when_it_arrives() {
    let handle = Handle::new(Validator::json_schema(&json!(true)).unwrap());
    let layer = ValidateLayer::new(handle.clone());
    pass(layer.clone(), post(&["1"])).await;
    handle.set(Validator::json_schema(&json!(false)).unwrap());
    assert_eq!(refuse(layer, post(&["1"])).await.status(), 422);
}

#[tokio::test]
async fn readiness_is_that_of_the_inner_service() {
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(by_schema());
    upstream.allow(0);
    assert_pending!(service.poll_ready());
    upstream.allow(1);
    assert_ready_ok!(service.poll_ready());
    // The one that was ready is the one that is called, after its body has come.
    let response = service.call(post(&["{\"name\":", "1}"]));
    let response = tokio::spawn(response);
    let (_, reply) = upstream.next_request().await.unwrap();
    reply.send_response(Response::new(Frames::of(&[])));
    assert_eq!(response.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn responses_pass_unchanged_and_the_trail_says_what_is_wrong_with_them() {
    for (body, expected) in [
        (&["{\"id\":", "7}"][..], ("valid", vec![])),
        (&["{\"id\":\"canary\"}"], ("invalid", vec!["/body/id".into()])),
        (&[&"x".repeat(65)], ("unchecked", vec![])),
    ] {
        let document = OpenApi::new().responses();
        let validator = Validator::openapi_with(&document_3_1(), document).unwrap();
        let layer = ValidateLayer::new(validator).responses(64);
        let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer);
        assert_ready_ok!(service.poll_ready());
        let mut request = Request::get("/pets/7").body(Frames::of(&[])).unwrap();
        let context = Context::of(request.extensions_mut(), &Clock::system());
        let response = tokio::spawn(service.call(request));
        let (_, reply) = upstream.next_request().await.unwrap();
        let mut frames = Frames::of(body);
        let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())]);
        frames.0.push_back(Frame::trailers(trailers.clone()));
        let sent = Response::builder().header("content-type", "application/json").body(frames);
        reply.send_response(sent.unwrap());

        let collected = response.await.unwrap().unwrap().into_body().collect().await.unwrap();
        assert_eq!(collected.trailers(), Some(&trailers));
        assert_eq!(collected.to_bytes(), body.concat());
        let (outcome, pointers) = expected;
        let fact = Fact::Validation { message: "response", outcome, pointers };
        assert!(context.trail().facts().eq([&fact]), "{:?}", context.trail());
    }
}

#[test]
fn layer_and_service_go_anywhere_and_show_nothing_of_the_schema() {
    fn anywhere<T: Clone + Send + Sync + 'static>() {}
    fn sent<T: Send>(_: &T) {}
    anywhere::<ValidateLayer>();
    anywhere::<Validate<mock::Mock<Req, Res>>>();
    let (mut service, _upstream) = mock::spawn_layer::<Req, Res, _>(by_schema());
    assert_ready_ok!(service.poll_ready());
    sent(&service.call(post(&["{}"])));
    assert!(!format!("{:?}", by_schema()).contains("price"));
}

struct Frames(VecDeque<Frame<Bytes>>, bool);

impl Frames {
    fn of(pieces: &[&str]) -> Self {
        let data = pieces.iter().map(|it| Frame::data(Bytes::copy_from_slice(it.as_bytes())));
        Self(data.collect(), true)
    }

    fn never() -> Self {
        Self(VecDeque::new(), false)
    }
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        assert!(self.1, "read");
        Poll::Ready(self.0.pop_front().map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.1 && self.0.is_empty()
    }
}

type Req = Request<Body<Frames>>;
type Res = Response<Frames>;

fn by_schema() -> ValidateLayer {
    let schema = json!({ "required": ["name"], "properties": { "price": { "type": "number" } } });
    ValidateLayer::new(Arc::new(Validator::json_schema(&schema).unwrap()))
}

fn by_document() -> ValidateLayer {
    ValidateLayer::new(Validator::openapi(&document_3_1()).unwrap())
}

fn document_3_1() -> Value {
    let id =
        json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } });
    let pet = json!({ "type": "object", "properties": { "id": { "type": "integer" } } });
    let content = json!({ "application/json": { "schema": pet } });
    json!({ "openapi": "3.1.0", "paths": {
        "/pets/{id}": { "get": {
            "parameters": [id], "responses": { "200": { "content": content } },
        } },
        "/upload": { "post": { "requestBody": { "required": true, "content": { "image/*": {} } } } },
    } })
}

fn post(pieces: &[&str]) -> Request<Frames> {
    let request = Request::post("/").header("content-type", "application/json");
    request.body(Frames::of(pieces)).unwrap()
}

fn post_bytes(pieces: Vec<&'static [u8]>) -> Request<Frames> {
    let frames = pieces.into_iter().map(|it| Frame::data(Bytes::from_static(it)));
    post(&[]).map(|_| Frames(frames.collect(), true))
}

fn with(name: &'static str, value: &str, mut request: Request<Frames>) -> Request<Frames> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

async fn pass(layer: ValidateLayer, request: Request<Frames>) -> Req {
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer);
    assert_ready_ok!(service.poll_ready());
    let response = tokio::spawn(service.call(request));
    let (received, reply) = upstream.next_request().await.unwrap();
    reply.send_response(Response::new(Frames::of(&[])));
    assert_eq!(response.await.unwrap().unwrap().status(), StatusCode::OK);
    received
}

async fn refuse(
    layer: ValidateLayer,
    request: Request<Frames>,
) -> Response<Body<Shadowed<Frames>>> {
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer);
    assert_ready_ok!(service.poll_ready());
    let response = service.call(request).await.unwrap();
    drop(service);
    assert!(upstream.next_request().await.is_none());
    response
}

async fn document(response: Response<Body<Shadowed<Frames>>>) -> Value {
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

// A hundred times `0`, and `{"name":"Ada"}`, as gzip (RFC 1952).
const GZIPPED_ZEROS: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x33\x30\xa0\x3d\x00\x00\x77\x60\xa4\x53\x64\x00\x00\x00";
const GZIPPED_NAME: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\xca\x4b\xcc\x4d\x55\xb2\x52\x72\x4c\x49\x54\xaa\x05\x00\x05\x72\xfa\x29\x0e\x00\x00\x00";
