//! Content in a coding: nothing leaves before something of it is undone, and no more is waited for.

use std::error::Error;
use std::io;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use rrcore::coding::{Coding, Encoder};
use rrcore::{Clock, Code, Outcome, Refusal};
use rrfilter::{BodyError, EchoShieldLayer, FilterLayer};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, Service, ServiceExt};

use crate::support::{Pieces, answering, coded, secrets, through};

#[tokio::test]
async fn what_cannot_be_undone_is_refused_before_its_head_leaves() {
    for coding in CODINGS {
        for text in [SHORT.into(), long()] {
            let whole = coded(coding, text.as_bytes());
            for (what, content) in [
                ("garbage", vec![0xff; 300]),
                ("plain", text.clone().into_bytes()),
                ("cut after a byte", whole[..1].to_vec()),
                ("of no end", whole[..3].to_vec()),
            ] {
                // Byte by byte, anything may be the beginning of bare deflate.
                for cut in [usize::MAX, 1000, 100] {
                    let came = shielded(coding, &content, cut).await;
                    assert_eq!(came, Came::Refused(BAD), "{coding}, {what}, by {cut}");
                }
            }
        }
        // What is short and there as a whole is known to its end.
        let whole = coded(coding, SHORT.as_bytes());
        for content in [
            whole[..whole.len() / 2].to_vec(),
            whole[..whole.len() - 1].to_vec(),
            [&whole[..], b"garbage"].concat(),
        ] {
            let came = shielded(coding, &content, usize::MAX).await;
            assert_eq!(came, Came::Refused(BAD), "{coding}");
        }
    }
}

#[tokio::test]
async fn where_the_end_is_not_known_what_is_no_coding_is_refused_too() {
    for coding in CODINGS {
        for plain in ["{\"a\":\"bcd\"}", "{\"ok\":true}", "[1,2,3,4,5]", "hello world", SHORT] {
            let (upstream, body) = told();
            upstream.send(Ok(Bytes::from(plain))).unwrap();
            let mut service =
                EchoShieldLayer::new().layer(answering(secrets(&[SECRET]), response(coding, body)));
            let answer = assert_ready!(task::spawn(service.call(Request::new(()))).poll());
            assert_eq!(came(answer.unwrap()).await, Came::Refused(BAD), "{coding}: {plain}");
        }
    }
}

