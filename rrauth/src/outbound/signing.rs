//! Has a request signed.

use std::mem::swap;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request};
use rrcore::{BufferedBody, Context, Refusal};

use crate::names;
use crate::outbound::refusal::unavailable;
use crate::outbound::signer::Sign;

/// What is known of the body of a request that is to be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KnownBody {
    /// There is none.
    Empty,
    /// What an outer stage has read, if it has.
    AsRead,
}

/// Has `signer` sign `request`, and tells `context` what must not come back.
pub(crate) fn sign<B>(
    signer: &dyn Sign,
    request: &mut Request<B>,
    body: KnownBody,
    wall: Duration,
    context: &Context,
) -> Result<(), Refusal> {
    let body = match body {
        KnownBody::Empty => Some(bytes::Bytes::new()),
        KnownBody::AsRead => request.extensions().get::<BufferedBody>().map(|it| it.data().clone()),
    };
    if signer.needs_body() && body.is_none() {
        return Err(unavailable("the signature covers the body, which has not been read"));
    }
    for name in signer.headers() {
        names::remove_alike(request.headers_mut(), name);
    }
    // The signer takes the head as one, which `http` gives only of a request taken apart.
    let (mut head, ()) = Request::new(()).into_parts();
    exchange(&mut head, request);
    let signed = signer.sign(&mut head, body.as_deref(), wall);
    exchange(&mut head, request);
    let signed = signed.map_err(|it| unavailable(it.to_string()))?;
    signed.into_iter().for_each(|it| context.add_injected(it));
    mark(request.headers_mut(), signer);
    Ok(())
}

fn exchange<B>(head: &mut http::request::Parts, request: &mut Request<B>) {
    swap(&mut head.method, request.method_mut());
    swap(&mut head.uri, request.uri_mut());
    swap(&mut head.version, request.version_mut());
    swap(&mut head.headers, request.headers_mut());
    swap(&mut head.extensions, request.extensions_mut());
}

// They print as `Sensitive`, whatever the signer thought of.
fn mark(headers: &mut HeaderMap, signer: &dyn Sign) {
    for name in signer.headers() {
        if let http::header::Entry::Occupied(mut lines) = headers.entry(name) {
            lines.iter_mut().for_each(|it: &mut HeaderValue| it.set_sensitive(true));
        }
    }
}
