//! Whatever a caller shows: what it is answered, and what of it reaches the upstream.
#![cfg(test)] // tells clippy that this may panic

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use rrauth::{AuthLayer, Credential, Index, KeyDigest, Kind, api_key};
use rrcore::{Clock, Context, Fact, ManualClock, Outcome, Refusal};
use tower::{Layer, ServiceExt, service_fn};

const KEY: &str = "sk_alice_0123456789abcdef0123";
const TOKEN: &str = "tk_bob_0123456789abcdef012345";
const OFF: &str = "sk_off_0123456789abcdef012345";
const OLD: &str = "sk_old_0123456789abcdef012345";
const OLD_AND_OFF: &str = "sk_both_0123456789abcdef0123";
// base64 of KEY and a colon; of KEY, a colon and a password; of TOKEN and a colon.
const KEY_AS_USER: &str = "c2tfYWxpY2VfMDEyMzQ1Njc4OWFiY2RlZjAxMjM6";
const KEY_AND_PASSWORD: &str = "c2tfYWxpY2VfMDEyMzQ1Njc4OWFiY2RlZjAxMjM6YTpi";
const TOKEN_AS_USER: &str = "dGtfYm9iXzAxMjM0NTY3ODlhYmNkZWYwMTIzNDU6";

#[test]
fn every_way_that_a_good_credential_may_be_shown() {
    check("/", &[("authorization", KEY)], "alice");
    check("/", &[("authorization", &bearer(KEY))], "alice");
    check("/", &[("authorization", &format!("BEARER {KEY}"))], "alice");
    check("/", &[("authorization", &format!("Basic {KEY_AS_USER}"))], "alice");
    check("/", &[("authorization", &format!("bAsIc {KEY_AND_PASSWORD}"))], "alice");
    check("/", &[("x-api-key", KEY)], "alice");
    check("/", &[("X-Second-Key", KEY)], "alice");
    check("/", &[("authorization", &bearer(TOKEN))], "bob");
    check(&format!("/?a=1&Authorization={KEY}"), &[], "alice");
    check(&format!("/?Authorization=Bearer+{TOKEN}"), &[], "bob");
}

#[test]
fn nothing_shown_is_missing() {
    check("/", &[], "credential-missing");
    check("/?a=Authorization", &[("cookie", KEY)], "credential-missing");
    check("/", &[("x-api-key", ""), ("authorization", "")], "credential-missing");
    check("/", &[("x_api_key", KEY)], "credential-missing");
}

#[test]
fn a_bad_credential_is_invalid_whatever_is_bad_about_it() {
    for bad in ["unknown", OFF, OLD_AND_OFF, &KEY[..KEY.len() - 1], &format!("{KEY}0"), TOKEN] {
        check("/", &[("authorization", bad)], "credential-invalid");
        check("/", &[("x-api-key", bad)], "credential-invalid");
    }
    for bad in [
        format!("Basic {TOKEN_AS_USER}"),
        format!("Bearer  {KEY}"),
        format!("Bearer {KEY} "),
        format!("Bearer {KEY},{KEY}"),
        format!("Bearer {KEY} {KEY}"),
        format!("Token {KEY}"),
        "Bearer ' OR 1=1 --".to_owned(),
        "Basic !".to_owned(),
        KEY.to_uppercase(),
        "k".repeat(1 << 20),
        format!("Basic {}", "QUFB".repeat(1 << 14)),
    ] {
        check("/", &[("authorization", &bad)], "credential-invalid");
    }
    check("/", &[("x-api-key", &bearer(KEY))], "credential-invalid");
}

#[test]
fn expiry_is_told_only_to_those_who_know_the_secret_of_an_active_credential() {
    check("/", &[("authorization", OLD)], "credential-expired");
    check("/", &[("authorization", OLD_AND_OFF)], "credential-invalid");
}

