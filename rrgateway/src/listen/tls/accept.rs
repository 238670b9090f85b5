//! The accept loop of a listener with TLS.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use rustls::ServerConnection;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::listen::Drain;
use crate::listen::accept::{Limits, each, serve};
use crate::listen::tls::live::Tls;

/// The certificate that a client showed in its handshake: it has its private key, and one of the
/// listener's client CAs vouches for it.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    der: CertificateDer<'static>,
}

impl PeerCertificate {
    /// The certificate itself, without those between it and its root (RFC 5280 §4.1, DER).
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Of a certificate that has been verified elsewhere, as by a test's own authority.
    #[must_use]
    pub const fn verified(der: CertificateDer<'static>) -> Self {
        Self { der }
    }

    fn of(connection: &ServerConnection) -> Option<Self> {
        connection.peer_certificates()?.first().cloned().map(Self::verified)
    }
}

// It names a person or a machine.
impl fmt::Debug for PeerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerCertificate").finish_non_exhaustive()
    }
}

/// As [`accept`](crate::listen::accept), after a handshake by `tls`. `service` is also told the
/// client's certificate, once per connection.
///
/// Handshakes hold up nobody: each is a task of its own, counts as a connection, and has its
/// timeout. When `drain` begins, those that are not through are given up.
pub async fn accept_tls<M, S, B>(
    listener: TcpListener,
    limits: Limits,
    drain: Drain,
    tls: Tls,
    service: M,
) where
    M: Fn(SocketAddr, Option<PeerCertificate>) -> S + Clone + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let serving = drain.clone();
    let connection = |stream, peer| {
        let (tls, limits, service) = (tls.clone(), limits.clone(), service.clone());
        let mut drain = serving.clone();
        async move {
            let Some(stream) = shaken(stream, &tls, &mut drain).await else { return };
            let certificate = PeerCertificate::of(stream.get_ref().1);
            serve(TokioIo::new(stream), &limits, drain, service(peer, certificate)).await;
        }
    };
    each(&listener, &limits, drain, connection).await;
}

async fn shaken(stream: TcpStream, tls: &Tls, drain: &mut Drain) -> Option<TlsStream<TcpStream>> {
    let handshake = TlsAcceptor::from(tls.config()).accept(stream);
    let handshake = tokio::time::timeout(tls.handshake_timeout(), handshake);
    tokio::select! {
        done = handshake => match done {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                None
            }
            Err(_) => {
                tracing::debug!("a TLS handshake took too long");
                None
            }
        },
        // No request has been made that could be finished.
        () = drain.begun() => None,
    }
}
