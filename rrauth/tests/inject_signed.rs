//! Requests that are signed: what the signer sees, and what happens where it cannot sign.
#![cfg(test)] // tells clippy that this may panic

use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use rrauth::{InjectExplained, InjectLayer, Injection, Sign, SignError};
use rrcore::{
    Budget, BufferedBody, Code, Context, InjectedSecret, ManualClock, ReadOutcome, Refusal,
};
use tokio_test::{assert_pending, assert_ready_ok, task::spawn};
use tower_service::Service;
use tower_test::mock;

#[tokio::test]
async fn a_signature_over_the_head_needs_no_body() {
    let (layer, seen) = layer(Signer { needs_body: false, fails: false });
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(layer);
    assert_ready_ok!(service.poll_ready());
    let _response = service.call(request("body"));
    let (forwarded, _) = upstream.next_request().await.unwrap();
    check_signed(&forwarded);
    assert_eq!(*seen.lock().unwrap(), [None]);
    assert_eq!(forwarded.into_body().collect().await.unwrap().to_bytes(), "body");
}

#[tokio::test]
async fn a_signature_over_the_body_sees_all_of_it_and_all_of_it_goes_on() {
    for body in ["", "body"] {
        let (layer, seen) = layer(Signer { needs_body: true, fails: false });
        let (mut service, mut upstream) = mock::spawn_layer::<Inner, Res, _>(layer.bodies());
        assert_ready_ok!(service.poll_ready());
        let mut response = spawn(service.call(request(body)));
        assert_pending!(response.poll());
        let (forwarded, _) = upstream.next_request().await.unwrap();
        check_signed(&forwarded);
        assert_eq!(*seen.lock().unwrap(), [Some(Bytes::from(body))]);
        assert_eq!(forwarded.into_body().collect().await.unwrap().to_bytes(), body);
    }
}

#[tokio::test]
async fn what_was_read_already_is_signed_without_reading() {
    let (layer, seen) = layer(Signer { needs_body: true, fails: false });
    let ReadOutcome::Whole(read) = BufferedBody::read(request("body"), 99).await else { panic!() };
    let (mut service, mut upstream) = mock::spawn_layer::<Inner, Res, _>(layer);
    assert_ready_ok!(service.poll_ready());
    let _response = service.call(read);
    assert!(upstream.next_request().await.is_some());
    assert_eq!(*seen.lock().unwrap(), [Some(Bytes::from("body"))]);
}

#[tokio::test]
async fn what_cannot_be_signed_is_not_sent() {
    let of = |needs_body, fails| layer(Signer { needs_body, fails }).0;
    let unavailable = Code::CredentialUnavailable;
    check_refused(of(true, false), request("body"), unavailable, "has not been read").await;
    check_refused(of(false, true), request("body"), unavailable, "the key is gone").await;
    let bodies = || of(true, false).bodies().max_body_bytes(4);
    check_refused(bodies(), request("large"), Code::ContentTooLarge, "larger than").await;
    let bodies = bodies().budget(&Budget::bytes(3));
    check_refused(bodies, request("body"), Code::Overloaded, "no memory").await;
    check_refused(of(true, true).bodies(), request("body"), unavailable, "the key is gone").await;
}

#[test]
fn an_explanation_tries_what_needs_no_body() {
    for (needs_body, fails, works) in
        [(false, false, true), (false, true, false), (true, true, true)]
    {
        let explained = layer(Signer { needs_body, fails }).0.explain(&request(""));
        assert_eq!(explained.is_ok_and(|it| it == InjectExplained::Signature), works);
    }
}

#[track_caller]
fn check_signed<B>(forwarded: &Request<B>) {
    let headers = forwarded.headers();
    // 70 s: the time of signing.
    assert_eq!(headers[SIGNATURE], "POST /p 70");
    assert!(headers[SIGNATURE].is_sensitive());
    assert_eq!(headers.get_all(SIGNATURE).iter().count(), 1);
    assert!(!headers.contains_key("x_signature"));
    assert_eq!(headers["x-other"], "o");
    let context = forwarded.extensions().get::<Context>().unwrap();
    assert_eq!(context.injected()[0].expose(), b"session");
}

async fn check_refused<L>(layer: L, request: Req, code: Code, reason: &str)
where
    L: tower_layer::Layer<mock::Mock<L::Asked, Res>> + Asks,
    L::Service: Service<Req, Response = Response<rrcore::Body<Full<Bytes>>>>,
    <L::Service as Service<Req>>::Error: std::fmt::Debug,
{
    let (inner, mut upstream) = mock::pair::<L::Asked, Res>();
    let mut service = mock::Spawn::new(layer.layer(inner));
    assert_ready_ok!(service.poll_ready());
    let response = service.call(request).await.unwrap();
    assert_eq!(response.status(), code.status());
    let refusal = response.extensions().get::<Refusal>().unwrap();
    assert_eq!(refusal.code(), code);
    assert!(refusal.reason().unwrap().contains(reason), "{refusal:?}");
    assert!(matches!(upstream.poll_request(), Poll::Pending | Poll::Ready(None)));
}

/// What the service inside a layer is asked with.
trait Asks {
    type Asked;
}

impl Asks for InjectLayer {
    type Asked = Req;
}

impl Asks for rrauth::BodyInjectLayer {
    type Asked = Inner;
}

type Req = Request<Full<Bytes>>;
type Inner = Request<rrcore::Body<Full<Bytes>>>;
type Res = Response<Full<Bytes>>;
type Seen = Arc<Mutex<Vec<Option<Bytes>>>>;

const SIGNATURE: &str = "x-signature";
static HEADERS: [HeaderName; 1] = [HeaderName::from_static(SIGNATURE)];

#[derive(Clone, Copy, Debug)]
struct Signer {
    needs_body: bool,
    fails: bool,
}

#[derive(Debug)]
struct Watched(Signer, Seen);

impl Sign for Watched {
    fn headers(&self) -> &[HeaderName] {
        &HEADERS
    }

    fn needs_body(&self) -> bool {
        self.0.needs_body
    }

    fn sign(
        &self,
        head: &mut Parts,
        body: Option<&[u8]>,
        wall: Duration,
    ) -> Result<Vec<InjectedSecret>, SignError> {
        if self.0.fails {
            return Err(SignError::new("the key is gone"));
        }
        assert!(!head.headers.contains_key("x_signature"));
        self.1.lock().unwrap().push(body.map(Bytes::copy_from_slice));
        let signature = format!("{} {} {}", head.method, head.uri, wall.as_secs());
        head.headers.insert(SIGNATURE, HeaderValue::from_str(&signature).unwrap());
        Ok(vec![InjectedSecret::new(b"session".to_vec())])
    }
}

fn layer(signer: Signer) -> (InjectLayer, Seen) {
    let hand = ManualClock::starting_at(Duration::from_secs(70));
    let seen = Seen::default();
    let injection = Injection::signed(Arc::new(Watched(signer, Arc::clone(&seen))));
    (InjectLayer::new(injection).clock(hand.clock()), seen)
}

fn request(body: &'static str) -> Req {
    let request = Request::post("/p").header("x-signature", "theirs").header("x_signature", "sly");
    request.header("x-other", "o").body(Full::from(body)).unwrap()
}
