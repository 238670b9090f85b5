//! Responses that cannot be filtered: refused, and nothing of them passes.

use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body::Frame;
use http_body_util::BodyExt;
use rrcore::{Code, Stage};

use crate::streamed::encodings;
use crate::support::{CANARY, boxed, get, json, refused, retain, text, through};

#[tokio::test]
async fn what_is_not_declared_as_json_in_utf_8_is_withheld() {
    for kind in ["text/html", "application/x-ndjson", "application/json; charset=iso-8859-1"] {
        check(Response::builder().header(CONTENT_TYPE, kind), DOCUMENT).await;
    }
    check(Response::builder(), DOCUMENT).await;
    check(json().status(206), DOCUMENT).await;
}

#[tokio::test]
async fn what_is_not_json_or_not_one_json_is_withheld() {
    let documents: [&[u8]; 14] = [
        b"",
        b"078-05-1120",
        br#""078-05-1120""#,
        br#"{"id":1,"ssn":"078-05-1120""#,
        br#"{"id":1,"ssn":"078-05-1120"}{"id":2}"#,
        br#"{"id":1,"id":"078-05-1120"}"#,
        br#"{"id":1,"\u0069d":"078-05-1120"}"#,
        br#"{"id":NaN,"ssn":"078-05-1120"}"#,
        br#"{/*078-05-1120*/"id":1}"#,
        br#"cb({"id":"078-05-1120"})"#,
        br#")]}',{"id":"078-05-1120"}"#,
        b"{\"id\":\"078-05-1120\xff\"}",
        b"\xff\xfe{\0\"\0i\0d\0\"\0:\x001\0}\0",
        b"\xef\xbb{\"id\":\"078-05-1120\"}",
    ];
    for document in documents {
        check(json(), document).await;
    }
    let too_deep = format!("{{\"id\":{}\"{CANARY}\"{}}}", "[".repeat(128), "]".repeat(128));
    check(json(), too_deep.as_bytes()).await;
}

#[tokio::test]
async fn what_cannot_be_decoded_is_withheld() {
    for coding in ["gzip, gzip", "unknown"] {
        check(json().header(CONTENT_ENCODING, coding), DOCUMENT).await;
    }
    let long = format!("[{}1]", "\"078-05-1120\",".repeat(8000));
    for (coding, whole) in encodings(DOCUMENT).into_iter().skip(1) {
        for content in [
            &[0xff; 300],
            DOCUMENT,
            long.as_bytes(),
            &whole[..1],
            &whole[..whole.len() / 2],
            &whole[..whole.len() - 1],
            &[&whole[..], b"{}"].concat(),
            &gzip(&whole),
            b"",
        ] {
            check(json().header(CONTENT_ENCODING, coding.as_str()), content).await;
        }
        check(json(), &whole).await;
        let whole = json().header(CONTENT_ENCODING, coding.as_str()).body(boxed(&whole)).unwrap();
        assert_eq!(text(through(retain(&["$.id"]), get(), whole).await).await, r#"{"id":1}"#);
    }
}

#[tokio::test]
async fn a_byte_order_mark_hides_nothing() {
    let marked = [b"\xef\xbb\xbf", DOCUMENT].concat();
    let answer = through(retain(&["$.id"]), get(), json().body(boxed(&marked)).unwrap()).await;
    assert_eq!(text(answer).await, r#"{"id":1}"#);
}

#[tokio::test]
async fn encoded_content_is_filtered_and_leaves_plain() {
    let response = json().header(CONTENT_ENCODING, "gzip").body(boxed(&gzip(DOCUMENT)));
    let answer = through(retain(&["$.id"]), get(), response.unwrap()).await;
    assert!(!answer.headers().contains_key(CONTENT_ENCODING));
    assert_eq!(text(answer).await, r#"{"id":1}"#);
}

#[tokio::test]
async fn what_has_to_be_held_whole_is_held_up_to_the_limit() {
    let exact = format!("[\"{}\"]", "a".repeat(60));
    let over = format!("[\"{}\"]", "a".repeat(61));
    let bomb = gzip(format!("[{}1]", " ".repeat(10_000)).as_bytes());
    assert!(bomb.len() < 64, "it would be too large as it is");
    for (response, body, passes) in [
        (json(), exact.as_bytes(), true),
        (json(), over.as_bytes(), false),
        (json().header(CONTENT_ENCODING, "gzip"), bomb.as_slice(), false),
    ] {
        let layer = retain(&["$[-1]"]).max_buffered_bytes(64);
        let answer = through(layer, get(), response.body(boxed(body)).unwrap()).await;
        if passes {
            assert_eq!(text(answer).await.as_bytes(), body);
        } else {
            refused(answer, Code::ResponseTooLarge, Stage::Filter).await;
        }
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_upstreams_fault() {
    let response = json().body(Broken { first: Some(DOCUMENT) }.boxed_unsync()).unwrap();
    let answer = through(retain(&["$.id"]), get(), response).await;
    refused(answer, Code::UpstreamInvalidResponse, Stage::Upstream).await;
}

async fn check(response: http::response::Builder, body: &[u8]) {
    let response = response.header("etag", CANARY).body(boxed(body)).unwrap();
    let answer = through(retain(&["$.id", "$.note"]), get(), response).await;
    refused(answer, Code::ResponseNotFilterable, Stage::Filter).await;
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(content).unwrap();
    gzip.finish().unwrap()
}

const DOCUMENT: &[u8] = br#"{"id":1,"ssn":"078-05-1120"}"#;

// A body that fails after what looks like all of it.
struct Broken {
    first: Option<&'static [u8]>,
}

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let first = self.first.take().map(|it| Frame::data(Bytes::from_static(it)));
        Poll::Ready(Some(first.ok_or_else(|| std::io::Error::other(CANARY))))
    }
}
