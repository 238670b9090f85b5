//! One listener's accept loop.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::UPGRADE;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::listen::counts::{ConnectionCounts, OpenConnection};
use crate::listen::lingering::Lingering;
use crate::listen::writing::Writing;
use crate::listen::{Drain, Sequel};

/// What a client may take of a listener.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time, over all listeners that share this value.
    pub connections: Arc<Semaphore>,
    /// How many that are when all are free.
    pub max_connections: usize,
    /// What is counted of them.
    pub counts: Arc<ConnectionCounts>,
    /// From the first moment a head is awaited until it is complete; also how long a connection
    /// may stay idle.
    pub head_timeout: Duration,
    /// How long a client may take nothing of what it is sent.
    pub write_timeout: Duration,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// Header fields of a request.
    pub header_fields: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            max_connections: MAX_CONNECTIONS,
            counts: Arc::default(),
            head_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(60),
            head_bytes: 64 * 1024,
            header_fields: 100,
        }
    }
}

/// Accepts connections on `listener` until `drain` begins, and serves each with what `service`
/// makes for its peer. Returns when it has stopped accepting; connections go on to their end.
pub async fn accept<M, S, B>(listener: TcpListener, limits: Limits, drain: Drain, service: M)
where
    M: Fn(SocketAddr) -> S,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let serving = drain.clone();
    let connection =
        |stream, peer| serve(TokioIo::new(stream), &limits, serving.clone(), service(peer));
    each(&listener, &limits, drain, connection).await;
}

/// Accepts on `listener` until `drain` begins, and lets each connection live as `connection` says,
/// with its place among those that `limits` allows until it ends.
pub(super) async fn each<C, F>(
    listener: &TcpListener,
    limits: &Limits,
    mut drain: Drain,
    connection: C,
) where
    C: Fn(TcpStream, SocketAddr) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let next = tokio::select! {
            next = admit(listener, &limits.connections) => next,
            () = drain.begun() => return,
        };
        match next {
            Ok((stream, peer, permit)) => {
                // Small responses must not wait for more to send.
                _ = stream.set_nodelay(true);
                let (connection, open) =
                    (connection(stream, peer), OpenConnection::of(&limits.counts));
                tokio::spawn(async move {
                    connection.await;
                    drop((permit, open));
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: it passes when connections end. Spinning
                // on it would make it worse.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

// A permit first: beyond the cap, connections wait in the kernel and cost us nothing.
async fn admit(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, permit))
}

/// Speaks HTTP/1.1 on `io` until the client or `drain` ends it, or it turns into something else: then
/// that is the connection.
pub(super) fn serve<I, S, B>(
    io: I,
    limits: &Limits,
    mut drain: Drain,
    service: S,
) -> impl Future<Output = ()> + use<I, S, B>
where
    I: Read + Write + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let sequel = Sequel::default();
    let offered = sequel.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        if request.headers().contains_key(UPGRADE) {
            request.extensions_mut().insert(offered.clone());
        }
        service.call(request)
    });
    let (io, counts) = (Writing::new(io, limits.write_timeout), Arc::clone(&limits.counts));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(limits.head_bytes)
        .max_headers(limits.header_fields)
        .serve_connection(Lingering::new(io, sequel.clone()), service)
        .with_upgrades();
    async move {
        let mut connection = pin!(connection);
        let result = tokio::select! {
            result = connection.as_mut() => result,
            () = drain.begun() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        match (result, sequel.take()) {
            (Ok(()), Some(next)) => next.await,
            (Ok(()), None) => {}
            // A client that went away, or did not speak HTTP: nobody is left to tell.
            (Err(error), _) => {
                if error.is_parse() {
                    counts.spoil();
                }
                tracing::debug!(%error, "a connection ended early");
            }
        }
    }
}

/// How many connections clients may have, unless told otherwise.
pub const MAX_CONNECTIONS: usize = 10_000;
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
