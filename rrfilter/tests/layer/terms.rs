//! When filters apply, and what those do that only report.

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use rrcore::{Code, Context, Fact, Scope, Stage};
use rrfilter::{Filter, FilterLayer, FilterSet, Mode, Operation, Side};

use crate::support::{boxed, get, json, refused, spawn, text, through};

#[tokio::test]
async fn a_filter_applies_to_its_methods() {
    let filter = destroy("$.ssn").methods([Method::GET, Method::PUT]);
    for (method, expected) in
        [(Method::GET, "{}"), (Method::PUT, "{}"), (Method::POST, r#"{"ssn":1}"#)]
    {
        let mut request = get();
        *request.method_mut() = method;
        assert_eq!(text(of(filter.clone(), request).await).await, expected);
    }
    let mut request = get();
    *request.method_mut() = Method::HEAD;
    let response = json().header("content-length", 9).body(boxed(b"")).unwrap();
    let answer = through(layer(filter), request, response).await;
    assert!(!answer.headers().contains_key("content-length"));
}

#[tokio::test]
async fn a_filter_applies_where_its_condition_holds() {
    let filter = destroy("$.ssn").when(|it| it.uri.path().starts_with("/users/"));
    for (path, expected) in [("/users/1", "{}"), ("/user", r#"{"ssn":1}"#)] {
        let request = Request::builder().uri(path).body(()).unwrap();
        assert_eq!(text(of(filter.clone(), request).await).await, expected);
    }
}

#[tokio::test]
async fn a_filter_for_requests_leaves_responses_alone() {
    let filter = destroy("$.ssn").on(Side::Request);
    assert_eq!(text(of(filter, get()).await).await, r#"{"ssn":1}"#);
}

#[tokio::test]
async fn errors_are_filtered_where_a_filter_says_so() {
    let filter = destroy("$.ssn").apply_to_errors(true);
    let error = || json().status(404).header("etag", "x");
    let answer = error().body(boxed(br#"{"ssn":1}"#)).unwrap();
    let answer = through(layer(filter.clone()), get(), answer).await;
    assert_eq!((answer.status().as_u16(), answer.headers().get("etag")), (404, None));
    assert_eq!(text(answer).await, "{}");

    let page = Response::builder().status(500).body(boxed(b"<p>078-05-1120</p>")).unwrap();
    let answer = through(layer(filter.clone()), get(), page).await;
    refused(answer, Code::ResponseNotFilterable, Stage::Filter).await;

    for empty in [Response::builder().status(404), error()] {
        let answer = through(layer(filter.clone()), get(), empty.body(boxed(b"")).unwrap()).await;
        assert_eq!(answer.status(), 404);
        assert_eq!(text(answer).await, "");
    }

    // Only those that say so.
    let set = FilterSet::new(vec![destroy("$.id"), filter]);
    let answer = error().body(boxed(br#"{"id":1,"ssn":1}"#)).unwrap();
    let answer = through(FilterLayer::new().scope(Scope::Proxy, set), get(), answer).await;
    assert_eq!(text(answer).await, r#"{"id":1}"#);
}

#[tokio::test]
async fn a_shadow_changes_nothing_and_reports_what_it_would() {
    let shadow = destroy("$.a.ssn").mode(Mode::Shadow);
    let mut request = get();
    request.headers_mut().insert("range", "bytes=0-".parse().unwrap());
    let context = Context::of(request.extensions_mut(), &rrcore::Clock::system());
    let (mut service, mut upstream) = spawn(layer(shadow));
    let answer = service.call(request);
    let (seen, send) = upstream.next_request().await.unwrap();
    assert_eq!(seen.headers()["range"], "bytes=0-");
    let document: &[u8] = br#" {"a":{"ssn":1,"id":2}} "#;
    send.send_response(json().header("etag", "x").body(boxed(document)).unwrap());
    let answer = answer.await.unwrap();
    assert_eq!(answer.headers()["etag"], "x");
    assert_eq!(text(answer).await.as_bytes(), document);
    assert_eq!(facts(&context), [("d".to_owned(), 1, true)]);
}

#[tokio::test]
async fn a_shadow_passes_what_cannot_be_filtered() {
    for (kind, body) in [
        ("text/html", &b"<p>"[..]),
        ("application/json", b"{"),
        ("application/json", b""),
        ("text/event-stream", b"data: {\"ssn\":1}\n\ndata: x\n\n"),
    ] {
        let shadow = destroy("$.ssn").mode(Mode::Shadow);
        let response = Response::builder().header("content-type", kind).body(boxed(body)).unwrap();
        let answer = through(layer(shadow), get(), response).await;
        assert_eq!((answer.status().as_u16(), text(answer).await.as_bytes()), (200, body));
    }
}

#[tokio::test]
async fn a_shadow_sees_what_the_filters_before_it_left() {
    let set = FilterSet::new(vec![
        destroy("$[0]"),
        destroy("$[0]").mode(Mode::Shadow),
        destroy("$[5]").mode(Mode::Shadow),
        destroy("$[2]"),
    ]);
    let mut request = get();
    let context = Context::of(request.extensions_mut(), &rrcore::Clock::system());
    let layer = FilterLayer::new().scope(Scope::Proxy, set);
    let response = json().body(boxed(b"[1,2,3,4]")).unwrap();
    assert_eq!(text(through(layer, request, response).await).await, "[2,3]");
    let d = |removed, shadow| ("d".to_owned(), removed, shadow);
    assert_eq!(facts(&context), [d(1, false), d(1, true), d(0, true), d(1, false)]);
}

async fn of(
    filter: Filter,
    request: Request<()>,
) -> Response<rrfilter::FilteredBody<crate::support::Boxed>> {
    through(layer(filter), request, json().body(boxed(br#"{"ssn":1}"#)).unwrap()).await
}

fn layer(filter: Filter) -> FilterLayer {
    FilterLayer::new().scope(Scope::Proxy, filter)
}

fn destroy(path: &str) -> Filter {
    Filter::new("d", Operation::Destroy, [path]).unwrap()
}

fn facts(context: &Context) -> Vec<(String, u64, bool)> {
    let trail = context.trail();
    let fact = |it: &Fact| match it {
        Fact::Filter { id, removed, shadow, .. } => (id.to_string(), *removed, *shadow),
        other => panic!("{other:?}"),
    };
    trail.facts().map(fact).collect()
}

#[tokio::test]
async fn a_shadow_lets_trailers_pass() {
    let shadow = destroy("$.ssn").mode(Mode::Shadow);
    let trailers = async {
        let mut map = http::HeaderMap::new();
        map.insert("x-trailer", "yes".parse().unwrap());
        Some(Ok(map))
    };
    let body = boxed(b"{}").with_trailers(trailers).boxed_unsync();
    let answer = through(layer(shadow), get(), json().body(body).unwrap()).await;
    let collected = answer.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-trailer"], "yes");
    assert_eq!(collected.to_bytes(), Bytes::from_static(b"{}"));
}
