//! The echo shield: whatever an upstream sends back of a secret is masked, however it is written, and
//! however it comes in pieces.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::{Pin, pin};
use std::task::{self, Poll, Waker};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body::{Body, Frame};
use rrcore::{Clock, InjectedSecret};
use rrfilter::EchoShieldLayer;
use tower_layer::Layer;
use tower_service::Service;

/// The first byte says how large pieces are, the first line after it which secrets there are, apart
/// by blanks. The rest is a body: a 0 in it, and the byte after, stand for one of them, written in some way.
///
/// # Panics
/// When a secret comes out, when it depends on the pieces what does, or when its length changes.
pub fn check(data: &[u8]) {
    let Some((size, rest)) = data.split_first() else { return };
    let Some(line) = rest.iter().position(|it| *it == b'\n') else { return };
    let Some(secrets) = rest.get(..line).and_then(secrets) else { return };
    let (body, written) = body(rest.get(line + 1..).unwrap_or_default(), &secrets);
    // Once: what is looked for on behalf of a secret is made once for it.
    let secrets: Vec<_> =
        secrets.iter().map(|it| InjectedSecret::new(it.as_bytes().to_vec())).collect();
    let whole = through(&secrets, [&*body]);
    assert_eq!(whole.len(), body.len());
    for it in &written {
        assert!(!contains(&whole, it), "{} is still there", String::from_utf8_lossy(it));
    }
    for size in [1, usize::from(*size).max(1)] {
        assert_eq!(through(&secrets, body.chunks(size)), whole, "in pieces of {size}");
    }
}

// Of printable ASCII, so that each way to write one is one; none with what a mask is made of.
fn secrets(line: &[u8]) -> Option<Vec<&str>> {
    let secrets: Vec<_> = std::str::from_utf8(line).ok()?.split(' ').collect();
    let is_one = |it: &str| {
        (8..=40).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_graphic() && it != b'*')
    };
    ((1..=3).contains(&secrets.len()) && secrets.iter().all(|it| is_one(it))).then_some(secrets)
}

// What is written stands between `<` and `>`: so nothing before it changes how it reads.
fn body(text: &[u8], secrets: &[&str]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let (mut body, mut all, mut rest) = (Vec::new(), Vec::new(), text.iter());
    while let Some(byte) = rest.next() {
        match (byte, rest.as_slice().first()) {
            (0, Some(how)) => {
                rest.next();
                let (which, how) = (usize::from(*how) / WAYS, usize::from(*how) % WAYS);
                let secret = secrets[which % secrets.len()];
                let written = written(secret.as_bytes(), how);
                body.push(b'<');
                body.extend(&written);
                body.push(b'>');
                all.push(written);
            }
            _ => body.push(*byte),
        }
    }
    (body, all)
}

fn written(secret: &[u8], how: usize) -> Vec<u8> {
    let each = |way: fn(u8) -> String| secret.iter().flat_map(|it| way(*it).into_bytes()).collect();
    match how {
        0 => secret.to_vec(),
        1 => each(|it| format!("%{it:02X}")),
        2 => each(|it| format!("%{it:02x}")),
        3 => each(|it| format!("\\u{it:04x}")),
        4 => each(|it| format!("&#x{it:x};")),
        5 => each(|it| format!("&#{it};")),
        6 => each(|it| format!("{it:02x}")),
        7 => each(|it| format!("%25{it:02x}")),
        8 => each(|it| if it % 2 == 0 { format!("%{it:02x}") } else { format!("\\u{it:04X}") }),
        // At each of the three offsets.
        _ => base64(&[&b"xy"[..how - 9], secret].concat()),
    }
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |it: &[u8]| {
        let bits = it.iter().fold(0_u32, |bits, it| bits << 8 | u32::from(*it));
        let bits = bits << (8 * (3 - it.len()));
        let sextet = |at: usize| ALPHABET[(bits >> (18 - 6 * at)) as usize & 63];
        (0..=it.len()).map(sextet).collect::<Vec<_>>()
    };
    bytes.chunks(3).flat_map(group).collect()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|it| it == part)
}

fn through<'a>(secrets: &[InjectedSecret], pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let pieces = pieces.into_iter().map(Bytes::copy_from_slice).collect();
    let upstream = Upstream { secrets: secrets.to_vec(), pieces };
    let mut service = EchoShieldLayer::new().layer(upstream);
    let response = now(pin!(service.call(Request::new(()))));
    let mut body = pin!(response.unwrap_or_else(|never| match never {}).into_body());
    let mut data = Vec::new();
    let mut task = task::Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut task) {
        data.extend(frame.expect("it is text").into_data().unwrap_or_default());
    }
    data
}

fn now<F: Future>(future: Pin<&mut F>) -> F::Output {
    match future.poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing waits"),
    }
}

/// Was sent the secrets, and answers with the pieces.
struct Upstream {
    secrets: Vec<InjectedSecret>,
    pieces: VecDeque<Bytes>,
}

struct Pieces(VecDeque<Bytes>);

impl Service<Request<()>> for Upstream {
    type Response = Response<Pieces>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<()>) -> Self::Future {
        let context = rrcore::Context::of(request.extensions_mut(), &Clock::system());
        self.secrets.iter().for_each(|it| context.add_injected(it.clone()));
        let mut response = Response::new(Pieces(std::mem::take(&mut self.pieces)));
        response.headers_mut().insert(CONTENT_TYPE, "text/plain".parse().expect("a type"));
        ready(Ok(response))
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|it| Ok(Frame::data(it))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }
}

const WAYS: usize = 12;
