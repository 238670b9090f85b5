//! Streams of events and of lines, filtered record by record.

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::BodyExt;
use rrcore::coding::{Coding, DecodeError, DecodeLimits, Decoder, Encoder};
use rrcore::{Code, Scope, Stage};
use rrfilter::{Filter, FilterLayer, FilteredBody, Operation};
use tokio_test::{assert_pending, assert_ready, task};

use crate::streamed::{encodings, scripted};
use crate::support::{Boxed, CANARY, boxed, get, refused, retain, spawn, text, through};

#[tokio::test]
async fn only_filters_that_were_told_so_apply_to_records() {
    for kind in ["text/event-stream", "application/x-ndjson"] {
        let answer = through(retain(&["$.id"]), get(), stream(kind, EVENTS, 1000)).await;
        refused(answer, Code::ResponseNotFilterable, Stage::Filter).await;
    }
}

#[tokio::test]
async fn each_event_is_filtered_by_itself() {
    let expected = "event: a\nid: 7\ndata: {\"id\":1}\n\n:\n\ndata: {\n\ndata: \"id\":2}\n\n";
    let expected = expected.replace("{\n\ndata: \"id\"", "{\ndata: \"id\"");
    let expected = format!("{expected}data: [DONE]\n\n");
    for events in [EVENTS.to_owned(), EVENTS.replace('\n', "\r\n"), EVENTS.replace('\n', "\r")] {
        for chunk in [1, 2, 3, 5, 8, 1000] {
            let answer = through(layer(), get(), stream("text/event-stream", &events, chunk)).await;
            assert_eq!(text(answer).await, expected, "{events:?} by {chunk}");
        }
    }
}

#[tokio::test]
async fn each_line_is_filtered_by_itself() {
    let lines = "{\"id\":1,\"ssn\":\"078-05-1120\"}\n\n{\"ssn\":\"078-05-1120\"}\r\n[{\"id\":2}]\n{\"id\":3}";
    for chunk in [1, 2, 3, 1000] {
        let answer = through(layer(), get(), stream("application/x-ndjson", lines, chunk)).await;
        assert_eq!(text(answer).await, "{\"id\":1}\n\n{}\n[]\n{\"id\":3}");
    }
}

#[tokio::test]
async fn an_event_leaves_when_it_is_there() {
    let (body, script) = scripted([]);
    let head = Response::builder().header(CONTENT_TYPE, "text/event-stream");
    let mut answer = through(layer(), get(), head.body(body.boxed_unsync()).unwrap()).await;
    for id in 0..3 {
        script.push(format!("data: {{\"id\":{id},\"ssn\":0}}\n"));
        script.push("\n");
        let frame = answer.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(frame, format!("data: {{\"id\":{id}}}\n\n"));
    }
    script.end();
    assert!(answer.frame().await.is_none());
}

#[tokio::test]
async fn an_encoded_event_leaves_when_it_is_there() {
    let (body, script) = scripted([]);
    let mut request = get();
    request.headers_mut().insert("accept-encoding", "gzip".parse().unwrap());
    let mut upstream = Encoder::new(Coding::Brotli).unwrap();
    let mut send = |id: u64| {
        let mut sent = Vec::new();
        upstream.push(format!("data: {{\"id\":{id},\"ssn\":0}}\n\n").as_bytes(), &mut sent);
        upstream.flush(&mut sent);
        script.push(sent);
    };
    send(0);
    let mut answer = through(layer(), request, events_in("br", body.boxed_unsync())).await;
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let mut client = Decoder::new(Coding::Gzip, DecodeLimits::bytes(1000));
    for id in 0..3 {
        let frame = answer.frame().await.unwrap().unwrap().into_data().unwrap();
        let mut got = Vec::new();
        let each = |it: &[u8]| {
            got.extend_from_slice(it);
            Ok::<_, DecodeError>(())
        };
        client.push_all(&frame, each).unwrap();
        assert_eq!(got, format!("data: {{\"id\":{id}}}\n\n").into_bytes());
        send(id + 1);
    }
}

#[tokio::test]
async fn the_head_of_encoded_records_waits_until_something_of_them_is_undone() {
    let (body, script) = scripted([]);
    let (mut service, mut upstream) = spawn(layer());
    let mut answer = task::spawn(service.call(get()));
    let (_, send) = upstream.next_request().await.unwrap();
    send.send_response(events_in("gzip", body.boxed_unsync()));
    assert_pending!(answer.poll());
    let mut encoder = Encoder::new(Coding::Gzip).unwrap();
    let mut sent = Vec::new();
    encoder.push(b"data: {\"id\":", &mut sent);
    encoder.flush(&mut sent);
    let begun = sent.split_off(5);
    script.push(sent);
    assert_pending!(answer.poll());
    script.push(begun);
    // No event is whole, but there is one.
    assert_eq!(assert_ready!(answer.poll()).unwrap().status(), 200);
}

