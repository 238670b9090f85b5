//! What is read of bodies, however they are cut, coded and shaped.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use rrcore::coding::{Coding, Encoder};

use super::extraction::{Extraction, Tokens};
use super::paths::Paths;
use super::reading::{Reading, Seen};

#[test]
fn a_document_says_it_once() {
    let total = || json("$.usage.total_tokens");
    check(JSON, r#"{"usage":{"total_tokens":42}}"#, &total(), Seen::Value(42));
    check(
        "application/vnd.api+json",
        r#"{"usage":{"total_tokens":42}}"#,
        &total(),
        Seen::Value(42),
    );
    check("text/plain", r#"{"usage":{"total_tokens":42}}"#, &total(), Seen::Value(42));
    check("", r#"{"usage":{"total_tokens":42}}"#, &total(), Seen::Value(42));
    check(JSON, r#"{"usage":{}}"#, &total(), Seen::Nothing);
    check(JSON, r#"{"usage":{"total_tokens":null}}"#, &total(), Seen::Nothing);
    check(JSON, r#"{"message":{"usage":{"total_tokens":1}}}"#, &total(), Seen::Nothing);
    check(JSON, "", &total(), Seen::Nothing);
    check("text/html", "<html>", &total(), Seen::Nothing);
    check(JSON, "17", &json("$"), Seen::Value(17));
}

#[test]
fn what_counts_nothing_is_told_from_what_is_not_there() {
    let n = || json("$.n");
    for unusable in ["-1", r#""7""#, "true", "{}", "[]", "-1e308"] {
        check(JSON, &format!(r#"{{"n":{unusable}}}"#), &n(), Seen::Unusable);
        check(SSE, &format!("data: {{\"n\":{unusable}}}\n\n"), &n(), Seen::Unusable);
    }
    check(JSON, r#"{"n":1e308}"#, &n(), Seen::Value(u64::MAX));
    check(JSON, r#"{"n":0.2}"#, &n(), Seen::Value(1));
    check(JSON, r#"{"n":-0}"#, &n(), Seen::Value(0));
}

#[test]
fn of_two_the_first_counts_in_a_document_and_the_last_in_a_stream() {
    check(JSON, r#"{"n":1,"n":2}"#, &json("$.n"), Seen::Value(1));
    check(JSON, r#"{"n":"x","n":2}"#, &json("$.n"), Seen::Unusable);
    check(SSE, "data: {\"n\":1}\n\ndata: {\"n\":2}\n\n", &json("$.n"), Seen::Value(2));
    check(SSE, "data: {\"n\":1}\n\ndata: {\"n\":\"x\"}\n\n", &json("$.n"), Seen::Value(1));
    check("application/x-ndjson", "{\"n\":1}\n{\"n\":2}\n", &json("$.n"), Seen::Value(2));
    check("application/jsonl", "{\"n\":1}\r\n\r\n{\"n\":2}", &json("$.n"), Seen::Value(2));
    check("application/x-ndjson", "1\n2", &json("$"), Seen::Value(2));
    check("application/x-ndjson", "{\"n\":1\n{\"n\":2}\nnot json\n", &json("$.n"), Seen::Value(2));
}

#[test]
fn an_event_in_several_lines_is_one_document() {
    let stream = "event: x\ndata: {\ndata:  \"n\"\ndata::5}\n\ndata: [DONE]\n\n";
    check(SSE, stream, &json("$.n"), Seen::Value(5));
    check(SSE, "data: {\"n\":\n\ndata: 5}\n\n", &json("$.n"), Seen::Nothing);
    check(SSE, "data: 5", &json("$"), Seen::Value(5));
}

#[test]
fn usage_is_read_as_openai_says_it() {
    let document = r#"{"id":"chatcmpl-1","choices":[{"message":{"content":"\"usage\":{\"total_tokens\":1}"}}],
        "usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21,
        "prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}}}"#;
    check_tokens(JSON, document, [21, 9, 12]);
    let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}],\"usage\":null}\n\n\
        data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":12,\"total_tokens\":21}}\n\n\
        data: [DONE]\n\n";
    check_tokens(SSE, stream, [21, 9, 12]);
    check(SSE, stream, &json("$.usage.total_tokens"), Seen::Value(21));
    let responses = "event: response.created\n\
        data: {\"type\":\"response.created\",\"response\":{\"usage\":null}}\n\n\
        event: response.completed\n\
        data: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"usage\":{\"input_tokens\":37,\
        \"input_tokens_details\":{\"cached_tokens\":0},\"output_tokens\":11,\"total_tokens\":48}}}\n\n";
    check_tokens(SSE, responses, [48, 37, 11]);
    check(SSE, responses, &json("$.usage.total_tokens"), Seen::Value(48));
}

#[test]
fn usage_is_read_as_anthropic_says_it() {
    let document = r#"{"type":"message","content":[{"type":"text","text":"Hi"}],
        "usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":4,
        "output_tokens":25}}"#;
    check_tokens(JSON, document, [42, 17, 25]);
    let stream = "event: message_start\n\
        data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\n\
        event: ping\ndata: {\"type\": \"ping\"}\n\n\
        event: content_block_delta\n\
        data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"!\"}}\n\n\
        event: message_delta\n\
        data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":15}}\n\n\
        event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    check_tokens(SSE, stream, [40, 25, 15]);
    check(SSE, stream, &json("$.usage.output_tokens"), Seen::Value(15));
    check(SSE, stream, &json("$.usage.input_tokens"), Seen::Value(25));
    // It broke off after the first event.
    let start = stream.split_inclusive("\n\n").next().unwrap();
    check_tokens(SSE, start, [26, 25, 1]);
}

#[test]
fn usage_is_read_as_gemini_and_ollama_say_it() {
    let usage = |total| {
        format!(
            "{{\"candidates\":[],\"usageMetadata\":{{\"promptTokenCount\":4,\
             \"candidatesTokenCount\":5,\"thoughtsTokenCount\":6,\"totalTokenCount\":{total}}}}}"
        )
    };
    check_tokens(JSON, &usage(15), [15, 4, 11]);
    check_tokens(SSE, &format!("data: {}\n\ndata: {}\n\n", usage(9), usage(15)), [15, 4, 11]);
    check_tokens(JSON, &format!("[{},\n{}]", usage(9), usage(15)), [15, 4, 11]);
    let ollama = "{\"response\":\"H\",\"done\":false}\n\
        {\"response\":\"\",\"done\":true,\"prompt_eval_count\":26,\"eval_count\":298}\n";
    check_tokens("application/x-ndjson", ollama, [324, 26, 298]);
}

#[test]
fn sums_do_not_overflow() {
    let document = r#"{"usage":{"input_tokens":1e308,"output_tokens":7}}"#;
    check_tokens(JSON, document, [u64::MAX, u64::MAX, 7]);
}

#[test]
fn nothing_is_read_once_all_is_known() {
    let (mut paths, mut slots) = (Paths::new(), 0);
    let formulas =
        [json("$.a").add_to(&mut paths, &mut slots), json("$.b").add_to(&mut paths, &mut slots)];
    let mut reading = Reading::new(&headers(JSON, None), formulas.iter(), slots);
    reading.push(&paths, br#"{"b":2,"#);
    assert!(!reading.is_over());
    reading.push(&paths, br#""a":1,"a":3"#);
    assert!(reading.is_over());
    assert_eq!(formulas.each_ref().map(|it| reading.value(it)), [Seen::Value(1), Seen::Value(2)]);
}

#[test]
fn what_was_seen_before_a_coding_breaks_stays_seen() {
    let plain = format!(r#"{{"n":5,"x":"{}"}}"#, noise(200_000));
    let coded = encode(Coding::Gzip, plain.as_bytes());
    for end in [0, coded.len() / 2] {
        let mut broken = coded[..end].to_vec();
        broken.extend([0xff; 64]);
        let (seen, is_flawed) = read_whole(JSON, Some("gzip"), &[&broken], &json("$.n"));
        assert_eq!(seen, if end == 0 { Seen::Nothing } else { Seen::Value(5) });
        assert_eq!(is_flawed, end == 0, "once it is known, nobody looks further");
    }
    for unknown in ["compress", "gzip, br", "dcb"] {
        let (seen, is_flawed) = read_whole(JSON, Some(unknown), &[b"{\"n\":5}"], &json("$.n"));
        assert_eq!((seen, is_flawed), (Seen::Nothing, true), "{unknown}");
    }
    let (seen, is_flawed) = read_whole(JSON, Some("gzip"), &[&coded[..40]], &json("$.z"));
    assert_eq!((seen, is_flawed), (Seen::Nothing, true), "cut short");
}

#[test]
fn a_bomb_is_not_blown_up() {
    let bomb = encode(Coding::Brotli, &vec![b' '; 8 << 20]);
    assert!(bomb.len() < 5_000, "{}", bomb.len());
    let (seen, is_flawed) = read_whole(JSON, Some("br"), &[&bomb], &json("$.n"));
    assert_eq!((seen, is_flawed), (Seen::Nothing, true));
}

#[track_caller]
fn check_tokens(kind: &str, body: &str, [total, input, output]: [u64; 3]) {
    check(kind, body, &Extraction::tokens(Tokens::Total), Seen::Value(total));
    check(kind, body, &Extraction::tokens(Tokens::Input), Seen::Value(input));
    check(kind, body, &Extraction::tokens(Tokens::Output), Seen::Value(output));
}

/// Cut at each byte, and in each coding, whole and in pieces.
#[track_caller]
fn check(kind: &str, body: &str, extraction: &Extraction, expected: Seen) {
    let bytes = body.as_bytes();
    for at in 0..=bytes.len() {
        let (one, other) = bytes.split_at(at);
        let (seen, is_flawed) = read_whole(kind, None, &[one, other], extraction);
        assert_eq!((seen, is_flawed), (expected, false), "cut at {at}: {body}");
    }
    for (name, coded) in codings(bytes) {
        for size in [7, coded.len().max(1)] {
            let pieces: Vec<_> = coded.chunks(size).collect();
            let (seen, is_flawed) = read_whole(kind, Some(name), &pieces, extraction);
            assert_eq!((seen, is_flawed), (expected, false), "{name} by {size}: {body}");
        }
    }
}

fn read_whole(
    kind: &str,
    coding: Option<&str>,
    pieces: &[&[u8]],
    extraction: &Extraction,
) -> (Seen, bool) {
    let (mut paths, mut slots) = (Paths::new(), 0);
    let formula = extraction.add_to(&mut paths, &mut slots);
    let mut reading = Reading::new(&headers(kind, coding), [&formula].into_iter(), slots);
    pieces.iter().for_each(|it| reading.push(&paths, it));
    reading.finish(&paths);
    (reading.value(&formula), reading.is_flawed())
}

fn headers(kind: &str, coding: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if !kind.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
    }
    if let Some(coding) = coding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_str(coding).unwrap());
    }
    headers
}

fn codings(plain: &[u8]) -> [(&'static str, Vec<u8>); 4] {
    [
        ("gzip", encode(Coding::Gzip, plain)),
        ("deflate", encode(Coding::Deflate, plain)),
        ("br", encode(Coding::Brotli, plain)),
        ("zstd", zstd::bulk::compress(plain, 3).unwrap()),
    ]
}

fn encode(coding: Coding, plain: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(coding).unwrap();
    let mut out = Vec::new();
    encoder.push(plain, &mut out);
    encoder.finish(&mut out);
    out
}

/// Letters that do not compress to nothing.
fn noise(length: usize) -> String {
    let step = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Some(char::from(b'a' + (*state >> 33) as u8 % 26))
    };
    std::iter::repeat(()).scan(7_u64, |state, ()| step(state)).take(length).collect()
}

fn json(path: &str) -> Extraction {
    Extraction::json(path.parse().unwrap())
}

const JSON: &str = "application/json; charset=utf-8";
const SSE: &str = "text/event-stream";
