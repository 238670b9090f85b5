//! The layer over a mock upstream.

use std::io::Write as _;

use bytes::Bytes;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use proptest::prelude::*;
use rrcore::{
    Body, Budget, BufferedBody, Clock, Code, Context, Handle, Identity, ReadOutcome, Refusal, Stage,
};
use rrfilter::{
    BodyStep, BodyTransform, HeaderEdits, InvalidTransform, QueryEdits, RequestTransform,
    ResponseTransform, Transform, TransformLayer, Transforms,
};
use serde_json::json;
use tokio_test::{assert_pending, assert_ready_ok};
use tower_test::mock::{self, Mock, Spawn};

type Boxed = UnsyncBoxBody<Bytes, std::io::Error>;
type Sent = Request<Body<Boxed>>;
type Inner = Mock<Sent, Response<Boxed>>;
type Upstream = mock::Handle<Sent, Response<Boxed>>;

#[tokio::test]
async fn headers_and_query_say_what_the_caller_is_and_not_what_it_claims_to_be() {
    let headers = every_kind_of_edit().unwrap();
    let query = QueryEdits::new().set("user", "{claim.sub}").unwrap().remove("debug").unwrap();
    let transform = RequestTransform::new().headers(headers).unwrap().query(query).unwrap();
    let layer = TransformLayer::new(transform)
        .claims(|_, name| json!({"sub": "alice"}).get(name).cloned())
        .parameters(|_, name| (name == "id").then(|| "7".to_owned()));
    let mut request = request_with(&[
        ("x-user", "root"),
        ("x_user", "root"),
        ("x-tenant", "other"),
        ("X_Tenant", "other"),
        ("x-debug", "1"),
        ("x-old", "o1"),
        ("x-old", "o2"),
        ("x-new", "n"),
        ("x-a", "1"),
        ("x-a", "2"),
    ]);
    *request.uri_mut() = "/a%20b?q=%C3%A9&debug=1&user=root".parse().unwrap();
    let context = Context::of(request.extensions_mut(), &Clock::system());
    context.identify(Identity::new("acme", "cred_1", "bearer"));
    let sent = sent(layer, request).await;
    assert_eq!(sent.uri(), "/a%20b?q=%C3%A9&user=alice");
    let line = "GET /a%20b é 7 1, 2";
    let who = "acme/cred_1/bearer";
    for (name, expected) in [
        ("x-user", &["alice"][..]),
        ("x_user", &[]),
        ("x-tenant", &[]),
        ("x_tenant", &[]),
        ("x-debug", &[]),
        ("x-old", &[]),
        ("x-new", &["o1", "o2"]),
        ("x-a", &["1", "2", "3"]),
        ("x-line", &[line]),
        ("x-who", &[who]),
    ] {
        let lines: Vec<_> = sent.headers().get_all(name).iter().map(|it| it.as_bytes()).collect();
        assert_eq!(lines, expected.iter().map(|it| it.as_bytes()).collect::<Vec<_>>(), "{name}");
    }
}

#[tokio::test]
async fn a_value_that_no_header_can_have_refuses_the_request() {
    let too_long = "x".repeat(8 * 1024 + 1);
    for bad in ["a\r\nx-admin: 1", "a\nb", "a\0", "\u{7f}", "\u{85}", "\u{9}x\u{8}", &too_long] {
        let headers = HeaderEdits::new().set("x-user", "{claim.sub}").unwrap();
        let value = serde_json::Value::from(bad);
        let layer = TransformLayer::new(RequestTransform::new().headers(headers).unwrap())
            .claims(move |_, _| Some(value.clone()));
        refused_request(layer, request(&[]), Code::RequestNotFilterable).await;
    }
    let headers = HeaderEdits::new().set("x-q", "{query.q}").unwrap();
    let layer = TransformLayer::new(RequestTransform::new().headers(headers).unwrap());
    let mut request = request(&[]);
    *request.uri_mut() = "/?q=a%0d%0ax-admin:1".parse().unwrap();
    refused_request(layer, request, Code::RequestNotFilterable).await;
}

