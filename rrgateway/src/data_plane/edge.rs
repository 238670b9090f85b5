//! What every request meets before its proxy is known, and every response last.

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::USER_AGENT;
use http::{Request, Response};
use hyper::body::Incoming;
use rrauth::ClientCertificate;
use rrcore::{Clock, Context, TrustedProxies};

use crate::data_plane::answer;
use crate::data_plane::body::{RequestBody, ResponseBody};
use crate::data_plane::exchange::Exchange;
use crate::data_plane::record::{Ending, Recorded, Recorder};
use crate::data_plane::router::Live;
use crate::data_plane::tally::Tally;
use crate::data_plane::tenure::{Tenure, Watch};
use crate::listen::PeerCertificate;

/// Who is at the other end of the connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// From where it connects: a caller, or a proxy before it.
    pub address: SocketAddr,
    /// Who it has proved to be in the handshake; always absent without TLS.
    pub certificate: Option<Arc<ClientCertificate>>,
}

impl Peer {
    /// The peer at `address`, which may have shown `certificate`. One that does not say clearly who
    /// it is says nothing: the peer may have another credential.
    #[must_use]
    pub fn new(address: SocketAddr, certificate: Option<&PeerCertificate>) -> Self {
        let certificate = certificate.map(|it| ClientCertificate::from_der(it.der()));
        let certificate = certificate.transpose().unwrap_or_else(|error| {
            tracing::debug!(%error, "a client certificate is as good as none");
            None
        });
        Self { address, certificate: certificate.map(Arc::new) }
    }
}

/// What all connections share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Edge {
    inner: Arc<Inner>,
}

#[derive(Clone, Debug)]
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

    /// The same for one worker, which counts in `tally`.
    #[must_use]
    pub(crate) fn counting(&self, tally: &Arc<Tally>) -> Self {
        let recorder = self.inner.recorder.counting(tally);
        Self { inner: Arc::new(Inner { recorder, ..(*self.inner).clone() }) }
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
    ) -> (Ending, Request<RequestBody>) {
        let context = Context::new(&self.inner.clock);
        context.set_address(self.inner.trusted.client(peer.address.ip(), request.headers()));
        let exchange = Exchange::new(context.clone());
        {
            let mut notes = exchange.notes();
            notes.method = shortened(request.method().as_str().as_bytes(), METHOD_BYTES);
            let agent = request.headers().get(USER_AGENT);
            notes.user_agent = agent.map(|it| shortened(it.as_bytes(), AGENT_BYTES));
        }
        let (limit, progress) = (self.inner.max_request_bytes, Arc::clone(exchange.progress()));
        let mut request = request.map(|body| RequestBody::new(body, limit, progress));
        request.extensions_mut().insert(context);
        request.extensions_mut().insert(exchange.clone());
        if let Some(certificate) = peer.certificate {
            request.extensions_mut().insert(certificate);
        }
        (self.inner.recorder.begin(exchange), request)
    }

    pub(super) fn finish(
        &self,
        ending: Ending,
        mut response: Response<ResponseBody>,
    ) -> Response<Recorded> {
        answer::stamp(ending.exchange(), &mut response);
        let watch = Watch::over(Tenure::of(ending.exchange(), &self.inner.live));
        Recorded::wrap(ending, watch, response)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::Mutex;

    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use rcgen::{Certificate, CertificateParams, KeyPair, SanType};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn every_request_of_a_connection_carries_its_certificate_and_headers_cannot_say_so() {
        let shown = issued("spiffe://example.org/agent");
        let certificate = ClientCertificate::from_der(shown.der()).unwrap();
        let peer = Peer { certificate: Some(Arc::new(certificate.clone())), ..nobody() };
        let carried = carried_by(peer.clone()).await;
        assert_eq!(carried.len(), 2);
        for it in carried {
            // Read once, not once for each request.
            assert!(Arc::ptr_eq(it.as_ref().unwrap(), peer.certificate.as_ref().unwrap()));
        }
        assert_eq!(carried_by(nobody()).await, [None, None]);
    }

    #[test]
    fn a_certificate_without_a_clear_name_is_none() {
        assert_eq!(
            named("spiffe://example.org/agent").as_deref(),
            Some("spiffe://example.org/agent")
        );
        assert_eq!(named("spiffe://example.org/a/../b"), None);
    }

    fn named(uri: &str) -> Option<String> {
        let certificate = PeerCertificate::verified(issued(uri).der().clone());
        let peer = Peer::new(nobody().address, Some(&certificate));
        peer.certificate.map(|it| it.names().collect::<Vec<_>>().join(" "))
    }

    fn nobody() -> Peer {
        Peer::new(([192, 0, 2, 1], 7).into(), None)
    }

    fn issued(uri: &str) -> Certificate {
        let mut params = CertificateParams::new([]).unwrap();
        params.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
        params.self_signed(&KeyPair::generate().unwrap()).unwrap()
    }

    // What two requests of a connection from `peer` carry.
    async fn carried_by(peer: Peer) -> Vec<Option<Arc<ClientCertificate>>> {
        let recorder = Recorder::new(crate::model::reports(1).0, Arc::default());
        let (clock, trusted) = (Clock::system(), TrustedProxies::new([]));
        let edge = Edge::new(Live::default(), clock, recorder, trusted, 1, "us".to_owned());
        let found = Mutex::new(Vec::new());
        let service = service_fn(|request| {
            let (_, request) = edge.begin(peer.clone(), request);
            let certificate = request.extensions().get::<Arc<ClientCertificate>>();
            found.lock().unwrap().push(certificate.cloned());
            async { Ok::<_, Infallible>(Response::new(String::new())) }
        });
        let (mut client, server) = tokio::io::duplex(4096);
        let head =
            "GET / HTTP/1.1\r\nHost: a\r\nX-Client-Cert: a\r\nX-Forwarded-Client-Cert: URI=a\r\n";
        let requests = format!("{head}\r\n{head}Connection: close\r\n\r\n");
        client.write_all(requests.as_bytes()).await.unwrap();
        http1::Builder::new().serve_connection(TokioIo::new(server), service).await.unwrap();
        client.read_to_end(&mut Vec::new()).await.unwrap();
        found.into_inner().unwrap()
    }
}
