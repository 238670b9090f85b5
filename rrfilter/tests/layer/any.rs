//! Any document, in any chunks and any coding, streamed as it would be filtered at hand.

use std::convert::Infallible;

use http::header::CONTENT_ENCODING;
use http_body_util::BodyExt;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rrcore::Scope;
use rrfilter::{Filter, FilterLayer, FilterSet, Operation, apply};
use tower::{Layer, ServiceExt};

use crate::streamed::{encodings, in_chunks};
use crate::support::get;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn what_streams_is_what_is_left_at_hand(
        pieces in vec(select(PIECES), 0..40),
        filters in vec((0..3_usize, select(PATHS)), 1..4),
        chunk in 1..40_usize,
        hold in 0..60_usize,
        coding in 0..5_usize,
    ) {
        let document = format!("[{}]", pieces.join(","));
        let operations = [Operation::Retain, Operation::Destroy, Operation::Mask];
        let filters = filters.iter().map(|(it, path)| Filter::new("f", operations[*it], [*path]).unwrap());
        let filters: Vec<_> = filters.collect();
        let at_hand = apply(&filters, document.as_bytes());

        let (coding, content) = encodings(document.as_bytes()).swap_remove(coding);
        let mut sent = in_chunks(&content, chunk);
        sent.headers_mut().insert(CONTENT_ENCODING, coding.as_str().parse().unwrap());
        let layer = FilterLayer::new().scope(Scope::Proxy, FilterSet::new(filters)).hold_bytes(hold);
        let mut sent = Some(sent);
        let service = layer.layer(tower::service_fn(move |_| {
            let sent = sent.take().unwrap();
            async move { Ok::<_, Infallible>(sent) }
        }));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let streamed = runtime.block_on(async {
            let answer = service.oneshot(get()).await.unwrap();
            if answer.status() != 200 {
                return None;
            }
            answer.into_body().collect().await.ok().map(|it| it.to_bytes())
        });
        // The beginning of a document has two members of one name found, wherever they are; small ones
        // have them found all the same.
        prop_assert_eq!(streamed, at_hand.ok().map(|it| it.document));
    }
}

const PIECES: &[&str] = &[
    "1",
    "-0.0",
    "1e400",
    "9007199254740993",
    "\"caf\\u00e9\"",
    "\"\u{20ac}\\\"{\"",
    "null",
    "[]",
    "{}",
    "[1, 2 ,{\"a\":[3]}]",
    "{\"a\":1,\"b\":{\"a\":[{\"a\":2}]}}",
    "{ \"\\u0061\" : \"x\" , \"c\":true}",
    "{\"a\":1,\"a\":2}",
    "[[[[{\"b\":[1,{\"c\":2}]}]]]]",
    "tru",
];

const PATHS: &[&str] = &[
    "$",
    "$..a",
    "$[*].a",
    "$[1]",
    "$[1:9:2]",
    "$[*]['a','c']",
    "$..b[0]",
    "$[*].b.a",
    "$.x",
    "$..*",
    "$[-1]",
    "$[?@.a==1]",
];
