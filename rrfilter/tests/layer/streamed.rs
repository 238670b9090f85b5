//! Responses that are longer than what is held: filtered while they stream.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, VARY};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use rrcore::coding::{Coding, Encoder, decode};
use rrcore::{Code, Fact, Outcome, Scope, Stage};
use rrfilter::{BodyError, Filter, FilterLayer, FilteredBody, Operation};

use crate::support::{Boxed, CANARY, boxed, get, json, refused, retain, text, through};

#[tokio::test]
async fn the_first_bytes_leave_before_the_last_have_come() {
    let rows = row().repeat(3000);
    let (body, more) = scripted([format!("[{rows}").into()]);
    let mut answer = through(retain(&["$[*].id"]), get(), response(body)).await;
    assert!(!answer.headers().contains_key(CONTENT_LENGTH));
    let first = answer.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(first.starts_with(br#"[{"id":1},{"id":1}"#));
    more.push("{}]");
    more.end();
    let rest = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(rest.ends_with(br#"{"id":1}]"#));
}

#[tokio::test]
async fn what_is_found_within_the_first_64_kib_is_refused_as_a_whole() {
    for wrong in [r#"{"id":"078-05-1120","id":1}]"#, "078-05-1120", "\u{1}078-05-1120"] {
        let document = format!("[{}{wrong}", row().repeat(1000));
        assert!(document.len() < 64 << 10);
        let answer =
            through(retain(&["$..id"]), get(), json().body(boxed(document.as_bytes())).unwrap());
        refused(answer.await, Code::ResponseNotFilterable, Stage::Filter).await;
    }
}

#[tokio::test]
async fn what_is_found_later_breaks_the_transfer_off() {
    let rows = row().repeat(3000);
    for wrong in [
        r#"{"id":"078-05-1120","id":1}]"#,
        r#"{"id":1,"i\u0064":"078-05-1120"}]"#,
        "078-05-1120",
        "{}]078-05-1120",
        "{}] {\"id\":\"078-05-1120\"}",
        "{\"ssn\":\"078-05-1120\"}",
        "{\"id\":\"078-05-1120",
        "\u{1}078-05-1120",
    ] {
        let document = format!("[{rows}{wrong}");
        let mut request = get();
        let context = rrcore::Context::of(request.extensions_mut(), &rrcore::Clock::system());
        let answer = through(retain(&["$[*].id"]), request, in_chunks(document.as_bytes(), 1000));
        let (left, error) = drained(answer.await).await;
        assert!(error.unwrap().is_withheld(), "{wrong}");
        assert!(left.len() > 10_000 && left.starts_with(br#"[{"id":1},{"id":1}"#));
        let trail = context.trail();
        let entry = trail.entries().last().unwrap();
        assert_eq!(entry.outcome, Outcome::Refused(Code::ResponseNotFilterable));
        assert!(matches!(entry.facts[..], [Fact::Filter { removed, .. }] if removed < 9000));
        if wrong.starts_with("078") || wrong.starts_with("{\"ssn\"") {
            assert!(!String::from_utf8_lossy(&left).contains(CANARY), "{wrong}");
        }
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_later_breaks_the_transfer_off() {
    let (body, more) = scripted([format!("[{}", row().repeat(3000)).into()]);
    let answer = through(retain(&["$[*].id"]), get(), response(body)).await;
    more.fail();
    let (_, error) = drained(answer).await;
    let error = error.unwrap();
    assert!(!error.is_withheld());
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("on purpose"));
}

#[tokio::test]
async fn what_streamed_is_in_the_trail_when_it_ends_or_is_left() {
    for whole in [true, false] {
        let mut request = get();
        let context = rrcore::Context::of(request.extensions_mut(), &rrcore::Clock::system());
        let document = format!("[{}{{}}]", row().repeat(3000));
        let answer = through(retain(&["$[*].id"]), request, in_chunks(document.as_bytes(), 1000));
        let mut answer = answer.await;
        assert!(context.trail().entries().is_empty());
        if whole {
            drained(answer).await;
        } else {
            answer.frame().await.unwrap().unwrap();
            drop(answer);
        }
        let entries = context.trail().entries().to_vec();
        assert_eq!((entries.len(), entries[0].outcome), (1, Outcome::Passed));
        let Fact::Filter { removed, .. } = &entries[0].facts[0] else { panic!() };
        assert!(if whole { *removed == 6001 } else { (1..6000).contains(removed) }, "{removed}");
    }
}

#[tokio::test]
async fn what_leaves_does_not_depend_on_chunks_or_codings() {
    let document =
        format!("\u{feff}[{}{{\"id\":1e400,\"note\":\"\\u00e9\u{20ac}\"}} ]", row().repeat(40));
    let layer = || {
        let mask = Filter::new("m", Operation::Mask, ["$[*].note"]).unwrap();
        let destroy = Filter::new("d", Operation::Destroy, ["$[1:3]", "$..ssn"]).unwrap();
        let set = rrfilter::FilterSet::new(vec![mask, destroy]);
        FilterLayer::new().scope(Scope::Target, set).hold_bytes(100)
    };
    let whole = through(layer(), get(), json().body(boxed(document.as_bytes())).unwrap()).await;
    let expected = collected(whole).await;
    assert!(expected.starts_with(r#"[{"id":1,"#) && !expected.contains(CANARY));
    for (coding, content) in encodings(document.as_bytes()) {
        for chunk in [1, 2, 3, 7, 64, 1000, usize::MAX] {
            let mut sent = in_chunks(&content, chunk);
            sent.headers_mut().insert(CONTENT_ENCODING, coding.as_str().parse().unwrap());
            let answer = through(layer(), get(), sent).await;
            assert_eq!(collected(answer).await, expected, "{coding:?} by {chunk}");
        }
    }
}

#[tokio::test]
async fn what_was_encoded_is_encoded_again_for_who_asks() {
    for rows in [1, 3000] {
        let document = format!("[{}{{}}]", row().repeat(rows));
        let expected = format!("[{}]", vec![r#"{"id":1}"#; rows].join(","));
        for (accepts, coding) in [
            ("gzip", Coding::Gzip),
            ("br;q=1, gzip;q=0.1", Coding::Brotli),
            ("deflate", Coding::Deflate),
            ("zstd", Coding::Identity),
            ("identity", Coding::Identity),
        ] {
            let mut request = get();
            request.headers_mut().insert("accept-encoding", accepts.parse().unwrap());
            let mut sent = in_chunks(&encode(Coding::Gzip, document.as_bytes()), 1000);
            sent.headers_mut().insert(CONTENT_ENCODING, "gzip".parse().unwrap());
            let answer = through(retain(&["$[*].id"]), request, sent).await;
            assert_eq!(Coding::of(answer.headers()), Ok(coding), "{accepts}");
            assert_eq!(answer.headers()[VARY], "accept-encoding");
            let content = answer.into_body().collect().await.unwrap().to_bytes();
            let plain = decode(coding, content, expected.len()).unwrap();
            assert_eq!(plain, expected.as_bytes(), "{accepts}");
        }
    }
}

#[tokio::test]
async fn a_bomb_breaks_off_and_never_is_much_at_once() {
    let zeros = format!("[{}1]", "0,".repeat(2 << 20));
    for (coding, content) in encodings(zeros.as_bytes()).into_iter().skip(1) {
        let mut sent = in_chunks(&content, usize::MAX);
        sent.headers_mut().insert(CONTENT_ENCODING, coding.as_str().parse().unwrap());
        let layer = retain(&["$"]).max_ratio(20);
        let mut answer = through(layer, get(), sent).await;
        let (mut total, mut failed) = (0, false);
        while let Some(frame) = answer.frame().await {
            let Ok(frame) = frame else {
                failed = true;
                break;
            };
            let data = frame.into_data().unwrap();
            assert!(data.len() <= 256 << 10, "{}", data.len());
            total += data.len();
        }
        assert!(failed && total <= (1 << 20) + 20 * content.len(), "{coding:?}: {total}");
    }
}

#[tokio::test]
async fn the_memory_that_a_stream_takes_does_not_grow_with_it() {
    let filters: Vec<_> = ["$[*].ssn", "$[*].a", "$[*].b.c", "$[*].d[1:]"]
        .map(|it| Filter::new("flt", Operation::Destroy, [it]).unwrap())
        .into();
    let layer = FilterLayer::new().scope(Scope::Proxy, rrfilter::FilterSet::new(filters));
    let chunk = Bytes::from(row().repeat(500));
    let (body, more) = scripted(["[".into()]);
    let mut seen = 0_usize;
    let mut pushed = 0_usize;
    for _ in 0..3 {
        more.push(chunk.clone());
        pushed += chunk.len();
    }
    let mut answer = through(layer, get(), response(body)).await;
    while pushed < 4 << 20 {
        more.push(chunk.clone());
        pushed += chunk.len();
        let frame = answer.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(frame.len() <= 2 * chunk.len());
        seen += frame.len();
    }
    more.push("1]");
    more.end();
    let (rest, error) = drained(answer).await;
    assert!(error.is_none());
    assert!(rest.len() < 4 * chunk.len(), "it lags behind by {}", rest.len());
    assert!(seen > pushed / 4);
}

fn row() -> String {
    format!(r#"{{"id":1,"note":"caf\u00e9 {{","ssn":"{CANARY}"}},"#)
}

fn response(body: Scripted) -> Response<Boxed> {
    json().body(body.boxed_unsync()).unwrap()
}

pub(crate) fn in_chunks(content: &[u8], chunk: usize) -> Response<Boxed> {
    let chunks = content.chunks(chunk.min(content.len()).max(1));
    let (body, script) = scripted(chunks.map(Bytes::copy_from_slice));
    script.end();
    response(body)
}

fn encode(coding: Coding, content: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(coding).unwrap();
    let mut out = Vec::new();
    encoder.push(content, &mut out);
    encoder.finish(&mut out);
    out
}

pub(crate) fn encodings(content: &[u8]) -> Vec<(Coding, Vec<u8>)> {
    let mut encodings: Vec<_> = [Coding::Identity, Coding::Gzip, Coding::Deflate, Coding::Brotli]
        .map(|it| (it, encode(it, content)))
        .into();
    encodings.push((Coding::Zstd, zstd::encode_all(content, 3).unwrap()));
    encodings
}

async fn collected(response: Response<FilteredBody<Boxed>>) -> String {
    assert_eq!(response.status(), 200, "{}", text(response).await);
    text(response).await
}

// All that leaves, and how it ends.
async fn drained(mut response: Response<FilteredBody<Boxed>>) -> (Vec<u8>, Option<BodyError>) {
    let mut left = Vec::new();
    while let Some(frame) = response.frame().await {
        match frame {
            Ok(frame) => left.extend_from_slice(&frame.into_data().unwrap()),
            Err(error) => {
                assert!(response.frame().await.is_none(), "nothing comes after an error");
                return (left, Some(error));
            }
        }
    }
    (left, None)
}

/// A body that gives what it is told, while it is told.
pub(crate) struct Scripted {
    script: Script,
}

// The end is told, too.
type Told = Option<Result<Bytes, std::io::Error>>;

#[derive(Clone)]
pub(crate) struct Script {
    next: Arc<std::sync::Mutex<VecDeque<Told>>>,
}

pub(crate) fn scripted(first: impl IntoIterator<Item = Bytes>) -> (Scripted, Script) {
    let script = Script { next: Arc::default() };
    first.into_iter().for_each(|it| script.push(it));
    (Scripted { script: script.clone() }, script)
}

impl Script {
    pub(crate) fn push(&self, data: impl Into<Bytes>) {
        self.next.lock().unwrap().push_back(Some(Ok(data.into())));
    }

    pub(crate) fn fail(&self) {
        self.next.lock().unwrap().push_back(Some(Err(std::io::Error::other("on purpose"))));
    }

    pub(crate) fn end(&self) {
        self.next.lock().unwrap().push_back(None);
    }
}

impl Body for Scripted {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match self.script.next.lock().unwrap().pop_front() {
            Some(Some(next)) => Poll::Ready(Some(next.map(Frame::data))),
            Some(None) => Poll::Ready(None),
            None => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}