#[test]
fn one_value_twice_is_accepted_and_two_values_are_not() {
    check("/", &[("authorization", KEY), ("authorization", &bearer(KEY))], "alice");
    check("/", &[("authorization", &bearer(KEY)), ("x-api-key", KEY)], "alice");
    check(&format!("/?Authorization={KEY}"), &[("x-api-key", KEY)], "alice");

    check("/", &[("authorization", KEY), ("authorization", TOKEN)], "credential-invalid");
    check("/", &[("x-api-key", KEY), ("x-second-key", "x")], "credential-invalid");
    check(&format!("/?Authorization={KEY}"), &[("x-api-key", "x")], "credential-invalid");
    check(&format!("/?Authorization={KEY}&authorization=x"), &[], "credential-invalid");
}

#[test]
fn a_query_credential_is_not_read_unless_allowed_and_never_goes_on() {
    let layer = AuthLayer::new(Arc::new(index())).clock(clock());
    let uri = format!("/p?a=1&%61uthorization={KEY}&b");
    let (result, _) = call(&layer, &uri, &[]);
    assert_eq!(result, "credential-missing");
    // With a good key beside it: not read, so no conflict either, and gone all the same.
    let (result, seen) = call(&layer, &uri.replace(KEY, "other"), &[("x-api-key", KEY)]);
    assert_eq!((result.as_str(), seen.unwrap().uri), ("alice", "/p?a=1&b".to_owned()));
}

#[test]
fn generated_keys_work_and_mistyped_ones_are_refused_before_any_look_up() {
    let key = api_key::generate().unwrap();
    let credential = || Credential::new("cred_g", "gina", Kind::ApiKey, Consumer("gina"));
    let (start, end) = key.expose().split_at(key.expose().len() - 1);
    let mistyped = format!("{start}{}", if end == "x" { "y" } else { "x" });
    // Even an index that knows it does not let it in: it is never asked.
    let index = Index::builder()
        .insert(KeyDigest::of(key.expose()), credential())
        .insert(KeyDigest::of(&mistyped), credential())
        .build();
    let layer = AuthLayer::new(Arc::new(index));
    assert_eq!(call(&layer, "/", &[("x-api-key", key.expose())]).0, "gina");
    assert_eq!(call(&layer, "/", &[("x-api-key", &mistyped)]).0, "credential-invalid");
}

#[test]
fn every_byte_that_a_header_can_hold_is_answered() {
    for byte in (0..=u8::MAX).filter(|it| HeaderValue::from_bytes(&[b'k', *it, b'k']).is_ok()) {
        for start in ["", "Bearer ", "Basic "] {
            let mut request = Request::new(());
            let value = [start.as_bytes(), b"k", &[byte], b"k"].concat();
            let value = HeaderValue::from_bytes(&value).unwrap();
            request.headers_mut().insert("authorization", value);
            assert_eq!(send(&layer(), request).0, "credential-invalid", "{start}{byte}");
        }
    }
}

#[test]
fn answers_to_bad_credentials_differ_in_nothing_but_the_request_id() {
    let answers: Vec<_> = ["unknown", OFF, OLD_AND_OFF, TOKEN, "a b", "rr_live_x"]
        .map(|bad| {
            let request = Request::builder().header("authorization", bad).body(()).unwrap();
            let response = respond(&layer(), request);
            let body = String::from_utf8(response.body().clone()).unwrap();
            let start = body.find("req_").unwrap();
            let without_id = body.replace(&body[start..start + 40], "req");
            assert!(!body.contains(bad), "{body}");
            (response.status(), response.headers().clone(), without_id)
        })
        .into();
    assert!(answers.iter().all(|it| *it == answers[0]), "{answers:?}");
    assert_eq!(answers[0].0, StatusCode::UNAUTHORIZED);
}

