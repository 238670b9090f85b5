//! HTTP message signatures, by the RFC's own example and by a second reading of it.
#![cfg(test)] // tells clippy that this may panic

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::request::{Builder, Parts};
use http::{HeaderName, Method, Request, Response, StatusCode};
use http_body_util::Full;
use proptest::prelude::*;
use rrauth::{HttpSignature, InjectLayer, Injection, InvalidSigner, Sign};
use rrcore::{BufferedBody, Code, ManualClock, ReadOutcome, Refusal};
use sha2::Sha256;
use tower::{ServiceBuilder, ServiceExt, service_fn};

const KEY: &[u8] = b"canary 0123456789abcdef0123456789";
const AT: Duration = Duration::from_secs(1_618_884_473);

// RFC 9421 §B.2.5.
#[test]
fn the_signature_is_that_of_the_rfc() {
    let key =
        "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
    let key = STANDARD.decode(key).unwrap();
    let signer =
        HttpSignature::new("test-shared-secret", &key, ["date", "@authority", "content-type"]);
    let signer = signer.unwrap().label("sig-b25").unwrap().without_algorithm();
    let request = Request::post("/foo?param=Value&Pet=dog")
        .header("Host", "example.com")
        .header("Date", "Tue, 20 Apr 2021 02:07:55 GMT")
        .header("Content-Type", "application/json")
        .header("Content-Length", "18");
    let (mut head, ()) = request.body(()).unwrap().into_parts();
    signer.sign(&mut head, None, AT).unwrap();
    assert_eq!(
        head.headers["signature-input"],
        "sig-b25=(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\""
    );
    let signature = "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:";
    assert_eq!(head.headers["signature"], signature);
}

#[test]
fn parameters_say_what_was_configured() {
    let signer = || HttpSignature::new("a \"key\\", KEY, ["@method"]).unwrap();
    let plain = "(\"@method\");created=1618884473;keyid=\"a \\\"key\\\\\"";
    check_input(&signer(), &format!("sig1={plain};alg=\"hmac-sha256\""));
    check_input(&signer().without_algorithm(), &format!("sig1={plain}"));
    let tagged = signer().tag("app").unwrap().label("*a").unwrap();
    check_input(&tagged, &format!("*a={plain};alg=\"hmac-sha256\";tag=\"app\""));
    let expires = plain.replace(";keyid", ";expires=1618884773;keyid");
    let short = signer().lifetime(Duration::from_secs(300)).without_algorithm();
    check_input(&short, &format!("sig1={expires}"));
    // The largest Integer there is, rather than one that nobody can read.
    let forever = plain.replace(";keyid", ";expires=999999999999999;keyid");
    check_input(&signer().lifetime(Duration::MAX).without_algorithm(), &format!("sig1={forever}"));
}

#[test]
fn no_two_nonces_are_alike() {
    let signer = HttpSignature::new("key", KEY, ["@method"]).unwrap().nonce();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..64 {
        let (mut head, ()) = Request::new(()).into_parts();
        signer.sign(&mut head, None, AT).unwrap();
        let input = head.headers["signature-input"].to_str().unwrap();
        let nonce = input.split_once(";nonce=\"").unwrap().1.strip_suffix('"').unwrap().to_owned();
        assert_eq!(nonce.len(), 32);
        assert_eq!(signature_of(&head), recomputed(&head));
        assert!(seen.insert(nonce));
    }
}

#[tokio::test]
async fn nothing_that_a_client_signed_goes_on() {
    let body = b"{\"hello\": \"world\"}";
    let sent = Request::post("https://example.com/")
        .header("signature", "theirs=:YQ==:")
        .header("Signature-Input", "theirs=()")
        .header("signature_input", "theirs=()")
        .header("content-digest", "sha-256=:theirs:")
        .header("Content_Digest", "sha-256=:theirs:")
        .header("content-type", "application/json");
    let components = ["@method", "@target-uri", "content-digest"];
    let signer = HttpSignature::new("key", KEY, components).unwrap();
    let head = through(signer, sent, body).await.unwrap();

    let mut names: Vec<_> = head.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-digest", "content-type", "signature", "signature-input"]);
    for name in ["signature", "signature-input", "content-digest"] {
        assert_eq!(head.headers.get_all(name).iter().count(), 1, "{name}");
        assert!(head.headers[name].is_sensitive(), "{name}");
    }
    // RFC 9421 §B.2 has this body.
    let digest = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    assert_eq!(head.headers["content-digest"], digest);
    assert_eq!(signature_of(&head), recomputed(&head));
}

