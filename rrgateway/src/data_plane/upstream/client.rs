//! Connections to upstreams: pooled per thread and per partition, so that no lock is shared by
//! all requests and no connection by two tenants.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;

use http::uri::Scheme;
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;

use crate::data_plane::body::StagedBody;
use crate::data_plane::upstream::connect::GuardedConnector;
use crate::data_plane::upstream::failure::Failure;

use crate::model::{BaseUrl, EgressPolicy, EgressRefused};

type HttpsClient = Client<HttpsConnector<GuardedConnector>, StagedBody>;

/// How upstreams are reached: trusted roots, and the addresses that may be called.
#[derive(Clone)]
pub struct Connector {
    trust: Arc<LazyLock<ClientConfig, Trust>>,
    egress: EgressPolicy,
}

// Reads a hundred files of certificates: who starts does not wait for that.
type Trust = Box<dyn FnOnce() -> ClientConfig + Send>;

/// The connections of one proxy to its target.
pub struct Partition {
    id: u64,
    connector: Connector,
    connect_timeout: Duration,
    // An address that is written out passes no resolver: it is judged here, once.
    refused: Option<EgressRefused>,
    me: Weak<Self>,
}

impl Connector {
    /// Trusts the operating system's roots, or Mozilla's where it has none: as they are when they
    /// are first asked for, or [fetched](Self::fetch_roots).
    ///
    /// # Errors
    /// When the TLS library refuses its own defaults.
    pub fn new(egress: EgressPolicy) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions()?;
        let trust: Trust = Box::new(move || {
            let tls = builder.clone().with_native_roots().unwrap_or_else(|error| {
                tracing::info!(%error, "no system certificates: trusting Mozilla's list");
                builder.with_webpki_roots()
            });
            tls.with_no_client_auth()
        });
        Ok(Self { trust: Arc::new(LazyLock::new(trust)), egress })
    }

    /// Sees to it that nobody has to wait for the roots. Takes some milliseconds the first time.
    pub fn fetch_roots(&self) {
        LazyLock::force(&self.trust);
    }

    /// Connections to `base` that nobody else uses.
    #[must_use]
    pub fn partition(&self, base: &BaseUrl, connect_timeout: Duration) -> Arc<Partition> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let judged = base.ip_literal().map(|it| self.egress.judge(it, base.port()));
        let refused = judged.and_then(Result::err);
        let connector = self.clone();
        Arc::new_cyclic(|me| Partition { id, connector, connect_timeout, refused, me: me.clone() })
    }

    /// Whether `url` may be called, as far as one can tell without resolving its host.
    ///
    /// # Errors
    /// When it may not.
    pub fn judge(&self, url: &Uri) -> Result<(), EgressRefused> {
        let host = url.host().unwrap_or_default();
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let scheme = if url.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
        literal.map_or(Ok(()), |it| self.egress.judge(it, url.port_u16().unwrap_or(scheme)))
    }

    /// A client for a few calls, with nothing in common with those of proxies.
    #[must_use]
    pub fn outcalls<B>(&self) -> Client<HttpsConnector<GuardedConnector>, B>
    where
        B: http_body::Body + Send,
        B::Data: Send,
    {
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_max_idle_per_host(0).http1_max_headers(HEADER_FIELDS);
        client.http1_max_buf_size(HEAD_BYTES);
        client.build(self.https(OUTCALL))
    }

    fn client(&self, connect_timeout: Duration) -> HttpsClient {
        let https = self.https(connect_timeout);
        Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .http1_max_headers(HEADER_FIELDS)
            .http1_max_buf_size(HEAD_BYTES)
            .set_host(false)
            .build(https)
    }

    fn https(&self, connect_timeout: Duration) -> HttpsConnector<GuardedConnector> {
        HttpsConnectorBuilder::new()
            .with_tls_config(ClientConfig::clone(&self.trust))
            .https_or_http()
            .enable_http1()
            .wrap_connector(GuardedConnector::new(self.egress.clone(), connect_timeout))
    }
}

impl Partition {
    /// Sends `request`, whose URL is absolute. Follows no redirect.
    ///
    /// # Errors
    /// As [`Failure`] says.
    pub async fn send(&self, request: Request<StagedBody>) -> Result<Response<Incoming>, Failure> {
        if let Some(why) = self.refused {
            return Err(Failure::EgressRefused(why));
        }
        self.begin(request).await.map_err(Failure::Client)
    }

    // By this thread's client for this partition. Clients whose partition is gone go with the next
    // one that is made.
    fn begin(&self, request: Request<StagedBody>) -> ResponseFuture {
        CLIENTS.with_borrow_mut(|clients| {
            if let Some((_, client)) = clients.get(&self.id) {
                return client.request(request);
            }
            clients.retain(|_, (partition, _)| partition.strong_count() > 0);
            let client = self.connector.client(self.connect_timeout);
            let begun = client.request(request);
            clients.insert(self.id, (self.me.clone(), client));
            begun
        })
    }
}

thread_local! {
    static CLIENTS: RefCell<HashMap<u64, (Weak<Partition>, HttpsClient)>> = RefCell::default();
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("egress", &self.egress).finish_non_exhaustive()
    }
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partition").field("id", &self.id).finish_non_exhaustive()
    }
}

const OUTCALL: Duration = Duration::from_secs(3);
const IDLE: Duration = Duration::from_secs(60);
const IDLE_CONNECTIONS: usize = 64;
const HEADER_FIELDS: usize = 100;
const HEAD_BYTES: usize = 64 * 1024;
