//! The page on transforming: what is on it can be written, and does what it says.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use rrcore::{Body, Clock, Context, Identity, Refusal};
use rrfilter::{Rewrite, TRANSFORMING, Transform, TransformLayer};
use tower::{Layer, ServiceExt, service_fn};

/// The fenced blocks: their languages and texts.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let fenced = TRANSFORMING.split("```").skip(1).step_by(2);
    fenced.map(|it| it.split_once('\n').unwrap()).collect()
}

#[test]
fn every_transformation_on_the_page_can_be_written() {
    let blocks = blocks();
    let all: Vec<_> = blocks.iter().filter(|it| it.0 == "json").collect();
    assert!(all.len() >= 7, "{} blocks: are they found?", all.len());
    for (_, text) in all {
        let read = (Transform::from_json(text), Rewrite::from_json(text));
        match read {
            (Ok(transform), Ok(rewrite)) => assert!(!transform.is_empty() || !rewrite.is_empty()),
            (Err(error), _) if cfg!(feature = "xml") || !text.contains("Xml") => {
                panic!("{error}: {text}")
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn bodies_become_what_the_page_says() {
    let blocks = blocks();
    let mut examples = 0;
    for pair in blocks.windows(2) {
        if let [("json", transform), ("text", lines)] = pair {
            for line in lines.lines() {
                let (before, after) = line.split_once("  ->  ").unwrap();
                assert_eq!(outcome(transform, before).await, after, "{before}");
                examples += 1;
            }
        }
    }
    assert!(examples >= 5, "{examples} examples: are they found?");
}

// Of an upstream that answers what it was sent.
async fn outcome(transform: &str, sent: &'static str) -> String {
    let echo = service_fn(|request: Request<Body<Full<Bytes>>>| async {
        let response = Response::builder().header("content-type", "application/json");
        Ok::<_, Infallible>(response.body(request.into_body()).unwrap())
    });
    let layer = TransformLayer::new(Transform::from_json(transform).unwrap());
    let request = Request::builder().header("content-type", "application/json");
    let mut request = request.body(Full::from(sent)).unwrap();
    let context = Context::of(request.extensions_mut(), &Clock::system());
    context.identify(Identity::new("alice", "cred_1", "apiKey"));
    let answer = layer.layer(echo).oneshot(request).await.unwrap();
    if let Some(refusal) = answer.extensions().get::<Refusal>() {
        return format!("{} {}", refusal.status().as_u16(), refusal.code().as_str());
    }
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}