#[tokio::test]
async fn a_digest_that_is_not_covered_is_the_clients() {
    let sent = Request::post("/").header("content-digest", "sha-256=:theirs:");
    let signer = HttpSignature::new("key", KEY, ["@method"]).unwrap();
    assert!(!signer.needs_body());
    let head = through(signer, sent, b"").await.unwrap();
    assert_eq!(head.headers["content-digest"], "sha-256=:theirs:");
}

#[tokio::test]
async fn what_lacks_a_component_is_not_sent() {
    let post = || Request::post("https://example.com/?a=1&a=2");
    check_refused("date", post(), "\"date\": the request does not have it").await;
    check_refused("x-a;bs", post(), "\"x-a\";bs: the request does not have it").await;
    check_refused("@query-param;name=\"a\"", post(), "several times").await;
    check_refused("@query-param;name=\"b\"", post(), "does not have it").await;
    check_refused("@scheme", Request::post("/"), "the scheme is not known").await;
    check_refused("@authority", Request::post("/"), "names no host").await;
    check_refused("x-a", post().header("x-a", "\u{e9}"), "not ASCII").await;

    // Nobody has read the body, which an outer stage would have done.
    let signer = HttpSignature::new("key", KEY, ["content-digest"]).unwrap();
    assert!(signer.needs_body());
    let service = ServiceBuilder::new().layer(layer(signer)).service(service_fn(never));
    let request = post().body(Full::new(Bytes::new())).unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn what_makes_no_signer_is_refused_by_field() {
    let signer = |key_id, key, components: &[&str]| HttpSignature::new(key_id, key, components);
    let method = &["@method"][..];
    let long = "a".repeat(8 * 1024 + 1);
    for bad in ["", "ä", "a\n", &long] {
        check_invalid(signer(bad, KEY, method), "keyId", "");
        check_invalid(signer("key", KEY, method).unwrap().tag(bad), "tag", "");
    }
    check_invalid(signer("key", b"", method), "key", "it is empty");
    for bad in ["", "Sig", "1", "a b", "a=", "ä", &long] {
        check_invalid(signer("key", KEY, method).unwrap().label(bad), "label", "");
    }
    check_invalid(signer("key", KEY, &[]), "components", "there are none");
    let twice = &["@method", "Date", "\"date\""];
    check_invalid(signer("key", KEY, twice), "components", "\\\"date\\\": it comes twice");
    let twice = &["@query-param;name=\"é\"", "@query-param;name=\"%C3%A9\""];
    check_invalid(signer("key", KEY, twice), "components", "it comes twice");
    let unknown = &["@method", "@nonsense"];
    check_invalid(signer("key", KEY, unknown), "components", "@nonsense: no such derived");
    check_invalid(signer("key", KEY, &["a;sf"]), "components", "a;sf: sf: strict");
    let many: Vec<_> = (0..65).map(|it| format!("x-{it}")).collect();
    check_invalid(HttpSignature::new("key", KEY, &many), "components", "more than 64");
    assert!(HttpSignature::new("key", KEY, &many[1..]).is_ok());
}

#[test]
fn nothing_secret_is_printed() {
    let signer = HttpSignature::new("key", KEY, ["@method", "x-a;bs"]).unwrap();
    let (mut head, ()) = Request::get("/").header("x-a", "1").body(()).unwrap().into_parts();
    let secrets = signer.sign(&mut head, None, AT).unwrap();
    let signature = signature_of(&head);
    let printed = format!("{signer:?} {head:?} {secrets:?}");
    assert!(!printed.contains("canary") && !printed.contains(&signature), "{printed}");
    assert!(printed.starts_with("HttpSignature(\"@method\" \"x-a\";bs)"), "{printed}");
    assert!(!secrets.is_empty());
}

// An upstream may print the value alone, without padding, or what it has decoded.
#[test]
fn the_value_is_the_secret_and_not_what_stands_around_it() {
    let signer = HttpSignature::new("key", KEY, ["@method"]).unwrap().label("a-label").unwrap();
    let (mut head, ()) = Request::get("/").body(()).unwrap().into_parts();
    let secrets = signer.sign(&mut head, None, AT).unwrap();
    let sent = head.headers["signature"].to_str().unwrap();
    let value = sent.strip_prefix("a-label=:").unwrap().strip_suffix(":").unwrap();
    let code = STANDARD.decode(value).unwrap();
    let secrets: Vec<_> = secrets.iter().map(|it| it.expose()).collect();
    assert_eq!(secrets, [value.trim_end_matches('=').as_bytes(), &code]);
}

proptest! {
    #[test]
    fn what_is_signed_verifies_by_another_reading(request in request()) {
        let signer = HttpSignature::new("key", KEY, COVERED).unwrap();
        let mut head = request.head();
        signer.sign(&mut head, Some(&request.body), AT).unwrap();
        prop_assert_eq!(signature_of(&head), recomputed(&head));
    }

    #[test]
    fn whatever_is_covered_changes_the_signature(
        request in request(), other in request(), pick in 0..8_usize
    ) {
        let mut changed = request.clone();
        let mut is_covered = true;
        match pick {
            0 => changed.method = other.method,
            1 => changed.path = other.path,
            2 => changed.pet = other.pet,
            3 => changed.lines = other.lines,
            4 => changed.body = other.body,
            5 => changed.host = other.host,
            6 => changed.at = other.at,
            _ => {
                changed.uncovered = other.uncovered;
                is_covered = false;
            }
        }
        prop_assume!(changed != request);
        let sign = |it: &Described| {
            let mut head = it.head();
            let signer = HttpSignature::new("key", KEY, COVERED).unwrap();
            signer.sign(&mut head, Some(&it.body), it.at).unwrap();
            signature_of(&head)
        };
        prop_assert_eq!(sign(&request) != sign(&changed), is_covered);
    }
}

const COVERED: [&str; 8] = [
    "@method",
    "@path",
    "@authority",
    "@query",
    "@query-param;name=\"Pet\"",
    "x-lines",
    "x-lines;bs",
    "content-digest",
];

#[derive(Clone, Debug, PartialEq)]
struct Described {
    method: Method,
    path: String,
    pet: String,
    host: String,
    lines: Vec<String>,
    uncovered: String,
    body: Vec<u8>,
    at: Duration,
}

impl Described {
    fn head(&self) -> Parts {
        let uri = format!("/{}?a=1&Pet={}", self.path, self.pet);
        let mut request = Request::builder().method(self.method.clone()).uri(uri);
        for line in &self.lines {
            request = request.header("x-lines", line);
        }
        let request = request.header("host", &self.host).header("x-other", &self.uncovered);
        request.body(()).unwrap().into_parts().0
    }
}

fn request() -> impl Strategy<Value = Described> {
    let method = prop_oneof![Just(Method::GET), Just(Method::PUT), Just(Method::DELETE)];
    let lines = proptest::collection::vec("[a-z,\"]([a-z ,]{0,3}[a-z])?", 1..4);
    let body = proptest::collection::vec(any::<u8>(), 0..9);
    let (path, host) = ("[a-zA-Z0-9~%-]{0,5}", "[a-z]{1,5}(:8[0-9]{3})?");
    let strategy =
        (method, path, "[a-z0-9]{0,4}", host, lines, "[a-z]{0,3}", body, 0..9_999_999_999_u64);
    strategy.prop_map(|(method, path, pet, host, lines, uncovered, body, at)| {
        let at = Duration::from_secs(at);
        Described { method, path, pet, host, lines, uncovered, body, at }
    })
}

// What a server does with what arrived: it reads the components from `Signature-Input`, and takes
// every value from the message anew.
fn recomputed(head: &Parts) -> String {
    let input = head.headers["signature-input"].to_str().unwrap();
    let parameters = input.split_once('=').unwrap().1;
    let list = parameters.strip_prefix('(').unwrap().split_once(')').unwrap().0;
    let lines = |name: &str| -> Vec<String> {
        head.headers.get_all(name).iter().map(|it| it.to_str().unwrap().to_owned()).collect()
    };
    let mut base = String::new();
    for identifier in list.split(' ') {
        let value = match identifier {
            "\"@method\"" => head.method.to_string(),
            "\"@path\"" => head.uri.path().to_owned(),
            "\"@target-uri\"" => head.uri.to_string(),
            "\"@authority\"" => lines("host").remove(0),
            "\"@query\"" => format!("?{}", head.uri.query().unwrap()),
            "\"@query-param\";name=\"Pet\"" => {
                head.uri.query().unwrap().split_once("Pet=").unwrap().1.to_owned()
            }
            "\"x-lines\";bs" => {
                let wrapped = lines("x-lines").into_iter();
                let wrapped: Vec<_> =
                    wrapped.map(|it| format!(":{}:", STANDARD.encode(it))).collect();
                wrapped.join(", ")
            }
            field => lines(field.trim_matches('"')).join(", "),
        };
        base += &format!("{identifier}: {value}\n");
    }
    base += &format!("\"@signature-params\": {parameters}");
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
    mac.update(base.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[track_caller]
fn check_input(signer: &HttpSignature, expected: &str) {
    let (mut head, ()) = Request::new(()).into_parts();
    signer.sign(&mut head, None, AT).unwrap();
    assert_eq!(head.headers["signature-input"], expected);
    assert_eq!(signature_of(&head), recomputed(&head));
}

#[track_caller]
fn check_invalid(signer: Result<HttpSignature, InvalidSigner>, field: &str, problem: &str) {
    let error = signer.unwrap_err();
    assert_eq!(error.field(), field);
    let text = error.to_string();
    assert!(text.starts_with(field) && text.contains(problem), "{text}");
    assert!(!text.contains("canary"));
}

async fn check_refused(component: &str, request: Builder, reason: &str) {
    let signer = HttpSignature::new("key", KEY, [component]).unwrap();
    let refusal = through(signer, request, b"").await.unwrap_err();
    assert_eq!(refusal.code(), Code::CredentialUnavailable);
    assert!(format!("{refusal:?}").contains(&reason.escape_debug().to_string()), "{refusal:?}");
}

// What reaches the upstream, through the layer, of a request whose body has been read.
async fn through(
    signer: HttpSignature,
    request: Builder,
    body: &'static [u8],
) -> Result<Parts, Refusal> {
    let request = request.body(Full::new(Bytes::from_static(body))).unwrap();
    let ReadOutcome::Whole(request) = BufferedBody::read(request, 1_000).await else { panic!() };
    let arrived = Arc::new(Mutex::new(None));
    let upstream = Arc::clone(&arrived);
    let service = ServiceBuilder::new().layer(layer(signer)).service(service_fn(
        move |request: Request<rrcore::Body<Full<Bytes>>>| {
            *upstream.lock().unwrap() = Some(request.into_parts().0);
            std::future::ready(Ok::<_, Infallible>(Response::new(Full::new(Bytes::new()))))
        },
    ));
    let response = service.oneshot(request).await.unwrap();
    match arrived.lock().unwrap().take() {
        Some(head) => Ok(head),
        None => {
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            Err(response.extensions().get::<Refusal>().unwrap().clone())
        }
    }
}

async fn never(_: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    panic!("it was sent")
}

fn layer(signer: HttpSignature) -> InjectLayer {
    let clock = ManualClock::starting_at(AT).clock();
    InjectLayer::new(Injection::signed(Arc::new(signer))).clock(clock)
}

#[track_caller]
fn signature_of(head: &Parts) -> String {
    let signature = head.headers["signature"].to_str().unwrap();
    signature.split_once("=:").unwrap().1.strip_suffix(':').unwrap().to_owned()
}
