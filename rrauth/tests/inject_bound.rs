//! Credentials that are bound to their destinations go nowhere else.
#![cfg(test)] // tells clippy that this may panic

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, Request, Response};
use http_body_util::Full;
use rrauth::{
    Destinations, InjectLayer, Injection, Outlook, Presentation, Sign, SignError, Token,
    TokenFuture, Tokens,
};
use rrcore::{Code, Context, InjectedSecret, Refusal};
use tokio_test::{assert_pending, assert_ready_ok, task::spawn};
use tower_layer::Layer;
use tower_service::Service;
use tower_test::mock;

const THERE: &str = "https://api.example.com";

#[tokio::test]
async fn a_bound_credential_goes_where_it_belongs() {
    let injection = Injection::bearer("Bearer ", "s3cret").unwrap().bound_to(there());
    let (mut service, mut upstream) = mock::spawn_layer::<Req, Res, _>(InjectLayer::new(injection));
    assert_ready_ok!(service.poll_ready());
    let _response = service.call(request("https://API.example.com:443/v1"));
    let (forwarded, _) = upstream.next_request().await.unwrap();
    assert_eq!(forwarded.headers()["authorization"], "Bearer s3cret");
}

#[tokio::test]
async fn and_nowhere_else_whatever_kind_it_is() {
    let fixed = || Injection::bearer("Bearer ", "s3cret").unwrap();
    let query = || Injection::query("key", "s3cret").unwrap();
    let token = || Injection::token(Arc::new(Never), Presentation::bearer());
    let signed = || Injection::signed(Arc::new(Never));
    for injection in [fixed, query, token, signed] as [fn() -> Injection; 4] {
        for (uri, named) in [
            ("https://evil.test/v1", "evil.test"),
            ("http://api.example.com/v1", "api.example.com"),
            ("https://api.example.com:8443/v1", "api.example.com"),
            ("https://api.example.com@evil.test/", "evil.test"),
            ("/v1", "no host"),
        ] {
            let layer = InjectLayer::new(injection().bound_to(there()));
            let refusal = layer.explain(&request(uri)).unwrap_err();
            assert!(refusal.reason().unwrap().ends_with(&format!(": {named}")), "{refusal:?}");
            check_refused::<_, Req>(layer.clone(), request(uri)).await;
            check_refused::<_, Inner>(layer.bodies(), request(uri)).await;
        }
    }
}

async fn check_refused<L, T>(layer: L, request: Req)
where
    L: Layer<mock::Mock<T, Res>>,
    L::Service: Service<Req, Response = Response<rrcore::Body<Full<Bytes>>>>,
    <L::Service as Service<Req>>::Error: fmt::Debug,
    T: fmt::Debug,
{
    let context = Context::new(&rrcore::Clock::system());
    let mut request = request;
    request.extensions_mut().insert(context.clone());
    let (mut service, mut upstream) = mock::spawn_layer::<T, Res, _>(layer);
    assert_ready_ok!(service.poll_ready());
    let mut response = spawn(service.call(request));
    let response = tokio_test::assert_ready!(response.poll()).unwrap();
    let refusal = response.extensions().get::<Refusal>().unwrap();
    assert_eq!(refusal.code(), Code::CredentialUnavailable);
    assert!(context.injected().is_empty());
    assert_pending!(upstream.poll_request());
}

/// Neither fetches nor signs.
#[derive(Debug)]
struct Never;

impl Tokens for Never {
    fn current(&self) -> Option<Arc<Token>> {
        panic!("no token is needed");
    }

    fn fetch(&self) -> TokenFuture {
        panic!("no token is needed");
    }

    fn replace(&self, _: &Arc<Token>) -> TokenFuture {
        panic!("no token is needed");
    }

    fn outlook(&self) -> Outlook {
        panic!("no token is needed");
    }
}

impl Sign for Never {
    fn headers(&self) -> &[HeaderName] {
        &[]
    }

    fn needs_body(&self) -> bool {
        panic!("nothing is to be signed");
    }

    fn sign(
        &self,
        _: &mut Parts,
        _: Option<&[u8]>,
        _: std::time::Duration,
    ) -> Result<Vec<InjectedSecret>, SignError> {
        panic!("nothing is to be signed");
    }
}

type Req = Request<Full<Bytes>>;
type Inner = Request<rrcore::Body<Full<Bytes>>>;
type Res = Response<Full<Bytes>>;

fn there() -> Destinations {
    Destinations::parse([THERE]).unwrap()
}

fn request(uri: &str) -> Req {
    Request::get(uri).body(Full::default()).unwrap()
}