#[tokio::test]
async fn what_is_found_later_breaks_the_transfer_off() {
    let text = long();
    for coding in CODINGS {
        let whole = coded(coding, text.as_bytes());
        for content in [whole[..whole.len() * 9 / 10].to_vec(), [&whole[..], &[0xff; 100]].concat()]
        {
            for cut in [usize::MAX, 1000] {
                match shielded(coding, &content, cut).await {
                    Came::Broken(left) => assert!(text.as_bytes().starts_with(&left), "{coding}"),
                    // These decoders give nothing out before they have a window of it, or all.
                    Came::Refused(BAD) if matches!(coding, "br" | "zstd") => {}
                    came => panic!("{coding} by {cut}: {came:?}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn what_can_be_undone_passes_however_it_is_cut() {
    for coding in CODINGS {
        for text in [SHORT.into(), long(), format!("{SECRET} {}", long())] {
            let content = coded(coding, text.as_bytes());
            let masked = text.replace(SECRET, &"*".repeat(SECRET.len())).into_bytes();
            let least = if text == SHORT { 1 } else { 100 };
            for cut in [usize::MAX, 1000, least] {
                let came = shielded(coding, &content, cut).await;
                assert!(came == Came::Whole(masked.clone()), "{coding} by {cut}");
            }
        }
        // No content is none in any coding, and its trailers are still its.
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", SECRET.parse().unwrap());
        for (pieces, has_trailers) in [
            (Pieces::default(), false),
            (Pieces::of([&b""[..]]), false),
            (Pieces::of([&b""[..]]).trailers(trailers), true),
        ] {
            let answer =
                through(&secrets(&[SECRET]), Request::new(()), response(coding, pieces)).await;
            assert_eq!(answer.body().is_end_stream(), !has_trailers);
            let collected = answer.into_body().collect().await.unwrap();
            let sum = collected.trailers().map(|it| it["x-sum"].clone());
            assert_eq!(sum, has_trailers.then(|| "*".repeat(32).parse().unwrap()));
            assert!(collected.to_bytes().is_empty());
        }
    }
}

#[tokio::test]
async fn a_filter_outside_refuses_what_breaks_off_within_the_first_64_kib() {
    for coding in CODINGS {
        let short = coded(coding, SHORT.as_bytes());
        for content in [
            vec![0xff; 300],
            SHORT.into(),
            long().into_bytes(),
            short[..1].to_vec(),
            short[..short.len() / 2].to_vec(),
            [&short[..], b"garbage"].concat(),
        ] {
            for cut in [usize::MAX, 1] {
                match filtered(coding, &content, cut).await {
                    Came::Refused(BAD) => {}
                    // What the shield has undone so far is no JSON.
                    Came::Refused(Code::ResponseNotFilterable) if cut == 1 => {}
                    came => panic!("{coding} by {cut}: {came:?}"),
                }
            }
        }
        let whole = coded(coding, long().as_bytes());
        let came = filtered(coding, &whole[..whole.len() * 9 / 10], 1000).await;
        assert!(matches!(came, Came::Broken(_) | Came::Refused(BAD)), "{coding}");
        let came = filtered(coding, &whole, 1000).await;
        assert!(came == Came::Whole(long().into_bytes()), "{coding}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_before_anything_is_undone_is_refused_and_recorded() {
    for first in [&b""[..], &coded("gzip", SHORT.as_bytes())[..5]] {
        let mut request = Request::new(());
        let context = rrcore::Context::of(request.extensions_mut(), &Clock::system());
        let response = response("gzip", Pieces::of([first]).broken());
        let answer = through(&secrets(&[SECRET]), request, response).await;
        assert_eq!(came(answer).await, Came::Refused(BAD));
        let trail = context.trail();
        let outcomes: Vec<_> = trail.entries().iter().map(|it| it.outcome).collect();
        assert_eq!(outcomes, [Outcome::Refused(BAD)]);
    }
}

#[tokio::test]
async fn the_first_event_passes_before_the_second_is_sent() {
    let (upstream, body) = told();
    let mut encoder = Encoder::new(Coding::Gzip).unwrap();
    let mut event = |text: &str| {
        let mut sent = Vec::new();
        encoder.push(text.as_bytes(), &mut sent);
        encoder.flush(&mut sent);
        upstream.send(Ok(sent.into())).unwrap();
    };
    let mut service = EchoShieldLayer::new().layer(answering(secrets(&[SECRET]), events(body)));
    let mut answer = task::spawn(service.call(Request::new(())));
    assert_pending!(answer.poll(), "it is not known yet what comes");
    // The end of it may be the secret's beginning, and is held back: the head is not.
    event("data: 1\n\ndata: sk_live");
    assert!(answer.is_woken());
    let mut body = assert_ready!(answer.poll()).unwrap().into_body();
    let next = |body: &mut _| {
        let mut frame = task::spawn(BodyExt::frame(body));
        assert_ready!(frame.poll()).unwrap().unwrap().into_data().unwrap()
    };
    assert_eq!(next(&mut body), "data: 1\n\ndata: ");
    assert_pending!(task::spawn(body.frame()).poll());
    event("ly\n\n");
    assert_eq!(next(&mut body), "sk_lively\n\n");
    upstream.send(Ok(Bytes::from_static(b"garbage"))).unwrap();
    let error = assert_ready!(task::spawn(body.frame()).poll()).unwrap().unwrap_err();
    assert!(error.is_withheld());
}

#[tokio::test]
async fn what_is_held_back_delays_no_head() {
    let (upstream, body) = told();
    upstream.send(Ok(flushed(b"sk_live").into())).unwrap();
    let mut service = EchoShieldLayer::new().layer(answering(secrets(&[SECRET]), events(body)));
    let answer = assert_ready!(task::spawn(service.call(Request::new(()))).poll()).unwrap();
    assert_pending!(task::spawn(answer.into_body().frame()).poll());
}

#[tokio::test]
async fn what_is_in_no_coding_is_not_waited_for() {
    for coding in [None, Some("identity")] {
        let (_upstream, body) = told();
        let mut response = Response::new(body);
        if let Some(coding) = coding {
            response.headers_mut().insert(CONTENT_ENCODING, coding.parse().unwrap());
        }
        let mut service = EchoShieldLayer::new().layer(answering(secrets(&[SECRET]), response));
        let mut answer = task::spawn(service.call(Request::new(())));
        assert_eq!(assert_ready!(answer.poll()).unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_caller_that_leaves_before_the_beginning_lets_go_of_the_upstream() {
    let (upstream, body) = told();
    let mut request = Request::new(());
    let context = rrcore::Context::of(request.extensions_mut(), &Clock::system());
    let mut service = EchoShieldLayer::new().layer(answering(secrets(&[SECRET]), events(body)));
    let mut answer = task::spawn(service.call(request));
    assert_pending!(answer.poll());
    assert!(!upstream.is_closed());
    drop(answer);
    assert!(upstream.is_closed());
    assert!(context.trail().entries().is_empty(), "nothing was decided");
}

#[derive(Debug, PartialEq, Eq)]
enum Came {
    Refused(Code),
    // With so much before.
    Broken(Vec<u8>),
    Whole(Vec<u8>),
}

async fn shielded(coding: &str, content: &[u8], cut: usize) -> Came {
    let response = response(coding, pieces(content, cut));
    came(through(&secrets(&[SECRET]), Request::new(()), response).await).await
}

async fn filtered(coding: &str, content: &[u8], cut: usize) -> Came {
    let upstream = answering(secrets(&[SECRET]), response(coding, pieces(content, cut)));
    let filter = FilterLayer::retain(["$"]).unwrap();
    let service = filter.layer(EchoShieldLayer::new().layer(upstream));
    came(service.oneshot(Request::new(())).await.unwrap()).await
}

async fn came<B>(answer: Response<B>) -> Came
where
    B: Body<Data = Bytes, Error = BodyError> + Unpin,
{
    let refusal = answer.extensions().get::<Refusal>().cloned();
    let (head, mut body) = answer.into_parts();
    let mut left = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => left.extend(frame.into_data().unwrap()),
            Err(error) => {
                assert!(error.is_withheld() || error.source().is_some());
                assert!(body.frame().await.is_none(), "nothing follows");
                assert_eq!(head.status, 200);
                return Came::Broken(left);
            }
        }
    }
    let Some(refusal) = refusal else { return Came::Whole(left) };
    assert_eq!(head.status, refusal.code().status());
    let said = String::from_utf8(left).unwrap();
    assert!(!said.contains("\"n\":"), "nothing of it passes: {said}");
    Came::Refused(refusal.code())
}

fn response<B>(coding: &str, body: B) -> Response<B> {
    let head = Response::builder().header(CONTENT_ENCODING, coding);
    head.header(CONTENT_TYPE, "application/json").body(body).unwrap()
}

fn events<B>(body: B) -> Response<B> {
    let head = Response::builder().header(CONTENT_ENCODING, "gzip");
    head.header(CONTENT_TYPE, "text/event-stream").body(body).unwrap()
}

fn pieces(content: &[u8], cut: usize) -> Pieces {
    Pieces::of(content.chunks(cut.min(content.len())))
}

// A body that gives what it is told, when it is told.
fn told() -> (UnboundedSender<Told>, impl Body<Data = Bytes, Error = io::Error> + Unpin) {
    let (sender, mut receiver) = unbounded_channel::<Told>();
    let frames = stream::poll_fn(move |cx| receiver.poll_recv(cx).map_ok(Frame::data));
    (sender, StreamBody::new(frames))
}

type Told = Result<Bytes, io::Error>;

fn flushed(text: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(Coding::Gzip).unwrap();
    let mut sent = Vec::new();
    encoder.push(text, &mut sent);
    encoder.flush(&mut sent);
    sent
}

// 110 KB that do not shrink to nothing.
fn long() -> String {
    let rows: Vec<_> = (0..3000_u32)
        .map(|it| format!("{{\"n\":\"{:x}\"}}", it.wrapping_mul(0x9e37_79b9)))
        .collect();
    format!("[{}]", vec![rows.join(","); 2].join(","))
}

const BAD: Code = Code::UpstreamInvalidResponse;
const CODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];
const SECRET: &str = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";
const SHORT: &str = "{\"n\":\"some text that is short\"}";
