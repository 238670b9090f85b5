//! What reaches the upstream, and what comes back where filters apply.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, Method, Response};
use http_body_util::BodyExt;
use rrcore::{Context, Fact, ManualClock, Outcome, Scope, Stage};
use rrfilter::{Filter, FilterLayer, FilterSet, FilteredBody, Operation};

use crate::support::{Boxed, boxed, get, json, retain, spawn, text, through};

#[tokio::test]
async fn a_json_response_is_filtered_and_its_stale_headers_go() {
    let response = json()
        .header("content-length", 28)
        .header("etag", "\"e\"")
        .header("digest", "sha-256=x")
        .header("content-digest", "sha-256=:x:")
        .header("repr-digest", "sha-256=:x:")
        .header("content-md5", "x")
        .header("accept-ranges", "bytes")
        .header("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT")
        .header("x-other", "stays")
        .body(boxed(br#"{"id":1,"ssn":"078-05-1120"}"#));
    let answer = through(retain(&["$.id"]), get(), response.unwrap()).await;
    assert_eq!(answer.status(), 200);
    let mut names: Vec<_> = answer.headers().keys().map(|it| it.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "content-type", "last-modified", "x-other"]);
    assert_eq!(answer.headers()[CONTENT_LENGTH], "8");
    assert_eq!(text(answer).await, r#"{"id":1}"#);
}

#[tokio::test]
async fn the_upstream_is_asked_for_the_whole_in_a_coding_that_can_be_undone() {
    let mut request = get();
    for (name, value) in [("range", "bytes=0-1"), ("if-range", "\"e\""), ("accept-encoding", "br")]
    {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let (mut service, mut upstream) = spawn(retain(&["$.id"]));
    let answer = service.call(request);
    let (seen, send) = upstream.next_request().await.unwrap();
    assert_eq!(seen.headers()[ACCEPT_ENCODING], "br");
    assert_eq!(seen.headers().len(), 1);
    send.send_response(json().body(boxed(br#"{"id":1}"#)).unwrap());
    assert_eq!(text(answer.await.unwrap()).await, r#"{"id":1}"#);
}

#[tokio::test]
async fn without_filters_nothing_is_touched() {
    let empty = Arc::new(FilterSet::empty());
    let for_nobody = FilterLayer::new()
        .scope(Scope::Target, Arc::clone(&empty))
        .per_caller(move |_| Some(Arc::clone(&empty)));
    for layer in [FilterLayer::new(), for_nobody] {
        let mut request = get();
        request.headers_mut().insert("range", "bytes=0-1".parse().unwrap());
        let (mut service, mut upstream) = spawn(layer);
        let answer = service.call(request);
        let (seen, send) = upstream.next_request().await.unwrap();
        assert_eq!(seen.headers()["range"], "bytes=0-1");
        assert!(seen.extensions().get::<Context>().is_none());
        send.send_response(with_trailers(Response::builder().status(206)));
        passed_whole(answer.await.unwrap(), 206).await;
    }
}

#[tokio::test]
async fn what_filters_do_not_speak_of_passes_with_its_trailers() {
    for status in [301, 404, 500] {
        let response = with_trailers(Response::builder().status(status));
        passed_whole(through(retain(&["$.id"]), get(), response).await, status).await;
    }
}

#[tokio::test]
async fn a_status_that_has_no_content_passes_without_any() {
    for status in [204, 205] {
        let response = with_trailers(Response::builder().status(status));
        let answer = through(retain(&["$.id"]), get(), response).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["etag"], "\"e\"");
        assert_eq!(text(answer).await, "");
    }
}

#[tokio::test]
async fn heads_do_not_describe_what_was_never_filtered() {
    for (method, status) in [(Method::HEAD, 200), (Method::GET, 304)] {
        let mut request = get();
        *request.method_mut() = method;
        let response = Response::builder().status(status).header("etag", "\"e\"");
        let response = response.header("content-length", 28).header("x-other", "stays");
        let response = response.body(boxed(b"")).unwrap();
        let answer = through(retain(&["$.id"]), request, response).await;
        assert_eq!((answer.status().as_u16(), answer.headers().len()), (status, 1));
        assert_eq!(text(answer).await, "");
    }
}

#[tokio::test]
async fn trailers_of_a_filtered_response_are_dropped() {
    let response = with_trailers(json().header("trailer", "x-trailer"));
    let answer = through(retain(&["$.id"]), get(), response).await;
    assert!(!answer.headers().contains_key("trailer"));
    let collected = answer.into_body().collect().await.unwrap();
    assert!(collected.trailers().is_none());
    assert_eq!(collected.to_bytes(), "{}");
}

#[tokio::test]
async fn the_order_is_target_credential_target_proxy_credential_proxy() {
    let set = |id: &str| {
        let first = Filter::new(id, Operation::Destroy, ["$[0]"]).unwrap();
        Arc::new(FilterSet::new(vec![first]))
    };
    let of_alice = set("of the caller");
    let hand = ManualClock::starting_at(Duration::from_secs(1));
    let layer = FilterLayer::new()
        .scope(Scope::Proxy, set("of the proxy"))
        .scope(Scope::Target, set("of the target"))
        .scope(Scope::ProxyCredential, set("replaced"))
        .scope(Scope::TargetCredential, set("of the target credential"))
        .per_caller(move |it| it.get::<&str>().map(|_| Arc::clone(&of_alice)))
        .clock(hand.clock());
    let mut request = get();
    request.extensions_mut().insert("alice");
    let context = Context::of(request.extensions_mut(), &hand.clock());
    let response = json().body(boxed(b"[1,2,3,4,5]")).unwrap();
    assert_eq!(text(through(layer, request, response).await).await, "[5]");

    let entries = context.trail().entries().to_vec();
    assert_eq!((entries.len(), entries[0].stage), (1, Stage::Filter));
    assert_eq!(entries[0].outcome, Outcome::Passed);
    let fact = |id: &str, scope| Fact::Filter {
        id: id.into(),
        scope,
        removed: 1,
        paths: vec![("$[0]".into(), 1)],
        shadow: false,
    };
    let expected = [
        fact("of the target credential", Scope::TargetCredential),
        fact("of the target", Scope::Target),
        fact("of the caller", Scope::ProxyCredential),
        fact("of the proxy", Scope::Proxy),
    ];
    assert_eq!(entries[0].facts[..], expected);
}

#[tokio::test]
async fn an_error_of_the_inner_service_passes() {
    let (mut service, mut upstream) = spawn(retain(&["$.id"]));
    let answer = service.call(get());
    let (_, send) = upstream.next_request().await.unwrap();
    send.send_error("unreachable");
    assert_eq!(answer.await.unwrap_err().to_string(), "unreachable");
}

#[tokio::test]
async fn readiness_is_the_inner_services() {
    let (mut service, mut upstream) = spawn(retain(&["$"]));
    drop(service.call(get()));
    upstream.allow(0);
    tokio_test::assert_pending!(service.poll_ready());
    upstream.allow(1);
    tokio_test::assert_ready_ok!(service.poll_ready());
}

fn with_trailers(response: http::response::Builder) -> Response<Boxed> {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-trailer", "yes".parse().unwrap());
    let body = boxed(b"{\"ssn\":1}").with_trailers(async { Some(Ok(trailers)) });
    response.header("etag", "\"e\"").body(body.boxed_unsync()).unwrap()
}

async fn passed_whole(response: Response<FilteredBody<Boxed>>, status: u16) {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["etag"], "\"e\"");
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-trailer"], "yes");
    assert_eq!(collected.to_bytes(), "{\"ssn\":1}");
}
