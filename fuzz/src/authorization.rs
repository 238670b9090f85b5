//! Nobody gets in without a secret that is known, and no secret gets through.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response, Uri};
use rrauth::{AuthLayer, Credential, Index, KeyDigest, Kind};
use rrcore::{Context, ManualClock};
use tower_layer::Layer;
use tower_service::Service;

/// A key and a bearer token that are known.
pub const SECRETS: [&str; 2] = ["key-0123456789abcdef", "token-0123456789abcdef"];

/// Lines of what the request shows. The first byte of each says where: in `Authorization`, in one of
/// three headers that are or look like a key's, or after `/?`. The first byte of all: bit 0, whether
/// the query is read.
///
/// # Panics
/// When somebody gets in without a known secret, or takes one along.
pub fn check(data: &[u8]) {
    let Some((options, shown)) = data.split_first() else { return };
    let Some(request) = described(shown) else { return };
    let layer = AuthLayer::new(known()).allow_query(options & 1 > 0);

    let mut described = copy(&request);
    let context = Context::new(&ManualClock::starting_at(Duration::ZERO).clock());
    let explained = layer.explain(&context, &mut described);
    let passed = passed(&layer, copy(&request));
    assert_eq!(passed.is_some(), explained.refusal.is_none(), "{request:?}");
    let Some((passed, caller)) = passed else { return };

    let places = places(&request, options & 1 > 0);
    let secret = SECRETS[usize::from(caller)];
    assert!(places.iter().any(|it| shows(it, secret)), "{request:?}: let in as {caller}");
    let other = SECRETS[usize::from(1 - caller)];
    assert!(!places.iter().any(|it| is_plain(it, other)), "{request:?}: two are shown");
    assert_bare(passed.headers(), passed.uri());
}

// What a layer would be given, if it is a request at all.
fn described(shown: &[u8]) -> Option<Request<()>> {
    let mut request = Request::new(());
    for line in shown.split(|it| *it == b'\n') {
        let Some((place, value)) = line.split_first() else { continue };
        let name = match place {
            b'A' => AUTHORIZATION,
            b'K' => HeaderName::from_static("x-api-key"),
            b'U' => HeaderName::from_static("x_api_key"),
            b'L' => HeaderName::from_static("authorization_"),
            b'?' => {
                let query = std::str::from_utf8(value).ok()?;
                *request.uri_mut() = format!("/?{query}").parse().ok()?;
                continue;
            }
            _ => return None,
        };
        request.headers_mut().append(name, HeaderValue::from_bytes(value).ok()?);
    }
    Some(request)
}

fn known() -> Index<u8> {
    let [key, token] = SECRETS;
    let credential = |kind, caller| Credential::new("id", "subject", kind, caller);
    Index::builder()
        .insert(KeyDigest::of(key), credential(Kind::ApiKey, 0))
        .insert(KeyDigest::of(token), credential(Kind::Bearer, 1))
        .build()
}

// What the inner service is given, and as whom; `None`: it is not called.
fn passed(layer: &AuthLayer<Index<u8>>, request: Request<()>) -> Option<(Request<()>, u8)> {
    let mut service = layer.layer(Inner);
    let future = pin!(service.call(request));
    let Poll::Ready(response) = future.poll(&mut task::Context::from_waker(Waker::noop())) else {
        panic!("an index never waits");
    };
    let mut response = response.unwrap_or_else(|never| match never {});
    let passed = response.extensions_mut().remove::<Passed>()?;
    let caller = passed.0.extensions().get::<u8>().copied();
    Some((passed.0, caller.expect("whoever is let in is somebody")))
}

/// Answers with the request that it was given.
#[derive(Clone)]
struct Inner;

#[derive(Clone)]
struct Passed(Request<()>);

impl Service<Request<()>> for Inner {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let mut response = Response::new(String::new());
        response.extensions_mut().insert(Passed(request));
        ready(Ok(response))
    }
}

fn copy(request: &Request<()>) -> Request<()> {
    let mut copy = Request::new(());
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

// The raw values that may show a secret, with the name of where.
fn places(request: &Request<()>, is_query_read: bool) -> Vec<Vec<u8>> {
    let headers = request.headers();
    let read = [AUTHORIZATION, HeaderName::from_static("x-api-key")];
    let lines = read.iter().flat_map(|it| headers.get_all(it)).map(|it| it.as_bytes().to_vec());
    let query = request.uri().query().filter(|_| is_query_read).unwrap_or_default();
    let named = query.split('&').filter_map(|it| it.split_once('='));
    let named = named.filter(|it| decoded(it.0).eq_ignore_ascii_case(b"authorization"));
    lines.chain(named.map(|it| decoded(it.1))).collect()
}

// Raw, after a scheme, or as the user name in a decoded `Basic`.
fn shows(value: &[u8], secret: &str) -> bool {
    is_plain(value, secret)
        || value.split(|it| *it == b' ').next_back().is_some_and(|word| {
            let user = format!("{secret}:");
            STANDARD.decode(word).is_ok_and(|it| it.starts_with(user.as_bytes()))
        })
}

fn is_plain(value: &[u8], secret: &str) -> bool {
    let bearer = [b"bearer ", secret.as_bytes()].concat();
    value == secret.as_bytes()
        || value.len() == bearer.len()
            && value[..7].eq_ignore_ascii_case(&bearer[..7])
            && value[7..] == bearer[7..]
}

fn assert_bare(headers: &HeaderMap, uri: &Uri) {
    let alike = |it: &HeaderName| it.as_str().replace('_', "-");
    let bad = headers.keys().find(|it| matches!(&*alike(it), "authorization" | "x-api-key"));
    assert!(bad.is_none(), "{bad:?} goes on");
    let query = uri.query().unwrap_or_default();
    let names = query.split(['&', ';']).map(|it| it.split('=').next().unwrap_or_default());
    for name in names {
        let name = decoded(name);
        assert!(!name.eq_ignore_ascii_case(b"authorization"), "{query:?} goes on");
    }
}

// As a form decodes, once.
fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let (mut decoded, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let escape = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let escape = escape.filter(|it| it.iter().all(u8::is_ascii_hexdigit));
        let escape = escape.and_then(|it| std::str::from_utf8(it).ok());
        match escape.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    decoded
}