#[tokio::test]
async fn a_request_body_is_changed_and_described_anew() {
    let mut request = json_request(&[r#"{"big":9007199254740"#, r#"993,"user":"root"}"#]);
    for (name, value) in [
        ("content-length", "37"),
        ("content-md5", "x"),
        ("digest", "x"),
        ("content-digest", "x"),
        ("repr-digest", "x"),
        ("trailer", "x"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let sent = sent(setting_the_user(), request).await;
    let expected = r#"{"big":9007199254740993,"user":"alice"}"#;
    assert_eq!(sent.headers()[CONTENT_LENGTH], expected.len().to_string());
    assert_eq!(sent.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(sent.headers().len(), 2, "{:?}", sent.headers());
    // A signature covers what goes on.
    assert_eq!(sent.extensions().get::<BufferedBody>().unwrap().data(), expected);
    assert_eq!(text(sent.into_body()).await, expected);
}

#[tokio::test]
async fn a_body_that_was_read_is_not_read_again() {
    let read = BufferedBody::read(json_request(&["{}"]), 100).await;
    let ReadOutcome::Whole(request) = read else { panic!("{read:?}") };
    let sent = sent(setting_the_user(), request.map(|it| it.boxed_unsync())).await;
    assert_eq!(text(sent.into_body()).await, r#"{"user":"alice"}"#);
}

#[tokio::test]
async fn an_encoded_request_body_goes_on_without_its_coding() {
    let mut request = request(&[]);
    *request.body_mut() = boxed(&[&gzip(b"{\"a\":1}")]);
    request.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
    request.headers_mut().insert(CONTENT_ENCODING, "gzip".parse().unwrap());
    let sent = sent(setting_the_user(), request).await;
    assert!(!sent.headers().contains_key(CONTENT_ENCODING));
    assert_eq!(text(sent.into_body()).await, r#"{"a":1,"user":"alice"}"#);
}

#[tokio::test]
async fn a_request_body_that_is_not_what_is_needed_is_refused() {
    let code = Code::RequestNotFilterable;
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"]
    {
        let mut request = json_request(&["{}"]);
        request.headers_mut().insert(CONTENT_TYPE, kind.parse().unwrap());
        refused_request(setting_the_user(), request, code).await;
    }
    let mut undeclared = json_request(&["{}"]);
    undeclared.headers_mut().remove(CONTENT_TYPE);
    refused_request(setting_the_user(), undeclared, code).await;
    for content in ["{", "[]", "7", r#"{"a":1,"a":2}"#, "a=1"] {
        refused_request(setting_the_user(), json_request(&[content]), code).await;
    }
    for coding in ["gzip", "compress", "gzip, gzip"] {
        let mut request = json_request(&["{}"]);
        request.headers_mut().insert(CONTENT_ENCODING, coding.parse().unwrap());
        refused_request(setting_the_user(), request, code).await;
    }
    let large = format!("[{}]", " ".repeat(100));
    let small = || setting_the_user().max_body_bytes(100);
    refused_request(small(), json_request(&[&large]), Code::ContentTooLarge).await;
    let bomb = Bytes::from(gzip(&[b' '; 100_000]));
    let mut request = json_request(&[]);
    *request.body_mut() = boxed(&[&bomb]);
    request.headers_mut().insert(CONTENT_ENCODING, "gzip".parse().unwrap());
    refused_request(setting_the_user().max_body_bytes(5_000), request, Code::ContentTooLarge).await;
    let grows = json_request(&[r#"{"x":"0123456789"}"#]);
    refused_request(setting_the_user().max_body_bytes(20), grows, Code::ContentTooLarge).await;
}

#[tokio::test]
async fn bodies_count_until_they_are_gone() {
    let budget = Budget::bytes(40);
    let layer = || setting_the_user().budget(&budget);
    let sent = sent(layer(), json_request(&["{\"a\":1}"])).await;
    assert_eq!(budget.left(), 40 - r#"{"a":1,"user":"alice"}"#.len());
    refused_request(layer(), json_request(&["{\"a\":1, \"b\":2222}"]), Code::Overloaded).await;
    drop(sent);
    assert_eq!(budget.left(), 40);
}

#[tokio::test]
async fn a_request_without_a_body_stays_without_one() {
    let sent = sent(setting_the_user(), request(&[])).await;
    assert!(!sent.headers().contains_key(CONTENT_LENGTH));
    assert_eq!(text(sent.into_body()).await, "");
}

#[tokio::test]
async fn a_form_may_become_json_and_json_a_form() {
    let layer = |steps: Vec<BodyStep>| {
        let body = BodyTransform::new(steps).unwrap();
        TransformLayer::new(RequestTransform::new().body(body).unwrap())
    };
    let mut request = request(&["a=1&a=2"]);
    let form = "application/x-www-form-urlencoded";
    request.headers_mut().insert(CONTENT_TYPE, form.parse().unwrap());
    let sent_on = sent(layer(vec![BodyStep::from_form()]), request).await;
    assert_eq!(sent_on.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(text(sent_on.into_body()).await, r#"{"a":["1","2"]}"#);

    let sent_on = sent(layer(vec![BodyStep::to_form()]), json_request(&["{\"a\":\"b c\"}"])).await;
    assert_eq!(sent_on.headers()[CONTENT_TYPE], form);
    assert_eq!(text(sent_on.into_body()).await, "a=b%20c");
}

#[tokio::test]
async fn a_response_is_changed_and_described_anew() {
    let mut response = json_response(&[r#"{"data":{"id":9007199"#, r#"254740993},"took":3}"#]);
    for name in ["etag", "content-md5", "digest", "content-digest", "content-length"] {
        response.headers_mut().insert(name, "35".parse().unwrap());
    }
    let headers = HeaderEdits::new()
        .set("x-status", "{response.status} {response.header.content-type}")
        .unwrap()
        .set("x-for", "{header.x-a}")
        .unwrap();
    let transform = stripping().headers(headers).unwrap();
    let mut request = request(&[]);
    request.headers_mut().insert("x-a", "b".parse().unwrap());
    for (name, value) in [("range", "bytes=0-1"), ("if-range", "x"), ("accept-encoding", "x")] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let (sent, answer) = through(TransformLayer::new(transform), request, response).await;
    // Nothing of what the client accepts can be decoded.
    assert_eq!(sent.headers()["accept-encoding"], "identity");
    assert!(!sent.headers().contains_key("range") && !sent.headers().contains_key("if-range"));
    let expected = r#"{"id":9007199254740993}"#;
    let of_answer = |name: &str| answer.headers().get(name).map(|it| it.to_str().unwrap());
    assert_eq!(of_answer("content-length"), Some(expected.len().to_string().as_str()));
    assert_eq!(of_answer("x-status"), Some("200 application/json"));
    assert_eq!(of_answer("x-for"), Some("b"));
    assert_eq!(answer.headers().len(), 4, "{:?}", answer.headers());
    assert_eq!(text(answer.into_body()).await, expected);
}

#[tokio::test]
async fn what_is_not_asked_to_be_changed_passes_untouched() {
    for (status, kind) in [
        (200, "text/html"),
        (200, "application/x-ndjson"),
        (200, "text/event-stream"),
        (200, ""),
        (204, "application/json"),
        (301, "application/json"),
        (404, "application/json"),
        (500, "application/problem+json"),
    ] {
        let mut response = json_response(&["no json"]);
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response.headers_mut().insert(CONTENT_TYPE, kind.parse().unwrap());
        response.headers_mut().insert("etag", "\"x\"".parse().unwrap());
        let (_, answer) = through(TransformLayer::new(stripping()), request(&[]), response).await;
        assert_eq!((answer.status().as_u16(), answer.headers().len()), (status, 2), "{kind}");
        assert_eq!(text(answer.into_body()).await, "no json", "{status} {kind}");
    }
    let empty = json_response(&[]);
    let (_, answer) = through(TransformLayer::new(stripping()), request(&[]), empty).await;
    assert_eq!((answer.status(), text(answer.into_body()).await.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn a_head_that_describes_what_would_be_changed_says_less() {
    for (method, status) in [(Method::HEAD, 200), (Method::GET, 304), (Method::HEAD, 206)] {
        let mut response = json_response(&[]);
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response.headers_mut().insert("etag", "\"x\"".parse().unwrap());
        response.headers_mut().insert(CONTENT_LENGTH, "7".parse().unwrap());
        let mut request = request(&[]);
        *request.method_mut() = method;
        let (_, answer) = through(TransformLayer::new(stripping()), request, response).await;
        assert_eq!((answer.status().as_u16(), answer.headers().len()), (status, 1));
    }
}

#[tokio::test]
async fn a_response_that_cannot_be_changed_is_withheld() {
    let code = Code::ResponseNotFilterable;
    for content in ["no json", "{}", r#"{"data":1,"data":2}"#, "\u{feff}", "{\"data\":1"] {
        refused_response(json_response(&[content]), code).await;
    }
    let mut part = json_response(&["{\"data\":1}"]);
    *part.status_mut() = StatusCode::PARTIAL_CONTENT;
    refused_response(part, code).await;
    for (name, value) in [
        ("content-encoding", "compress"),
        ("content-encoding", "gzip"),
        ("content-type", "application/json; charset=latin1"),
    ] {
        let mut response = json_response(&["{\"data\":1}"]);
        response.headers_mut().insert(name, value.parse().unwrap());
        refused_response(response, code).await;
    }
    let large = format!("{{\"data\":\"{}\"}}", "x".repeat(1_000));
    refused_response(json_response(&[&large]), Code::ResponseTooLarge).await;
    let mut bomb = json_response(&[]);
    *bomb.body_mut() = boxed(&[&gzip(large.as_bytes())]);
    bomb.headers_mut().insert(CONTENT_ENCODING, "gzip".parse().unwrap());
    refused_response(bomb, Code::ResponseTooLarge).await;
    let frames =
        [Ok(Frame::data(Bytes::from_static(b"{\"data\":"))), Err(std::io::Error::other("gone"))];
    let broken = StreamBody::new(stream(frames));
    let broken = json_response(&[]).map(|_| broken.boxed_unsync());
    refused_response(broken, Code::UpstreamInvalidResponse).await;
}

#[tokio::test]
async fn refusals_of_inner_stages_keep_their_headers() {
    let headers = HeaderEdits::new().set("content-type", "x/y").unwrap();
    let transform = ResponseTransform::new().headers(headers).unwrap();
    let mut response = json_response(&["{}"]);
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.extensions_mut().insert(Refusal::new(Code::CredentialUnavailable));
    let (_, answer) = through(TransformLayer::new(transform.clone()), request(&[]), response).await;
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/json");
    let mut response = json_response(&["{}"]);
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let (_, answer) = through(TransformLayer::new(transform), request(&[]), response).await;
    assert_eq!(answer.headers()[CONTENT_TYPE], "x/y");
}

#[tokio::test]
async fn a_response_is_changed_by_what_was_in_force_when_its_request_came() {
    let handle = Handle::new(Transform::from(stripping()));
    let (mut service, mut upstream) = spawn(TransformLayer::new(handle.clone()));
    let answer = service.call(request(&[]));
    let (_, send) = upstream.next_request().await.unwrap();
    handle.set(Transform::none());
    send.send_response(json_response(&["{\"data\":[1]}"]));
    assert_eq!(text(answer.await.unwrap().into_body()).await, "[1]");
}

#[tokio::test]
async fn trailers_pass_with_what_stays_and_not_with_what_is_changed() {
    for (kind, expected) in [("text/plain", true), ("application/json", false)] {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-digest", "of the original".parse().unwrap());
        let data = Frame::data(Bytes::from_static(b"{\"data\":1}"));
        let frames = [Ok(data), Ok(Frame::trailers(trailers))];
        let mut response =
            json_response(&[]).map(|_| StreamBody::new(stream(frames)).boxed_unsync());
        response.headers_mut().insert(CONTENT_TYPE, kind.parse().unwrap());
        let (_, answer) = through(TransformLayer::new(stripping()), request(&[]), response).await;
        let collected = answer.into_body().collect().await.unwrap();
        assert_eq!(collected.trailers().is_some(), expected, "{kind}");
    }
}

#[tokio::test]
async fn a_caller_that_leaves_while_its_body_is_read_leaves_the_service_usable() {
    let (mut service, mut upstream) = spawn(setting_the_user());
    let never = StreamBody::new(futures_util::stream::pending());
    let stuck = json_request(&[]).map(|_| never.boxed_unsync());
    let mut waiting = tokio_test::task::spawn(service.call(stuck));
    assert_pending!(waiting.poll());
    drop(waiting);
    assert_pending!(upstream.poll_request());
    assert_ready_ok!(service.poll_ready());
    let answer = tokio::spawn(service.call(json_request(&["{}"])));
    let (_, send) = upstream.next_request().await.unwrap();
    send.send_response(json_response(&[]));
    assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn what_changes_nothing_is_not_there() {
    let mut request = json_request(&["no json"]);
    request.headers_mut().insert("range", "bytes=0-1".parse().unwrap());
    let (sent, answer) =
        through(TransformLayer::new(Transform::none()), request, json_response(&["no json"])).await;
    assert!(sent.extensions().get::<Context>().is_none());
    assert_eq!(sent.headers()["range"], "bytes=0-1");
    assert_eq!(text(sent.into_body()).await, "no json");
    assert_eq!(text(answer.into_body()).await, "no json");
}

#[test]
fn the_layer_fits_into_any_stack() {
    fn check<T: Clone + Send + Sync + 'static>() {}
    fn check_future<T: Send>() {}
    check::<TransformLayer>();
    check::<Transforms<Inner>>();
    check_future::<<Transforms<Inner> as tower::Service<Request<Boxed>>>::Future>();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_outcome_does_not_depend_on_how_bodies_were_cut(
        mut cuts in proptest::collection::vec(0_usize..60, 0..12), is_coded in any::<bool>(),
    ) {
        let whole = "{\"data\": {\"é\":\"\\u00e9\\\\\", \"n\":[1.0 ,-0,1e400]} , \"x\":1}";
        let content = if is_coded { gzip(whole.as_bytes()) } else { whole.as_bytes().to_vec() };
        cuts.extend([0, content.len()]);
        cuts.iter_mut().for_each(|it| *it = (*it).min(content.len()));
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|it| &content[it[0]..it[1]]).collect();
        let coded = |headers: &mut HeaderMap| {
            headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
            if is_coded {
                headers.insert(CONTENT_ENCODING, "gzip".parse().unwrap());
            }
        };
        let (mut request, mut response) = (request(&[]), json_response(&[]));
        *request.body_mut() = boxed(&pieces);
        *response.body_mut() = boxed(&pieces);
        coded(request.headers_mut());
        coded(response.headers_mut());
        let body = BodyTransform::new([BodyStep::unwrap("/data").unwrap()]).unwrap();
        let both = RequestTransform::new().body(body.clone()).unwrap();
        let both = Transform::new(both, ResponseTransform::new().body(body));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (sent, answer) = through(TransformLayer::new(both), request, response).await;
            let expected = "{\"é\":\"\\u00e9\\\\\", \"n\":[1.0 ,-0,1e400]}";
            assert_eq!(text(sent.into_body()).await, expected);
            assert_eq!(text(answer.into_body()).await, expected);
        });
    }
}

fn every_kind_of_edit() -> Result<HeaderEdits, InvalidTransform> {
    HeaderEdits::new()
        .remove("x-debug")?
        .rename("x-old", "x-new")?
        .set("x-user", "{claim.sub}")?
        .set("x-who", "{identity.subject}/{identity.credential}/{identity.kind}")?
        .set("x-tenant", "{claim.tenant}")?
        .set("x-line", "{request.method} {request.path} {query.q} {path.id} {header.x-a}")?
        .append("x-a", "3")
}

fn request_with(headers: &[(&str, &str)]) -> Request<Boxed> {
    let builder = headers
        .iter()
        .fold(Request::builder().uri("/"), |it, (name, value)| it.header(*name, *value));
    builder.body(boxed(&[])).unwrap()
}

fn setting_the_user() -> TransformLayer {
    let body = BodyTransform::new([BodyStep::set("/user", r#""{claim.sub}""#).unwrap()]).unwrap();
    let transform = RequestTransform::new().body(body).unwrap();
    TransformLayer::new(transform).claims(|_, _| Some(json!("alice")))
}

fn stripping() -> ResponseTransform {
    let body = BodyTransform::new([BodyStep::unwrap("/data").unwrap()]).unwrap();
    ResponseTransform::new().body(body)
}

fn request(pieces: &[&str]) -> Request<Boxed> {
    let pieces: Vec<_> = pieces.iter().map(|it| it.as_bytes()).collect();
    Request::builder().uri("/").body(boxed(&pieces)).unwrap()
}

fn json_request(pieces: &[&str]) -> Request<Boxed> {
    let mut request = request(pieces);
    request.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
    request
}

fn json_response(pieces: &[&str]) -> Response<Boxed> {
    let pieces: Vec<_> = pieces.iter().map(|it| it.as_bytes()).collect();
    let response = Response::builder().header(CONTENT_TYPE, "application/json");
    response.body(boxed(&pieces)).unwrap()
}

fn boxed(pieces: &[&[u8]]) -> Boxed {
    if pieces.is_empty() {
        return http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync();
    }
    let frames: Vec<_> =
        pieces.iter().map(|it| Ok(Frame::data(Bytes::copy_from_slice(it)))).collect();
    StreamBody::new(stream(frames)).boxed_unsync()
}

fn stream<T>(items: impl IntoIterator<Item = T>) -> impl futures_util::Stream<Item = T> {
    futures_util::stream::iter(items)
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn spawn(layer: TransformLayer) -> (Spawn<Transforms<Inner>>, Upstream) {
    let (mut service, upstream) = mock::spawn_layer(layer);
    assert_ready_ok!(service.poll_ready());
    (service, upstream)
}

/// What the upstream gets, and what becomes of its `response`.
async fn through(
    layer: TransformLayer,
    request: Request<Boxed>,
    response: Response<Boxed>,
) -> (Sent, Response<Body<Boxed>>) {
    let (mut service, mut upstream) = spawn(layer);
    let answer = tokio::spawn(service.call(request));
    let (sent, send) = upstream.next_request().await.unwrap();
    send.send_response(response);
    (sent, answer.await.unwrap().unwrap())
}

async fn sent(layer: TransformLayer, request: Request<Boxed>) -> Sent {
    through(layer, request, Response::new(boxed(&[]))).await.0
}

/// The request is refused by this stage, and never reaches the upstream.
async fn refused_request(layer: TransformLayer, request: Request<Boxed>, code: Code) {
    let (mut service, mut upstream) = spawn(layer);
    let answer = service.call(request).await.unwrap();
    let refusal = answer.extensions().get::<Refusal>().unwrap();
    assert_eq!(refusal.code(), code, "{refusal:?}");
    assert!(refusal.stage() == Stage::Transform || code == Code::Overloaded);
    assert_pending!(upstream.poll_request());
}

async fn refused_response(response: Response<Boxed>, code: Code) {
    let layer = TransformLayer::new(stripping()).max_buffered_bytes(500);
    let (_, answer) = through(layer, request(&[]), response).await;
    let refusal = answer.extensions().get::<Refusal>().unwrap();
    assert_eq!(refusal.code(), code, "{refusal:?}");
    assert!(!text(answer.into_body()).await.contains("\"data\""));
}

async fn text(body: Body<Boxed>) -> String {
    String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}
