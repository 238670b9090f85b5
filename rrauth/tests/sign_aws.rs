//! AWS Signature Version 4, by AWS' own examples and by a second reading of the documentation.
#![cfg(test)] // tells clippy that this may panic

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use proptest::prelude::*;
use rrauth::{AwsSigV4, InjectLayer, Injection, Sign};
use rrcore::{BufferedBody, Code, ManualClock, ReadOutcome, Refusal};
use sha2::{Digest, Sha256};
use tower::{ServiceBuilder, ServiceExt, service_fn};

const KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2015-08-30T12:36:00Z.
const SUITE_TIME: Duration = Duration::from_secs(1_440_938_160);

// The test suite's. It signs every header; `Host` and `X-Amz-Date` are in all of them.
#[test]
fn signatures_are_those_of_the_test_suite() {
    let no: &[(&'static str, &str)] = &[];
    check("GET", "/", no, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    check("POST", "/", no, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    for path in ["/example1/example2/../..", "/example/..", "/./", "//"] {
        check("GET", path, no, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    }
    for row in SUITE {
        let (method, path, headers, signature) = row;
        check(method, path, headers, signature);
    }
}

#[test]
fn a_form_is_signed_as_in_the_test_suite() {
    let (body, length) = (b"Param1=value1", "13");
    for (content_type, with_digest, signature) in FORMS {
        let mut signer = suite_signer();
        if *with_digest {
            let length = [HeaderName::from_static("content-length")];
            signer = signer.signed_headers(length).content_sha256();
        }
        let headers = [("content-type", *content_type), ("content-length", length)];
        let mut head = head("POST", "/", &headers);
        signer.sign(&mut head, Some(body), SUITE_TIME).unwrap();
        assert_eq!(signature_of(&head), *signature, "{content_type}");
    }
}

#[test]
fn a_session_token_is_sent_and_signed_as_in_the_test_suite() {
    let token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
    let signer = suite_signer().session_token(token).unwrap();
    let mut head = head("GET", "/", &[]);
    let secrets = signer.sign(&mut head, Some(b""), SUITE_TIME).unwrap();
    let signature = "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8";
    assert_eq!(signature_of(&head), signature);
    assert_eq!(head.headers["x-amz-security-token"], token);
    assert!(head.headers["x-amz-security-token"].is_sensitive());
    let secrets: Vec<_> = secrets.iter().map(|it| it.expose()).collect();
    assert_eq!(secrets, [token.as_bytes(), signature.as_bytes()]);
}

// "Signature Calculations for the Authorization Header" in the documentation of S3.
#[test]
fn signatures_of_objects_are_those_of_the_documentation() {
    let none = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let put =
        [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")];
    check_s3(
        "GET",
        "/test.txt",
        &[("range", "bytes=0-9")],
        b"",
        none,
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    );
    for path in ["/test$file.text", "/test%24file.text"] {
        check_s3(
            "PUT",
            path,
            &put,
            b"Welcome to Amazon S3.",
            "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        );
    }
    check_s3(
        "GET",
        "/?lifecycle",
        &[],
        b"",
        none,
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    );
    for query in ["max-keys=2&prefix=J", "prefix=J&max-keys=2"] {
        check_s3(
            "GET",
            &format!("/?{query}"),
            &[],
            b"",
            none,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        );
    }
}

#[tokio::test]
async fn nothing_that_a_client_signed_with_goes_on() {
    let sent = Request::get(
        "https://example.amazonaws.com/a?X-Amz-Signature=theirs&b=1&x%2Damz%2Dcredential=theirs\
         &X-Amz-Algorithm=AWS4-HMAC-SHA256&X-AMZ-DATE=1&X-Amz-Expires=9&X-Amz-SignedHeaders=host\
         &X-Amz-Security-Token=theirs&AWSAccessKeyId=theirs",
    )
    .header("authorization", "theirs")
    .header("Authorization", "again")
    .header("x-amz-date", "theirs")
    .header("x_amz_date", "theirs")
    .header("x-amz-security-token", "theirs")
    .header("X_Amz-Security.Token", "theirs")
    .header("x-amz-content-sha256", "theirs")
    .header("x-amz-s3session-token", "theirs")
    .header("x-amz-target", "DynamoDB_20120810.GetItem");
    let (head, _) = through(suite_signer(), sent, b"").await.unwrap();

    assert_eq!(head.uri, "https://example.amazonaws.com/a?b=1");
    let mut names: Vec<_> = head.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["authorization", "x-amz-date", "x-amz-target"]);
    assert!(!format!("{:?}", head.headers).contains("theirs"));
    let authorization = head.headers["authorization"].to_str().unwrap();
    assert!(authorization.contains("SignedHeaders=host;x-amz-date;x-amz-target,"));

    let clean = Request::get("https://example.amazonaws.com/a?b=1")
        .header("x-amz-target", "DynamoDB_20120810.GetItem");
    let (clean, _) = through(suite_signer(), clean, b"").await.unwrap();
    assert_eq!(signature_of(&head), signature_of(&clean));
}

#[tokio::test]
async fn what_cannot_be_signed_is_not_sent() {
    let unsigned = || suite_signer().unsigned_payload();
    let to = |uri: &str| Request::put(uri);
    let https = "https://example.amazonaws.com/";
    check_refused(unsigned(), to("http://example.amazonaws.com/"), "without https").await;
    check_refused(unsigned(), to("/").header("host", "a"), "without https").await;
    check_refused(suite_signer(), to("/"), "names no host").await;
    check_refused(suite_signer(), to("*").header("host", "a"), "has no path").await;
    let two = to(https).header("host", "a").header("host", "b");
    check_refused(suite_signer(), two, "several Host headers").await;
    let chunked = to(https).header("content-encoding", "gzip, AWS-chunked");
    check_refused(suite_signer(), chunked, "aws-chunked").await;
    let chunked = to(https).header("x-amz-decoded-content-length", "3");
    check_refused(suite_signer(), chunked, "aws-chunked").await;

    // Nobody has read the body, which an outer stage would have done.
    let layer = layer(suite_signer());
    let service = ServiceBuilder::new().layer(layer).service(service_fn(never));
    let response = service.oneshot(to(https).body(Full::new(Bytes::new())).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn an_unsigned_body_need_not_be_read() {
    let signer = suite_signer().unsigned_payload();
    assert!(!signer.needs_body() && suite_signer().needs_body());
    let mut head = head("PUT", "/", &[]);
    signer.sign(&mut head, None, SUITE_TIME).unwrap();
    assert_eq!(head.headers["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
    assert!(suite_signer().sign(&mut head, None, SUITE_TIME).is_err());
}

#[test]
fn what_makes_no_signer_is_refused_by_field() {
    let long = "a".repeat(8 * 1024 + 1);
    for bad in ["", "a/b", "a,b", "a b", "a\n", "ä", &long] {
        check_invalid(AwsSigV4::new(bad, KEY, "us-east-1", "s3"), "accessKeyId");
        check_invalid(AwsSigV4::new("id", KEY, bad, "s3"), "awsRegion");
        check_invalid(AwsSigV4::new("id", KEY, "us-east-1", bad), "service");
    }
    for bad in ["", "canary\n", " canary", "canäry", &long] {
        check_invalid(AwsSigV4::new("id", bad, "us-east-1", "s3"), "secretAccessKey");
        check_invalid(suite_signer().session_token(bad), "sessionToken");
    }
}

#[test]
fn nothing_secret_is_printed() {
    let signer = AwsSigV4::new("AKID", "canary", "us-east-1", "s3").unwrap();
    let signer = signer.session_token("canary").unwrap();
    let mut head = head("GET", "/", &[]);
    let secrets = signer.sign(&mut head, Some(b""), SUITE_TIME).unwrap();
    let printed = format!("{signer:?} {head:?} {secrets:?}");
    assert!(!printed.contains("canary") && !printed.contains(&signature_of(&head)), "{printed}");
    assert!(printed.starts_with("AwsSigV4(us-east-1, s3)"));
}

proptest! {
    #[test]
    fn what_is_signed_verifies_by_another_reading(request in request(), is_s3: bool) {
        let service = if is_s3 { "s3" } else { "execute-api" };
        let signer = AwsSigV4::new("AKID", KEY, "eu-west-1", service).unwrap();
        let mut head = request.head();
        signer.sign(&mut head, Some(&request.body), request.at).unwrap();
        prop_assert_eq!(signature_of(&head), recomputed(&head, &request.body, service));
    }

    #[test]
    fn whatever_changes_changes_the_signature(
        request in request(), other in request(), pick in 0..6_usize
    ) {
        let mut changed = request.clone();
        match pick {
            0 => changed.method = other.method,
            1 => changed.path = other.path,
            2 => changed.query = other.query,
            3 => changed.content_type = other.content_type,
            4 => changed.body = other.body,
            _ => changed.at = other.at,
        }
        prop_assume!(changed != request);
        let sign = |it: &Described| {
            let mut head = it.head();
            suite_signer().sign(&mut head, Some(&it.body), it.at).unwrap();
            signature_of(&head)
        };
        prop_assert_ne!(sign(&request), sign(&changed));
        prop_assert_eq!(sign(&request), sign(&request));
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Described {
    method: Method,
    path: String,
    /// Sorted, and each name once.
    query: std::collections::BTreeMap<String, String>,
    content_type: String,
    body: Vec<u8>,
    at: Duration,
}

impl Described {
    fn head(&self) -> Parts {
        let pairs = self.query.iter().rev().map(|(name, value)| format!("{name}={value}"));
        let query = pairs.collect::<Vec<_>>().join("&");
        let target = format!("https://h.example/{}?{query}", self.path);
        let request = Request::builder().method(self.method.clone()).uri(target);
        let request = request.header("content-type", &self.content_type);
        request.body(()).unwrap().into_parts().0
    }
}

fn request() -> impl Strategy<Value = Described> {
    let method = prop_oneof![Just(Method::GET), Just(Method::PUT), Just(Method::DELETE)];
    let query = proptest::collection::btree_map("[a-z]{1,3}", "[a-zA-Z0-9._~-]{0,4}", 0..4);
    let path = "[a-zA-Z0-9_~-]{0,5}";
    let (content_type, body) =
        ("[a-z]{1,4}/[a-z]{1,4}", proptest::collection::vec(any::<u8>(), 0..9));
    (method, path, query, content_type, body, 0..4_000_000_000_u64).prop_map(
        |(method, path, query, content_type, body, at)| {
            let at = Duration::from_secs(at);
            Described { method, path, query, content_type, body, at }
        },
    )
}

// What a server does with what arrived: plain strings, every step in full, and no cache.
fn recomputed(head: &Parts, body: &[u8], service: &str) -> String {
    let authorization = head.headers["authorization"].to_str().unwrap();
    let (_, rest) = authorization.split_once("SignedHeaders=").unwrap();
    let names = rest.split_once(", Signature=").unwrap().0;
    let mut query: Vec<_> =
        head.uri.query().unwrap().split('&').filter(|it| !it.is_empty()).collect();
    query.sort_by_key(|it| it.split_once('='));
    let headers: String = names
        .split(';')
        .map(|name| match name {
            "host" => format!("host:{}\n", head.uri.host().unwrap()),
            name => format!("{name}:{}\n", head.headers[name].to_str().unwrap()),
        })
        .collect();
    let canonical = format!(
        "{}\n{}\n{}\n{headers}\n{names}\n{}",
        head.method,
        head.uri.path(),
        query.join("&"),
        hex(&Sha256::digest(body))
    );
    let time = head.headers["x-amz-date"].to_str().unwrap();
    let date = &time[..8];
    let scope = format!("{date}/eu-west-1/{service}/aws4_request");
    let digest = hex(&Sha256::digest(canonical));
    let mut key = format!("AWS4{KEY}").into_bytes();
    for part in [date, "eu-west-1", service, "aws4_request"] {
        key = hmac(&key, part.as_bytes());
    }
    hex(&hmac(&key, format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}").as_bytes()))
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

#[track_caller]
fn check(method: &str, path: &str, headers: &[(&'static str, &str)], signature: &str) {
    let names = headers.iter().map(|it| HeaderName::from_static(it.0));
    let signer = suite_signer().signed_headers(names);
    let mut head = head(method, path, headers);
    signer.sign(&mut head, Some(b""), SUITE_TIME).unwrap();
    assert_eq!(signature_of(&head), signature, "{method} {path} {headers:?}");
    assert_eq!(head.headers["x-amz-date"], "20150830T123600Z");
}

#[track_caller]
fn check_s3(
    method: &str,
    path: &str,
    headers: &[(&'static str, &str)],
    body: &[u8],
    digest: &str,
    signature: &str,
) {
    let key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let signer = AwsSigV4::new("AKIAIOSFODNN7EXAMPLE", key, "us-east-1", "s3").unwrap();
    let signer = signer.signed_headers(["date", "range"].map(HeaderName::from_static));
    let mut head = head(method, path, headers);
    head.headers.insert("host", HeaderValue::from_static("examplebucket.s3.amazonaws.com"));
    // 2013-05-24T00:00:00Z.
    signer.sign(&mut head, Some(body), Duration::from_secs(1_369_353_600)).unwrap();
    assert_eq!(head.headers["x-amz-content-sha256"], digest);
    assert_eq!(signature_of(&head), signature, "{method} {path}");
}

#[track_caller]
fn check_invalid(signer: Result<AwsSigV4, rrauth::InvalidSigner>, field: &str) {
    let error = signer.unwrap_err();
    assert_eq!(error.field(), field);
    assert!(error.to_string().starts_with(field));
    assert!(!format!("{error:?} {error}").contains("canary"));
}

async fn check_refused(signer: AwsSigV4, request: http::request::Builder, reason: &str) {
    let (response, refusal) = through(signer, request, b"").await.unwrap_err();
    assert_eq!(response, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refusal.code(), Code::CredentialUnavailable);
    assert!(format!("{refusal:?}").contains(reason), "{refusal:?}");
}

// What reaches the upstream, through the layer, of a request whose body has been read.
async fn through(
    signer: AwsSigV4,
    request: http::request::Builder,
    body: &'static [u8],
) -> Result<(Parts, Bytes), (StatusCode, Refusal)> {
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
        Some(head) => Ok((head, Bytes::from_static(body))),
        None => {
            let refusal = response.extensions().get::<Refusal>().unwrap().clone();
            Err((response.status(), refusal))
        }
    }
}

async fn never(_: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    panic!("it was sent")
}

fn layer(signer: AwsSigV4) -> InjectLayer {
    let clock = ManualClock::starting_at(SUITE_TIME).clock();
    InjectLayer::new(Injection::signed(Arc::new(signer))).clock(clock)
}

fn suite_signer() -> AwsSigV4 {
    AwsSigV4::new("AKIDEXAMPLE", KEY, "us-east-1", "service").unwrap()
}

fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> Parts {
    let uri = format!("https://example.amazonaws.com{path}");
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

#[track_caller]
fn signature_of(head: &Parts) -> String {
    let authorization = head.headers["authorization"].to_str().unwrap();
    authorization.split_once("Signature=").unwrap().1.to_owned()
}

type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static str);
const SUITE: &[Row] = &[
    // get-header-key-duplicate
    (
        "GET",
        "/",
        &[("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")],
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    ),
    // get-header-value-multiline
    (
        "GET",
        "/",
        &[("my-header1", "value1  value2     value3")],
        "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd",
    ),
    // get-header-value-order
    (
        "GET",
        "/",
        &[
            ("my-header1", "value4"),
            ("my-header1", "value1"),
            ("my-header1", "value3"),
            ("my-header1", "value2"),
        ],
        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
    ),
    // get-header-value-trim
    (
        "GET",
        "/",
        &[("my-header1", "value1"), ("my-header2", "\"a   b   c\"")],
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    // get-slash-pointless-dot-normalized
    ("GET", "/./example", &[], "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"),
    // get-slashes-normalized
    ("GET", "//example//", &[], "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
    // get-unreserved
    (
        "GET",
        "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        &[],
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    // get-utf8
    ("GET", "/ሴ", &[], "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
    // get-vanilla-empty-query-key
    (
        "GET",
        "/?Param1=value1",
        &[],
        "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
    ),
    // get-vanilla-query-order-encoded
    (
        "GET",
        "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
        &[],
        "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
    ),
    // get-vanilla-query-order-key-case
    (
        "GET",
        "/?Param2=value2&Param1=value1",
        &[],
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    // get-vanilla-query-unreserved
    (
        "GET",
        "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        &[],
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    ),
    // get-vanilla-utf8-query
    ("GET", "/?ሴ=bar", &[], "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
    // post-header-key-sort
    (
        "POST",
        "/",
        &[("my-header1", "value1")],
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    // post-header-value-case
    (
        "POST",
        "/",
        &[("my-header1", "VALUE1")],
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    // post-vanilla-query
    (
        "POST",
        "/?Param1=value1",
        &[],
        "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
    ),
];
/// The content type, whether `X-Amz-Content-Sha256` is sent, and the signature.
const FORMS: &[(&str, bool, &str)] = &[
    (
        "application/x-www-form-urlencoded",
        true,
        "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
    ),
    (
        "application/x-www-form-urlencoded; charset=utf-8",
        true,
        "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
    ),
    (
        "application/x-www-form-urlencoded",
        false,
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
    (
        "application/x-www-form-urlencoded; charset=utf8",
        false,
        "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
    ),
];