#[tokio::test]
async fn records_in_a_coding_that_cannot_be_undone_are_withheld() {
    for (coding, content) in encodings(EVENTS.as_bytes()).into_iter().skip(1) {
        let in_coding = |content: &[u8]| {
            let (body, script) = scripted(std::iter::once(Bytes::copy_from_slice(content)));
            script.end();
            events_in(coding.as_str(), body.boxed_unsync())
        };
        for wrong in [&[0xff; 300], EVENTS.as_bytes(), &content[..1], b""] {
            let (body, script) = scripted([]);
            let (mut service, mut upstream) = spawn(layer());
            let mut answer = task::spawn(service.call(get()));
            let (_, send) = upstream.next_request().await.unwrap();
            send.send_response(events_in(coding.as_str(), body.boxed_unsync()));
            assert_pending!(answer.poll(), "nothing has come yet");
            script.push(wrong.to_vec());
            script.end();
            refused(answer.await.unwrap(), Code::ResponseNotFilterable, Stage::Filter).await;
        }
        let garbled = [&content[..], &[0xff; 100]].concat();
        for wrong in [&content[..content.len() / 2], &garbled] {
            let mut answer = through(layer(), get(), in_coding(wrong)).await;
            let is_broken = match answer.status().as_u16() {
                422 => true,
                _ => loop {
                    match answer.frame().await {
                        Some(Ok(_)) => {}
                        end => break end.is_some(),
                    }
                },
            };
            assert!(is_broken, "{coding:?} ended as if it were whole");
        }
        let answer = through(layer(), get(), in_coding(&content)).await;
        assert!(text(answer).await.ends_with("\"id\":2}\n\ndata: [DONE]\n\n"), "{coding:?}");
    }
}

#[tokio::test]
async fn what_is_no_json_breaks_a_stream_off() {
    for wrong in [
        "data: 078-05-1120 of Ada\n\n",
        "data: {\"id\":1}{\"ssn\":\"078-05-1120\"}\n\n",
        "data: {\"id\":1,\"id\":\"078-05-1120\"}\n\n",
        "data: [DONE] 078-05-1120\n\n",
        "data: {\"ssn\":\"078-05-1120",
        "data: \"078-05-1120\"\n\n",
        "data:\n\n",
    ] {
        let events = format!("data: {{\"id\":1}}\n\n{wrong}");
        for chunk in [1, 7, 1000] {
            let answer = through(layer(), get(), stream("text/event-stream", &events, chunk)).await;
            check_broken(answer, wrong).await;
        }
    }
}

#[tokio::test]
async fn what_readers_ignore_does_not_pass() {
    let events = ": 078-05-1120\n\nssn: 078-05-1120\nretry: 078-05-1120\ndata: {\"id\":1}\n\n078-05-1120\n\n";
    let answer = through(layer(), get(), stream("text/event-stream", events, 1000)).await;
    assert_eq!(text(answer).await, ":\n\ndata: {\"id\":1}\n\n\n");
}

#[tokio::test]
async fn an_event_without_its_end_is_not_given_one() {
    for chunk in [1, 1000] {
        let sent = stream("text/event-stream", "data: {\"id\":1,\"ssn\":2}", chunk);
        let answer = through(layer(), get(), sent).await;
        assert_eq!(text(answer).await, "data: {\"id\":1}\n");
    }
}

#[tokio::test]
async fn a_record_that_is_too_long_breaks_the_stream_off() {
    let long = format!("data: {{\"id\":1}}\n\ndata: {{\"ssn\":\"{}\"}}\n\n", "1".repeat(200));
    let layer = layer().max_buffered_bytes(100);
    let answer = through(layer, get(), stream("text/event-stream", &long, 10)).await;
    check_broken(answer, "too long").await;
}

async fn check_broken(mut answer: Response<FilteredBody<Boxed>>, why: &str) {
    if answer.status() == 422 {
        return refused(answer, Code::ResponseNotFilterable, Stage::Filter).await;
    }
    let mut left = Vec::new();
    loop {
        match answer.frame().await {
            Some(Ok(frame)) => left.extend_from_slice(&frame.into_data().unwrap()),
            Some(Err(error)) => {
                assert!(error.is_withheld());
                break;
            }
            None => panic!("it ended as if it were whole: {why}"),
        }
    }
    let left = String::from_utf8(left).unwrap();
    assert_eq!(left, "data: {\"id\":1}\n\n");
    assert!(!left.contains(CANARY));
}

fn layer() -> FilterLayer {
    let filter = Filter::new("flt", Operation::Retain, ["$.id"]).unwrap().streaming(true);
    FilterLayer::new().scope(Scope::Proxy, filter)
}

fn events_in(coding: &str, body: Boxed) -> Response<Boxed> {
    let head = Response::builder().header(CONTENT_TYPE, "text/event-stream");
    head.header(CONTENT_ENCODING, coding).body(body).unwrap()
}

fn stream(kind: &str, text: &str, chunk: usize) -> Response<Boxed> {
    let head = Response::builder().header(CONTENT_TYPE, kind);
    if text.is_empty() {
        return head.body(boxed(b"")).unwrap();
    }
    let chunks = text.as_bytes().chunks(chunk).map(Bytes::copy_from_slice);
    let (body, script) = scripted(chunks);
    script.end();
    head.body(body.boxed_unsync()).unwrap()
}

const EVENTS: &str = concat!(
    "event: a\nid: 7\ndata: {\"id\":1,\"ssn\":\"078-05-1120\"}\n\n",
    ": are you there?\n\n\n\n",
    "data: {\ndata: \"id\":2,\"ssn\":\ndata: \"078-05-1120\"}\n\n",
    "data: [DONE]\n\n",
);