#[test]
fn the_challenge_names_an_error_only_when_something_was_shown() {
    let challenge = |value: &str| {
        let request = Request::builder().header("authorization", value).body(()).unwrap();
        let realm = layer().realm("orders \"eu\"");
        respond(&realm, request).headers()["www-authenticate"].to_str().unwrap().to_owned()
    };
    assert_eq!(challenge(""), r#"Bearer realm="orders \"eu\"""#);
    let invalid = r#"Bearer realm="orders \"eu\"", error="invalid_token""#;
    assert_eq!(challenge("unknown"), invalid);
    assert_eq!(challenge(OLD), invalid);
}

#[derive(Clone, Debug, PartialEq)]
struct Consumer(&'static str);

/// What the upstream received.
struct Seen {
    uri: String,
    headers: http::HeaderMap,
    context: Context,
    caller: Consumer,
}

#[track_caller]
fn check(uri: &str, lines: &[(&str, &str)], expected: &str) {
    let (result, seen) = call(&layer(), uri, lines);
    assert_eq!(result, expected, "{uri} {lines:?}");
    let Some(seen) = seen else { return };
    let went_on = format!("{} {:?}", seen.uri, seen.headers);
    for secret in [KEY, TOKEN, KEY_AS_USER] {
        assert!(!went_on.contains(secret), "{went_on}");
    }
    let identity = seen.context.identity().unwrap();
    assert_eq!((identity.subject().as_ref(), seen.caller.0), (expected, expected));
}

fn call(
    layer: &AuthLayer<Index<Consumer>>,
    uri: &str,
    lines: &[(&str, &str)],
) -> (String, Option<Seen>) {
    let mut request = Request::builder().uri(uri).body(()).unwrap();
    for (name, value) in lines {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
    }
    send(layer, request)
}

fn send(layer: &AuthLayer<Index<Consumer>>, mut request: Request<()>) -> (String, Option<Seen>) {
    let context = Context::of(request.extensions_mut(), &clock());
    let mut response = respond(layer, request);
    let facts = context.trail().facts().cloned().collect::<Vec<_>>();
    let outcome = context.trail().entries()[0].outcome;
    match response.extensions_mut().remove::<Arc<Seen>>() {
        Some(seen) => {
            let subject = seen.context.identity().unwrap().subject().to_string();
            let kind = seen.context.identity().unwrap().kind();
            assert_eq!(outcome, Outcome::Passed);
            assert_eq!(facts, [Fact::Auth { kind, outcome: "ok" }]);
            (subject, Some(Arc::into_inner(seen).unwrap()))
        }
        None => {
            let code = response.extensions().get::<Refusal>().unwrap().code();
            let kind = if code.as_str().ends_with("expired") { "apiKey" } else { "" };
            let word = code.as_str().strip_prefix("credential-").unwrap();
            assert_eq!(outcome, Outcome::Refused(code));
            assert_eq!(facts, [Fact::Auth { kind, outcome: word }]);
            (code.as_str().to_owned(), None)
        }
    }
}

fn respond(layer: &AuthLayer<Index<Consumer>>, request: Request<()>) -> Response<Vec<u8>> {
    let upstream = service_fn(|mut request: Request<()>| async move {
        let seen = Seen {
            uri: request.uri().to_string(),
            context: request.extensions().get::<Context>().unwrap().clone(),
            caller: request.extensions().get::<Consumer>().unwrap().clone(),
            headers: std::mem::take(request.headers_mut()),
        };
        let mut response = Response::new(http_body_util::Empty::<bytes::Bytes>::new());
        response.extensions_mut().insert(Arc::new(seen));
        Ok::<_, std::convert::Infallible>(response)
    });
    tokio_test::block_on(async {
        let response = layer.layer(upstream).oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
        Response::from_parts(head, body.to_vec())
    })
}

fn layer() -> AuthLayer<Index<Consumer>> {
    let second = HeaderName::from_static("x-second-key");
    AuthLayer::new(Arc::new(index())).header(second).allow_query(true).clock(clock())
}

fn index() -> Index<Consumer> {
    let key = |id, subject| Credential::new(id, subject, Kind::ApiKey, Consumer(subject));
    let yesterday = Duration::from_secs(999);
    [
        (KEY, key("cred_1", "alice").expires_at(Duration::from_secs(1_001))),
        (TOKEN, Credential::new("cred_2", "bob", Kind::Bearer, Consumer("bob"))),
        (OFF, key("cred_3", "olga").active(false)),
        (OLD, key("cred_4", "oleg").expires_at(yesterday)),
        (OLD_AND_OFF, key("cred_5", "otto").expires_at(yesterday).active(false)),
    ]
    .into_iter()
    .map(|(secret, credential)| (KeyDigest::of(secret), credential))
    .collect()
}

fn clock() -> Clock {
    ManualClock::starting_at(Duration::from_secs(1_000)).clock()
}

fn bearer(secret: &str) -> String {
    format!("Bearer {secret}")
}
