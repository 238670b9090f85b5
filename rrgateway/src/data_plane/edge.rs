//! What every request meets before its proxy is known, and every response last.

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::USER_AGENT;
use http::{Request, Response};
use hyper::body::Incoming;
use rrcore::{Clock, Context, TrustedProxies};

use crate::data_plane::answer;
use crate::data_plane::body::{RequestBody, ResponseBody};
use crate::data_plane::exchange::Exchange;
use crate::data_plane::record::{Recorded, Recorder};
use crate::data_plane::router::Live;
use crate::listen::PeerCertificate;

/// Who is at the other end of the connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// From where it connects: a caller, or a proxy before it.
    pub address: SocketAddr,
    /// What it has proved to be in the handshake; always absent without TLS.
    pub certificate: Option<PeerCertificate>,
}

/// What all connections share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Edge {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    live: Live,
    clock: Clock,
    recorder: Recorder,
    trusted: TrustedProxies,
    max_request_bytes: u64,
    via: String,
}

impl Edge {
    /// An edge before `live`, writing records through `recorder`.
    ///
    /// `via` names this gateway in the `Via` header (RFC 9110 §7.6.3), so that it recognises
    /// requests that it sent itself.
    #[must_use]
    pub fn new(
        live: Live,
        clock: Clock,
        recorder: Recorder,
        trusted: TrustedProxies,
        max_request_bytes: u64,
        via: String,
    ) -> Self {
        let inner = Inner { live, clock, recorder, trusted, max_request_bytes, via };
        Self { inner: Arc::new(inner) }
    }

    pub(super) fn live(&self) -> &Live {
        &self.inner.live
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    pub(super) fn max_request_bytes(&self) -> u64 {
        self.inner.max_request_bytes
    }

    pub(super) fn via(&self) -> &str {
        &self.inner.via
    }

    pub(super) fn begin(
        &self,
        peer: Peer,
        request: Request<Incoming>,
    ) -> (Exchange, Request<RequestBody>) {
        let context = Context::new(&self.inner.clock);
        context.set_address(self.inner.trusted.client(peer.address.ip(), request.headers()));
        let exchange = Exchange::new(context.clone());
        {
            let mut notes = exchange.notes();
            notes.method = shortened(request.method().as_str().as_bytes(), METHOD_BYTES);
            let agent = request.headers().get(USER_AGENT);
            notes.user_agent = agent.map(|it| shortened(it.as_bytes(), AGENT_BYTES));
        }
        let (limit, seen) = (self.inner.max_request_bytes, Arc::clone(exchange.request_bytes()));
        let mut request = request.map(|body| RequestBody::new(body, limit, seen));
        request.extensions_mut().insert(context);
        request.extensions_mut().insert(exchange.clone());
        if let Some(certificate) = peer.certificate {
            request.extensions_mut().insert(certificate);
        }
        (exchange, request)
    }

    pub(super) fn finish(
        &self,
        exchange: Exchange,
        mut response: Response<ResponseBody>,
    ) -> Response<Recorded> {
        answer::stamp(&exchange, &mut response);
        self.inner.recorder.record(exchange, response)
    }
}

// What a record keeps of a text that a client chose: printable ASCII, and not too much of it.
fn shortened(text: &[u8], most: usize) -> String {
    text.iter()
        .take(most)
        .map(|it| if it.is_ascii_graphic() || *it == b' ' { char::from(*it) } else { '?' })
        .collect()
}

const METHOD_BYTES: usize = 32;
const AGENT_BYTES: usize = 256;
